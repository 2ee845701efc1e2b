"""The command line of a verb, made from its options."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from rfp_md.cli.options import was_given
from rfp_md.verbs import Argument, Field, fields_of

CONFIG = Annotated[Path | None, typer.Option("--config", help="TOML file with these options; flags win over it.")]


def command_of(options: type, *, config: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make of ``def command(options: TheOptions, json: Json = False, …)`` what typer makes a command of.

    Args:
        options: the class, whose fields become arguments and flags; those of the function's own follow.
        config: whether there is ``--config FILE.toml`` too.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        def run(context: typer.Context, **values: Any) -> None:
            given = {field.name: values.pop(field.name) for field in fields_of(options)}
            if config and (path := values.pop("config")) is not None:
                from rfp_md.cli.config import read_config

                read = read_config(path, options)
                given |= {name: value for name, value in read.items() if not was_given(context, name)}
            # What was not said is the class's default, which is not None for all.
            function(options(**{name: value for name, value in given.items() if value is not None}), **values)

        parameters = [_keyword("context", typer.Context), *map(parameter_of, fields_of(options))]
        if config:
            parameters.append(_keyword("config", CONFIG, None))
        parameters += _own_parameters(function)
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        run.__doc__ = function.__doc__
        return run

    return decorate


def parameter_of(field: Field) -> inspect.Parameter:
    """Make of an option a parameter of a function that typer makes a command of."""
    # A command line says no empty list; what was not said is None.
    default = None if isinstance(field.default, tuple) else field.default
    return _keyword(field.name, _typed(field), inspect.Parameter.empty if field.required else default)


def _typed(field: Field) -> Any:
    """An option as typer takes it: a type with its flags, limits and help."""
    option = field.option
    if isinstance(option, Argument):
        return Annotated[field.spoken_type, typer.Argument(help=option.help, metavar=option.metavar)]
    how = typer.Option(
        *field.flags,
        help=option.help,
        min=option.least,
        max=option.most,
        metavar=option.metavar,
        envvar=option.envvar,
    )
    return Annotated[field.spoken_type, how]


def _own_parameters(function: Callable[..., None]) -> Iterator[inspect.Parameter]:
    """What the command takes besides, ``--json`` and the like."""
    kinds = get_type_hints(function, include_extras=True)
    _, *own = inspect.signature(function).parameters.values()
    for one in own:
        yield _keyword(one.name, kinds[one.name], one.default)


def _keyword(name: str, kind: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
