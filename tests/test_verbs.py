"""A function of an options object is a plain function of its fields."""

import inspect
from collections.abc import Sequence
from dataclasses import KW_ONLY, FrozenInstanceError, dataclass
from pathlib import Path
from typing import Annotated, Literal, Union

import pytest

import rfp_md
from rfp_md.verbs import Argument, Option, fields_of, with_options


@dataclass(frozen=True)
class GreetOptions:
    name: Annotated[Union[Sequence[Path | str], str, "Unknown"], Argument("Whom to greet.")]  # noqa: F821
    _: KW_ONLY
    times: Annotated[int | None, Option("How often.", least=1)] = None
    tone: Annotated[Literal["low", "high"], Option("Of the voice.")] = "low"
    words: Annotated[Sequence[str], Option("What else to say.", flags=("-w", "--words"))] = ()
    listener: object = None


@with_options(GreetOptions)
def greet(options: GreetOptions) -> str:
    """Say hello.

    Returns:
        What was said.
    """
    return f"{options.name} {options.times} {options.tone}"


def test_it_takes_the_fields_as_they_are_written():
    assert greet("Ada", times=2) == "Ada 2 low"
    with pytest.raises(TypeError, match="'time'"):
        greet("Ada", time=2)
    with pytest.raises(TypeError, match="positional"):
        greet("Ada", 2)


def test_its_signature_and_documentation_are_the_fields():
    assert str(inspect.signature(greet)).endswith(
        "words: collections.abc.Sequence[str] = (), listener: object = None) -> str"
    )
    assert [str(one.kind) for one in inspect.signature(greet).parameters.values()][1:] == ["KEYWORD_ONLY"] * 4
    assert greet.__name__ == "greet"
    summary, arguments, returned = greet.__doc__.split("\n\n")
    assert (summary, returned) == ("Say hello.", "Returns:\n    What was said.")
    assert arguments.splitlines()[:3] == ["Args:", "    name: Whom to greet.", "    times: How often."]


def test_what_is_for_python_only_is_no_option():
    assert [field.name for field in fields_of(GreetOptions)] == ["name", "times", "tone", "words"]


def test_words_can_say_the_first_type_of_a_union():
    spoken = {field.name: field.spoken_type for field in fields_of(GreetOptions)}
    assert spoken == {"name": list[Path], "times": int | None, "tone": str, "words": list[str] | None}


def test_flags_are_the_names_unless_others_are_given():
    flags = {field.name: field.flags for field in fields_of(GreetOptions)}
    assert flags == {"name": (), "times": ("--times",), "tone": ("--tone",), "words": ("-w", "--words")}


def test_options_do_not_change_under_a_verb():
    with pytest.raises(FrozenInstanceError):
        GreetOptions("Ada").times = 3


def test_the_public_functions_show_what_they_take():
    parameters = inspect.signature(rfp_md.train).parameters
    assert parameters["seed"].default == 0
    assert parameters["data"].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert "    n_train: Frames to train on; default: all that are left.\n" in rfp_md.train.__doc__
