import numpy as np

from rfp_md.descriptors.inverse_distances import InverseDistances
from rfp_md.descriptors.root_distances import RootDistances
from rfp_md.frames import Dataset


def test_values_are_the_roots_of_the_distances(ethanol):
    roots, inverses = RootDistances(), InverseDistances()
    for descriptor in (roots, inverses):
        descriptor.fit(Dataset((ethanol,)))
    np.testing.assert_allclose(roots.values(ethanol[:5]) ** 2 * inverses.values(ethanol[:5]), 1, rtol=1e-13)


def test_groups_are_the_distances_inside_connected_fragments(ethanol):
    descriptor = RootDistances(fragment=3)
    descriptor.fit(Dataset((ethanol,)))
    groups = descriptor.groups()
    assert (groups.sum(axis=1) == 3).all()  # three atoms, three distances
    # C-C-O, 3 + 2 H-C-C, 2 H-C-O, H-O-C; 3 H-C-H at one carbon and 1 at the other
    assert len(groups) == 1 + 5 + 2 + 1 + 3 + 1
    assert len(np.unique(groups, axis=0)) == len(groups)


def test_a_fragment_of_all_atoms_is_the_molecule(ethanol):
    for fragment in (9, 50):
        descriptor = RootDistances(fragment=fragment)
        descriptor.fit(Dataset((ethanol,)))
        assert descriptor.groups().all()
    whole = RootDistances(fragment=0)
    whole.fit(Dataset((ethanol,)))
    assert whole.groups() is None
