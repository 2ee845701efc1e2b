"""Are atoms whose elements are known in a model's order? Where they are not, the order to take them in is named."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
from ase.data import covalent_radii

from rfp_md.driver.plausible import BOND_SCALE, LONGEST_BOND, TRIED_ORDERS
from rfp_md.errors import UserError
from rfp_md.frames import Floats, Frames, Ints, formula
from rfp_md.molecular_graph import bonded


def check_order(reference: Frames, frames: Frames) -> None:
    """Raise UserError for the reference's atoms in another order.

    Where no order gives the reference's elements and bonds (other atoms, a molecule that comes apart), nothing is said.

    Args:
        reference: one structure in the right order.
        frames: one structure.
    """
    if not np.array_equal(np.sort(frames.numbers), np.sort(reference.numbers)) or frames.periodic or reference.periodic:
        return
    bonds = np.argwhere(np.triu(bonded(reference, BOND_SCALE), 1))
    radii = covalent_radii[frames.numbers]
    distances = np.linalg.norm(frames.positions[0][:, None] - frames.positions[0], axis=2)
    relative = distances / (radii[:, None] + radii)

    def fits(order: Ints) -> bool:
        lengths = relative[order[bonds[:, 0]], order[bonds[:, 1]]]
        return np.array_equal(frames.numbers[order], reference.numbers) and bool((lengths <= LONGEST_BOND).all())

    if fits(np.arange(frames.n_atoms)):
        return
    wanted = np.linalg.norm(reference.positions[0][:, None] - reference.positions[0], axis=2)
    found = (order for order in _orders(reference.numbers, bonds, frames.numbers, relative) if fits(order))
    best = min(found, key=lambda order: np.square(distances[np.ix_(order, order)] - wanted).sum(), default=None)
    if best is not None:
        raise UserError(
            f"{frames.source}: stand in another order than the model's, {formula(reference.numbers)}; "
            f"take atoms[{best.tolist()}] instead"
        )


def _orders(reference: Ints, bonds: Ints, numbers: Ints, relative: Floats) -> Iterator[Ints]:
    """Which atom is each of the reference's, by elements and bonds: so many of the relatively shortest distances."""
    from networkx import Graph
    from networkx.algorithms.isomorphism import GraphMatcher, categorical_node_match

    first, second = np.triu_indices(len(numbers), 1)
    shortest = np.argsort(relative[first, second])[: len(bonds)]
    graphs = []
    for elements, edges in ((reference, bonds), (numbers, np.stack([first, second], axis=1)[shortest])):
        graphs.append(Graph())
        graphs[-1].add_nodes_from((k, {"element": int(z)}) for k, z in enumerate(elements))
        graphs[-1].add_edges_from(edges.tolist())
    matcher = GraphMatcher(*graphs, node_match=categorical_node_match("element", None))
    for mapping in islice(matcher.isomorphisms_iter(), TRIED_ORDERS):
        yield np.array([mapping[k] for k in range(len(numbers))])
