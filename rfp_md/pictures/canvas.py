"""Pictures as SVG that stands inside a page: its own ids, the page's fonts, and legible on light and on dark."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from markupsafe import Markup, escape

# Of middle lightness, so that they have contrast on white and on black.
BLUE, RED, GREEN, PURPLE, GREY = "#3180c2", "#d0592f", "#2f966b", "#8d68c6", "#8a939c"
SERIES = (BLUE, RED, GREEN, PURPLE)
INK = "#010203"  # becomes the colour of the page's text
SIZE = (4.5, 3.1)  # inches; a picture is as wide as a phone, so that its letters stay readable there
MOST_POINTS = 20_000  # of a cloud that are drawn
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "rfp-md",
    "font.size": 10,
    "axes.labelsize": 10,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "legend.fontsize": 9,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "grid.color": GREY,
    "grid.linewidth": 0.5,
    "grid.alpha": 0.35,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.titlecolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK
    ),
}
Painter = Callable[[Any], None]


def picture(name: str, description: str, paint: Painter, size: tuple[float, float] = SIZE) -> Markup:
    """One picture.

    Args:
        name: of the picture, once on the page: its ids begin with it.
        description: for those who do not see it.
        paint: draws on the figure that it is given.
        size: inches.
    """
    with _style():
        from matplotlib.figure import Figure

        figure = Figure(figsize=size, layout="constrained")
        paint(figure)
        buffer = io.StringIO()
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, dpi=200, metadata=metadata)
    return _inline(buffer.getvalue(), name, description)


@contextmanager
def _style() -> Iterator[None]:
    from matplotlib import rc_context, rcdefaults

    with rc_context():
        rcdefaults()  # not what a user has in matplotlibrc
        with rc_context(_STYLE):
            yield


def _inline(svg: str, name: str, description: str) -> Markup:
    svg = svg[svg.index("<svg") :]
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups()  # type: ignore[union-attr]
    head = (
        f'<svg role="img" aria-label="{escape(description)}" viewBox="0 0 {width} {height}" '
        'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
    svg = re.sub(r"^<svg[^>]*>", lambda match: head, svg)
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)  # it would be the whole page's
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(url\(|href=")#', rf"\1#{name}-", svg)
    svg = re.sub(r" ?font-family: [^;\"]*;?", "", svg)
    svg = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", svg)
    svg = svg.replace(INK, "currentColor")
    return Markup(re.sub(r"\s*\n\s*", "\n", svg))


def cloud(axes: Any, x: Any, y: Any, color: str = BLUE) -> None:
    """Many points, as pixels; of very many, evenly spread ones."""
    stride = max(1, -(-len(x) // MOST_POINTS))
    axes.plot(
        x[::stride], y[::stride], ".", color=color, markersize=2.6, markeredgewidth=0, alpha=0.45, rasterized=True
    )


def decades(axis: Any, values: Any) -> None:
    """Ticks of a logarithmic axis as text that any font has; 1, 2, 5 where there is little more than a decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    values = np.asarray([v for v in np.ravel(values) if v > 0])
    short = len(values) > 0 and values.max() / values.min() < 50
    plain = len(values) > 0 and values.min() > 1e-3 and values.max() < 1e5
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if short else (1,), numticks=8))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if plain else power(value)))
    axis.set_minor_formatter(NullFormatter())


def power(value: float) -> str:
    """10⁻⁷, or 2·10⁻⁷."""
    if value <= 0:
        return ""
    exponent = int(np.floor(np.log10(value) + 1e-9))
    lead = round(value / 10.0**exponent)
    return ("" if lead == 1 else f"{lead}·") + "10" + str(exponent).translate(_SUPERSCRIPTS)


def room_above(axes: Any, energies: Any) -> None:
    """So that the legend covers nothing."""
    low, high = float(energies.min()), float(energies.max())
    size = max(high - low, 1e-12)
    axes.set_ylim(low - 0.05 * size, high + 0.22 * size)
