"""Weights of frames and masks of forces, as a file says them."""

import numpy as np
import pytest

import rfp_md
from rfp_md.errors import UserError
from rfp_md.io.write import write

FRAME = """2
Properties=species:S:1:pos:R:3:forces:R:3{column} energy=-1.0 {info} pbc="F F F"
H 0.0 0.0 0.0 0.1 0.0 0.0{first}
H 0.8 0.0 0.0 -0.1 0.0 0.0{second}
"""
PLAIN = FRAME.format(column="", info="", first="", second="")


def frame(info="", mask=None):
    column, (first, second) = (":forces_mask:L:1", mask) if mask else ("", ("", ""))
    return FRAME.format(column=column, info=info, first=f" {first}", second=f" {second}")


def read(tmp_path, *frames):
    path = tmp_path / "frames.extxyz"
    path.write_text("".join(frames))
    return rfp_md.read(path)


def test_weights_and_masks_are_read_frame_by_frame(tmp_path):
    weighted = frame("energy_weight=10 stress_weight=0.5", ("T", "F"))
    (block,) = read(tmp_path, PLAIN, weighted).blocks
    np.testing.assert_array_equal(block.weights, [[1, 1, 1], [10, 1, 0.5]])
    np.testing.assert_array_equal(block.force_mask, [[True, True], [True, False]])


def test_a_file_that_says_nothing_has_neither(tmp_path):
    (block,) = read(tmp_path, PLAIN, frame("energy_weight=1", ("T", "T"))).blocks
    assert block.weights is None
    assert block.force_mask is None


def test_both_survive_being_written(tmp_path):
    dataset = read(tmp_path, PLAIN, frame("forces_weight=0", ("F", "T")))
    write(dataset, tmp_path / "again.extxyz")
    (block,) = rfp_md.read(tmp_path / "again.extxyz").blocks
    np.testing.assert_array_equal(block.weights, dataset.blocks[0].weights)
    np.testing.assert_array_equal(block.force_mask, dataset.blocks[0].force_mask)
    with pytest.raises(UserError, match="weights or a mask of forces, which an npz file here does not hold"):
        write(dataset, tmp_path / "again.npz")


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (frame("energy_weight=-1"), "frame 1: energy_weight=-1: weights are numbers from 0 up"),
        (frame("forces_weight=nan"), "forces_weight=nan: weights are numbers from 0 up"),
        (frame("energy_weight=much"), "frame 1: energy_weight must be one number"),
        (frame(mask=("T", "2")), "frame 1: forces_mask must be T or F for each of its 2 atoms"),
    ],
)
def test_what_is_no_weight_or_no_mask_is_refused_with_its_frame(tmp_path, frame, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path, PLAIN, frame)
