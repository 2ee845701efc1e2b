"""Options of a verb from a TOML file, whose keys are their names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from rfp_md.errors import UserError
from rfp_md.verbs import Field, fields_of

WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", Path: "a path"}
SEVERAL = {str: "texts", int: "whole numbers", float: "numbers"}


def keys_of(options: type) -> dict[str, Field]:
    """List what a file may say: whatever a command line need not."""
    return {field.name: field for field in fields_of(options) if field.flags and not field.required}


def read_config(path: Path, options: type) -> dict[str, Any]:
    """Read the options that a file sets, as the class takes them; ``n-train`` is ``n_train``.

    Raises:
        UserError: a file that cannot be read, a key that the verb has not, or a value of another type or out of range.
    """
    import tomllib

    if not path.is_file():
        raise UserError(f"--config {path}: no such file")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"--config {path}: is not TOML ({error})") from error
    values = {key.replace("-", "_"): value for key, value in values.items()}
    known = keys_of(options)
    for key, value in values.items():
        if key not in known:
            raise UserError(f"--config {path}: unknown key '{key}'; known are {', '.join(known)}")
        if not _fits(value, known[key]):
            raise UserError(f"--config {path}: {key} = {value!r} must be {_wanted(known[key])}")
    return values


def _fits(value: Any, field: Field) -> bool:
    from pydantic import ConfigDict, TypeAdapter, ValidationError
    from pydantic import Field as Limits

    kind: Any = Annotated[field.type, Limits(ge=field.option.least, le=field.option.most)]
    try:
        TypeAdapter(kind, config=ConfigDict(strict=True)).validate_python(value)
    except ValidationError:
        return False
    return True


def _wanted(field: Field) -> str:
    """As in 'a whole number, at least 0'."""
    limits = {"at least": field.option.least, "at most": field.option.most}
    return ", ".join(
        [_words(field.type), *(f"{word} {limit:g}" for word, limit in limits.items() if limit is not None)]
    )


def _words(kind: Any) -> str:
    origin, members = get_origin(kind), get_args(kind)
    if origin is Literal:
        return " or ".join(f"'{member}'" for member in members)
    if origin is Sequence:
        return f"a list of {SEVERAL[members[0]]}"
    if members:
        return " or ".join(WORDS.get(member) or _words(member) for member in members if member is not NoneType)
    return WORDS[kind]
