"""rfp train"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from rfp_md.cli.console import BarProgress, print_json, print_rows, print_values
from rfp_md.cli.options import Data, Debug, EnergyUnit, ForceUnit, Json, LengthUnit, was_given
from rfp_md.errors import UserError


class TrainCommand(TyperCommand):
    """Its help ends with the parameters of every installed plugin, from their own definitions."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        from rfp_md.plugins.registry import listing, load, parameters

        super().format_help(ctx, formatter)
        for line in listing():
            if line.status != "ok":
                continue
            rows = [(f"{field.name}={field.default}", field.help) for field in parameters(load(line.kind, line.name))]
            with formatter.section(f"--{line.kind} {line.name}"):
                formatter.write_dl([("width=None", "number of features"), *rows] if line.kind == "descriptor" else rows)


def command(
    context: typer.Context,
    data: Data,
    output: Annotated[Path, typer.Option("-o", "--output", help="The .rfp file to write.")],
    descriptor: Annotated[
        list[str] | None, typer.Option(help="NAME[:key=value,...], once for each term; width=N is its width.")
    ] = None,
    regressor: Annotated[str | None, typer.Option(help="NAME[:key=value,...].")] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(help="NAME[:key=value,...], once for each part that is not learned; default: elements."),
    ] = None,
    target: Annotated[
        str, typer.Option(help="conservative: forces are the energy's gradient; direct: they are not.")
    ] = "conservative",
    preset: Annotated[
        str,
        typer.Option(
            help="accurate: local and labelled terms; fast: labelled distances of one molecule; "
            "reference: accurate's exact kernel, for up to a few hundred frames."
        ),
    ] = "accurate",
    config: Annotated[Path | None, typer.Option(help="TOML file with these options; flags win over it.")] = None,
    n_train: Annotated[int | None, typer.Option(help="Frames to train on; default: all that are left.")] = None,
    n_valid: Annotated[int | None, typer.Option(help="Frames to choose hyper-parameters on; default: 10 %.")] = None,
    split: Annotated[str, typer.Option(help="random, contiguous, or a JSON file of indices.")] = "random",
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    learning_curve: Annotated[
        str | None, typer.Option(help="Numbers of training frames, as in 50,100,200, to fit to as well.")
    ] = None,
    time_budget: Annotated[
        str | None, typer.Option(help="90s, 5min or 1h: as many features as can be fitted in it.")
    ] = None,
    energy_unit: EnergyUnit = None,
    force_unit: ForceUnit = None,
    length_unit: LengthUnit = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Fit a potential to reference frames and write it to a .rfp file."""
    import time

    from rfp_md.training.run import train
    from rfp_md.training.specs import parse_sizes

    options: dict[str, Any] = {
        "descriptor": descriptor or [],
        "regressor": regressor,
        "baseline": baseline or [],
        "target": target,
        "preset": preset,
        "n_train": n_train,
        "n_valid": n_valid,
        "split": split,
        "seed": seed,
        "learning_curve": learning_curve,
        "time_budget": time_budget,
        "energy_unit": energy_unit,
        "force_unit": force_unit,
        "length_unit": length_unit,
    }
    if config is not None:
        options |= _from_config(config, context)
    if options["learning_curve"] is not None:
        options["learning_curve"] = parse_sizes(options["learning_curve"])
    start = time.perf_counter()
    progress = BarProgress()
    try:
        potential = train(data, output=output, progress=progress, **options)
    finally:
        progress.stop()
    result = {"model": str(output), **potential.record, "seconds": time.perf_counter() - start}
    if json:
        print_json(result)
        return
    used = potential.record["split"]
    summary = {
        "trained on": f"{used['n_train']} frames, {used['n_valid']} more to choose hyper-parameters",
        **{key.replace("_", " "): value for key, value in potential.record["fit"].items() if value is not None},
        "leakage into validation": potential.record["leakage"]["summary"],
        "seconds": result["seconds"],
    }
    if "learning_curve" in potential.record:
        _print_curve(potential.record["learning_curve"]["points"])
    print_values(summary, str(output))


def _print_curve(points: list[dict[str, Any]]) -> None:
    rows = [[f"{value:.4g}" if value is not None else "–" for value in point.values()] for point in points]
    print_rows(("frames", "features", "valid energy MAE, meV", "valid force MAE, meV/Å"), rows)
    print()


KINDS: dict[str, type] = {
    "descriptor": list,
    "regressor": str,
    "baseline": list,
    "target": str,
    "preset": str,
    "n_train": int,
    "n_valid": int,
    "split": str,
    "seed": int,
    "learning_curve": str,
    "time_budget": str,
    "energy_unit": str,
    "force_unit": str,
    "length_unit": str,
}


def _from_config(path: Path, context: typer.Context) -> dict[str, Any]:
    """Options of a TOML file that the command line does not set itself."""
    import tomllib

    if not path.is_file():
        raise UserError(f"--config {path}: no such file")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"--config {path}: is not TOML ({error})") from error
    values = {key.replace("-", "_"): value for key, value in values.items()}
    for key, value in values.items():
        if key not in KINDS:
            raise UserError(f"--config {path}: unknown key '{key}'; known are {', '.join(KINDS)}")
        if type(value) is not KINDS[key] or (isinstance(value, list) and any(type(item) is not str for item in value)):
            wanted = {str: "a text", int: "a whole number", list: "a list of texts"}[KINDS[key]]
            raise UserError(f"--config {path}: {key} = {value!r} must be {wanted}")
    return {key: value for key, value in values.items() if not was_given(context, key)}
