"""From where a structure is looked at: where most of it shows, and where its atoms are in the picture then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.frames import Frames

BOX = (360, 260)  # the picture, in its own units
MARGIN = 36
RADIUS, SMALLEST = 0.52, 0.45  # of a ball, in covalent radii; the smallest of these, Å
LARGEST = 78.0  # units per Å
TILTS = range(-55, 56, 10)  # degrees, that are tried
CELL_AXES = np.array([[0.94, -0.34, 0.0], [0.10, 0.28, 0.955], [-0.325, -0.898, 0.297]])


@dataclass(frozen=True, eq=False)
class View:
    """Axes of the picture (3, 3), right, up and towards us; what is in its middle, and units per Å."""

    axes: Floats
    middle: Floats
    scale: float


def view_of(frame: Frames, arrows: Floats | None) -> View:
    """A cell a little from the side; a molecule as it covers least of itself.

    Args:
        arrows: of the atoms (N, 3), Å, for which there must be room.
    """
    corners = corners_of(frame)
    shown = frame.positions[0] if corners is None else np.concatenate([frame.positions[0], corners])
    if arrows is not None:
        shown = np.concatenate([shown, frame.positions[0] + arrows])
    axes = _clearest(frame) if corners is None else _lying(corners)
    flat = shown @ axes.T
    low, high = flat[:, :2].min(axis=0), flat[:, :2].max(axis=0)
    room = np.maximum(high - low, 1.0)
    scale = float(min((BOX[0] - 2 * MARGIN) / room[0], (BOX[1] - 2 * MARGIN) / room[1], LARGEST))
    return View(axes, np.append((low + high) / 2, 0.0), scale)


def _lying(corners: Floats) -> Floats:
    """A cell a little from the side, a long one from left to right."""
    sides = np.ptp(corners, axis=0)
    longest = int(sides.argmax())
    axes: Floats = np.roll(CELL_AXES, longest, axis=1) if sides[longest] > 1.2 * sides[0] else CELL_AXES
    return axes


def _clearest(frame: Frames) -> Floats:
    """Principal axes, the longest from left to right, tilted such that balls hide each other least."""
    centred = frame.positions[0] - frame.positions[0].mean(axis=0)
    axes = np.linalg.svd(np.concatenate([centred, 1e-9 * np.eye(3)]))[2]
    # Signs by the atoms themselves, so that rounding does not turn a molecule round.
    axes = axes * np.where(np.sum((centred @ axes.T) ** 3, axis=0) < -1e-9, -1.0, 1.0)[:, None]
    axes[2] = np.cross(axes[0], axes[1])
    radii = radii_of(frame)
    first, second = np.triu_indices(frame.n_atoms, 1)
    wanted = 1.1 * (radii[first] + radii[second])
    best, found = np.inf, axes
    for a in TILTS:
        for b in TILTS:
            turned = _tilt(a, b) @ axes
            flat = (centred @ turned.T)[:, :2]
            hidden = np.maximum(0.0, wanted - np.linalg.norm(flat[first] - flat[second], axis=1))
            cost = float(np.square(hidden).sum()) + 1e-6 * (a * a + b * b)
            if cost < best - 1e-9:
                best, found = cost, turned
    return found


def _tilt(about_x: float, about_y: float) -> Floats:
    """A turn about the picture's axes, by degrees."""
    a, b = np.radians([about_x, about_y])
    first = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    second = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    tilted: Floats = first @ second
    return tilted


def radii_of(frame: Frames) -> Floats:
    """Of the balls, Å (N,)."""
    from ase.data import covalent_radii

    radii: Floats = RADIUS * np.maximum(covalent_radii[frame.numbers], SMALLEST)
    return radii


def project(positions: Floats, frame: Frames, view: View) -> tuple[Floats, float]:
    """Places in the picture with the depth in Å (N, 3), and units per Å."""
    flat = positions @ view.axes.T - view.middle
    places = np.column_stack([BOX[0] / 2 + view.scale * flat[:, 0], BOX[1] / 2 - view.scale * flat[:, 1], flat[:, 2]])
    return places, view.scale


def corners_of(frame: Frames) -> Floats | None:
    """Those of the cell (8, 3), Å, the bits of a number for its vectors; None without one."""
    if frame.cells is None or not frame.periodic:
        return None
    bits = np.array([[a & 1, (a >> 1) & 1, (a >> 2) & 1] for a in range(8)], dtype=np.float64)
    corners: Floats = bits @ frame.cells[0]
    return corners
