"""A structure drawn: balls and sticks, looked at from where most of it shows, nearer atoms in front and larger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup, escape

from rfp_md.arrays import Floats
from rfp_md.frames import Frames
from rfp_md.pictures.view import BOX, View, corners_of, project, radii_of, view_of

PERSPECTIVE = 0.035  # how much larger per Å nearer
MOST_ATOMS = 400
LABELLED, SMALLEST_LABELLED = 60, 5.5  # atoms, and the radius of a ball; beyond, numbers would cover everything
SMALLEST_SEEN = 1.5  # radius of the largest ball
ARROW, SHORTEST = 1.1, 6.0  # the longest, Å; the shortest that is drawn, units
RED = "#d0592f"


def structure(
    name: str,
    description: str,
    frame: Frames,
    *,
    vectors: Floats | None = None,
    ring: Sequence[int] = (),
    labels: bool = True,
) -> Markup | None:
    """The first structure of some frames.

    Args:
        name: begins all ids.
        vectors: an arrow for each atom (N, 3), the longest one of a fixed length.
        ring: atoms to point out.

    Returns:
        SVG, or None for a structure that is too large to be seen, or that flew apart.
    """
    if frame.n_atoms > MOST_ATOMS:
        return None
    arrows = None if vectors is None else ARROW * vectors / max(float(np.linalg.norm(vectors, axis=1).max()), 1e-300)
    view = view_of(frame, arrows)
    if view.scale * radii_of(frame).max() < SMALLEST_SEEN:
        return None
    points, scale = project(frame.positions[0], frame, view)
    depth = 1.0 + PERSPECTIVE * (points[:, 2] - points[:, 2].mean())
    parts = [
        *_cell(frame, view),
        *_bonds(frame, points, depth, scale),
        *_balls(name, frame, points, depth, scale, ring, labels and frame.n_atoms <= LABELLED),
    ]
    drawn = [text for _, text in sorted(parts, key=lambda part: part[0])]
    if arrows is not None:
        drawn += _arrows(name, points, scale * arrows @ view.axes.T)
    return Markup(
        f'<svg role="img" class="structure" aria-label="{escape(description)}" '
        f'viewBox="0 0 {BOX[0]} {BOX[1]}" xmlns="http://www.w3.org/2000/svg">'
        f"<defs>{_gradients(name, frame)}{_head(name)}</defs>{''.join(drawn)}</svg>"
    )


def _bonds(frame: Frames, points: Floats, depth: Floats, scale: float) -> list[tuple[float, str]]:
    """Sticks inside the cell; those that leave the cell are not drawn."""
    from rfp_md.structures.bonds import Bonds

    bonds = Bonds.of(frame[:1])
    parts = []
    for (i, j), shift in zip(bonds.pairs.tolist(), bonds.shifts, strict=True):
        if np.abs(shift).max() > 1e-6:
            continue
        (x, y, a), (u, v, b) = points[i], points[j]
        width = 0.17 * scale * (depth[i] + depth[j]) / 2
        parts.append(
            (
                min(a, b) - 1e-3,
                f'<line class="stick" x1="{x:.1f}" y1="{y:.1f}" x2="{u:.1f}" y2="{v:.1f}" stroke-width="{width:.1f}"/>',
            )
        )
    return parts


def _balls(
    name: str, frame: Frames, points: Floats, depth: Floats, scale: float, ring: Sequence[int], labels: bool
) -> list[tuple[float, str]]:
    """The atoms, with what points some of them out, and their numbers."""
    from ase.data import chemical_symbols

    parts, radii = [], scale * depth * radii_of(frame)
    for k, z in enumerate(frame.numbers.tolist()):
        x, y, near = points[k]
        radius = radii[k]
        text = (
            f'<circle class="ball" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" '
            f'fill="url(#{name}-{chemical_symbols[z]})">'
            f"<title>{chemical_symbols[z]}{k}</title></circle>"
        )
        if k in ring:
            text += f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="{radius + 4:.1f}"/>'
        if labels and radius > SMALLEST_LABELLED:
            size = min(13.0, max(7.0, radius))
            text += (
                f'<text class="atom" x="{x:.1f}" y="{y + 0.36 * size:.1f}" font-size="{size:.1f}" '
                f'fill="{_ink(z)}">{chemical_symbols[z]}{k}</text>'
            )
        parts.append((float(near), text))
    return parts


def _arrows(name: str, points: Floats, arrows: Floats) -> list[str]:
    """Those that are long enough to be seen, (N, 3) in units of the picture."""
    return [
        f'<line class="arrow" x1="{x:.1f}" y1="{y:.1f}" x2="{x + dx:.1f}" y2="{y - dy:.1f}" '
        f'marker-end="url(#{name}-head)"/>'
        for (x, y, _), (dx, dy, _) in zip(points, arrows, strict=True)
        if np.hypot(dx, dy) > SHORTEST
    ]


def _cell(frame: Frames, view: View) -> list[tuple[float, str]]:
    """The edges of the cell, behind everything."""
    corners = corners_of(frame)
    if corners is None:
        return []
    points, _ = project(corners, frame, view)
    parts = []
    for a in range(8):
        for bit in (1, 2, 4):
            if not a & bit:
                (x, y, _), (u, v, _) = points[a], points[a | bit]
                line = f'<line class="edge" x1="{x:.1f}" y1="{y:.1f}" x2="{u:.1f}" y2="{v:.1f}"/>'
                parts.append((-1e9, line))
    return parts


def _gradients(name: str, frame: Frames) -> str:
    """A ball of each element, lit from the upper left."""
    from ase.data import chemical_symbols

    texts = []
    for z in sorted(set(frame.numbers.tolist())):
        light, middle, dark = (_hex(_shade(z, factor)) for factor in (0.55, 0.0, -0.28))
        texts.append(
            f'<radialGradient id="{name}-{chemical_symbols[z]}" cx="0.36" cy="0.32" r="0.75">'
            f'<stop offset="0" stop-color="{light}"/><stop offset="0.55" stop-color="{middle}"/>'
            f'<stop offset="1" stop-color="{dark}"/></radialGradient>'
        )
    return "".join(texts)


def _head(name: str) -> str:
    """Of an arrow."""
    return (
        f'<marker id="{name}-head" viewBox="0 0 8 8" refX="5" refY="4" markerWidth="4.5" markerHeight="4.5" '
        f'orient="auto"><path d="M0 0L8 4L0 8z" fill="{RED}"/></marker>'
    )


def _shade(z: int, factor: float) -> Any:
    """jmol's colour, white made a little grey; lighter for a positive factor, darker for a negative one."""
    from ase.data.colors import jmol_colors

    color = np.minimum(jmol_colors[z], 0.93)
    return color + factor * (1.0 - color) if factor > 0 else color * (1.0 + factor)


def _hex(color: Any) -> str:
    """#rrggbb of red, green and blue between 0 and 1."""
    return "#" + "".join(f"{round(255 * float(c)):02x}" for c in color)


def _ink(z: int) -> str:
    """Black or white, whichever shows on the ball."""
    return "#111" if float(_shade(z, 0.0) @ [0.299, 0.587, 0.114]) > 0.45 else "#fff"
