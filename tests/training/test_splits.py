import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfp_md.errors import UserError
from rfp_md.training.splits import split_frames


@given(n=st.integers(2, 500), seed=st.integers(0, 9), kind=st.sampled_from(["random", "contiguous"]))
def test_every_frame_is_used_exactly_once_by_default(n, seed, kind):
    train, valid = split_frames(n, None, None, kind, np.random.default_rng(seed))
    np.testing.assert_array_equal(np.sort(np.concatenate([train, valid])), np.arange(n))


def test_contiguous_blocks_do_not_interleave(rng):
    train, valid = split_frames(100, 60, 20, "contiguous", rng)
    assert (train.max(), valid.min()) == (59, 80)


def test_too_many_frames_are_refused_with_the_numbers(rng):
    with pytest.raises(UserError, match="--n-train 90 and --n-valid 20 do not fit 100 frames"):
        split_frames(100, 90, 20, "random", rng)


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
        split_frames(5, None, None, str(path), rng)


def test_a_split_file_is_followed(tmp_path, rng):
    path = tmp_path / "split.json"
    path.write_text(json.dumps({"train": [3, 0], "valid": [4]}))
    train, valid = split_frames(5, None, None, str(path), rng)
    assert (train.tolist(), valid.tolist()) == ([0, 3], [4])


def test_neither_a_kind_nor_a_file_is_refused(rng):
    with pytest.raises(UserError, match="--split nonsense: is neither"):
        split_frames(5, None, None, "nonsense", rng)
