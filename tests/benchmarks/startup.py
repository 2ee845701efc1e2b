"""How long the command line takes to start, with no and with fifty more plugins installed.

    python -m tests.benchmarks.startup

Prints a Markdown table: best of ten runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.dummies import install_dummies

MODEL = Path(__file__).parents[1] / "artifacts/format_1.rfp"


def seconds(*arguments: str, path: str = "") -> float:
    environment = os.environ | {"PYTHONPATH": path}
    times = []
    for _ in range(10):
        start = time.perf_counter()
        command = [sys.executable, "-m", "rfp_md.cli", *arguments]
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        install_dummies(Path(folder), 50)
        print("| command | s | s, with 50 more plugins |\n|---|---|---|")
        for arguments in (("--help",), ("info", str(MODEL))):
            print(f"| rfp {arguments[0]} | {seconds(*arguments):.2f} | {seconds(*arguments, path=folder):.2f} |")


if __name__ == "__main__":
    main()
