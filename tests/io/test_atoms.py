"""Frames from ASE's Atoms and back lose nothing that either has."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule

from rfp_md.errors import UserError
from rfp_md.io.atoms import from_atoms, stress_of, to_atoms


@pytest.mark.parametrize("atoms", [molecule("CH3CH2OH"), bulk("Cu"), fcc111("Cu", (1, 1, 3)), Atoms("H")])
def test_there_and_back_every_structure_is_the_same(atoms):
    images = [atoms, atoms.copy()]
    images[1].set_cell(1.1 * atoms.cell, scale_atoms=True)
    frames = from_atoms(images)
    for k, image in enumerate(images):
        assert to_atoms(frames, k) == image
    assert frames.periodic == atoms.pbc.any()


def test_a_cell_that_does_not_repeat_is_no_cell():
    boxed = molecule("H2O", vacuum=5.0)
    assert from_atoms([boxed]).cells is None


def test_a_number_that_is_not_finite_is_named_by_its_place_in_the_file():
    images = [molecule("H2O") for _ in range(2)]
    images[1].positions[0] = np.nan
    with pytest.raises(UserError, match=r"water\.xyz: positions has a number that is not finite in frame 8"):
        from_atoms(images, source="water.xyz", places=np.array([7, 8]))


def test_the_stress_is_minus_the_virial_in_the_volume_where_there_is_one():
    copper = bulk("Cu", cubic=True)
    stress = stress_of(np.diag([1.0, 2.0, 3.0]), copper)
    np.testing.assert_allclose(stress, np.array([-1, -2, -3, 0, 0, 0]) / copper.get_volume())
    assert stress_of(np.zeros((4, 3, 3)), copper).shape == (4, 6)
    assert stress_of(np.eye(3), molecule("H2O")) is None
    assert stress_of(np.eye(3), fcc111("Cu", (1, 1, 3))) is None
