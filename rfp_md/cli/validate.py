"""rfp validate"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from rfp_md.cli.console import BarProgress, print_json, print_rows, print_values
from rfp_md.cli.options import Debug, Json, was_given
from rfp_md.errors import UserError
from rfp_md.validation.checks import CHECKS, TAKEN_BY, refuse_others


class Engine(StrEnum):
    ase = "ase"
    ipi = "ipi"
    lammps = "lammps"


def command(
    context: typer.Context,
    what: Annotated[
        list[str],
        typer.Argument(
            help=f"A .rfp file (not with --calculator), and {', '.join(CHECKS)}, all.", metavar="[MODEL.rfp] CHECK"
        ),
    ],
    calculator: Annotated[
        str | None, typer.Option(help="MODULE:CLASS of an ASE calculator, in place of a model.")
    ] = None,
    calculator_arg: Annotated[list[str] | None, typer.Option(help="KEY=VALUE for it; again for more.")] = None,
    structure: Annotated[Path | None, typer.Option(help="Start from the last frame of this file.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Short runs, few structures: a minute for a molecule.")
    ] = False,
    engine: Annotated[Engine, typer.Option(help="What runs the dynamics of nve.")] = Engine.ase,
    length: Annotated[float | None, typer.Option(help="Of a run, ps; default: 20 of nve, 300 of stability.")] = None,
    timestep: Annotated[float, typer.Option(help="fs.")] = 0.5,
    temperature: Annotated[
        list[float] | None, typer.Option(help="K; default: 300 and 500 of nve, 500 of stability.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of nve at each temperature.")] = 1,
    replicas: Annotated[int | None, typer.Option(min=1, help="Of stability; default: 5, or 3 with --quick.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of velocities and displacements.")] = 0,
    data: Annotated[Path | None, typer.Option(help="Reference frames for the pair distances of stability.")] = None,
    scan: Annotated[Path | None, typer.Option(help="Frames along a barrier with energies, for geometry.")] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Where stability keeps what it needs to go on; default: beside the model.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="PNG for the conserved energy of nve.")] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Can it be trusted in MD? Check a model, or any ASE calculator; exit code 1 if it fails."""
    from rfp_md.validation.run import validate

    model, check = _split(what, calculator)
    refuse_others(check, [name for name in TAKEN_BY if was_given(context, name)])
    if quick and length is not None:
        raise UserError("--quick and --length exclude each other; give one")
    if check == "stability" and temperature and len(temperature) > 1:
        raise UserError("--temperature: stability runs at one; give it once")
    given: dict[str, Any] = {
        "engine": engine.value,
        "length": length,
        "timestep": timestep,
        "temperature": temperature and (temperature if check == "nve" else temperature[0]),
        "seeds": seeds,
        "replicas": replicas,
        "plot": plot,
        "data": data,
        "scan": scan,
        "checkpoint": checkpoint,
    }
    options = {key: value for key, value in given.items() if check in TAKEN_BY[key] and value is not None}
    progress = BarProgress()
    try:
        result = validate(
            model,
            check,  # type: ignore[arg-type]
            calculator=calculator,
            calculator_arg=calculator_arg or [],
            structure=structure,
            quick=quick,
            seed=seed,
            progress=progress,
            **options,
        )
    finally:
        progress.stop()
    if json:
        print_json(result)
    else:
        print(f"{model or calculator}: {result['verdict']}")
        for name in result if check == "all" else [check]:
            found = result[name] if check == "all" else result
            if isinstance(found, dict):
                _print_check(name, found)
    if not result["passed"]:
        raise typer.Exit(1)


def _split(what: list[str], calculator: str | None) -> tuple[Path | None, str]:
    """The model, None for a calculator, and the check."""
    *models, check = what
    refuse_others(check, ())
    if len(models) != (1 if calculator is None else 0):
        wanted = "one MODEL.rfp" if calculator is None else "no model beside --calculator"
        raise UserError(f"{len(models)} models before '{check}'; give {wanted}")
    return (Path(models[0]) if models else None), check


def _print_check(name: str, found: dict[str, Any]) -> None:
    """What was judged as a table, and the other single figures below it."""
    print(f"\n{name}: {found['verdict']}")
    if "error" in found:
        print(f"  was not made: {found['error']}")
        return
    rows = [
        [f"  {line['figure']}", _value(line["value"]), line["strict"], line["default"], line["verdict"]]
        for line in found["judged"]
    ]
    print_rows(["  figure", "value", "strict", "default", "verdict"], rows)
    judged = {line["figure"] for line in found["judged"]} | {"passed", "verdict", "quick"}
    rest = {k: v for k, v in found.items() if k not in judged and not isinstance(v, list | dict) and v is not None}
    if rest:
        print_values(rest, "  beside")
    if found.get("scan"):
        scan = found["scan"]
        print(
            f"  scan: barrier {_value(scan['barrier_ev'])} eV, reference {_value(scan['reference_barrier_ev'])} eV, "
            f"largest error {_value(scan['max_error_ev'])} eV (not judged)"
        )
    for event in found.get("breaks", []):
        print(f"  {_break(event)}")
    for event in found.get("blown_up", []):
        print(f"  the run at {event['temperature_k']:g} K with seed {event['seed']} blew up {event['text']}")


def _value(value: float | None) -> str:
    return "no number" if value is None else f"{value:.3g}"


def _break(event: dict[str, Any]) -> str:
    """Where a replica broke, in one line."""
    from rfp_md.validation.record import WHY_BROKEN

    text = f"replica {event['replica']} broke at {event['ps']:.3g} ps"
    if event["why"] != "bond":
        return f"{text}: {WHY_BROKEN[event['why']]}"
    first, second = event["bond"]
    text += f": atoms {first} and {second} at {event['length_angstrom']:.2f} Å, not {event['equilibrium_angstrom']:.2f}"
    uncertainty = event["force_uncertainty_ev_per_angstrom"]
    return text if uncertainty is None else f"{text}; a force is uncertain by {uncertainty:.2g} eV/Å there"
