"""Files of older format versions, brought forward by one small function for each step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rfp_md.artifact.header import FORMAT_VERSION, Arrays

Step = Callable[[dict[str, Any], Arrays], tuple[dict[str, Any], Arrays]]


def migrate(values: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
    """JSON and arrays as the present version has them.

    Args:
        values: the JSON of a file; its ``format_version`` is at most the present one.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is not what its version says.
    """
    while values["format_version"] < FORMAT_VERSION:
        values, arrays = STEPS[values["format_version"]](values, arrays)
    return values, arrays


def _from_1_to_2(values: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
    """``baseline_ev`` becomes the baseline ``elements``; the model has a list of the elements that it knows."""
    values = dict(values)
    energies = {int(z): float(energy) for z, energy in values.pop("baseline_ev").items()}
    known = sorted(energies)
    entry = {"name": "elements", "package": "rfp-md", "version": values["rfp_md"], "parameters": {}}
    moved = {
        "baselines.0.elements": np.array(known, dtype=np.int64),
        "baselines.0.energies": np.array([energies[z] for z in known], dtype=np.float64),
    }
    for k, term in enumerate(values["terms"]):
        # The first files know of no fragments, which only fits ask for.
        if term["name"] in ("inverse_distances", "root_distances") and f"terms.{k}.fragments" not in arrays:
            term["parameters"]["fragment"] = 0
    return values | {"format_version": 2, "elements": known, "baselines": [entry]}, arrays | moved


def _from_2_to_3(values: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
    """Radial functions of ``many_body`` begin where the file says, and no longer at 0.8 Å; also in ``concatenate``."""
    found = dict(arrays)
    for k, term in enumerate(values["terms"]):
        if term["name"] in ("many_body", "concatenate"):
            for name in arrays:
                if name.startswith(f"terms.{k}.") and name.endswith(".mixing"):
                    found[name.removesuffix("mixing") + "innermost"] = np.array([0.8])
    return values | {"format_version": 3}, found


STEPS: dict[int, Step] = {1: _from_1_to_2, 2: _from_2_to_3}
