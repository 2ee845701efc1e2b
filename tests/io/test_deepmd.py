"""Folders of DeePMD-kit: as its documentation has them, of one system or of several."""

import numpy as np
import pytest

import rfp_md
from rfp_md.errors import UserError
from rfp_md.io.write import convert

CELL = np.diag([4.0, 5.0, 6.0])
FRAMES = 3


@pytest.fixture
def water(tmp_path):
    """A periodic system of three atoms in two sets, with what its frames are."""
    rng, folder = np.random.default_rng(0), tmp_path / "data" / "water"
    known = {
        "coord": rng.normal(size=(FRAMES, 9)),
        "energy": rng.normal(size=FRAMES),
        "force": rng.normal(size=(FRAMES, 9)),
        "virial": np.tile(np.diag([1.0, 2.0, 3.0]).ravel(), (FRAMES, 1)),
        "box": np.tile(CELL.ravel(), (FRAMES, 1)),
    }
    for name, part in (("set.000", slice(0, 2)), ("set.001", slice(2, 3))):
        (folder / name).mkdir(parents=True)
        for label, array in known.items():
            np.save(folder / name / f"{label}.npy", array[part])
    (folder / "type.raw").write_text("0 1 1\n")
    (folder / "type_map.raw").write_text("O\nH\n")
    return folder, known


def test_frames_are_others_than_in_the_sets(water):
    folder, known = water
    frames = rfp_md.read(folder).blocks[0]
    assert frames.numbers.tolist() == [8, 1, 1]
    assert frames.pbc == (True, True, True)
    np.testing.assert_array_equal(frames.positions.reshape(FRAMES, 9), known["coord"])
    np.testing.assert_array_equal(frames.energies, known["energy"])
    np.testing.assert_array_equal(frames.forces.reshape(FRAMES, 9), known["force"])
    np.testing.assert_allclose(frames.stresses[1].diagonal(), -np.array([1, 2, 3]) / 120)


def test_a_conversion_loses_digits_or_labels(water, tmp_path):
    folder, known = water
    (folder / "nopbc").touch()
    convert(folder, tmp_path / "water.npz")
    again = rfp_md.read(tmp_path / "water.npz").blocks[0]
    np.testing.assert_allclose(again.forces.reshape(FRAMES, 9), known["force"], rtol=1e-12)
    np.testing.assert_allclose(again.energies, known["energy"], rtol=1e-12)


def test_a_folder_of_systems_is_read_in_part(water):
    folder, _ = water
    single = folder.parent / "atom"
    (single / "set.000").mkdir(parents=True)
    np.save(single / "set.000/coord.npy", np.zeros((1, 3)))
    np.save(single / "set.000/energy.npy", np.array([-1.0]))
    for name, text in (("type.raw", "0"), ("type_map.raw", "H"), ("nopbc", "")):
        (single / name).write_text(text)
    blocks = rfp_md.read(folder.parent).blocks
    assert [(len(block), block.n_atoms, block.periodic) for block in blocks] == [(1, 1, False), (FRAMES, 3, True)]
    assert blocks[0].forces is None


def test_text_is_not_read(water):
    folder, known = water
    for label, array in known.items():
        np.savetxt(folder / f"{label}.raw", array.reshape(FRAMES, -1), fmt="%.17g")
    for part in ("set.000", "set.001"):
        for file in (folder / part).iterdir():
            file.unlink()
        (folder / part).rmdir()
    np.testing.assert_array_equal(rfp_md.read(folder).blocks[0].energies, known["energy"])


def test_several_compositions_in_one_system_are_taken_for_one(water):
    folder, _ = water
    np.save(folder / "set.000/real_atom_types.npy", np.array([[0, 1, 1], [1, 1, -1]]))
    np.save(folder / "set.001/real_atom_types.npy", np.array([[0, 1, 1]]))
    assert [block.numbers.tolist() for block in rfp_md.read(folder).blocks] == [[8, 1, 1], [1, 1], [8, 1, 1]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "type_map.raw").unlink(), "has no type_map.raw; write one"),
        (lambda folder: (folder / "type_map.raw").write_text("O_1 H"), "'O_1' is no element"),
        (lambda folder: (folder / "type.raw").write_text("0 1 2"), "must hold types from 0 to 1"),
        (lambda folder: (folder / "type.raw").write_text("0 1 1 1"), "which are not 12 for each frame"),
        (lambda folder: (folder / "set.000/coord.npy").unlink(), "has no coord.npy"),
        (lambda folder: (folder / "set.000/box.npy").unlink(), "has no box.npy; a system without a cell has"),
        (lambda folder: np.save(folder / "set.000/energy.npy", np.zeros(3)), "energy has 3 frames, and coord 2"),
        (lambda folder: np.save(folder / "set.000/energy.npy", np.array(["a", "b"])), "instead of real numbers"),
        (lambda folder: np.save(folder / "set.000/energy.npy", np.array([{}, 1])), "is no readable array"),
        (lambda folder: (folder / "set.000/energy.npy").write_bytes(b"\x93NUMPY"), "is no readable array"),
        (lambda folder: (folder / "type.raw").unlink(), "is a folder, and none of DeePMD's"),
    ],
)  # fmt: skip
def test_a_folder_that_does_not_fit_is_no_sentence(water, change, message):
    folder, _ = water
    change(folder)
    with pytest.raises(UserError, match=message):
        rfp_md.read(folder)


def test_other_units_than_its_own_are_taken(water):
    from rfp_md.io.units import Units

    with pytest.raises(UserError, match="--energy-unit hartree contradicts the file, which states eV"):
        rfp_md.read(water[0], Units(energy="hartree"))
