import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.training.splits import split_frames


def frames_of(n, numbers=(1, 1), kind=None):
    kinds = None if kind is None else np.full(n, kind, dtype=object)
    return Dataset((Frames(np.array(numbers), np.zeros((n, len(numbers), 3)), kinds=kinds),))


def joined(*parts):
    return Dataset(tuple(block for part in parts for block in part))


@given(n=st.integers(2, 500), seed=st.integers(0, 9), kind=st.sampled_from(["random", "contiguous"]))
def test_every_frame_is_used_exactly_once_by_default(n, seed, kind):
    train, valid = split_frames(frames_of(n), None, None, kind, np.random.default_rng(seed))
    np.testing.assert_array_equal(np.sort(np.concatenate([train, valid])), np.arange(n))


def test_contiguous_blocks_do_not_interleave(rng):
    train, valid = split_frames(frames_of(100), 60, 20, "contiguous", rng)
    assert (train.max(), valid.min()) == (59, 80)


def test_too_many_frames_are_refused_with_the_numbers(rng):
    with pytest.raises(UserError, match="--n-train 90 and --n-valid 20 do not fit 100 frames"):
        split_frames(frames_of(100), 90, 20, "random", rng)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not json", "must be JSON"),
        ('{"train": [0, 1]}', "must be JSON"),
        ('{"train": [0, 1], "valid": [9]}', "must list indices from 0 to 4"),
        ('{"train": [0, 1], "valid": [1]}', "an index stands twice"),
    ],
)
def test_a_bad_split_file_is_refused(tmp_path, rng, content, message):
    path = tmp_path / "split.json"
    path.write_text(content)
    with pytest.raises(UserError, match=message):
        split_frames(frames_of(5), None, None, str(path), rng)


def test_a_split_file_is_followed(tmp_path, rng):
    path = tmp_path / "split.json"
    path.write_text(json.dumps({"train": [3, 0], "valid": [4]}))
    train, valid = split_frames(frames_of(5), None, None, str(path), rng)
    assert (train.tolist(), valid.tolist()) == ([0, 3], [4])


def test_neither_a_kind_nor_a_file_is_refused(rng):
    with pytest.raises(UserError, match="--split nonsense: is neither"):
        split_frames(frames_of(5), None, None, "nonsense", rng)


def test_frames_of_one_kind_are_split_as_they_always_were():
    train, valid = split_frames(frames_of(100, kind="MD"), None, None, "random", np.random.default_rng(3))
    order = np.random.default_rng(3).permutation(100)
    np.testing.assert_array_equal(train, np.sort(order[:90]))
    np.testing.assert_array_equal(valid, np.sort(order[90:]))


@given(seed=st.integers(0, 99))
def test_every_kind_is_judged_and_every_composition_in_proportion(seed):
    parts = frames_of(200, kind="MD"), frames_of(80, (8, 1), kind="MD"), frames_of(3, kind="surface")
    train, valid = split_frames(joined(*parts), None, None, "random", np.random.default_rng(seed))
    np.testing.assert_array_equal(np.sort(np.concatenate([train, valid])), np.arange(283))
    counts = [np.count_nonzero((valid >= start) & (valid < stop)) for start, stop in ((0, 200), (200, 280), (280, 283))]
    assert abs(counts[0] - 20) <= 2
    assert abs(counts[1] - 8) <= 2
    assert counts[2] == 1


@given(seed=st.integers(0, 99))
def test_an_isolated_atom_stays_in_the_training(seed):
    parts = frames_of(1, (1,), kind="atom"), frames_of(1, (8,), kind="atom"), frames_of(50, (8, 1), kind="MD")
    train, _ = split_frames(joined(*parts), None, None, "random", np.random.default_rng(seed))
    assert {0, 1} <= set(train.tolist())


def test_frames_that_all_differ_are_split_at_random(rng):
    different = joined(*(frames_of(1, (1,) * n) for n in range(1, 41)))
    train, valid = split_frames(different, None, None, "random", rng)
    assert (len(train), len(valid)) == (36, 4)
