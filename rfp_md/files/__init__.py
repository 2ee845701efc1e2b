"""Outputs that are whole or not there: writing beside and moving into place; files that can be gone on with."""

from rfp_md.files.safe_write import alone_with, check_output, replacing

__all__ = ["alone_with", "check_output", "replacing"]
