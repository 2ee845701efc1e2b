"""Fuzz for a while: ``python -m tests.fuzz [--seconds 600] [--seed 0]``; exit code 1 if anything was found."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from tests.fuzz import frames, framing, models
from tests.fuzz.trial import Case, Trial

FILES: dict[str, Callable[[Random, Path], Case]] = {"models": models.attempt, "frames": frames.attempt}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    parts = [*FILES, "framing"]
    failed = 0
    for name in parts:
        tried, findings = 0, []
        for finding in _tried(name, options.seed, time.monotonic() + options.seconds / len(parts)):
            tried += 1
            if finding is not None:
                findings.append(finding)
                print(f"{name}: {finding}", flush=True)
        print(f"{name}: {tried} inputs, {len(findings)} findings", flush=True)
        failed += len(findings)
    return int(failed > 0)


def _tried(name: str, seed: int, end: float) -> Iterator[str | None]:
    """What was found of each input of a part, until the time is over."""
    if name == "framing":
        while time.monotonic() < end:
            try:
                found = framing.converse(Random(seed))
            except Exception:  # noqa: BLE001
                found = traceback.format_exc()
            yield None if found is None else f"seed {seed}: {found}"
            seed += 1
        return
    trial = Trial()
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < end:
            case = FILES[name](Random(seed), Path(folder))
            found = trial.run(case)
            yield None if found is None else f"seed {seed}, {case.what}: {found}"
            seed += 1
    trial.close()


if __name__ == "__main__":
    sys.exit(main())
