"""The command line of a verb says what its function takes, no more and no less."""

import inspect
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import Annotated, Literal

import pytest
import typer
from typer.testing import CliRunner

from rfp_md.cli.app import app
from rfp_md.cli.command import command_of
from rfp_md.cli.config import keys_of
from rfp_md.verbs import Argument, Option, fields_of

# Flags that are the command line's own: how it answers, and what it reads.
OWN = {"json", "debug", "config", "help", "everything"}

VERBS = {
    "train": "rfp_md.training.run:train",
    "evaluate": "rfp_md.evaluation.run:evaluate",
    "sample": "rfp_md.sampling.run:sample",
    "report": "rfp_md.report:report",
    "drift": "rfp_md.logs.drift_file:drift_file",
    "data fetch": "rfp_md.io.fetch:fetch",
    "data convert": "rfp_md.io.write:convert",
    "data audit": "rfp_md.evaluation.audit_files:audit_files",
    "thesis run": "rfp_md.thesis.run:run",
}


def options_of(function):
    return function.__wrapped__.__globals__[function.__wrapped__.__annotations__["options"]]


@pytest.mark.parametrize("verb", VERBS)
def test_flags_python_keywords_and_toml_keys_are_the_same(verb):
    command = typer.main.get_command(app)
    for word in verb.split():
        command = command.commands[word]
    module, _, name = VERBS[verb].partition(":")
    function = getattr(import_module(module), name)
    options = options_of(function)
    assert {one.name for one in command.params} - OWN == {field.name for field in fields_of(options)}
    assert set(inspect.signature(function).parameters) == {field.name for field in fields(options)}
    assert set(inspect.signature(function).parameters) - {"progress"} == {field.name for field in fields_of(options)}
    asked = {one.name for one in command.params if one.required or one.param_type_name == "argument"}
    assert set(keys_of(options)) == {field.name for field in fields_of(options)} - asked
    for one in command.params:
        if one.name in keys_of(options):
            assert f"--{one.name.replace('_', '-')}" in one.opts


@dataclass(frozen=True)
class GreetOptions:
    names: Annotated[Sequence[Path | str], Argument("Whom to greet.", metavar="NAME")]
    output: Annotated[Path | str | None, Option("Where to.", flags=("-o", "--output"), required=True)] = None
    _: KW_ONLY
    times: Annotated[int, Option("How often.", least=1, most=9)] = 1
    speed: Annotated[float | None, Option("Words in a second.")] = None
    tone: Annotated[Literal["low", "high"], Option("Of the voice.")] = "low"
    words: Annotated[Sequence[str], Option("What else to say.")] = ()
    aloud: Annotated[bool, Option("Not whispered.")] = False
    listener: object = None


HEARD = []
greeter = typer.Typer(add_completion=False, rich_markup_mode=None)


@greeter.command()
@command_of(GreetOptions, config=True)
def greet(options: GreetOptions, again: Annotated[bool, typer.Option("--again", help="Twice.")] = False) -> None:
    """Say hello."""
    HEARD.append((options, again))


def heard(*arguments):
    result = CliRunner().invoke(greeter, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return HEARD.pop()


def test_what_is_not_said_is_the_default_of_the_class():
    assert heard("Ada", "-o", "a") == (GreetOptions([Path("Ada")], Path("a")), False)
    options, again = heard(
        "Ada", "Bob", "-o", "a", "--times", "3", "--words", "x", "--words", "y", "--aloud", "--again"
    )
    assert options == GreetOptions([Path("Ada"), Path("Bob")], Path("a"), times=3, words=["x", "y"], aloud=True)
    assert again


def test_a_file_sets_options_and_flags_win_over_it(tmp_path):
    (tmp_path / "options.toml").write_text('times = 5\nspeed = 2\naloud = true\nwords = ["x"]\ntone = "high"\n')
    options, _ = heard("Ada", "-o", "a", "--config", tmp_path / "options.toml", "--times", "1", "--words", "y")
    assert options == GreetOptions([Path("Ada")], Path("a"), times=1, speed=2, tone="high", words=["y"], aloud=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["Ada"], "--output"), (["-o", "a"], "NAME"), (["Ada", "-o", "a", "--times", "10"], "--times")],
)
def test_what_is_missing_or_out_of_range_is_refused(arguments, message):
    result = CliRunner().invoke(greeter, arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_the_help_says_what_the_class_says():
    text = " ".join(CliRunner().invoke(greeter, ["--help"], env={"COLUMNS": "120"}).output.split())
    assert "Say hello." in text
    assert "--times <int range> How often. [default: 1; 1<=x<=9]" in text
    assert "-o, --output <path> Where to. [required]" in text
    assert "--aloud Not whispered." in text
    assert "listener" not in text
    assert text.index("--aloud") < text.index("--config") < text.index("--again")
