from rfp_md.driver.app import main

main()
