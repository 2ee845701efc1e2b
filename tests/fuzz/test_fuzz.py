"""A little of ``make fuzz``: nothing crashes, hangs, grows, or raises something else than a sentence."""

from random import Random

import pytest

from tests.fuzz import frames, framing, models
from tests.fuzz.trial import Trial


@pytest.mark.parametrize(
    ("first", "count"), [(0, 100), pytest.param(1000, 2500, marks=pytest.mark.slow)], ids=["some", "many"]
)
@pytest.mark.parametrize("part", [models, frames], ids=["model", "file of frames"])
def test_what_is_damaged_or_crafted_is_more_than_a_sentence(part, first, count, tmp_path):
    trial, found = Trial(), {}
    for seed in range(first, first + count):
        case = part.attempt(Random(seed), tmp_path)
        if (finding := trial.run(case)) is not None:
            found[f"seed {seed}, {case.what}"] = finding
    trial.close()
    assert not found


def test_a_damaged_conversation_is_more_than_a_protocol_error():
    assert not [seed for seed in range(3000) if framing.converse(Random(seed))]
