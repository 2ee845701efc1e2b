from rfp_md.cli.app import main

main()
