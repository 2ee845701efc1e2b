"""Are atoms whose elements are known in a model's order? Where they are not, the order to take them in is named."""

from __future__ import annotations

from itertools import islice

import numpy as np
from ase.data import covalent_radii

from rfp_md.driver.plausible import BOND_SCALE, LONGEST_BOND, TRIED_ORDERS
from rfp_md.errors import UserError
from rfp_md.frames import Frames, Ints, formula
from rfp_md.molecular_graph import bonded_pairs, distances_of, likely_orders, most_similar


def check_order(reference: Frames, frames: Frames) -> None:
    """Raise UserError for the reference's atoms in another order.

    Where no order gives the reference's elements and bonds (other atoms, a molecule that comes apart), nothing is said.

    Args:
        reference: one structure in the right order.
        frames: one structure.
    """
    if not np.array_equal(np.sort(frames.numbers), np.sort(reference.numbers)) or frames.periodic or reference.periodic:
        return
    bonds = bonded_pairs(reference, BOND_SCALE)
    radii = covalent_radii[frames.numbers]
    distances = distances_of(frames.positions[0])
    relative = distances / (radii[:, None] + radii)

    def fits(order: Ints) -> bool:
        lengths = relative[order[bonds[:, 0]], order[bonds[:, 1]]]
        return np.array_equal(frames.numbers[order], reference.numbers) and bool((lengths <= LONGEST_BOND).all())

    if fits(np.arange(frames.n_atoms)):
        return
    # Elements are known here, so that distances count relative to the covalent radii.
    found = likely_orders((reference.numbers, bonds), frames.numbers, relative)
    best = most_similar(filter(fits, islice(found, TRIED_ORDERS)), distances, reference)
    if best is not None:
        raise UserError(
            f"{frames.source}: stand in another order than the model's, {formula(reference.numbers)}; "
            f"take atoms[{best.tolist()}] instead"
        )
