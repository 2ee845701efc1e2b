"""Conversion: no digit, step, cell or unit may be lost on the way without a word."""

import numpy as np
import pytest

from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.io import read
from rfp_md.io.write import convert, write
from tests.conftest import ETHANOL


def same(a, b, atol):
    for name in ("positions", "energies", "forces", "cells", "stresses", "steps"):
        first, second = getattr(a, name), getattr(b, name)
        assert (first is None) == (second is None), name
        if first is not None:
            np.testing.assert_allclose(first, second, rtol=0, atol=atol, err_msg=name)
    np.testing.assert_array_equal(a.numbers, b.numbers)
    assert a.pbc == b.pbc


def test_there_and_back_again(tmp_path, ethanol):
    assert convert(f"{ETHANOL}@:20", tmp_path / "a.npz")["frames"] == 20
    convert(tmp_path / "a.npz", tmp_path / "b.extxyz")
    convert(tmp_path / "b.extxyz", tmp_path / "c.npz")
    assert ethanol.steps is not None
    for name in ("a.npz", "b.extxyz", "c.npz"):
        same(read(tmp_path / name).blocks[0], ethanol[:20], 1e-8)


def test_npz_keeps_every_digit_and_states_its_units(tmp_path, rng):
    frames = Frames(np.array([8, 1, 1]), rng.normal(size=(4, 3, 3)), rng.normal(size=4), rng.normal(size=(4, 3, 3)))
    write(Dataset((frames,)), tmp_path / "a.npz")
    same(read(tmp_path / "a.npz").blocks[0], frames, 0)


def test_extxyz_keeps_cells_stresses_and_what_is_missing(tmp_path, rng):
    stresses = rng.normal(size=(2, 3, 3))
    periodic = Frames(
        np.array([29, 29]),
        rng.normal(size=(2, 2, 3)),
        energies=rng.normal(size=2),
        cells=np.eye(3) * 4 + rng.normal(size=(2, 3, 3)),
        pbc=(True, True, False),
        stresses=stresses + stresses.transpose(0, 2, 1),
    )
    bare = Frames(np.array([1]), rng.normal(size=(1, 1, 3)))
    write(Dataset((periodic, bare)), tmp_path / "a.extxyz")
    first, second = read(tmp_path / "a.extxyz").blocks
    same(first, periodic, 1e-8)
    same(second, bare, 1e-8)


def test_units_are_converted(tmp_path, rng):
    numbers, positions = np.array([8, 1]), rng.normal(size=(2, 2, 3))
    np.savez(tmp_path / "a.npz", numbers=numbers, positions=positions, energies=np.ones(2), forces=positions)
    with pytest.raises(UserError, match="say --energy-unit"):
        convert(tmp_path / "a.npz", tmp_path / "b.npz")
    convert(tmp_path / "a.npz", tmp_path / "b.npz", energy_unit="hartree", length_unit="bohr")
    (frames,) = read(tmp_path / "b.npz").blocks
    np.testing.assert_allclose(frames.energies, 27.211386, rtol=1e-6)
    np.testing.assert_allclose(frames.positions, positions * 0.529177211, rtol=1e-6)
    np.testing.assert_allclose(frames.forces, positions * 51.4220675, rtol=1e-6)


def test_what_npz_has_no_room_for_is_refused_and_leaves_nothing(tmp_path):
    one, two = Frames(np.array([1]), np.zeros((1, 1, 3))), Frames(np.array([2]), np.zeros((1, 1, 3)))
    with pytest.raises(UserError, match="an npz file needs one composition"):
        write(Dataset((one, two)), tmp_path / "a.npz")
    cell = Frames(np.array([1]), np.zeros((1, 1, 3)), cells=np.eye(3)[None], pbc=(True, True, True), source="x.xyz")
    with pytest.raises(UserError, match=r"x.xyz: has a periodic cell.* write .extxyz"):
        write(Dataset((cell,)), tmp_path / "a.npz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "message"), [("a.h5", "one of these endings"), ("no/a.npz", "choose a folder")])
def test_a_bad_output_is_refused_before_anything_is_read(tmp_path, name, message):
    with pytest.raises(UserError, match=message):
        convert("nowhere.xyz", tmp_path / name)
