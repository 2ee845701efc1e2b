"""Where no training frame is, the energy has no holes."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk

import rfp_md
from rfp_md.baselines.elements import Elements
from rfp_md.baselines.zbl import Zbl
from rfp_md.descriptors.many_body import ManyBody
from rfp_md.descriptors.root_distances import RootDistances
from rfp_md.frames import Dataset, Frames
from rfp_md.io.atoms import from_atoms
from rfp_md.testing.structures import molecule
from rfp_md.training.believed import ALONE, DOUBT
from rfp_md.training.prior import EXACT, prior_frames
from tests.baselines.pairs import LennardJones
from tests.benchmarks.dimers import AnyDistance, Curve

SMALL = {"descriptor": ["many_body:components=40,channels=6"], "width": 1200, "regressor": "random_fourier:pool=1"}

LABELS = LennardJones(depth=0.5, distance=2.42)


def labelled(frames):
    """The frames with the energies and forces of a pair potential, as rough as those of a reference method."""
    said = LABELS.compute(frames)
    forces = said.forces + 0.02 * np.random.default_rng(1).standard_normal(said.forces.shape)
    return Dataset((Frames(frames.numbers, frames.positions, said.energies, forces, frames.cells, frames.pbc),))


@pytest.fixture(scope="module")
def silicon():
    """Sixty rattled and slightly strained cells of eight atoms."""
    rng, atoms = np.random.default_rng(0), bulk("Si", "diamond", a=5.4, cubic=True)
    frames = from_atoms([atoms])
    scales = 1.0 + 0.03 * rng.uniform(-1, 1, size=(60, 1, 1))
    positions = scales * (frames.positions + 0.08 * rng.standard_normal((60, 8, 3)))
    return labelled(Frames(frames.numbers, positions, cells=scales * frames.cells, pbc=frames.pbc, source="silicon"))


@pytest.fixture(scope="module")
def fitted(silicon):
    """A model that has a prior, and one that has none."""
    names = ("elements", "zbl"), ("elements",)
    models = {name: rfp_md.train(silicon, **SMALL, baseline=name) for name in names}
    return {name: replace(model, shortest=AnyDistance()) for name, model in models.items()}


def dimers(potential, numbers):
    distances = np.arange(0.5, 6.0, 0.05)
    positions = np.zeros((len(distances), 2, 3))
    positions[:, 1, 0] = distances
    energies = potential.energies(Frames(np.array(numbers), positions))
    return Curve(distances, energies - energies[-1])


def densities(potential):
    scales = np.arange(0.7, 1.05, 0.01)
    cells = [from_atoms([bulk("Si", "diamond", a=5.4 * scale)]) for scale in scales]
    return Curve(scales, np.array([potential.energies(cell)[0] for cell in cells]))


def test_a_crystal_is_anything_when_it_is_compressed(fitted):
    curve, bare = (densities(fitted[name]) for name in (("elements", "zbl"), ("elements",)))
    assert np.abs(bare.energies - bare.energies[-1]).max() > 1000.0, "nothing was to be mended"
    assert np.abs(curve.energies - curve.energies[-1]).max() < 50.0
    assert curve.energies.min() - curve.energies[-1] > -0.1


def test_two_atoms_fall_into_each_other(fitted):
    energies = dimers(fitted["elements", "zbl"], [14, 14]).energies
    assert energies[0] > 100.0
    assert energies.min() > -10.0


def test_errors_grow_by_the_prior(fitted):
    with_prior, without = (fitted[name].record["fit"] for name in (("elements", "zbl"), ("elements",)))
    assert with_prior["valid_force_mae_ev_per_angstrom"] < 1.2 * without["valid_force_mae_ev_per_angstrom"]
    assert 0.1 <= with_prior["prior_weight"] <= 1.0
    assert without["prior_weight"] is None


def made(frames, descriptors, baselines):
    dataset = labelled(frames)
    for part in (*descriptors, *baselines):
        part.fit(dataset)
    return prior_frames(dataset, baselines, descriptors), dataset


def test_a_model_without_repulsion_believes_something():
    assert made(molecule(), [ManyBody()], [Elements()])[0] is None


def test_believed_energies_are_learned_twice():
    """The sum of baselines and what is to be learned of a squeezed pair rises, whatever is in the baseline."""
    baselines = [Elements(), Zbl()]
    prior, dataset = made(molecule(8), [ManyBody(components=10, channels=4)], baselines)
    exact = EXACT * (dataset.energies - baselines[0].energies(dataset.blocks[0])).std()
    batches = list(prior.batches(100, derivatives=True))
    assert sum(len(batch.energies) for batch in batches) == len(prior)
    assert all(batch.slopes is None for batch in batches)
    weights = np.sqrt(np.concatenate([batch.weights for batch in batches]))
    assert weights.max() <= exact / ALONE
    deformed = batches[0]
    assert np.sqrt(deformed.weights.max()) == pytest.approx(exact / (9 * DOUBT))


def test_frames_without_energies_are_believed():
    frames = molecule(6)
    assert made_of(Dataset((labelled(frames).blocks[0][:3], replace(frames[3:], energies=None)))) is not None
    assert made_of(Dataset((replace(labelled(frames).blocks[0], energies=None),))) is None


def made_of(dataset):
    parts = [ManyBody(components=10, channels=4), Elements(), Zbl()]
    for part in parts:
        part.fit(dataset)
    return prior_frames(dataset, parts[1:], parts[:1])


def test_a_molecule_whose_atoms_are_told_apart_has_dimers(ethanol):
    prior, _ = made(ethanol[:20].at(ethanol.positions[:20]), [RootDistances()], [Elements(), Zbl()])
    assert {len(part.frames.numbers) for part in prior._believed} == {9}
