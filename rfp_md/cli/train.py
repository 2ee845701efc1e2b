"""rfp train"""

from __future__ import annotations

import time
from typing import Any

from typer.core import TyperCommand

from rfp_md.cli.command import command_of
from rfp_md.cli.console import print_json, print_rows, print_values
from rfp_md.cli.options import Debug, Json
from rfp_md.cli.shown_progress import shown_progress
from rfp_md.training.options import TrainOptions


class TrainCommand(TyperCommand):
    """The command ``rfp train``, whose help ends with the parameters of every installed plugin."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write typer's help, and after it a section for each plugin, from its own definitions."""
        from rfp_md.plugins.registry import listing, load, parameters

        super().format_help(ctx, formatter)
        for line in listing():
            if line.status != "ok":
                continue
            rows = [(f"{field.name}={field.default}", field.help) for field in parameters(load(line.kind, line.name))]
            if line.kind == "descriptor":
                rows.insert(0, ("width=None", "number of features"))
            if rows:
                with formatter.section(f"--{line.kind} {line.name}"):
                    formatter.write_dl(rows)


@command_of(TrainOptions, config=True)
def command(options: TrainOptions, json: Json = False, debug: Debug = False) -> None:
    """Fit a potential to reference frames and write it to a .rfp file."""
    from rfp_md.training.run import train

    start = time.perf_counter()
    with shown_progress() as progress:
        potential = train(**vars(options) | {"progress": progress})
    result = {"model": str(options.output), **potential.record, "seconds": time.perf_counter() - start}
    if json:
        print_json(result)
    else:
        _print_fit(result)


def _print_fit(result: dict[str, Any]) -> None:
    """What a fit was, after the table of its learning curve."""
    used, fit = result["split"], dict(result["fit"])
    kinds = fit.pop("valid_by_config_type", [])
    summary = {
        "trained on": f"{used['n_train']} frames, {used['n_valid']} more to choose hyper-parameters",
        **{key.replace("_", " "): value for key, value in fit.items() if value is not None},
        "leakage into validation": result["leakage"]["summary"],
        "seconds": result["seconds"],
    }
    if "learning_curve" in result:
        _print_curve(result["learning_curve"]["points"])
    print_values(summary, result["model"])
    if kinds:
        print("validation errors (MAE) by config_type")
        rows = [["  " + kind.pop("config_type"), *map(_milli, kind.values())] for kind in map(dict, kinds)]
        print_rows(["  config_type", "energy, meV", "force, meV/Å", "virial, meV"], rows)


def _milli(error: float | None) -> str:
    return "–" if error is None else f"{1e3 * error:.4g}"


def _print_curve(points: list[dict[str, Any]]) -> None:
    rows = [[f"{value:.4g}" if value is not None else "–" for value in point.values()] for point in points]
    print_rows(("frames", "features", "valid energy MAE, meV", "valid force MAE, meV/Å"), rows)
    print()
