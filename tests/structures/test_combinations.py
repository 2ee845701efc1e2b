"""Elements that no training frame has together are warned of, once, and no others."""

import warnings

import numpy as np
import pytest

from rfp_md.frames import Dataset, Frames
from rfp_md.structures.combinations import Combinations


def frames(*numbers):
    return Frames(np.array(numbers), np.arange(3.0 * len(numbers)).reshape(1, -1, 3), source="frames")


KNOWN = Combinations.of(Dataset((frames(1, 1, 8), frames(1, 6), frames(8), frames(6, 8))))


def test_a_part_of_another_set_is_kept_too():
    assert KNOWN.sets == [frozenset({1, 6}), frozenset({1, 8}), frozenset({6, 8})]


@pytest.mark.parametrize("numbers", [(1,), (8, 1), (6, 6)])
def test_what_was_trained_is_warned_of(numbers):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        KNOWN.check(frames(*numbers))
        Combinations().check(frames(*numbers))


def test_it_is_said_more_than_once_or_never():
    known = Combinations(KNOWN.sets)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for numbers in [(1, 6, 8)] * 3 + [(1, 6, 8, 8)]:
            known.check(frames(*numbers))
    assert [str(warning.message)[:27] for warning in said] == ["frames: has HCO together, a"]
