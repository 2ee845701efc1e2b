"""rfp validate"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from inspect import Parameter, signature
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any

import typer

from rfp_md.cli.command import parameter_of
from rfp_md.cli.console import print_json, print_rows, print_values
from rfp_md.cli.options import Debug, Json, was_given
from rfp_md.cli.shown_progress import shown_progress
from rfp_md.errors import UserError
from rfp_md.validation import checks
from rfp_md.validation.options import CheckOption, imported
from rfp_md.verbs import Field, Option


def make_command() -> Callable[..., None]:
    """Make the function behind the verb, with a flag for every option that a check takes."""

    def command(
        context: typer.Context,
        what: Annotated[
            list[str],
            typer.Argument(
                help=f"A .rfp file (not with --calculator), and {', '.join([*checks.names(), checks.ALL])}.",
                metavar="[MODEL.rfp] CHECK",
            ),
        ],
        *,
        calculator: Annotated[
            str | None, typer.Option(help="MODULE:CLASS of an ASE calculator, in place of a model.")
        ] = None,
        calculator_arg: Annotated[list[str] | None, typer.Option(help="KEY=VALUE for it; again for more.")] = None,
        structure: Annotated[Path | None, typer.Option(help="Start from the last frame of this file.")] = None,
        json: Json = False,
        debug: Debug = False,
        **given: Any,
    ) -> None:
        """Can it be trusted in MD? Check a model, or any ASE calculator; exit code 1 if it fails."""
        model, check = _split(what, calculator)
        options = _options_of(check, given, [name for name in given if was_given(context, name)])
        source = {"calculator": calculator, "calculator_arg": calculator_arg or [], "structure": structure}
        result = _validate(model, check, source | options)
        if json:
            print_json(result)
        else:
            _print(str(model or calculator), check, result)
        if not result["passed"]:
            raise typer.Exit(1)

    shared = list(signature(command, eval_str=True).parameters.values())[:-1]
    parameters = [*shared[:-2], *_flags(), *shared[-2:]]
    command.__signature__ = signature(command).replace(parameters=parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _flags() -> list[Parameter]:
    """A parameter for each option of the table; what several checks take is one of them."""
    taken = {name: [(c.name, o) for c, o in of] for name, of in checks.all_options().items()}
    return [parameter_of(_flag(name, takers)) for name, takers in taken.items() if takers[0][1].flag]


def _flag(name: str, takers: list[tuple[str, CheckOption]]) -> Field:
    """One flag, with the words of every check that has the option."""
    option = takers[0][1]
    kind: Any = StrEnum(name, {word: word for word in option.type}) if isinstance(option.type, tuple) else option.type
    default = kind(option.default) if isinstance(option.type, tuple) else option.default
    text = option.help
    if any(mine.several for _, mine in takers):
        kind = GenericAlias(list, (kind,))
    if defaults := [(check, mine.default_text) for check, mine in takers if mine.default_text]:
        told = [words if len(takers) == 1 else f"{words} of {check}" for check, words in defaults]
        text += f"; default: {', '.join(told)}"
    spoken = Option(f"{text}.", flags=(f"--{name.replace('_', '-')}",), least=option.smallest)
    return Field(name, kind if default is not None else kind | None, default, spoken)


def _options_of(check: str, given: dict[str, Any], named: list[str]) -> dict[str, Any]:
    """What the check is told. Raises UserError for options that it does not take, or not like this."""
    checks.refuse_others(check, named)
    if given.get("quick") and given.get("length") is not None:
        raise UserError("--quick and --length exclude each other; give one")
    options = {}
    for name, value in given.items():
        if check not in checks.takers(name) or value is None:
            continue
        options[name] = str(value) if isinstance(value, StrEnum) else value
        several = any(option.several for row in checks.rows(check) for option in row.options if option.name == name)
        if isinstance(value, list) and not several:
            if len(value) > 1:
                raise UserError(f"--{name}: {check} takes one; give it once")
            options[name] = value[0]
    return options


def _split(what: list[str], calculator: str | None) -> tuple[Path | None, str]:
    """The model, None for a calculator, and the check."""
    *models, check = what
    checks.refuse_others(check, ())
    if len(models) != (1 if calculator is None else 0):
        wanted = "one MODEL.rfp" if calculator is None else "no model beside --calculator"
        raise UserError(f"{len(models)} models before '{check}'; give {wanted}")
    return (Path(models[0]) if models else None), check


def _validate(model: Path | None, check: str, options: dict[str, Any]) -> dict[str, Any]:
    """What comes out, with a bar while it runs."""
    from rfp_md.validation.run import validate

    with shown_progress() as progress:
        return validate(model, check, progress=progress, **options)


def _print(name: str, check: str, result: dict[str, Any]) -> None:
    """The verdict, and what every check found."""
    print(f"{name}: {result['verdict']}")
    for row in checks.rows(check):
        _print_check(row.name, result[row.name] if check == checks.ALL else result)


def _print_check(name: str, found: dict[str, Any]) -> None:
    """What was judged as a table, and the other single figures below it."""
    print(f"\n{name}: {found['verdict']}")
    if "error" in found:
        print(f"  was not made: {found['error']}")
        return
    rows = [
        [
            f"  {line['figure']}",
            _value(line["value"]),
            line["strict"],
            line["default"],
            line["verdict"] + (" (within its error)" if line.get("uncertain") else ""),
        ]
        for line in found["judged"]
    ]
    print_rows(["  figure", "value", "strict", "default", "verdict"], rows)
    judged = {line["figure"] for line in found["judged"]} | {"passed", "verdict", "quick"}
    rest = {k: v for k, v in found.items() if k not in judged and not isinstance(v, list | dict) and v is not None}
    if rest:
        print_values(rest, "  beside")
    if lines := checks.row(name).lines:
        for line in imported(lines)(found):
            print(f"  {line}")


def _value(value: float | None) -> str:
    """Three digits, or that it was no number."""
    return "no number" if value is None else f"{value:.3g}"
