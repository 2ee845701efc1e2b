"""The bonded graph of a molecule and its symmetry."""

from __future__ import annotations

from itertools import islice

import numpy as np

from rfp_md.errors import UserError
from rfp_md.frames import Floats, Frames, Ints, formula


def automorphisms(frames: Frames, bond_scale: float, most: int) -> Ints:
    """The relabellings of like atoms that keep the bonded graph as it is.

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
    from networkx import Graph
    from networkx.algorithms.isomorphism import GraphMatcher, categorical_node_match

    graph = Graph()
    graph.add_nodes_from((k, {"element": int(z)}) for k, z in enumerate(frames.numbers))
    graph.add_edges_from(np.argwhere(np.triu(bonded(frames, bond_scale), 1)).tolist())
    matcher = GraphMatcher(graph, graph, node_match=categorical_node_match("element", None))
    found = list(islice(matcher.isomorphisms_iter(), most + 1))
    if len(found) > most:
        raise UserError(
            f"{frames.source}: {formula(frames.numbers)} has more than {most} graph automorphisms, each a site; "
            "use inverse_distances:symmetrize=false, or raise max_automorphisms"
        )
    permutations = np.array([[mapping[k] for k in range(frames.n_atoms)] for mapping in found], dtype=np.int64)
    return permutations[np.lexsort(permutations.T[::-1])]


def fragments(bonds: np.typing.NDArray[np.bool_], size: int) -> Ints:
    """All connected fragments of so many atoms (G, size), each once; all atoms where there are no more.

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
    """Which pairs of atoms are bonded in the median over the frames, (N, N)."""
    from ase.data import covalent_radii

    radii: Floats = covalent_radii[frames.numbers]
    some = frames.positions[:: max(1, len(frames) // 200)]
    distances = np.median(np.linalg.norm(some[:, :, None] - some[:, None, :], axis=-1), axis=0)
    near: np.typing.NDArray[np.bool_] = distances < bond_scale * (radii[:, None] + radii[None, :])
    return near & ~np.eye(frames.n_atoms, dtype=bool)
