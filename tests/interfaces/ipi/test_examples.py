"""Every input of examples/ipi runs for a few steps in real i-PI with real drivers."""

import re
import runpy

import ase.io
import numpy as np
import pytest
from ase.units import Hartree

import rfp_md
from rfp_md.artifact import load, save
from rfp_md.logs.read import read_energy_log
from tests.conftest import BENZENE, ROOT
from tests.interfaces.ipi_runs import free_port, run_ipi

EXAMPLES = ROOT / "examples/ipi"
COMMITTEE = ("benzene_1", "benzene_2", "benzene_3")


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """A folder with small models of all the names that the examples use."""
    folder = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(("benzene", "cheap", *COMMITTEE)):
        width = 100 if name == "cheap" else 300
        potential = rfp_md.train(f"{BENZENE}@:120", descriptor=[f"inverse_distances:width={width}"], seed=seed)
        save(potential, folder / f"{name}.rfp")
    (folder / "accurate.rfp").symlink_to(folder / "benzene.rfp")
    return folder


def run_example(name, models, folder, drivers, steps=20):
    """Run an example for some steps, with rfp-driver for each (model, address, flags …); addresses as it has them."""
    text = (EXAMPLES / f"{name}.xml").read_text()
    text = re.sub(r"<total_steps> \d+", f"<total_steps> {steps}", text).replace("../../", f"{ROOT}/")
    text = re.sub(r'stride="10"', 'stride="1"', text)
    flags = []
    for model, address, *more in drivers:
        if isinstance(address, int):
            port = free_port()
            text = text.replace(f"<port> {address} ", f"<port> {port} ")
            place = ["--host", "127.0.0.1", "--port", port]
        else:
            place = ["--unix", address, "--sockets-prefix", f"{folder}/"]
        flags.append(["--model", f"{model}.rfp", *place, *more])
    for model in models.iterdir():
        (folder / model.name).symlink_to(model)
    (folder / "input.xml").write_text(text)
    log, _ = run_ipi(folder, *flags, flags=["-S", f"{folder}/"])
    assert "I-PI reports success" in log, log
    return log


def test_the_inputs_are_up_to_date(models):
    make_inputs = runpy.run_path(str(EXAMPLES / "make_inputs.py"))["make_inputs"]
    for name, text in make_inputs(models / "benzene.rfp").items():
        assert (EXAMPLES / name).read_text() == text, "run: python examples/ipi/make_inputs.py MODEL"


@pytest.mark.parametrize("name", ["nve", "nvt", "pimd", "pimd_in_process"])
def test_dynamics(name, models, tmp_path):
    run_example(name, models, tmp_path, [] if name == "pimd_in_process" else [("benzene", "benzene")])
    assert len(read_energy_log(tmp_path / "run.out").times) == 21


def test_a_committee_of_three_drivers(models, tmp_path):
    run_example("committee", models, tmp_path, zip(COMMITTEE, (31401, 31402, 31403), strict=True))
    energies = np.loadtxt(tmp_path / "run.energies_0")
    spread = np.loadtxt(tmp_path / "run.uncertainty_0")
    assert energies.shape == (21, 3)
    np.testing.assert_allclose(spread, energies.std(axis=1, ddof=1), rtol=1e-5)
    assert (spread > 0).all()


def test_one_driver_is_a_committee(models, tmp_path):
    run_example("uncertainty", models, tmp_path, [("benzene", 31404, "--committee")])
    potential = load(models / "benzene.rfp")
    trajectory = ase.io.read(tmp_path / "run.pos_0.xyz", index=":")
    first = potential.uncertainty(potential.reference.at(trajectory[0].positions[None]))
    spread = np.loadtxt(tmp_path / "run.uncertainty_0")
    of_forces = np.loadtxt(tmp_path / "run.force_uncertainty_0")
    assert len(spread) == len(of_forces) == 21
    assert spread[0] * Hartree == pytest.approx(first.energies[0], rel=1e-3)
    energy = potential.energies(potential.reference.at(trajectory[0].positions[None]))[0]
    assert np.loadtxt(tmp_path / "run.out")[0, 5] == pytest.approx(energy, rel=3e-7)  # but for i-PI's hartree
    assert of_forces[0] == pytest.approx(first.atoms.max(), rel=1e-3)


def test_multiple_time_steps_conserve_the_accurate_energy(models, tmp_path):
    run_example("mts", models, tmp_path, [("accurate", "accurate"), ("cheap", "cheap")])
    log = read_energy_log(tmp_path / "run.out")
    columns = np.loadtxt(tmp_path / "run.out")
    np.testing.assert_allclose(columns[:, 5], columns[:, 6], atol=1e-6)  # the cheap model's energy cancels
    assert np.ptp(log.conserved) < 0.05 * np.ptp(log.kinetic)


def test_replica_exchange(models, tmp_path):
    run_example("remd", models, tmp_path, [("benzene", "benzene")] * 2, steps=60)
    assert len(np.atleast_2d(np.loadtxt(tmp_path / "run.remd_idx"))) >= 1
    assert len(read_energy_log(tmp_path / "replica_3_run.out").times) == 61


def test_geometry_optimisation(models, tmp_path):
    log = run_example("geometry_optimisation", models, tmp_path, [("benzene", "benzene")], steps=200)
    assert "Geometry optimization converged" in log
    energies = np.loadtxt(tmp_path / "run.out")[:, 1]
    assert energies[-1] == energies.min() < energies[0]
