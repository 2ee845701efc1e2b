"""A committee of a crystal: virials and stresses of its members follow from the strain as the model's do."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

import rfp_md
from rfp_md.frames import Dataset
from rfp_md.interfaces.ase import RFPCalculator
from rfp_md.io.atoms import from_atoms, to_atoms


@pytest.fixture(scope="module")
def copper():
    """Rattled and strained cells of four copper atoms at EMT."""
    rng = np.random.default_rng(0)
    structures = []
    for _ in range(60):
        atoms = bulk("Cu", cubic=True)
        atoms.set_cell(atoms.cell @ (np.eye(3) + 0.02 * rng.normal(size=(3, 3))), scale_atoms=True)
        atoms.positions += 0.08 * rng.normal(size=(4, 3))
        atoms.calc = EMT()
        structures.append(atoms)
    return replace(
        from_atoms(structures),
        energies=np.array([a.get_potential_energy() for a in structures]),
        forces=np.stack([a.get_forces() for a in structures]),
        stresses=np.stack([a.get_stress(voigt=False) for a in structures]),
    )


def test_members_have_virials_of_their_own_around_the_model_s(copper):
    potential = rfp_md.train(Dataset((copper,)), descriptor=["many_body:width=150,cutoff=4"])
    few = copper[:5]
    committee, prediction = potential.committee(few), potential.compute(few)
    np.testing.assert_allclose(committee.mean.virials, prediction.virials, atol=1e-8)
    assert committee.virials.std(axis=0).max() > 1e-5
    atoms = to_atoms(few)
    atoms.calc = RFPCalculator(potential, committee=True)
    np.testing.assert_allclose(atoms.get_stress(), atoms.calc.results["stresses_committee"].mean(axis=0), atol=1e-10)
    slab = to_atoms(few)
    slab.pbc, slab.cell[2] = (True, True, False), 0.0
    slab.calc = RFPCalculator(potential, committee=True)
    assert np.isfinite(slab.get_forces()).all()
    assert "stresses_committee" not in slab.calc.results  # the cell has no volume
