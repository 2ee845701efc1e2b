"""``python -m rfp_md.cli``, which is rfp."""

from rfp_md.cli.app import main

main()
