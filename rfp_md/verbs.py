"""What a verb is: its options, each written once, from which its Python function and its command line are made.

    @dataclass(frozen=True)
    class GreetOptions:
        name: Annotated[str, Argument("Whom to greet.", metavar="NAME")]
        _: KW_ONLY
        times: Annotated[int, Option("How often.", least=1)] = 1
        progress: Progress | None = None

    @with_options(GreetOptions)
    def greet(options: GreetOptions) -> str:
        \"\"\"Say hello.\"\"\"

Python calls ``greet("Ada", times=2)``, whose signature and documentation are those of the class; for mypy too.
``rfp_md.cli.command`` makes ``rfp greet Ada --times 2`` of the same class, and ``rfp_md.cli.config`` the keys of a
TOML file. A field without ``Option`` is for Python only.

``rfp --help`` reads every verb's options. So they are kept in a light module beside the function, one without
``from __future__ import annotations``: a field's type must be a type, whose heavy parts stand in quotes.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin

P = ParamSpec("P")
Options = TypeVar("Options")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Option:
    """How an option is called and explained.

    Attributes:
        help: one sentence, or less.
        flags: on the command line; default: the field's name.
        least, most: limits of a number, for command line and TOML; Python's calls are checked by the function.
        metavar: what the help shows for a value, instead of its type.
        envvar: an environment variable that may stand for it.
        required: whether the command line asks for it, though Python does without.
    """

    help: str
    _: dataclasses.KW_ONLY
    flags: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    metavar: str | None = None
    envvar: str | None = None
    required: bool = False


@dataclass(frozen=True)
class Argument(Option):
    """What stands on the command line without a flag."""


@dataclass(frozen=True)
class Field:
    """One option of a verb.

    Attributes:
        type: as Python takes it.
        default: ``dataclasses.MISSING`` where there is none.
    """

    name: str
    type: Any
    default: Any
    option: Option

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags on the command line; an argument has none."""
        if isinstance(self.option, Argument):
            return ()
        return self.option.flags or ("--" + self.name.replace("_", "-"),)

    @property
    def required(self) -> bool:
        """Whether a command line must say it."""
        return self.option.required or self.default is dataclasses.MISSING

    @property
    def spoken_type(self) -> Any:
        """The type in words: of a union the first, for a sequence a list, or None where nothing is an empty one."""
        return _spoken(self.type) | None if isinstance(self.default, tuple) else _spoken(self.type)


def fields_of(options: type) -> Iterator[Field]:
    """The options of a verb, its own and then those of its base, without what is for Python only."""
    own = inspect.get_annotations(options)
    for field in sorted(dataclasses.fields(options), key=lambda field: field.name not in own):
        if get_origin(field.type) is Annotated:
            kind, option = get_args(field.type)
            yield Field(field.name, kind, field.default, option)


def with_options(options: Callable[P, Options]) -> Callable[[Callable[[Options], Result]], Callable[P, Result]]:
    """Make a function of one options object a function of its fields.

    Args:
        options: the frozen dataclass.
    """

    def decorate(function: Callable[[Options], Result]) -> Callable[P, Result]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> Result:
            return function(options(*args, **kwargs))

        signature = inspect.signature(options)
        plain = [one.replace(annotation=_bare(one.annotation)) for one in signature.parameters.values()]
        result = function.__annotations__["return"]
        call.__signature__ = signature.replace(parameters=plain, return_annotation=result)  # type: ignore[attr-defined]
        call.__annotations__ = {one.name: one.annotation for one in plain} | {"return": result}
        call.__doc__ = _documented(inspect.getdoc(function) or "", options)
        return call

    return decorate


def _documented(text: str, options: Any) -> str:
    """A docstring with what the options are for, in its place before what is returned and raised."""
    before, *after = re.split(r"(?m)^(?=Returns:|Raises:)", text, maxsplit=1)
    helps = [
        textwrap.fill(f"{field.name}: {field.option.help}", 110, initial_indent=" " * 4, subsequent_indent=" " * 8)
        for field in fields_of(options)
    ]
    args = ["Args:", *helps, ""] if helps else []
    return "\n".join([before.rstrip(), "", *args, *after]).rstrip()


def _bare(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _spoken(kind: Any) -> Any:
    origin, members = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        first = _spoken(members[0])
        return first | None if NoneType in members else first
    if origin is Literal:
        return str
    return list[_spoken(members[0])] if origin is Sequence else kind  # type: ignore[misc]
