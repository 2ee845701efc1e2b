"""What is validated: a model from its file, or an ASE calculator on the last structure of a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rfp_md.calculators.as_potential import CalculatorPotential
from rfp_md.calculators.by_path import level_of_theory, make_calculator
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.potential import Potential
from rfp_md.prediction import AnyPotential


def foreign(calculator: str, arguments: Sequence[str], structure: str | Path) -> CalculatorPotential:
    """Make a potential of a calculator, by the path of its class, on the last structure of a file.

    Raises:
        UserError: there is none, or its atoms have charges or magnetic moments, which a structure here has not.
    """
    last = last_frame(structure)
    _refuse_ions(structure)
    return CalculatorPotential(make_calculator(calculator, arguments), last, level_of_theory(calculator, arguments))


def last_frame(structure: str | Path) -> Frames:
    """Read the last structure of a file, without labels. Raises UserError where it cannot be read."""
    from rfp_md.io import read

    block = read(structure, stresses=False).blocks[-1]
    cells = None if block.cells is None else block.cells[-1:]
    return Frames(block.numbers, block.positions[-1:], cells=cells, pbc=block.pbc, source=str(structure))


def _refuse_ions(structure: str | Path) -> None:
    """Raise UserError for charges and magnetic moments of atoms: without them, an ion would be validated as neutral."""
    from rfp_md.io import read

    words = {"initial_charges": "charges", "initial_magmoms": "magnetic moments"}
    if dropped := [words[name] for name in read(structure, stresses=False).blocks[-1].unread.get("ions", ())]:
        raise UserError(
            f"--structure {structure}: has {' and '.join(dropped)} of atoms, which would be dropped; give what the "
            "calculator must know of them with --calculator-arg (such as charge=1), and remove them from the file"
        )


def _started_from(potential: Potential, structure: str | Path) -> Potential:
    """The same model with another structure that everything starts from.

    Raises:
        UserError: it does not know its atoms, or not in this order: a good model would fail with like atoms exchanged.
    """
    from rfp_md.structures.atom_order import check_labelled_order

    reference = last_frame(structure)
    if potential.fixed_composition:
        check_labelled_order(potential.reference, replace(reference, source=f"the atoms of {structure}"))
    potential.check(reference)
    return replace(potential, reference=reference)


def under_test(
    model: str | Path | None, calculator: str | None, arguments: Sequence[str], structure: str | Path | None
) -> tuple[AnyPotential, str | None]:
    """Load what is validated, and a model's identity, taken first so that it is never that of a later one."""
    from rfp_md.artifact.file import identity, load

    if calculator is None:
        if model is None:
            raise UserError("there is nothing to validate; name a MODEL.rfp, or --calculator MODULE:CLASS")
        if arguments:
            raise UserError("--calculator-arg is for --calculator; leave it out, or name one")
        found = identity(model)
        potential = load(model)
        if not potential.has_forces:
            raise UserError(f"{model}: was fitted to energies only and has no forces to validate")
        return (potential if structure is None else _started_from(potential, structure)), found
    if model is not None:
        raise UserError(f"{model} and --calculator name two potentials; give one")
    if structure is None:
        raise UserError("--calculator needs --structure FILE: the structure that everything starts from")
    return foreign(calculator, arguments, structure), None
