"""One self-contained page about a model: the function behind ``rfp report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rfp_md.errors import UserError
from rfp_md.files.safe_write import check_output, replacing
from rfp_md.report.options import ReportOptions
from rfp_md.verbs import with_options

if TYPE_CHECKING:
    from rfp_md.potential import Potential
    from rfp_md.report.errors_on_test_frames import ErrorsOnTestFrames


@with_options(ReportOptions)
def report(options: ReportOptions) -> dict[str, Any]:
    """Write what is known of a model to an HTML page that needs nothing else: no network, no files beside it.

    What ``rfp validate`` and ``rfp train --learning-curve`` wrote into the model's file is shown, and, where there are
    reference frames, test errors. The same model and frames give the same bytes.

    Returns:
        All figures of the page, JSON-ready; they stand in the page too. ``model``, ``verdict``, ``not_run``,
        ``doubt``, ``warnings``, ``training`` (data, split, fit, leakage), ``test`` (None without ``data``),
        ``learning_curve``, each check of ``rfp validate`` under its name (None where it was not run), ``provenance``,
        ``run``.

    Raises:
        UserError: a file that cannot be read or written, or frames that the model has nothing to say about.
    """
    from rfp_md.artifact.container import read
    from rfp_md.artifact.file import load
    from rfp_md.io import paths_of
    from rfp_md.report.content import content
    from rfp_md.report.errors_on_test_frames import ErrorsOnTestFrames

    model, paths = options.model, [] if options.data is None else paths_of(options.data)
    check_output(options.output, [model, *paths])
    header, arrays = read(model)
    potential = load(model)
    errors = None
    if paths:
        dataset = options.read(paths)
        errors = ErrorsOnTestFrames.of(potential, model, paths, dataset)
    figures = content(Path(model), header, arrays, potential, errors)
    page = _page(figures, potential, errors)
    with replacing(options.output) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return figures


def _page(figures: dict[str, Any], potential: Potential, errors: ErrorsOnTestFrames | None) -> str:
    """The page. Raises UserError for what stands in a model's record and is not what a check leaves there."""
    from jinja2 import TemplateError

    from rfp_md.report.page import render

    try:
        return render(figures, potential, errors)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, TemplateError) as error:
        raise UserError(
            f"{figures['model']['file']}: its record cannot be drawn ({type(error).__name__}: {error}); "
            "run 'rfp validate' again, which writes it anew"
        ) from error
