"""What each atom has of energy and virial: sums, slopes along a strain, and models that are no sums over atoms."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.units import GPa

import rfp_md
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.interfaces.ase import RFPCalculator
from rfp_md.io.atoms import to_atoms
from rfp_md.testing.structures import crystal, molecule
from tests.interfaces.stand_ins import Periodic

MANY_BODY = "many_body:cutoff=4,n_radial=4,max_angular=2,channels=3,four_body_channels=2,components=10"
PAIRS = "behler_parrinello_pair:centers=4"
REGRESSORS = ["random_fourier", "rfnn", "linear", "gaussian_process", "kernel_ridge"]


def labelled(frames):
    """With argon's energies and forces, or those of springs between all atoms of a molecule."""
    if not frames.periodic:
        arms = frames.positions[:, :, None] - frames.positions[:, None]
        lengths = np.linalg.norm(arms, axis=3) + np.eye(frames.n_atoms)
        stretched = lengths - lengths[0]
        forces = -(stretched / lengths)[..., None] * arms
        return replace(frames, energies=0.25 * (stretched**2).sum((1, 2)), forces=forces.sum(axis=2))
    parts = [Periodic().compute(frames[k : k + 1]) for k in range(len(frames))]
    energies, forces = (np.concatenate([getattr(p, name) for p in parts]) for name in ("energies", "forces"))
    return replace(frames, energies=energies, forces=forces)


def trained(folder, frames, descriptor, regressor, **options):
    width = ",width=40" if regressor in ("random_fourier", "rfnn") else ""
    return rfp_md.train(
        Dataset((frames,)),
        output=folder / "model.rfp",
        descriptor=[one + width for one in descriptor],
        regressor=regressor,
        **options,
    )


def strained(frames, strain):
    cells = None if frames.cells is None else frames.cells @ strain
    return Frames(frames.numbers, frames.positions @ strain, cells=cells, pbc=frames.pbc)


def virials_by_differences(potential, frames, step=1e-5):
    """−∂E_i/∂strain (M, N, 3, 3)."""
    found = np.zeros((*frames.positions.shape[:2], 3, 3))
    for x in range(3):
        for y in range(3):
            sides = []
            for sign in (1, -1):
                strain = np.eye(3)
                strain[x, y] += sign * step
                sides.append(potential.per_atom(strained(frames, strain)).energies)
            found[:, :, x, y] = -(sides[0] - sides[1]) / (2 * step)
    return found


def check(potential, frames):
    parts, whole = potential.per_atom(frames), potential.compute(frames)
    np.testing.assert_allclose(parts.energies.sum(axis=1), whole.energies, atol=1e-8)
    np.testing.assert_allclose(parts.virials.sum(axis=1), whole.virials, atol=1e-7)
    expected = virials_by_differences(potential, frames)
    np.testing.assert_allclose(parts.virials, expected, atol=1e-5 * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize("descriptor", [[MANY_BODY], [PAIRS], [MANY_BODY, PAIRS]], ids=["local", "by pullback", "sum"])
@pytest.mark.parametrize("frames", [crystal(30), molecule(30)], ids=["crystal", "molecule"])
def test_parts_add_up_and_are_slopes(tmp_path, descriptor, frames):
    if frames.periodic and PAIRS in descriptor:
        pytest.skip("sees no periodic images")
    check(trained(tmp_path, labelled(frames), descriptor, "random_fourier"), frames[:2])


@pytest.mark.parametrize("regressor", REGRESSORS)
def test_every_regressor_is_a_sum_over_sites(tmp_path, regressor):
    frames = molecule(30)
    potential = trained(tmp_path, labelled(frames), [MANY_BODY], regressor, baseline=["elements"])
    parts = potential.per_atom(frames[:3])
    np.testing.assert_allclose(parts.energies.sum(axis=1), potential.energies(frames[:3]), atol=1e-8)


@pytest.fixture(scope="module")
def silicon(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("per_atom"), labelled(crystal(30)), [MANY_BODY], "random_fourier")


def test_another_order_of_atoms_is_another_order_of_parts(silicon):
    frames = crystal(1)
    order = np.random.default_rng(0).permutation(frames.n_atoms)
    turned = Frames(frames.numbers[order], frames.positions[:, order], cells=frames.cells, pbc=frames.pbc)
    one, other = silicon.per_atom(frames), silicon.per_atom(turned)
    np.testing.assert_allclose(other.energies, one.energies[:, order], atol=1e-10)
    np.testing.assert_allclose(other.virials, one.virials[:, order], atol=1e-9)


def test_atoms_far_apart_have_what_they_have_alone(tmp_path):
    frames = molecule(30)
    potential = trained(tmp_path, labelled(frames), [MANY_BODY], "random_fourier")
    two = Frames(
        np.tile(frames.numbers, 2), np.concatenate([frames.positions[:1], frames.positions[1:2] + 50.0], axis=1)
    )
    parts, alone = potential.per_atom(two), potential.per_atom(frames[:2])
    np.testing.assert_allclose(parts.energies[0], alone.energies.ravel(), atol=1e-9)
    np.testing.assert_allclose(parts.virials[0], alone.virials.reshape(-1, 3, 3), atol=1e-8)


def test_ase_has_them_by_its_names(silicon):
    atoms = to_atoms(crystal(1))
    atoms.calc = RFPCalculator(silicon)
    stress = atoms.get_stress()
    assert "energies" not in atoms.calc.results
    np.testing.assert_allclose(atoms.get_potential_energies().sum(), atoms.get_potential_energy())
    stresses = atoms.get_stresses()
    assert stresses.shape == (len(atoms), 6)
    np.testing.assert_allclose(stresses.sum(axis=0), stress, atol=1e-6 * GPa)
    atoms.rattle(0.1, seed=1)
    np.testing.assert_allclose(atoms.get_potential_energies().sum(), atoms.get_potential_energy())


def test_ase_has_none_of_a_model_that_sees_the_structure_as_a_whole(potential, ethanol):
    atoms = Atoms(ethanol.numbers, ethanol.positions[0], calculator=RFPCalculator(potential))
    with pytest.raises(NotImplementedError):
        atoms.get_potential_energies()
    with pytest.raises(UserError, match="descriptor 'inverse_distances' sees the structure as a whole"):
        potential.per_atom(ethanol[:1])
