"""Accumulators add up, go into files, and do not mix features."""

from dataclasses import replace

import numpy as np
import pytest

from rfp_md.errors import UserError
from rfp_md.linalg.gram import weighted_sum
from rfp_md.progress import Progress
from rfp_md.regressors.fitting.accumulate import Accumulator
from rfp_md.regressors.random_fourier import RandomFourier
from rfp_md.testing.synthetic import synthetic

TRAIN = synthetic(60, seed=1)


def blocks(seed=0, width=30):
    regressor, rng = RandomFourier(width=2 * width), np.random.default_rng(seed)
    plan = regressor.plan(regressor.survey(TRAIN, TRAIN, rng), [None, None])
    return regressor.draw_blocks(plan.kept, rng)


def accumulated(samples, features, n_rows):
    accumulator = Accumulator(features, n_rows)
    accumulator.stream(samples, 7, Progress())
    return accumulator


def same(first, second):
    np.testing.assert_array_equal(first.counts, second.counts)
    for mine, theirs in zip(first.equations, second.equations, strict=True):
        assert type(mine) is type(theirs)
        for a, b in zip(weighted_sum([mine], [1.0]), weighted_sum([theirs], [1.0]), strict=True):
            np.testing.assert_allclose(np.tril(a) if a.ndim == 2 else a, np.tril(b) if b.ndim == 2 else b, atol=1e-12)


@pytest.mark.parametrize("n_rows", [(1000, 4000), (1, 4000), (1, 1)])
def test_two_parts_add_up_to_the_whole(n_rows):
    """As Gram matrices and as few rows that are kept as they are."""
    features = blocks()
    parts = [accumulated(synthetic_part(part), features, n_rows) for part in (slice(0, 25), slice(25, 60))]
    before = [array.copy() for array in parts[1].equations[0].arrays().values()]
    parts[0].merge(parts[1])
    same(parts[0], accumulated(TRAIN, features, n_rows))
    for kept, array in zip(before, parts[1].equations[0].arrays().values(), strict=True):
        np.testing.assert_array_equal(kept, array)


def synthetic_part(part):
    return type(TRAIN)(TRAIN.coordinates[part])


@pytest.mark.parametrize("n_rows", [(1000, 4000), (1, 4000)])
def test_what_was_written_goes_on_where_it_stopped(tmp_path, n_rows):
    features = blocks()
    accumulated(synthetic_part(slice(0, 25)), features, n_rows).save(tmp_path / "half.equations")
    again = Accumulator.load(tmp_path / "half.equations", features)
    again.stream(synthetic_part(slice(25, 60)), 7, Progress())
    same(again, accumulated(TRAIN, features, n_rows))


def test_other_features_do_not_add_up(tmp_path):
    first, second = (accumulated(TRAIN, blocks(seed), (1000, 4000)) for seed in (0, 1))
    with pytest.raises(ValueError, match="different features"):
        first.merge(second)
    first.save(tmp_path / "first.equations")
    with pytest.raises(UserError, match=r"first\.equations: holds normal equations of other features"):
        Accumulator.load(tmp_path / "first.equations", second.blocks)


@pytest.mark.parametrize("damage", ["cut", "other", "missing"])
def test_a_file_that_is_not_whole_is_one_sentence(tmp_path, damage):
    path = tmp_path / "model.equations"
    accumulated(TRAIN, blocks(), (1000, 4000)).save(path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "other":
        path.write_text("no equations")
    else:
        path.unlink()
    with pytest.raises(UserError, match=r"model\.equations: (no such file|holds no normal equations)"):
        Accumulator.load(path, blocks())


def test_features_that_are_left_out_are_left_out_of_everything():
    features = blocks()
    accumulator = accumulated(TRAIN, features, (1000, 4000))
    kept = np.arange(0, accumulator.width, 3)
    accumulator.restrict(kept)
    matrix, _ = weighted_sum([accumulated(TRAIN, features, (1000, 4000)).equations[1]], [1.0])
    found, _ = weighted_sum([accumulator.equations[1]], [1.0])
    np.testing.assert_allclose(np.tril(found), np.tril(np.tril(matrix)[np.ix_(kept, kept)]), atol=1e-12)
    assert accumulator.width == len(kept)
    accumulator.add(next(TRAIN.batches(5, derivatives=True)))


def test_the_same_numbers_of_another_function_do_not_add_up():
    waves = blocks()
    others = [replace(block, features=replace(block.features, activation="tanh")) for block in waves]
    with pytest.raises(ValueError, match="different features"):
        accumulated(TRAIN, waves, (1000, 4000)).merge(accumulated(TRAIN, others, (1000, 4000)))


@pytest.mark.parametrize("n_rows", [(1, 4000), (1000,)])
def test_an_accumulator_of_other_rows_is_refused_before_anything_is_added(n_rows):
    whole, other = accumulated(TRAIN, blocks(), (1000, 4000)), accumulated(TRAIN, blocks(), n_rows)
    before = whole.equations[0].rhs.copy()
    with pytest.raises(ValueError, match="different kinds of rows"):
        whole.merge(other)
    np.testing.assert_array_equal(whole.equations[0].rhs, before)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("counts", lambda array: array[:1]),
        ("counts", lambda array: array.astype(float)),
        ("0.rhs", lambda array: array[:-1]),
        ("0.rhs", lambda array: array * np.nan),
        ("1.panels.0", lambda array: array[:-1]),
    ],
)
def test_arrays_that_do_not_fit_each_other_are_one_sentence(tmp_path, name, change):
    from safetensors.numpy import load_file, save_file

    path = tmp_path / "model.equations"
    accumulated(TRAIN, blocks(), (1000, 4000)).save(path)
    arrays = load_file(path)
    save_file(arrays | {name: np.ascontiguousarray(change(arrays[name]))}, path)
    with pytest.raises(UserError, match=r"model\.equations: holds no normal equations"):
        Accumulator.load(path, blocks())
