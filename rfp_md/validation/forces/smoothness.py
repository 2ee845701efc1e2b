"""Do energy, force and its slope jump anywhere along a stretch, or where atoms leave the cutoff?

Along a path s ↦ x(s), sampled at a distance δ, the energy E and its slope g = dE/ds (from the forces) are known.
Between two samples, where a smooth function has only an error of the order that is given,

    energy jump      E(s+δ) − E(s) − ∫ g ds          by the cubic through four samples          O(δ⁵)
    force jump       g₊ − g₋                         both extrapolated from four samples        O(δ⁵)
    curvature jump   g₊' − g₋'                       slopes extrapolated from three samples     O(δ³)

A jump of the next derivative looks like one that is proportional to δ, and a smooth function has yet higher powers. So
the figures are those for no spacing, gap by gap: 2 |J(δ)| − |J(2δ)|, where of the wider gaps around it, as far as one
jump reaches, that with the largest J(2δ) counts. A jump is itself but for what the curve has there of its own, anything
smoother is nothing, and what is steep far away hides nothing. The largest value is not always that of the gap with the
jump, but one whose samples have the jump among them: of three samples none is larger, of four one is 19/16 of the jump,
wherever it is, and so it is taken down by that.

    symbol        variable                          what it is, with shape and unit
    s             coordinate                        along the path (T,), Å
    δ             step                              distance of two samples, Å; ``SPACING`` here
    dx/ds         direction                         of the atoms (N, 3)
    E, g          energies, slopes                  at the samples (T,), eV and eV/Å
    ∫ g ds        step * four @ _INTEGRAL           of the cubic through four samples, over the middle gap
    g₋, g₊        left @ _VALUE, right @ _VALUE     in the middle of the gap, from four samples to either side; × 16/19
    g₋', g₊'      left, −right @ _DERIVATIVE        derivatives there, from the three nearest samples, times δ
    J(δ), J(2δ)   fine, coarse                      sizes of the three jumps (3, gaps): eV, eV/Å, eV/Å²
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.frames import Frames
from rfp_md.prediction import AnyPotential
from rfp_md.structures.bonds import Bonds, Mask
from rfp_md.structures.strain import strained

SPACING = 0.005  # Å
STRETCH = (-0.15, 0.45)  # Å
AWAY = 8.0  # Å; an atom is pulled out of a molecule so far
SWELL = (-0.03, 0.08)  # strain of a crystal: shells of neighbours leave the cutoff
MOST_BONDS = 6
REACH = 4  # gaps to either side: a jump shows in the values of so many

_NODES = np.array([-3.0, -2.0, -1.0, 0.0])
_POWERS = np.linalg.inv(np.vander(_NODES, increasing=True))  # from four samples to the cubic through them
_VALUE = np.array([1.0, 0.5, 0.25, 0.125]) @ _POWERS * 16 / 19  # at half a sample beyond the last
_DERIVATIVE = np.array([0.0, 1.0, -3.0, 2.0])
_INTEGRAL = np.array([-1.0, 13.0, 13.0, -1.0]) / 24.0


@dataclass(frozen=True, eq=False)
class ScanPath:
    """Structures along a path.

    Attributes:
        label: what moves.
        coordinate: s, Å (T,).
        frames: T structures.
        direction: dx/ds of the atoms (N, 3); None: the whole swells, and s is the change of the length of the cell.
    """

    label: str
    coordinate: Floats
    frames: Frames
    direction: Floats | None


@dataclass(frozen=True)
class Jumps:
    """The largest jumps along a path: eV, eV/Å, eV/Å²."""

    label: str
    energy: float
    force: float
    curvature: float


def scan(potential: AnyPotential, *, quick: bool) -> list[Jumps]:
    """Find the jumps along all paths; without stresses, a crystal does not swell."""
    paths = _paths(potential.reference, 1 if quick else MOST_BONDS)
    return [jumps(potential, path) for path in paths if path.direction is not None or potential.has_stress]


def jumps(potential: AnyPotential, path: ScanPath) -> Jumps:
    """Find the largest jumps along a path."""
    prediction = potential.compute(path.frames)
    if path.direction is not None:
        slopes = -np.einsum("mnx,nx->m", prediction.forces, path.direction)
    else:
        slopes = -np.einsum("mxx->m", prediction.virials) / _size(path.frames)
    step = path.coordinate[1] - path.coordinate[0]
    return Jumps(path.label, *extrapolated_jumps(prediction.energies, slopes, float(step)))


def extrapolated_jumps(energies: Floats, slopes: Floats, step: float) -> list[float]:
    """Find the largest jumps of samples (T,) at a distance ``step``, for no distance: eV, eV/Å, eV/Å²."""
    from scipy.ndimage import maximum_filter1d

    if not (np.isfinite(energies).all() and np.isfinite(slopes).all()):
        return [np.nan] * 3
    fine = jumps_of_gaps(energies, slopes, step)
    # Of every other sample, from the first (second) one: the first wide gap that is known has the fourth (fifth) narrow
    # one and the next one in it.
    even, odd = (
        np.repeat(jumps_of_gaps(energies[k::2], slopes[k::2], 2 * step), 2, axis=1)[:, 1 - k :] for k in (0, 1)
    )
    count = min(even.shape[1], odd.shape[1])
    coarse = maximum_filter1d(np.maximum(even[:, :count], odd[:, :count]), 2 * REACH + 1, axis=1)
    found: list[float] = (2 * fine[:, 4 : 4 + count] - coarse).max(axis=1, initial=0.0).tolist()
    return found


def jumps_of_gaps(energies: Floats, slopes: Floats, step: float) -> Floats:
    """Compute the sizes of the three jumps at the gaps of samples (T,) at a distance ``step``: (3, T − 7).

    Of the gap after the fourth sample, and so on to the gap before the last but three.
    """
    four = np.lib.stride_tricks.sliding_window_view(slopes, 4)
    energy = (np.diff(energies)[1:-1] - step * four @ _INTEGRAL)[2:-2]
    left, right = four[:-4], four[4:, ::-1]  # the gap is half a sample after the left and before the right ones
    force = left @ _VALUE - right @ _VALUE
    curvature = (left @ _DERIVATIVE + right @ _DERIVATIVE) / step
    return np.abs([energy, force, curvature])


def _paths(frames: Frames, most_bonds: int) -> Iterator[ScanPath]:
    """A crystal that swells and one of its atoms; bonds of a molecule, and its farthest atom on its way out."""
    if frames.periodic:
        yield _swelling(frames)
        yield _moving(frames, "one atom", np.arange(frames.n_atoms) == 0, np.ones(3) / np.sqrt(3.0), STRETCH)
        return
    bonds = Bonds.of(frames)
    for first, second in _different(frames, bonds.pairs, most_bonds):
        axis = frames.positions[0, second] - frames.positions[0, first]
        moving = bonds.side_of(int(first), int(second))
        yield _moving(frames, f"bond {first}–{second}", moving, axis / np.linalg.norm(axis), STRETCH)
    # The atom farthest out leaves all others behind, one after another.
    arms = frames.positions[0] - frames.positions[0].mean(axis=0)
    last = int(np.linalg.norm(arms, axis=1).argmax())
    if frames.n_atoms > 1:
        alone = np.arange(frames.n_atoms) == last
        yield _moving(frames, f"atom {last} away", alone, arms[last] / np.linalg.norm(arms[last]), (0.0, AWAY))


def _moving(frames: Frames, label: str, moving: Mask, axis: Floats, ends: tuple[float, float]) -> ScanPath:
    """Some atoms along an axis, from one end (Å) to the other."""
    coordinate = np.arange(*ends, SPACING)
    direction = moving[:, None] * axis
    return ScanPath(
        label, coordinate, frames.at(frames.positions[0] + coordinate[:, None, None] * direction), direction
    )


def _swelling(frames: Frames) -> ScanPath:
    """The cell and all positions grow; s is the length of the cell."""
    length = float(_size(frames)[0])
    coordinate = np.arange(SWELL[0] * length, SWELL[1] * length, SPACING)
    grown = strained(frames, (coordinate / length)[:, None, None] * np.eye(3))
    return ScanPath("swelling", coordinate, grown, None)


def _size(frames: Frames) -> Floats:
    """The lengths of cells (M,), Å: the cube roots of their volumes, of slabs and wires the longest vectors."""
    size: Floats = np.cbrt(frames.volumes)
    return size if frames.fills_space else np.linalg.norm(np.asarray(frames.cells), axis=2).max(axis=1)


def _different(frames: Frames, pairs: Ints, most: int) -> Iterator[Ints]:
    """One bond of each pair of elements first, then others."""
    kinds = [tuple(sorted(frames.numbers[pair].tolist())) for pair in pairs]
    firsts = [k for k, kind in enumerate(kinds) if kinds.index(kind) == k]
    others = [k for k in range(len(pairs)) if k not in firsts]
    yield from (pairs[k] for k in (firsts + others)[: max(most, len(firsts))])
