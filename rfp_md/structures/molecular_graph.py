"""The bonded graph of a molecule and its symmetry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.errors import UserError
from rfp_md.frames import Frames, formula
from rfp_md.structures.covalent import relative_lengths

Graph = tuple[Ints, Ints]  # elements (N,) and bonded pairs (B, 2)
EXCHANGED = 3  # pairs that are short, but perhaps no bonds


def automorphisms(frames: Frames, bond_scale: float, most: int) -> Ints:
    """Find the relabellings of like atoms that keep the bonded graph as it is.

    Atoms are bonded where the median of their distance over the frames is below ``bond_scale`` times
    the sum of their covalent radii.

    Args:
        frames: M structures of one molecule.
        bond_scale: factor on the covalent radii.
        most: refuse above this number.

    Returns:
        Permutations (S, N), the identity among them: atom k is relabelled as atom p[k].

    Raises:
        UserError: more than ``most`` automorphisms.
    """
    graph = (frames.numbers, bonded_pairs(frames, bond_scale))
    found = list(islice(isomorphisms(graph, graph), most + 1))
    if len(found) > most:
        raise UserError(
            f"{frames.source}: {formula(frames.numbers)} has more than {most} graph automorphisms, each a site; "
            "use inverse_distances:symmetrize=false, or raise max_automorphisms"
        )
    permutations = np.array(found)
    return permutations[np.lexsort(permutations.T[::-1])]


def isomorphisms(first: Graph, second: Graph) -> Iterator[Ints]:
    """Find all ways to lay one graph over another such that elements and bonds agree.

    Args:
        first, second: elements (N,), all zero where they are not known, and bonded pairs (B, 2).

    Yields:
        Orders (N,): atom k of the first is atom p[k] of the second.
    """
    import networkx
    from networkx.algorithms.isomorphism import GraphMatcher, categorical_node_match

    graphs = []
    for elements, pairs in (first, second):
        graphs.append(networkx.Graph())
        graphs[-1].add_nodes_from((k, {"element": int(z)}) for k, z in enumerate(elements))
        graphs[-1].add_edges_from(pairs.tolist())
    matcher = GraphMatcher(*graphs, node_match=categorical_node_match("element", None))
    for mapping in matcher.isomorphisms_iter():
        yield np.array([mapping[k] for k in range(len(mapping))], dtype=np.int64)


def likely_orders(graph: Graph, elements: Ints, distances: Floats) -> Iterator[Ints]:
    """Lay a graph in all ways over atoms with these elements (N,) and distances (N, N), short ones taken for bonds."""
    for pairs in likely_bonds(distances, len(graph[1])):
        orders = isomorphisms(graph, (elements, pairs))
        if (first := next(orders, None)) is not None:
            yield first
            yield from orders
            return


def most_similar(orders: Iterable[Ints], distances: Floats, reference: Frames) -> Ints | None:
    """Find the order in which distances (N, N), Å, are most like those of one structure; None without one."""
    wanted = distances_of(reference.positions[0])
    return min(orders, key=lambda order: np.square(distances[np.ix_(order, order)] - wanted).sum(), default=None)


def fragments(bonds: np.typing.NDArray[np.bool_], size: int) -> Ints:
    """Find all connected fragments of so many atoms (G, size), each once; all atoms where there are no more.

    Every fragment of k + 1 atoms is one of k atoms and an atom bonded to it.

    Args:
        bonds: (N, N).
    """
    if size >= len(bonds):
        return np.arange(len(bonds))[None]
    found: set[tuple[int, ...]] = {(atom,) for atom in range(len(bonds))}
    for _ in range(size - 1):
        found = {
            tuple(sorted((*fragment, int(atom))))
            for fragment in found
            for atom in np.flatnonzero(bonds[list(fragment)].any(axis=0))
            if atom not in fragment
        }
    return np.array(sorted(found), dtype=np.int64).reshape(-1, size)


def bonded(frames: Frames, bond_scale: float) -> np.typing.NDArray[np.bool_]:
    """Find the pairs of atoms that are bonded in the median over the frames, (N, N), below a factor on their radii."""
    some = frames.positions[:: max(1, len(frames) // 200)]
    distances = np.median(np.linalg.norm(some[:, :, None] - some[:, None, :], axis=-1), axis=0)
    near = relative_lengths(distances, frames.numbers[:, None], frames.numbers) < bond_scale
    return near & ~np.eye(frames.n_atoms, dtype=bool)


def bonded_pairs(frames: Frames, bond_scale: float) -> Ints:
    """Find the pairs of atoms (B, 2) that are bonded in the median over the frames, each once."""
    return np.argwhere(np.triu(bonded(frames, bond_scale), 1))


def likely_bonds(distances: Floats, count: int) -> Iterator[Ints]:
    """Find so many pairs of atoms (count, 2) that are likely bonds, of distances (N, N): the shortest ones first.

    In a hot molecule two hydrogens may be closer than two bonded carbons: sets in which one of the longest
    few is exchanged for one of the next few follow.
    """
    first, second = np.triu_indices(len(distances), 1)
    pairs = np.stack([first, second], axis=1)[np.argsort(distances[first, second])]
    yield pairs[:count]
    for added in pairs[count : count + EXCHANGED]:
        for k in range(count - 1, max(-1, count - 1 - EXCHANGED), -1):
            yield np.concatenate([np.delete(pairs[:count], k, axis=0), added[None]])


def distances_of(positions: Floats) -> Floats:
    """Compute all distances (N, N) between positions (N, 3), Å."""
    distances: Floats = np.linalg.norm(positions[:, None] - positions, axis=2)
    return distances
