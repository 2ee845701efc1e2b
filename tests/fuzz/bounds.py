"""Every compiled loop with its bounds checked, over every descriptor and over crafted models that load.

    NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=EMPTY python -m tests.fuzz.bounds

An index that is out of bounds is an IndexError then, and no memory of somebody else.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np

import rfp_md
from rfp_md import plugins
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from tests.fuzz import models

OF = {"many_body": "body_order=4,components=8,channels=4,"}
CRAFTED = 400
ROOT = Path(__file__).parents[2]


def of_descriptor(name: str, frames: Frames) -> Callable[[], object]:
    """Fit a small model of a descriptor, and ask it for everything."""

    def work() -> object:
        term = f"{name}:{OF.get(name, '')}width=12"
        potential = rfp_md.train(Dataset((frames,)), descriptor=[term], regressor="random_fourier:pool=2", n_valid=3)
        return potential.compute(frames), potential.uncertainty(frames[:2])

    return work


def of_crafted(seed: int, folder: Path) -> Callable[[], object]:
    """Load a crafted model, if it can be, and predict with it."""
    case = models.attempt(Random(seed), folder)

    def work() -> object:
        potential = rfp_md.load(case.path)
        return potential.compute(potential.reference) if potential.has_forces else None

    return work


def out_of_bounds(work: Callable[[], object]) -> str | None:
    """The place where an index was out of bounds, if one was."""
    try:
        with np.errstate(all="ignore"):
            work()
    except UserError as error:
        return str(error) if "IndexError" in str(error) else None
    except Exception as error:  # noqa: BLE001
        return "".join(traceback.format_exception(error)[-3:])
    return None


def main() -> int:
    assert os.environ.get("NUMBA_BOUNDSCHECK") == "1"
    ethanol = rfp_md.read(f"{ROOT}/examples/data/ethanol_gfn2.extxyz@:15").blocks[0]
    works = {line.name: of_descriptor(line.name, ethanol) for line in plugins.listing() if line.kind == "descriptor"}
    found = {name: place for name, work in works.items() if (place := out_of_bounds(work)) is not None}
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        for seed in range(CRAFTED):
            if (place := out_of_bounds(of_crafted(seed, Path(folder)))) is not None:
                found[f"crafted {seed}"] = place
    for name, place in found.items():
        print(f"{name}: {place}")
    print(f"{len(works)} descriptors, {CRAFTED} crafted models, {len(found)} findings")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
