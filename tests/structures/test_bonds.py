"""Bonds of molecules and of crystals: which are judged, and what hangs on them."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.cluster import Icosahedron

from rfp_md.io.atoms import from_atoms
from rfp_md.structures.bonds import Bonds, collisions


def of(atoms):
    return from_atoms([atoms])


def ethanol_across_the_faces():
    atoms = molecule("CH3CH2OH", cell=[7.0, 8.0, 9.0], pbc=True)
    atoms.wrap()
    return atoms


@pytest.mark.parametrize(
    "atoms",
    [bulk("Al", cubic=True), bulk("Na"), bulk("NaCl", "rocksalt", a=5.64), bulk("Si", cubic=True)],
    ids=["Al", "Na", "NaCl", "Si"],
)
def test_a_crystal_of_atoms_has_bonds_but_no_molecules(atoms):
    assert len(Bonds.of(of(atoms)).pairs) > 0
    assert len(Bonds.of_molecules(of(atoms)).pairs) == 0


def test_a_molecule_in_a_cell_is_one_also_across_its_faces():
    bonds = Bonds.of_molecules(of(ethanol_across_the_faces()))
    assert len(bonds.pairs) == 8
    assert np.abs(bonds.shifts).max() > 6.9
    np.testing.assert_allclose(bonds.lengths, Bonds.of(of(molecule("CH3CH2OH"))).lengths, atol=1e-12)


def test_a_molecule_above_a_metal_is_judged_and_the_metal_is_not():
    metal = bulk("Al", cubic=True) * (2, 2, 1)
    water = molecule("H2O")
    water.positions += [4.0, 4.0, 9.0] - water.positions[0]
    both = Atoms([*metal, *water], cell=metal.cell * np.array([[1], [1], [4]]), pbc=True)
    bonds = Bonds.of_molecules(of(both))
    assert bonds.pairs.tolist() == [[16, 17], [16, 18]]
    assert len(bonds.without(Bonds.of_molecules(of(both))).pairs) == 0


def test_a_hot_cluster_or_a_solvated_ion_is_a_molecule_that_breaks():
    cluster = Icosahedron("Cu", 2)
    assert len(Bonds.of(of(cluster)).pairs) > 12
    assert len(Bonds.of_molecules(of(cluster)).pairs) == 0
    sodium = Atoms("Na", [[0, 0, 2.4]]) + molecule("H2O")
    assert len(Bonds.of(of(sodium)).pairs) > 2
    assert Bonds.of_molecules(of(sodium)).pairs.tolist() == [[1, 2], [1, 3]]


@pytest.mark.parametrize(("name", "count"), [("H2", 1), ("F2", 1), ("SiH4", 4), ("CH3CH2OH", 8), ("SO2", 2)])
def test_a_molecule_loses_its_bonds(name, count):
    assert len(Bonds.of_molecules(of(molecule(name))).pairs) == count


def test_a_polymer_through_its_cell_is_no_molecule():
    chain = Atoms("C2", [[0, 0, 0], [1.3, 0, 0]], cell=[2.6, 10, 10], pbc=True)
    assert len(Bonds.of(of(chain)).pairs) == 2
    assert len(Bonds.of_molecules(of(chain)).pairs) == 0


def test_a_bond_to_an_image_is_lost_or_counted_twice():
    """In a cell so oblique that an atom's nearest images are across (1, -2, 0) and its opposite."""
    a, near = np.array([6.0, 0, 0]), np.array([0.3, 1.3, 0])
    atoms = Atoms("C", [[0, 0, 0]], cell=[a, (a - near) / 2, [0, 0, 9]], pbc=True)
    bonds = Bonds.of(of(atoms))
    assert len(bonds.pairs) == 1
    np.testing.assert_allclose(bonds.lengths, np.linalg.norm(near))


def test_what_hangs_on_a_bond_and_what_is_a_ring():
    ethanol = Bonds.of(of(molecule("CH3CH2OH")))
    hydroxyl = ethanol.side_of(0, 2) if ethanol.matrix[0, 2] else ethanol.side_of(1, 2)
    assert sorted(molecule("CH3CH2OH").numbers[hydroxyl]) == [1, 8]
    benzene = Bonds.of(of(molecule("C6H6")))
    first, second = next(pair for pair in benzene.pairs.tolist() if max(pair) < 6)
    assert benzene.in_ring(first, second)
    assert benzene.side_of(first, second).sum() == 1
    assert not ethanol.in_ring(*ethanol.pairs[0].tolist())


@pytest.mark.parametrize("periodic", [False, True])
def test_atoms_collide_below_half_of_their_radii_also_through_a_face(periodic):
    length = 0.5 * (0.66 + 0.31)
    images = []
    for factor in (1.01, 0.99):
        atoms = Atoms("OH", [[0, 0, 0], [0, 0, length * factor]], cell=[5, 5, 5], pbc=periodic)
        atoms.positions += [0, 0, 5 - 0.5 * length]
        if periodic:
            atoms.wrap()
        images.append(of(atoms))
    assert [bool(collisions(frames)[0]) for frames in images] == [False, True]


def test_a_single_atom_has_no_bonds():
    frames = of(Atoms("Ar"))
    assert Bonds.of(frames).pairs.shape == (0, 2)
    assert not collisions(frames).any()
