"""What ``--atom-energy`` says of the baseline ``elements``.

By least squares, the default, what is left to learn is smallest, and errors are, too; with the energies of isolated
atoms it is what binds the atoms (docs/accuracy.md compares them).
"""

from __future__ import annotations

from collections.abc import Sequence

from rfp_md.baselines.elements import atom_energies
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, formula
from rfp_md.io.units import energy_factor
from rfp_md.training.flag_values import with_defaults

ISOLATED = "isolated"


def with_atom_energies(
    baselines: Sequence[str], flags: Sequence[str], unit: str | None, dataset: Dataset
) -> tuple[list[str], str]:
    """The baselines, as ``--baseline`` takes them, with the energies of atoms, and where these come from.

    Args:
        flags: ``isolated``, or items SYMBOL=ENERGY, also several with commas between.
        unit: of these energies; None: eV.

    Raises:
        UserError: no baseline ``elements``, what is no energy, an element that no frame has, or no isolated atom.
    """
    items = [item for flag in flags for item in flag.split(",") if item]
    said = ",".join(items)
    if not items:
        return list(baselines), "least squares"
    if not any(baseline.partition(":")[0] == "elements" for baseline in baselines):
        raise UserError(f"--atom-energy {said}: no baseline is 'elements', which has them; add --baseline elements")
    if items == [ISOLATED]:
        energies, origin = _isolated(dataset), "isolated atoms"
    else:
        try:
            factor = 1.0 if unit is None else energy_factor(unit, "--energy-unit")
            energies, origin = {z: e * factor for z, e in atom_energies(items).items()}, "given"
        except ValueError as error:
            raise UserError(f"--atom-energy {said}: {error}") from error
    if foreign := sorted(set(energies) - _elements(dataset)):
        raise UserError(f"--atom-energy {said}: no frame of {dataset.sources} has {formula(foreign)}; leave it out")
    atoms = "/".join(f"{formula([z])}={energy!r}" for z, energy in energies.items())
    return [with_defaults(baseline, f"elements:atoms={atoms}", "--baseline") for baseline in baselines], origin


def _isolated(dataset: Dataset) -> dict[int, float]:
    """The lowest energy of a single atom of each element, eV."""
    found: dict[int, float] = {}
    for block in dataset:
        if block.n_atoms == 1 and not block.periodic and block.energies is not None:
            number, energy = int(block.numbers[0]), float(block.energies.min())
            found[number] = min(energy, found.get(number, energy))
    if missing := sorted(_elements(dataset) - set(found)):
        raise UserError(
            f"--atom-energy {ISOLATED}: {dataset.sources} has no isolated atom of {formula(missing)} (a frame of one "
            "atom without a cell that repeats); add it, or say its energy"
        )
    return dict(sorted(found.items()))


def _elements(dataset: Dataset) -> set[int]:
    return {int(z) for block in dataset for z in block.numbers}
