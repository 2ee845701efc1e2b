"""One self-contained page about a model: the function behind ``rfp report``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rfp_md.files.safe_write import check_output, replacing


def report(
    model: str | Path,
    output: str | Path,
    *,
    data: str | Path | Sequence[str | Path] | None = None,
    energy_unit: str | None = None,
    force_unit: str | None = None,
    length_unit: str | None = None,
) -> dict[str, Any]:
    """Write what is known of a model to an HTML page that needs nothing else: no network, no files beside it.

    The same model and frames give the same bytes.

    Args:
        model: a ``.rfp`` file; what ``rfp validate`` and ``rfp train --learning-curve`` wrote into it is shown.
        output: the page.
        data: reference frames to test the model on, or None for a page without test errors.

    Returns:
        All figures of the page, JSON-ready; they stand in the page too. ``model``, ``verdict``, ``not_run``,
        ``doubt``, ``warnings``, ``training`` (data, split, fit, leakage), ``test`` (None without ``data``),
        ``learning_curve``, the checks ``forces``, ``nve``, ``stability`` and ``geometry`` (None where they were not
        run), ``provenance``, ``run``.

    Raises:
        UserError: a file that cannot be read or written, or frames that the model has nothing to say about.
    """
    from rfp_md.artifact.container import read
    from rfp_md.artifact.file import load
    from rfp_md.io import Units, paths_of
    from rfp_md.report.content import content
    from rfp_md.report.page import render
    from rfp_md.report.test_frames import Tested

    paths = [] if data is None else paths_of(data)
    check_output(output, [model, *paths])
    header, arrays = read(model)
    potential = load(model)
    tested = Tested.of(potential, model, paths, Units(energy_unit, force_unit, length_unit)) if paths else None
    figures = content(Path(model), header, arrays, potential, tested)
    page = render(figures, potential, tested)
    with replacing(output) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return figures
