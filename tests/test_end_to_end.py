"""The whole way on real frames: rMD17 ethanol to a file to real i-PI, with hyper-parameters from the training file."""

import json

import pytest

import rfp_md
from rfp_md.validation.nve.check_nve import check_nve
from tests.programs import process, rfp


@pytest.fixture(scope="module")
def rmd17(data_folder):
    return data_folder / "rmd17"


def test_rmd17_ethanol_trains_evaluates_and_runs_in_ipi(rmd17, tmp_path):
    model = tmp_path / "ethanol.rfp"
    width = ("--descriptor", "inverse_distances:width=2000")
    assert process("train", rmd17 / "rmd17_ethanol_train_01.npz", "-o", model, *width).returncode == 0
    errors = json.loads(process("evaluate", model, rmd17 / "rmd17_ethanol_test_01.npz", "--json").stdout)
    assert errors["force_mae_mev_per_angstrom"] < 30
    assert errors["energy_mae_mev"] < 7
    result = check_nve(rfp_md.load(model), length=0.25, temperature=300.0, engine="ipi")
    assert result.passed, result


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "molecule", "force", "energy"),
    [("fast", "ethanol", 20, 4.5), ("fast", "benzene", 0.7, 0.08), ("accurate", "ethanol", 6.5, 1.0)],
)
def test_a_preset_reaches_its_targets(rmd17, tmp_path, preset, molecule, force, energy):
    model = tmp_path / "model.rfp"
    training = rmd17 / f"rmd17_{molecule}_train_01.npz"
    assert rfp("train", training, "-o", model, "--preset", preset).returncode == 0
    errors = json.loads(rfp("evaluate", model, rmd17 / f"rmd17_{molecule}_test_01.npz", "--json").stdout)
    assert errors["force_mae_mev_per_angstrom"] <= force
    assert errors["energy_mae_mev"] <= energy
