import dataclasses

import numpy as np
import pytest
from ase.build import bulk

from rfp_md.descriptors import Descriptor
from rfp_md.descriptors.many_body import SAMPLE_ATOMS, ManyBody, _sample
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.plugins.arrays import Surroundings
from rfp_md.plugins.guard import restored
from rfp_md.testing.structures import crystal, molecule

STEP = 1e-3  # Å


@pytest.fixture(scope="module", params=[2, 3, 4])
def fitted(request, ethanol):
    descriptor = ManyBody(body_order=request.param)
    descriptor.fit(Dataset((ethanol,)))
    return descriptor


@pytest.mark.parametrize("body_order", [2, 4])
def test_other_body_orders_conform(conforms, body_order):
    conforms(ManyBody(body_order=body_order, components=40))


def test_pullback_is_the_product_with_the_jacobian(fitted, ethanol, rng):
    frames = ethanol[:4]
    gradient = rng.normal(size=fitted.values(frames).shape)
    expected = Descriptor.pullback(fitted, frames, gradient)
    np.testing.assert_allclose(fitted.pullback(frames, gradient), expected, atol=1e-11 * np.abs(expected).max())


def test_a_neighbour_fades_out_with_two_continuous_derivatives():
    cutoff = 3.0
    descriptor = ManyBody(cutoff=cutoff, body_order=4)
    descriptor.fit(Dataset((molecule(),)))
    distances = cutoff + STEP * np.arange(-8, 3)
    positions = np.array([[[0.0, 0.0, 0.0], [1.1, 0.0, 0.0], [0.0, 0.0, d]] for d in distances])
    values = descriptor.values(Frames(np.array([6, 1, 1]), positions))[:, 0]
    size = np.abs(np.diff(values, axis=0)).max() + np.abs(values).max()
    second = np.diff(values, 2, axis=0) / STEP**2
    assert np.abs(values[-1] - values[-2]).max() < 1e-14  # beyond the cutoff
    assert np.abs(np.diff(second, axis=0)).max() < 0.2 * size  # a jump would stay whatever the step


def test_a_supercell_has_the_sites_of_its_cell():
    frames = crystal()
    descriptor = ManyBody()
    descriptor.fit(Dataset((frames,)))
    shift = frames.cells[:, 0][:, None]
    doubled = dataclasses.replace(
        frames,
        numbers=np.tile(frames.numbers, 2),
        positions=np.concatenate([frames.positions, frames.positions + shift], axis=1),
        cells=frames.cells * np.array([[2.0], [1.0], [1.0]]),
    )
    np.testing.assert_allclose(descriptor.values(doubled)[:, :2], descriptor.values(frames), atol=1e-10)


def test_few_components_keep_what_varies(ethanol):
    values = []
    for components in (1000, 60):
        descriptor = ManyBody(components=components)
        descriptor.fit(Dataset((ethanol,)))
        values.append(descriptor.values(ethanol[:50])[:, ethanol.numbers == 1])
    assert values[1].shape[2] == 60
    np.testing.assert_allclose(values[0].var(axis=0).sum(), values[1].var(axis=0).sum(), rtol=1e-3)


def test_another_element_is_named(fitted, ethanol):
    other = dataclasses.replace(ethanol[:1], numbers=np.where(ethanol.numbers == 8, 16, ethanol.numbers))
    with pytest.raises(UserError, match="has S, but descriptor 'many_body' was fitted to HCO only"):
        fitted.values(other)


def test_arrays_that_do_not_fit_are_refused(fitted):
    state = dict(fitted.state) | {"projections": fitted.state["projections"][:1]}
    with pytest.raises(ValueError, match=r"projections has shape \(1, .*, but by the model one .* must be 3"):
        restored(ManyBody(body_order=fitted.body_order), state, Surroundings((1, 6, 8), 9))


def test_a_larger_cell_has_as_many_blocks_for_an_atom():
    """A fit of it costs what the neighbours of an atom cost."""
    found = []
    for repeat in (3, 4):
        atoms = bulk("Si", "diamond", a=5.43, cubic=True) * repeat
        frames = Frames(
            atoms.numbers.astype(np.int64), atoms.positions[None], cells=atoms.cell.array[None], pbc=(True,) * 3
        )
        descriptor = ManyBody(cutoff=5.0, components=10)
        descriptor.fit(Dataset((frames,)))
        found.append(len(descriptor.neighbour_jacobian(frames).sites) / len(atoms))
    assert found[0] == found[1]


def test_the_sample_does_not_grow_with_the_number_of_compositions_and_has_every_element():
    rng = np.random.default_rng(0)
    numbers = [np.full(20, 29), np.repeat([29, 79], 10)]
    blocks = [Frames(numbers[k % 2], rng.normal(0, 5.0, (1, 20, 3))) for k in range(1000)]
    blocks.append(Frames(np.array([47, 29]), np.array([[[0.0, 0.0, 0.0], [2.5, 0.0, 0.0]]])))
    sample = _sample(Dataset(tuple(blocks)), np.array([29, 47, 79]))
    assert sum(block.n_atoms * len(block) for block in sample) <= 2 * SAMPLE_ATOMS + 2
    assert {int(z) for block in sample for z in block.numbers} == {29, 47, 79}
