"""Errors over whatever frames and model both have, as a whole and by the kind of the frames."""

from dataclasses import replace

import numpy as np
import pytest

from rfp_md.errors import UserError
from rfp_md.evaluation.plots import plot_parity
from rfp_md.evaluation.reliability import compare
from rfp_md.evaluation.run import error_figures, notes_on_labels, pairs_of
from rfp_md.frames import Dataset


@pytest.fixture
def blocks(ethanol):
    """Twelve frames: four each of all labels, of energies only, and of all labels and another kind."""
    a, b, c = ethanol[:4], replace(ethanol[4:8], forces=None), ethanol[8:12]
    return [
        replace(a, kinds=np.array(["gas"] * 4, dtype=object)),
        b,
        replace(c, kinds=np.array(["gas", "ice", "ice", "ice"], dtype=object)),
    ]


def test_frames_without_forces_are_judged_by_their_energies(potential, blocks):
    dataset = Dataset(tuple(blocks))
    found = error_figures(pairs_of(potential, dataset, "m.rfp"), dataset)
    with_forces = Dataset((blocks[0], blocks[2]))
    only = error_figures(pairs_of(potential, with_forces, "m.rfp"), with_forces)
    assert found["n_frames"] == 12
    assert found["force_rmse_mev_per_angstrom"] == only["force_rmse_mev_per_angstrom"]
    errors = np.concatenate([potential.compute(block).energies - block.energies for block in blocks])
    assert found["energy_mae_mev"] == pytest.approx(1e3 * np.abs(errors).mean())
    assert found["energy_rmse_mev_per_atom"] == pytest.approx(1e3 / 9 * np.sqrt(np.square(errors).mean()))
    assert found["stress_rmse_mev_per_angstrom3"] is None
    assert len(compare(potential, dataset)["frame"][0]) == 8


def test_errors_by_config_type_are_those_of_their_frames(potential, blocks):
    dataset = Dataset(tuple(blocks))
    kinds = error_figures(pairs_of(potential, dataset, "m.rfp"), dataset)["by_config_type"]
    assert [(kind["config_type"], kind["n_frames"]) for kind in kinds] == [("gas", 5), ("none", 4), ("ice", 3)]
    assert kinds[1]["force_rmse_mev_per_angstrom"] is None
    ice = Dataset((blocks[2][np.array([1, 2, 3])],))
    alone = error_figures(pairs_of(potential, ice, "m.rfp"), ice)
    for figure, value in kinds[2].items():
        if figure != "config_type":
            assert value == pytest.approx(alone[figure]), figure
    plain = Dataset((blocks[1],))
    assert error_figures(pairs_of(potential, plain, "m.rfp"), plain)["by_config_type"] == []


def test_what_frames_have_is_compared_and_counted(potential, blocks):
    """Energies of some, forces of some atoms of others: the errors are those of what is there."""
    mask = np.ones((len(blocks[0]), 9), dtype=bool)
    mask[:, 4] = False
    masked, without = replace(blocks[0], force_mask=mask), replace(blocks[2], energies=None)
    dataset = Dataset((masked, without))
    pairs = pairs_of(potential, dataset, "m.rfp")
    whole = pairs_of(potential, Dataset((blocks[0], blocks[2])), "m.rfp")
    first = len(blocks[0])
    np.testing.assert_array_equal(pairs["energy"], np.array(whole["energy"])[:, :first])
    forces = np.array(whole["force"]).reshape(2, -1, 9, 3)
    np.testing.assert_array_equal(
        pairs["force"],
        np.concatenate([np.delete(forces[:, :first], 4, axis=2).reshape(2, -1), forces[:, first:].reshape(2, -1)], 1),
    )
    assert error_figures(pairs, dataset)["n_frames"] == len(dataset)
    n = len(dataset)
    assert notes_on_labels(dataset) == [
        f"compared with {first} of {n} energies, {9 * n - first} of {9 * n} force vectors"
    ]
    assert compare(potential, dataset)["frame"][0].shape == (n,)


def test_frames_without_any_label_are_refused(potential, blocks):
    with pytest.raises(UserError, match="has no energies; there is nothing to compare with"):
        pairs_of(potential, Dataset((replace(blocks[0], energies=None, forces=None),)), "m.rfp")


def test_a_plot_has_any_title(potential, blocks, tmp_path):
    pairs = pairs_of(potential, Dataset((blocks[0],)), "m.rfp")
    plot_parity(pairs, tmp_path / "a.png", "$\\broken on a$b{0}_^%\n\udcff")
    assert (tmp_path / "a.png").stat().st_size > 1000
