"""NVE dynamics: conserved in ASE and in real i-PI, and a wrong force is found out."""

import os
import subprocess
from pathlib import Path

import pytest

import rfp_md
from rfp_md.errors import UserError
from rfp_md.validation.nve import check_nve
from rfp_md.validation.nve_ipi import run_pair, write_run
from tests.conftest import BENZENE


def leftovers():
    """Sockets and folders that an i-PI run could leave behind."""
    return sorted(Path("/tmp").glob("ipi_*")) + sorted(Path("/tmp").glob("rfp-*"))


def test_energy_is_conserved_in_ase(potential, tmp_path):
    result = check_nve(potential, length=0.5, plot=tmp_path / "nve.png")
    assert result["passed"], result
    assert 3.2 <= result["dt2_ratio"] <= 4.8
    assert (tmp_path / "nve.png").read_bytes().startswith(b"\x89PNG")


def test_energy_is_conserved_in_real_ipi_and_nothing_is_left(potential):
    before = leftovers()
    result = check_nve(potential, length=0.25, engine="ipi")
    assert result["passed"], result
    assert leftovers() == before
    children = subprocess.run(["ps", "--ppid", str(os.getpid()), "-o", "args="], capture_output=True, text=True).stdout
    assert "rfp_md.driver" not in children
    assert "i-pi" not in children


def test_a_force_that_is_no_gradient_fails(potential, monkeypatch):
    descriptor = type(potential.descriptors[0])
    pullback = descriptor.pullback

    def wrong(self, frames, gradient):
        force = pullback(self, frames, gradient)
        force[:, 0] *= 1.02
        return force

    monkeypatch.setattr(descriptor, "pullback", wrong)
    assert not check_nve(potential, length=0.5)["passed"]


def test_a_run_that_is_too_short_is_refused(potential):
    with pytest.raises(UserError, match="20 to 100,000,000 steps"):
        check_nve(potential, length=0.001)


def test_an_atom_count_that_differs_from_ipi_s_is_one_sentence(potential, tmp_path):
    write_run(tmp_path, potential, steps=5, stride=1)
    text = (tmp_path / "input.xml").read_text().replace('natoms="9"', 'natoms="10"').replace("(1, 27)", "(1, 30)")
    for tag, more in (("q", "5.0, 5.0, 5.0"), ("m", "1.008"), ("names", "H")):
        text = text.replace(f" ] </{tag}>", f", {more} ] </{tag}>")
    (tmp_path / "input.xml").write_text(text)
    with pytest.raises(UserError, match="rfp-driver: the server sends 10 atoms, but the model has 9"):
        run_pair(tmp_path)


@pytest.mark.slow
def test_the_embedded_benzene_model_conserves_energy_for_20_ps(tmp_path):
    potential = rfp_md.train(f"{BENZENE}@:500", preset="fast")
    result = check_nve(potential, length=20.0, timestep=0.5, temperature=300.0)
    assert abs(result["drift_mev_per_atom_per_ps"]) <= 0.01, result
    assert 3.2 <= result["dt2_ratio"] <= 4.8, result
