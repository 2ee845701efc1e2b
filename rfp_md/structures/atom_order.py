"""Are atoms in a model's order? Where they are not, the order to take them in is named.

The model's order says which atoms are bonded. If a bond of its reference structure is far longer than bonds
are, the atoms stand in another order; where the shortest distances form the same graph in some other order,
that order is named. What a program says of its atoms decides what can be checked:

    check_unlabelled_order   positions alone, as i-PI sends them: by the bonds
    check_labelled_order     elements and positions, as ASE and files have them: by elements and bonds
    check_element_order      elements of atoms with ids, as LAMMPS has them, before anything is asked: by the elements
"""

from __future__ import annotations

from itertools import islice

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.errors import UserError
from rfp_md.frames import Frames, formula
from rfp_md.structures.covalent import BONDED_AT_REST, TORN, relative_lengths
from rfp_md.structures.molecular_graph import bonded_pairs, distances_of, likely_orders, most_similar

TRIED_ORDERS = 500


def check_unlabelled_order(reference: Frames, positions: Floats, source: str = "the server's first structure") -> None:
    """Raise UserError where positions (N, 3), Å, cannot be those of the reference's atoms in their order.

    Args:
        reference: one free molecule whose bonds are known to be right.
        source: what the positions are called in the message.
    """
    from ase.data import chemical_symbols

    bonds = bonded_pairs(reference, BONDED_AT_REST)
    distances = distances_of(positions)
    lengths = distances[bonds[:, 0], bonds[:, 1]]
    stretched = relative_lengths(lengths, *reference.numbers[bonds.T])
    if not (stretched > TORN).any():
        return
    worst = int(np.argmax(stretched))
    names = [f"{chemical_symbols[reference.numbers[atom]]}{atom}" for atom in bonds[worst]]
    order = likely_order(reference, bonds, distances)
    hint = "give the atoms in the model's order, which 'rfp info' shows"
    if order is not None:
        hint = f"its atoms seem to be the model's in the order {' '.join(map(str, order))}; {hint}"
    raise UserError(
        f"{source} does not fit the model's atoms: {names[0]} and {names[1]} are bonded, but "
        f"{lengths[worst]:.2f} Å apart; {hint}"
    )


def likely_order(reference: Frames, bonds: Ints, distances: Floats) -> list[int] | None:
    """Find which atom of the server is each atom of the model; None where no order makes the same molecule.

    The shortest distances, as many as there are bonds, are taken for bonds, and their graph is laid over the model's;
    of several ways to do that, the one with the most similar distances counts.
    """
    unknown = np.zeros_like(reference.numbers)
    found = likely_orders((unknown, bonds), unknown, distances)
    order = most_similar(islice(found, TRIED_ORDERS), distances, reference)
    return None if order is None else order.tolist()


def check_labelled_order(reference: Frames, frames: Frames) -> None:
    """Raise UserError for the reference's atoms in another order.

    Where no order gives the reference's elements and bonds (other atoms, a molecule that comes apart), nothing is said.

    Args:
        reference: one structure in the right order.
        frames: one structure.
    """
    if not _same_atoms(reference, frames.numbers) or frames.periodic or reference.periodic:
        return
    order = fitting_order(reference, bonded_pairs(reference, BONDED_AT_REST), frames)
    if order is not None and order != list(range(frames.n_atoms)):
        raise UserError(
            f"{frames.source}: stand in another order than the model's, {formula(reference.numbers)}; "
            f"take atoms[{order}] instead"
        )


def fitting_order(reference: Frames, bonds: Ints, frames: Frames) -> list[int] | None:
    """Find the order in which a structure has the reference's elements and bonds; its own, if that has; else None.

    Args:
        reference: one structure in the right order.
        bonds: of the reference, pairs of atoms (B, 2).
        frames: one structure of the same atoms.
    """
    distances = distances_of(frames.positions[0])
    relative = relative_lengths(distances, frames.numbers[:, None], frames.numbers)

    def fits(order: Ints) -> bool:
        lengths = relative[order[bonds[:, 0]], order[bonds[:, 1]]]
        return np.array_equal(frames.numbers[order], reference.numbers) and bool((lengths <= TORN).all())

    if fits(np.arange(frames.n_atoms)):
        return list(range(frames.n_atoms))
    # Elements are known here, so that distances count relative to the covalent radii.
    found = likely_orders((reference.numbers, bonds), frames.numbers, relative)
    best = most_similar(filter(fits, islice(found, TRIED_ORDERS)), distances, reference)
    return None if best is None else best.tolist()


def check_element_order(reference: Frames, numbers: Ints, name: str, remedy: str) -> None:
    """Raise UserError for the reference's atoms with their elements in another order, naming the first that differs.

    Of other atoms than the reference's, nothing is said.

    Args:
        reference: one structure in the right order.
        numbers: atomic numbers (N,) of the atoms that are numbered from 1.
        name: what an atom with its number is called in the message.
        remedy: what to do about it.
    """
    from ase.data import chemical_symbols

    if not _same_atoms(reference, numbers):
        return
    for k, (number, other) in enumerate(zip(numbers, reference.numbers, strict=True), start=1):
        if number != other:
            raise UserError(
                f"{name} {k} is {chemical_symbols[number]}, but atom {k} of the model is {chemical_symbols[other]}, "
                f"for its order is {formula(reference.numbers)}; {remedy}"
            )


def _same_atoms(reference: Frames, numbers: Ints) -> bool:
    """Whether they are the reference's in some order; of others, the potential itself says what is wrong."""
    return np.array_equal(np.sort(numbers), np.sort(reference.numbers))
