"""Slabs as ASE builds them, without a third lattice vector, through every door."""

from pathlib import Path

import numpy as np
import pytest
from ase.build import fcc100
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

import rfp_md
from rfp_md.dynamics.lookback import largest_uncertainties
from rfp_md.dynamics.motion import BlownUp, Motion
from rfp_md.dynamics.relaxation import relax
from rfp_md.dynamics.replicas import Replicas
from rfp_md.errors import GeometryError
from rfp_md.frames import Frames
from rfp_md.interfaces.ase import RFPCalculator
from rfp_md.interfaces.boxed import BoxedModel
from rfp_md.interfaces.ipi.structure import beads_and_cell
from rfp_md.io.atoms import to_atoms
from rfp_md.structures.strain import strained
from rfp_md.validation.forces.check_forces import check_forces
from rfp_md.validation.stability.check_stability import check_stability
from tests.programs import refused, rfp

TERM = "many_body:width=80,components=15,cutoff=4"


def slab(seed):
    """Twelve atoms of copper at EMT."""
    atoms = fcc100("Cu", (2, 2, 3))
    atoms.info.clear()
    atoms.rattle(0.08, seed=seed)
    atoms.calc = EMT()
    labels = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces(), "stress": np.ones(6)}
    atoms.calc = SinglePointCalculator(atoms, **labels)
    return atoms


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Thirty slabs, with stresses that no slab has."""
    path = tmp_path_factory.mktemp("slabs") / "slabs.extxyz"
    write(path, [slab(seed) for seed in range(30)])
    return path


@pytest.fixture(scope="module")
def model(data) -> Path:
    """A potential of them."""
    path = data.with_name("slab.rfp")
    result = rfp("train", data, "-o", path, "--descriptor", TERM)
    assert result.returncode == 0, result.stderr
    assert "stresses in cells without a volume" in result.stderr
    return path


@pytest.fixture
def potential(model):
    """The same in memory; it has not warned yet."""
    return rfp_md.load(model)


def with_third(frames, third):
    """The same slab, with a third lattice vector."""
    cells = frames.cells.copy()
    cells[:, 2] = third
    return Frames(frames.numbers, frames.positions, cells=cells, pbc=frames.pbc)


@pytest.mark.parametrize("third", [[0, 0, 50.0], [0, 0, -30.0], [2.0, 1, 40], [5, 5, 0.0], [0, 0, 1e-9]])
def test_no_vector_is_as_good_as_any(potential, third):
    bare = potential.reference
    assert not bare.cells[:, 2].any()
    one, other = potential.compute(bare), potential.compute(with_third(bare, third))
    np.testing.assert_allclose(one.energies, other.energies, atol=1e-9)
    np.testing.assert_allclose(one.forces, other.forces, atol=1e-9)
    np.testing.assert_allclose(one.virials, other.virials, atol=1e-9)


def test_virials_are_those_of_strains(potential):
    bare, step = potential.reference, 1e-4
    virials = potential.compute(bare).virials[0]
    for row in range(3):
        for column in range(3):
            strain = np.zeros((3, 3))
            strain[row, column] = step
            up, down = (potential.energies(strained(bare, sign * strain))[0] for sign in (1, -1))
            assert -(up - down) / (2 * step) == pytest.approx(virials[row, column], abs=1e-5)


def test_every_verb_takes_them(model, data, tmp_path):
    for arguments in (
        ("evaluate", model, data),
        ("data", "audit", data, data),
        ("data", "audit", model, data),
        ("report", model, "-o", tmp_path / "report.html", "--data", data),
        (
            *("sample", data, "-o", tmp_path / "sampled.extxyz", "--frames", 2, "--stride", 1),
            *("--calculator", "rfp_md.interfaces.ase:RFPCalculator", "--calculator-arg", f"model={model}"),
        ),
    ):
        result = rfp(*arguments)
        found_copies = arguments[:2] == ("data", "audit")  # which is what it looks for
        assert result.returncode == int(found_copies), (arguments, result.stderr)


def test_they_are_validated(potential):
    assert check_forces(potential, quick=True).passed
    assert check_stability(potential, length=0.01, replicas=2).stable_fraction == 1.0


def test_i_pi_gets_a_cell_with_vacuum(potential):
    cell = beads_and_cell(potential.reference, 1).partition("<cell")[2].partition("[")[2].partition("]")[0]
    third = [float(x) for x in cell.split(",")][2::3]
    assert third[:2] == [0, 0]
    assert third[2] > 100


def test_atoms_that_overlap_are_refused_by_every_door(model, potential, tmp_path):
    atoms = to_atoms(potential.reference)
    atoms.positions[3] = atoms.positions[5] + atoms.cell[0] + [0, 0.2, 0]
    words = "atoms 3 and 5 .*Cu–Cu.* are 0.2 Å apart"
    labelled = atoms.copy()
    labelled.calc = SinglePointCalculator(labelled, energy=0.0, forces=np.zeros((12, 3)))
    write(tmp_path / "bad.extxyz", labelled)
    assert "atoms 3 and 5 (Cu–Cu) of frame 0 are 0.2 Å apart" in refused("evaluate", model, tmp_path / "bad.extxyz")
    atoms.calc = RFPCalculator(potential)
    with pytest.raises(GeometryError, match=words):
        atoms.get_forces()
    cell = np.array(atoms.cell) + np.diag([0, 0, 30.0])
    boxed = BoxedModel(
        potential, atoms.numbers, (True, True, False), potential.reference.positions[0], cell, "LAMMPS's atoms"
    )
    with pytest.raises(GeometryError, match=words):
        boxed(atoms.positions, cell)


def test_dynamics_that_gets_there_has_blown_up(potential):
    replicas = Replicas(potential, 2, 0.5, 300.0, seed=0)
    replicas.positions[1, 3] = replicas.positions[1, 5] + 0.1
    replicas.velocities[1] = 0.0
    replicas.advance()
    assert np.isfinite(replicas.forces[0]).all()
    assert np.isnan(replicas.energies[1])
    atoms = to_atoms(potential.reference)
    atoms.calc = RFPCalculator(potential)
    motion = Motion(atoms, 0.5, 300.0)
    motion.begin()
    atoms.positions[3] = atoms.positions[5] + 0.1
    with pytest.raises(BlownUp, match="apart"):
        motion.advance()


def test_a_box_that_is_none_is_refused(potential):
    positions, numbers = potential.reference.positions[0], potential.reference.numbers
    for cell in (np.ones((3, 3)), np.eye(3) * 1e160, np.diag([5, 5, 1e-9])):
        with pytest.raises(GeometryError, match="MDI"):
            BoxedModel(potential, numbers, (True, True, True), positions, cell, "the MDI driver's atoms")(
                positions, cell
            )


def test_wrecks_are_told_of_all_the_same(potential):
    near = potential.reference.positions[0].copy()
    near[3] = near[5] + 0.1
    frames = potential.reference.at(np.stack([potential.reference.positions[0], near]))
    largest = largest_uncertainties(potential, frames)
    assert 0 < largest[0] < np.inf
    assert largest[1] == np.inf


def test_a_relaxation_that_collides_ends(potential, monkeypatch):
    compute, calls = type(potential).compute, []

    def at_first_only(self, frames):
        calls.append(frames)
        if len(calls) > 3:
            raise GeometryError("atoms overlap")
        return compute(self, frames)

    monkeypatch.setattr(type(potential), "compute", at_first_only)
    _, force = relax(potential, potential.reference)
    assert np.isnan(force)
