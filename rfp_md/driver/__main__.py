from rfp_md.cli.rfp_driver import main

main()
