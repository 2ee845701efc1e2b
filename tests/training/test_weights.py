"""Weights, and labels that frames lack: a weight of zero, a missing label and one under a mask are the same thing."""

from dataclasses import replace

import numpy as np
import pytest

import rfp_md
from rfp_md.errors import UserError
from rfp_md.frames import Dataset
from rfp_md.training.weights import Weighting, mean_atoms, parse_weights
from tests.heard import Heard
from tests.training.test_run import SMALL, labelled

FIT = {
    "descriptor": [SMALL],
    "regressor": "random_fourier:width=40",
    "split": "contiguous",
    "baseline": ["elements"],  # a prior would weigh less among labels that weigh more
}
FRAMES = labelled([8, 1, 1], 40, 1)


def kinds(*names):
    return np.array(names, dtype=object)


def predicted(*blocks, **options):
    return rfp_md.train(Dataset(blocks), **(FIT | options)).compute(FRAMES)


def same(one, other):
    np.testing.assert_allclose(one.energies, other.energies, atol=1e-7)
    np.testing.assert_allclose(one.forces, other.forces, atol=1e-6)


def test_a_frame_of_weight_four_counts_as_four_copies():
    """Up to the features, which are drawn from the sites of all frames: here, two kinds of the same number."""
    weighted = replace(FRAMES, kinds=kinds(*(["much"] * 18 + ["little"] * 22)))
    scaled = replace(FRAMES, weights=np.repeat([[4.0, 4.0, 4.0], [1.0, 1.0, 1.0]], [18, 22], axis=0))
    same(predicted(weighted, weight=["much=4:4:4"]), predicted(scaled))
    other = predicted(FRAMES)
    assert not np.allclose(predicted(scaled).forces, other.forces, atol=1e-9)


def test_weights_that_are_all_alike_change_little():
    """λ is relative to the rows' own size."""
    same(predicted(FRAMES), predicted(replace(FRAMES, weights=np.full((40, 3), 2.0))))


def test_a_label_without_weight_is_a_label_that_is_not_there():
    first, last = FRAMES[:20], FRAMES[20:]
    weights = np.tile([1.0, 0.0, 1.0], (20, 1))
    same(predicted(replace(first, weights=weights), last), predicted(replace(first, forces=None), last))
    weights = np.tile([0.0, 1.0, 1.0], (20, 1))
    wrong = replace(first, weights=weights, energies=first.energies + np.random.default_rng(0).normal(size=20))
    baseline_free = {"baseline": ["elements"]}
    without = predicted(replace(first, energies=None), last, **baseline_free)
    weighted = predicted(wrong, last, **baseline_free)
    # The features are others, for they are drawn from frames with energies; a wrong energy would be seen at once.
    np.testing.assert_allclose(without.forces, weighted.forces, atol=1e-4)


def test_masked_forces_are_not_looked_at():
    mask = np.ones((40, 3), dtype=bool)
    mask[::2, 1] = False
    spoiled = np.where(mask[..., None], FRAMES.forces, 1e3)
    same(
        predicted(replace(FRAMES, force_mask=mask)),
        predicted(replace(FRAMES, forces=spoiled, force_mask=mask)),
    )


def test_the_labels_that_are_there_are_told_and_kept():
    mask = np.ones((10, 3), dtype=bool)
    mask[:, 2] = False
    blocks = (
        replace(FRAMES[:10], forces=None),
        replace(FRAMES[10:20], force_mask=mask),
        replace(FRAMES[20:30], energies=None),
        FRAMES[30:],
    )
    heard = Heard()
    potential = rfp_md.train(Dataset(blocks), progress=heard, **FIT)
    assert "fitted to 30 of 40 energies, 80 of 120 force vectors" in heard.lines
    assert potential.record["label_counts"] == {"energies": [30, 40], "force_vectors": [80, 120]}
    assert "label_counts" not in rfp_md.train(Dataset((FRAMES,)), **FIT).record


@pytest.mark.parametrize("lacking", ["energies", "forces"])
def test_one_sort_of_labels_is_enough(lacking):
    prediction = predicted(replace(FRAMES, **{lacking: None}))
    error = prediction.forces - FRAMES.forces
    assert np.abs(error).mean() < 0.2 * np.abs(FRAMES.forces).mean()


def test_stresses_alone_are_fitted_where_a_frame_has_nothing_else():
    frames = labelled([8, 1, 1], 40, 1, periodic=True)
    stresses = np.tile(1e-3 * np.eye(3), (20, 1, 1))
    first = replace(frames[:20], energies=None, forces=None, stresses=stresses)
    heard = Heard()
    rfp_md.train(Dataset((first, frames[20:])), progress=heard, **FIT)
    assert "fitted to 20 of 40 energies, 60 of 120 force vectors, 20 of 40 stresses" in heard.lines


def test_energies_of_larger_frames_count_by_the_atom():
    mixed = Dataset((labelled([1, 1], 10, 0), labelled([8, 1, 1, 1], 10, 1)))
    assert mean_atoms(mixed) == 3
    small, large = Weighting({}, mean_atoms(mixed)).of(mixed)
    np.testing.assert_array_equal(small.weights[0], [2.25, 1, 1])
    np.testing.assert_array_equal(large.weights[0], [0.5625, 1, 1])
    one_size = Dataset((labelled([8, 1, 1], 7, 0), labelled([1, 8, 1], 13, 1)))
    assert all(block.weights is None for block in Weighting({}, mean_atoms(one_size)).of(one_size))


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ("MD=1:1", "--weight MD=1:1: is not KIND=energy:force:stress"),
        ("1:1:1", "is not KIND=energy:force:stress"),
        ("MD=1:-1:1", "weights are numbers from 0 up"),
        ("MD=nan:1:1", "weights are numbers from 0 up"),
        ("MD=x:1:1", "is not KIND=energy:force:stress"),
        ("DM=1:1:1", "--weight DM=…: no frame is of that kind; there are MD"),
        ("MD=0:0:0", "all labels have weight 0, so there is nothing to fit to"),
    ],
)
def test_weights_that_mean_nothing_are_refused(weight, message):
    frames = replace(FRAMES, kinds=kinds(*["MD"] * 40))
    with pytest.raises(UserError, match=message):
        rfp_md.train(Dataset((frames,)), weight=[weight], **FIT)


def test_a_kind_that_is_named_twice_is_refused():
    with pytest.raises(UserError, match="kind 'a=b' stands twice"):
        parse_weights(["a=b=1:1:1", "a=b=2:2:2"])


@pytest.mark.parametrize("regressor", ["gaussian_process"])
def test_a_regressor_that_takes_all_labels_alike_says_what_it_lacks(regressor):
    options = FIT | {"regressor": regressor}
    with pytest.raises(UserError, match=r"20 of 40 frames have no forces .*; regressor 'gaussian_process' needs them"):
        rfp_md.train(Dataset((replace(FRAMES[:20], forces=None), FRAMES[20:])), **options)
    with pytest.raises(UserError, match="regressor 'gaussian_process' takes all labels alike"):
        rfp_md.train(Dataset((replace(FRAMES, weights=np.full((40, 3), 2.0)),)), **options)
