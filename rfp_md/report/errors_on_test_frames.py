"""A model on reference frames: the arrays that are drawn, and the figures of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.errors import UserError
from rfp_md.evaluation.leakage import audit
from rfp_md.evaluation.reliability import Pair, compare, summary
from rfp_md.evaluation.run import count_components, error_figures, notes_on_labels, pairs_of
from rfp_md.frames import Dataset, Frames
from rfp_md.potential import Potential
from rfp_md.structures.fingerprints import Fingerprints

WORST = 6  # frames that are drawn
MILLI = 1e3


@dataclass(frozen=True, eq=False)
class ErrorsOnTestFrames:
    """What a model and its test frames say, and how far they are apart.

    Attributes:
        pairs: reference and prediction, as of ``rfp_md.evaluation.run.pairs_of``.
        judged: errors and their predicted standard deviations, as of ``rfp_md.evaluation.reliability.compare``; None of
            a model that does not say how sure it is.
        elements: of each force component.
        figures: JSON-ready, the ``test`` of the report.
    """

    pairs: dict[str, Pair]
    judged: dict[str, Pair] | None
    elements: Ints
    figures: dict[str, Any]

    @classmethod
    def of(
        cls, potential: Potential, model: str | Path, paths: Sequence[str | Path], dataset: Dataset
    ) -> ErrorsOnTestFrames:
        """Judge the model on the frames of these files.

        Raises:
            UserError: as ``rfp_md.evaluation.run.evaluate``.
        """
        pairs = pairs_of(potential, dataset, model)
        judged = _judged(potential, dataset)
        with_forces = [np.tile(block.numbers, (len(block), 1))[block.known_forces] for block in dataset]
        elements = np.repeat(np.concatenate(with_forces), 3)
        known = potential.fingerprints
        figures = {
            "files": [Path(path).name for path in paths],
            **error_figures(pairs, dataset),
            "notes": [*dataset.notes, *notes_on_labels(dataset)],
            "leakage": known and audit(known, Fingerprints.of(dataset)).as_dict(),
            "elements": _of_elements(pairs, elements),
            "uncertainty": judged and summary(judged),
            "worst": _worst(potential, dataset, pairs, judged),
        }
        return cls(pairs, judged, elements, figures)


def _judged(potential: Potential, dataset: Dataset) -> dict[str, Pair] | None:
    """None where the regressor has no committee; what is wrong with the frames was found before."""
    try:
        return compare(potential, dataset)
    except UserError:
        return None


def _of_elements(pairs: dict[str, Pair], elements: Ints) -> list[dict[str, Any]]:
    """Errors of the force components on the atoms of each element, in ascending order of these."""
    from ase.data import chemical_symbols

    if "force" not in pairs:
        return []
    reference, predicted = pairs["force"]
    rows = []
    for z in np.unique(elements):
        error, size = MILLI * (predicted - reference)[elements == z], MILLI * reference[elements == z]
        rows.append(
            {
                "element": chemical_symbols[z],
                "n_components": len(error),
                "force_mae_mev_per_angstrom": float(np.abs(error).mean()),
                "force_rmse_mev_per_angstrom": float(_rms(error)),
                "largest_error_mev_per_angstrom": float(np.abs(error).max()),
                "reference_rms_mev_per_angstrom": float(_rms(size)),
            }
        )
    return rows


def _worst(
    potential: Potential, dataset: Dataset, pairs: dict[str, Pair], judged: dict[str, Pair] | None
) -> list[dict[str, Any]]:
    """The frames with the largest force errors (energy errors without forces), the worst one first."""
    with_energy = np.flatnonzero(count_components(dataset)["energy"]).tolist()
    energies = dict(zip(with_energy, pairs["energy"][1] - pairs["energy"][0], strict=True)) if with_energy else {}
    places = [(block, k) for block in dataset for k in range(len(block))]
    forces = _of_frames(dataset, pairs["force"][1] - pairs["force"][0]) if "force" in pairs else {}
    # Frames without forces come after those that have them.
    size = [(k in forces, _rms(forces[k]) if k in forces else abs(energies.get(k, 0.0))) for k in range(len(places))]
    found = []
    for index in sorted(range(len(size)), key=size.__getitem__, reverse=True)[:WORST]:
        block, k = places[index]
        entry = _describe(potential, block[k : k + 1], forces.get(index))
        if index in energies:
            entry["energy_error_mev"] = MILLI * float(energies[index])
        if judged is not None and index in energies:
            entry["energy_std_mev"] = MILLI * float(judged["energy"][1][with_energy.index(index)])
        if judged is not None and index in forces:
            entry["force_std_mev_per_angstrom"] = MILLI * float(judged["frame"][1][list(forces).index(index)])
        found.append(entry)
    return found


def _describe(potential: Potential, frame: Frames, error: Floats | None) -> dict[str, Any]:
    """One frame with its force errors (N, 3), eV/Å."""
    known = potential.fingerprints
    entry: dict[str, Any] = {
        "frame": frame.name(0).removeprefix("frame "),
        "file": Path(frame.source).name,
        "nearest_training_frame_angstrom": known and audit(known, Fingerprints.of(Dataset((frame,)))).nearest,
        "numbers": frame.numbers.tolist(),
        "positions_angstrom": frame.positions[0].tolist(),
        "cell_angstrom": None if frame.cells is None else frame.cells[0].tolist(),
    }
    if error is not None:
        of_atoms = np.linalg.norm(error, axis=1)
        entry |= {
            "force_rmse_mev_per_angstrom": MILLI * float(_rms(error)),
            "worst_atom": int(of_atoms.argmax()),
            "worst_atom_error_mev_per_angstrom": MILLI * float(of_atoms.max()),
            "force_errors_mev_per_angstrom": (MILLI * error).tolist(),
        }
    return entry


def _of_frames(dataset: Dataset, flat: Floats) -> dict[int, Floats]:
    """Force components as (N, 3), zero where they are not known, by the place among all frames of each that has any."""
    found, start = {}, 0
    for index, known in enumerate(known for block in dataset for known in block.known_forces):
        if known.any():
            stop = start + 3 * int(known.sum())
            found[index] = np.zeros((len(known), 3))
            found[index][known] = flat[start:stop].reshape(-1, 3)
            start = stop
    return found


def _rms(values: Floats) -> Any:
    return np.sqrt(np.square(values).mean())
