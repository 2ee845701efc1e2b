"""``python -m rfp_md.driver``, which is rfp-driver."""

from rfp_md.cli.rfp_driver import main

main()
