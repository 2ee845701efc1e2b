"""The potential in i-PI's own process: the same numbers as through a socket, and no result that is not finite."""

from types import SimpleNamespace

import numpy as np
import pytest
from ase.units import Bohr, Hartree

from rfp_md.driver.transports import InetAddress, UnixAddress
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.interfaces import ipi_pes
from rfp_md.interfaces.ipi.input import ipi_input
from rfp_md.interfaces.ipi_pes import RandomFeaturePES
from rfp_md.logs.read import read_energy_log
from rfp_md.prediction import Prediction
from tests.interfaces.ipi_runs import free_port, run_ipi

BOX = np.eye(3) * 100


@pytest.fixture
def stopped(monkeypatch):
    """The reasons for which i-PI was asked to end."""
    reasons = []
    monkeypatch.setattr(ipi_pes, "stop_ipi", reasons.append)
    return reasons


def test_energies_and_forces_are_the_potential_s_in_atomic_units(model, potential, ethanol):
    energy, forces, virial, extras = RandomFeaturePES(model=str(model), verbosity=True)(
        BOX, ethanol.positions[5] / Bohr
    )
    expected = potential.compute(ethanol[5:6])
    assert energy * Hartree == pytest.approx(expected.energies[0], abs=1e-9)
    np.testing.assert_allclose(forces * (Hartree / Bohr), expected.forces[0], atol=1e-9)
    np.testing.assert_allclose(virial * Hartree, expected.virials[0], atol=1e-8)
    assert extras == ""


def test_a_batch_is_one_call_of_the_potential(model, ethanol, monkeypatch):
    pes = RandomFeaturePES(model=str(model))
    positions = list(ethanol.positions[:7] / Bohr)
    one_by_one = [pes(BOX, position) for position in positions]
    calls = []
    compute = pes._evaluator._evaluate
    monkeypatch.setattr(pes._evaluator, "_evaluate", lambda frames: calls.append(len(frames)) or compute(frames))
    together = pes([BOX] * 7, positions)
    assert calls == [7]
    for single, batched in zip(one_by_one, together, strict=True):
        assert single[0] == pytest.approx(batched[0], abs=1e-12)
        np.testing.assert_allclose(single[1], batched[1], atol=1e-12)


def test_cell_vectors_are_columns_in_ipi(monkeypatch, stopped):
    cell = np.array([[10.0, 0.0, 0.0], [2.0, 9.0, 0.0], [1.0, -1.0, 8.0]])
    crystal = Frames(np.array([6, 1]), np.zeros((1, 2, 3)), cells=cell[None], pbc=(True, True, True))
    seen = []

    def compute(frames):
        seen.append(frames.cells[-1])
        return Prediction(np.zeros(len(frames)), np.zeros((len(frames), 2, 3)), np.zeros((len(frames), 3, 3)))

    known = SimpleNamespace(fixed_composition=True, reference=crystal, compute=compute, record={}, descriptors=())
    monkeypatch.setattr(ipi_pes, "load", lambda path: known)
    RandomFeaturePES("crystal.rfp")([cell.T / Bohr] * 2, [np.zeros((2, 3))] * 2)
    np.testing.assert_allclose(seen[-1], cell)


def test_what_is_not_finite_is_never_returned(model, ethanol, monkeypatch, stopped):
    pes = RandomFeaturePES(model=str(model))
    monkeypatch.setattr(pes._evaluator, "_evaluate", lambda frames: Prediction(*np.full((3, 1), np.nan)))
    with pytest.raises(UserError, match="not finite"):
        pes(BOX, ethanol.positions[0] / Bohr)
    assert len(stopped) == 1


def test_other_atoms_are_refused(model, stopped):
    with pytest.raises(UserError, match="sends 3 atoms, but the model has 9"):
        RandomFeaturePES(model=str(model))(BOX, np.zeros((3, 3)))
    assert len(stopped) == 1


def test_a_model_of_any_composition_needs_a_template(monkeypatch, ethanol):
    anything = SimpleNamespace(fixed_composition=False, reference=ethanol[:1], record={})
    monkeypatch.setattr(ipi_pes, "load", lambda path: anything)
    with pytest.raises(UserError, match="for any composition"):
        RandomFeaturePES("any.rfp")


def conserved(folder, potential, model, address, *driver, **options):
    """The conserved energy (hartree) of a run by one way into i-PI."""
    folder.mkdir()
    (folder / "input.xml").write_text(ipi_input(potential, model, address, stride=1, **options))
    text, _ = run_ipi(folder, *([["--model", model, *driver]] if driver else []))
    assert "I-PI reports success" in text
    return read_energy_log(folder / "run.out").conserved / Hartree


@pytest.fixture(scope="module")
def in_process(potential, model, tmp_path_factory):
    return conserved(tmp_path_factory.mktemp("ipi") / "direct", potential, model, None, steps=200)


@pytest.mark.parametrize("way", ["unix", "shm", "inet"])
def test_every_way_into_ipi_conserves_the_same_energy(way, in_process, potential, model, tmp_path):
    port = free_port()
    address = InetAddress("127.0.0.1", port) if way == "inet" else UnixAddress(f"{tmp_path}/socket")
    flags = ["--host", "127.0.0.1", "--port", port] if way == "inet" else [f"--{way}", address.path]
    energies = conserved(tmp_path / "run", potential, model, address, *flags, steps=200, shared_memory=way == "shm")
    np.testing.assert_allclose(energies, in_process, rtol=0, atol=1e-9)


def test_a_path_integral_is_the_same_in_process_and_through_a_socket(potential, model, tmp_path):
    options = {"ensemble": "nvt", "beads": 32, "steps": 20}
    address = UnixAddress(f"{tmp_path}/socket")
    direct = conserved(tmp_path / "direct", potential, model, None, **options)
    batched = conserved(tmp_path / "batch", potential, model, address, "--unix", address.path, **options)
    np.testing.assert_allclose(batched, direct, rtol=0, atol=1e-9)


@pytest.mark.parametrize("beads", [1, 4])
def test_ipi_ends_with_the_reason_and_a_restart_file_where_the_model_fails(beads, potential, model, tmp_path):
    (tmp_path / "failing.py").write_text(
        "from rfp_md.interfaces.ipi_pes import RandomFeaturePES\n"
        "__DRIVER_NAME__, __DRIVER_CLASS__ = 'failing', 'Failing'\n"
        "class Failing(RandomFeaturePES):\n"
        "    calls = 0\n"
        "    def _compute(self, cells, positions):\n"
        "        self.calls += 1\n"
        "        return super()._compute(cells, positions * (float('nan') if self.calls > 5 else 1.0))\n"
    )
    text = ipi_input(potential, model, None, steps=1000, stride=1, beads=beads)
    (tmp_path / "input.xml").write_text(text.replace(ipi_pes.__file__, "failing.py"))
    log, _ = run_ipi(tmp_path, timeout=30)
    assert "UserError: the server sent a position or a cell that is not finite" in log
    assert "I-PI reports a problem" in log
    assert "<step>" in (tmp_path / "RESTART").read_text()
