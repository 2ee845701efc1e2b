import numpy as np
import pytest
from ase import Atoms
from ase.io import write

import rfp_md
from rfp_md.descriptors.thesis.coulomb_matrix import CoulombMatrix
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames, check_trainable, count_duplicates, formula

NUMBERS = np.array([8, 1, 1])


def water(n_frames=4, **labels):
    rng = np.random.default_rng(0)
    defaults = {"energies": rng.normal(size=n_frames), "forces": rng.normal(size=(n_frames, 3, 3))}
    return Frames(NUMBERS, rng.normal(size=(n_frames, 3, 3)), source="water.xyz", **(defaults | labels))


def test_a_wrong_shape_is_refused_with_both_shapes():
    with pytest.raises(UserError, match=r"water.xyz: energies has shape \(3,\), but 4 frames of 3 atoms need \(4,\)"):
        water(energies=np.zeros(3))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_number_that_is_not_finite_is_refused_with_its_frame(bad):
    forces = np.zeros((4, 3, 3))
    forces[2, 1, 0] = bad
    with pytest.raises(UserError, match="forces has a number that is not finite in frame 2"):
        water(forces=forces)


def test_labels_may_be_missing_but_not_all_of_them():
    check_trainable(Dataset((water(forces=None),)))
    check_trainable(Dataset((water(energies=None),)))
    with pytest.raises(UserError, match=r"water.xyz: has no energies; there is nothing to fit to"):
        check_trainable(Dataset((water(energies=None, forces=None),)))
    with pytest.raises(UserError, match=r"water.xyz: has no energies; there is nothing to fit to"):
        check_trainable(Dataset((water(energies=None),)), forces=False)


def test_forces_under_another_name_are_asked_for():
    with pytest.raises(
        UserError,
        match=r"has no forces, which .*; found forces_xtb: name what is to be read, as in --forces-key forces_xtb",
    ):
        check_trainable(Dataset((water(forces=None, unread={"forces": ("forces_xtb",)}),)))


def test_constant_energies_are_refused():
    with pytest.raises(UserError, match="all 4 energies are 2 eV"):
        check_trainable(Dataset((water(energies=np.full(4, 2.0)),)))


def test_duplicates_are_counted():
    frames = water()
    assert count_duplicates(Dataset((frames,))) == 0
    assert count_duplicates(Dataset((frames[np.array([0, 1, 1, 2, 0])],))) == 2


def test_duplicates_are_counted_across_blocks_and_constant_energies_too():
    frames = water(energies=np.zeros(4))
    assert count_duplicates(Dataset((frames, frames))) == 4
    with pytest.raises(UserError, match="all 8 energies are 0 eV"):
        check_trainable(Dataset((frames, frames)))


def test_blocks_of_one_composition_are_joined_with_what_all_of_them_have():
    joined = Dataset((water(), water(forces=None))).one_composition("x")
    assert len(joined) == 8
    assert joined.forces is None
    np.testing.assert_array_equal(joined.energies, np.tile(water().energies, 2))
    mask = np.array([[True, False, True]] * 4)
    joined = Dataset((water(), water(force_mask=mask))).one_composition("x")
    np.testing.assert_array_equal(joined.known_forces, np.concatenate([np.ones((4, 3), dtype=bool), mask]))
    with pytest.raises(UserError, match="some frames have a periodic cell and some have not"):
        Dataset((water(), water(pbc=(True, True, True)))).one_composition("x")


def test_a_frame_is_named_by_its_place_in_the_file_and_not_in_a_batch(tmp_path):
    """The file's frames are cut where species change, sliced, shuffled into a split and batched before one is named."""
    rng = np.random.default_rng(0)
    images = [Atoms(symbols, rng.normal(size=(3, 3))) for symbols in ["H3"] * 20 + ["He3"] * 20]
    images[33].positions[2] = images[33].positions[0]
    write(tmp_path / "mixed.extxyz", images)
    block = rfp_md.read(f"{tmp_path / 'mixed.extxyz'}@15:").blocks[1]
    chosen = Dataset((block[:10], block[10:])).one_composition("a test")[np.array([18, 13, 2])]
    np.testing.assert_array_equal(chosen.places, [38, 33, 22])
    with pytest.raises(UserError, match="atoms 0 and 2 of frame 33 are at the same place"):
        CoulombMatrix().values(chosen)


def test_a_change_of_species_is_refused_where_one_composition_is_needed():
    other = Frames(np.array([1, 8, 1]), np.zeros((1, 3, 3)), source="other.xyz")
    with pytest.raises(UserError, match=r"other.xyz: x needs one composition .* after OH2 comes HOH"):
        Dataset((water(), other)).one_composition("x")
    assert not Dataset((water(), other)).has_one_composition


def test_blocks_of_one_composition_are_joined_and_selected_by_their_common_index():
    whole = water(6)
    dataset = Dataset((whole[:2], whole[2:]))
    assert dataset.has_one_composition
    np.testing.assert_array_equal(dataset.one_composition("x").positions, whole.positions)
    chosen = dataset.select(np.array([5, 1, 2]))
    np.testing.assert_array_equal(chosen.energies, whole.energies[[1, 2, 5]])


def test_fingerprint_sees_every_label():
    assert Dataset((water(),)).fingerprint() == Dataset((water(),)).fingerprint()
    changed = water().forces.copy()
    changed[3, 2, 1] = np.nextafter(changed[3, 2, 1], 9)
    assert Dataset((water(),)).fingerprint() != Dataset((water(forces=changed),)).fingerprint()


def test_formula_keeps_the_order_of_atoms():
    assert formula([6, 6, 8, 1, 1]) == "C2OH2"


def test_other_positions_are_each_in_the_cell_of_their_frame():
    cells = np.array([4.0, 5.0])[:, None, None] * np.eye(3)
    frames = water(2, cells=cells, pbc=(True, True, True))
    np.testing.assert_array_equal(frames.at(frames.positions + 1).cells, cells)
    np.testing.assert_array_equal(frames[:1].at(np.zeros((3, 3, 3))).cells, cells[[0, 0, 0]])
    with pytest.raises(ValueError, match="broadcast"):
        frames.at(np.zeros((3, 3, 3)))
