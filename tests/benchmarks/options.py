"""What the command lines of the benchmarks share."""

from __future__ import annotations

import argparse
import os
from pathlib import Path


def with_data(description: str | None) -> argparse.ArgumentParser:
    """A parser that knows ``--data``, the folder of the reference data."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("RFP_DATA", "../shared/data")))
    return parser
