"""ASE calculators by the path of their class: ``tblite.ase:TBLite`` with ``method=GFN2-xTB``."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from inspect import signature
from typing import Any

from rfp_md.errors import UserError

REMEDIES = {"tblite": "pip install 'rfp-md[reference]'"}


FLAGS = ("--calculator", "--calculator-arg")


def make_calculator(path: str, arguments: Sequence[str] = (), flags: tuple[str, str] = FLAGS) -> Any:
    """Make an ASE calculator by the path of its class.

    Args:
        path: ``MODULE:CLASS``.
        arguments: ``KEY=VALUE`` for its constructor; a value that is a Python literal (a number, True, None,
            a tuple) is that, anything else is a text.
        flags: what path and arguments were given by, for messages.

    Raises:
        UserError: there is no such module or class, or the class does not take these arguments.
    """
    module_name, _, class_name = path.partition(":")
    if not module_name or not class_name.isidentifier():
        raise UserError(f"{flags[0]} {path}: must be MODULE:CLASS, as in tblite.ase:TBLite")
    options = _parse(arguments, flags[1])
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        raise UserError(f"{flags[0]} {path}: {_missing(module_name, error)}") from error
    except Exception as error:
        raise UserError(
            f"{flags[0]} {path}: {module_name} cannot be imported ({type(error).__name__}: {error})"
        ) from error
    if not callable(getattr(module, class_name, None)):
        raise UserError(f"{flags[0]} {path}: module {module_name} has no class {class_name}; check its spelling")
    try:
        calculator = getattr(module, class_name)(**options)
    except Exception as error:
        raise UserError(
            f"{flags[0]} {path}: {class_name} cannot be made with {', '.join(arguments) or 'no arguments'} "
            f"({type(error).__name__}: {error}); set its options with {flags[1]} KEY=VALUE"
        ) from error
    _check_spelling(path, options, calculator, flags[1])
    return calculator


def level_of_theory(path: str, arguments: Sequence[str] = ()) -> str:
    """Name a calculator as it stands in the frames that it labelled: by its path and arguments."""
    return f"{path}({', '.join(arguments)})"


def _parse(arguments: Sequence[str], flag: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or not key.isidentifier():
            raise UserError(f"{flag} {argument}: must be KEY=VALUE, as in method=GFN2-xTB")
        if key in options:
            raise UserError(f"{flag} {argument}: '{key}' stands twice")
        try:
            options[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            options[key] = value
    return options


def _check_spelling(path: str, options: Mapping[str, Any], calculator: Any, flag: str) -> None:
    """Many calculators take any key without a word, and then compute something else than was meant."""
    known = set(getattr(calculator, "default_parameters", ())) | set(signature(type(calculator)).parameters)
    for key in options:
        if key not in known and (close := get_close_matches(key, known, n=1, cutoff=0.8)):
            raise UserError(f"{flag} {key}: {path} knows no '{key}'; did you mean '{close[0]}'?")


def _missing(module_name: str, error: ModuleNotFoundError) -> str:
    name = error.name or module_name
    package = name.partition(".")[0]
    if name != package:
        return f"there is no module {name}; check its spelling"
    # The installed command does not look for modules in the folder where it is run.
    otherwise = f"pip install the package that has it, or set PYTHONPATH to the folder of {name}.py"
    return f"'{name}' is not installed; {REMEDIES.get(name, otherwise)}"
