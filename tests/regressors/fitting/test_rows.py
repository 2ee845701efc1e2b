"""Rows by neighbour are the rows of a dense Jacobian, in whatever pieces they are made."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk

from rfp_md.descriptors.many_body import ManyBody
from rfp_md.frames import Dataset, Frames
from rfp_md.random_features.feature_map import FeatureMap, RadialMap
from rfp_md.regressors.fitting import rows as rows_module
from rfp_md.regressors.fitting.rows import FeatureBlock, rows_of
from rfp_md.sites import Sites
from rfp_md.testing.structures import molecule
from rfp_md.training.samples import DescribedFrames


def crystal(n_frames=2, *, stresses=True):
    """Rattled rock salt in a skewed cell of four atoms: each atom sees many images of few."""
    atoms = bulk("NaCl", "rocksalt", a=5.64) * (2, 1, 1)
    rng = np.random.default_rng(0)
    positions = atoms.positions + 0.1 * rng.normal(size=(n_frames, len(atoms), 3))
    return Frames(
        atoms.numbers.astype(np.int64),
        positions,
        energies=rng.normal(size=n_frames),
        forces=rng.normal(size=positions.shape),
        cells=np.tile(atoms.cell.array, (n_frames, 1, 1)),
        pbc=(True, True, True),
        stresses=rng.normal(size=(n_frames, 3, 3)) if stresses else None,
    )


def ethanol():
    frames, rng = molecule(3), np.random.default_rng(0)
    return replace(frames, energies=rng.normal(size=3), forces=rng.normal(size=frames.positions.shape))


FRAMES = {"molecule": ethanol(), "crystal": crystal(), "crystal without stresses": crystal(stresses=False)}


@pytest.fixture(params=FRAMES)
def batch(request):
    dataset = Dataset((FRAMES[request.param],))
    descriptor = ManyBody(cutoff=4.0, components=20)
    descriptor.fit(dataset)
    samples = DescribedFrames(dataset, [descriptor])
    return next(samples.batches(len(dataset), derivatives=True))


def blocks_for(batch, kind):
    blocks, start, rng = [], 0, np.random.default_rng(3)
    for site_type in np.unique(batch.terms[0].types):
        width, dimension = 7 + len(blocks), batch.terms[0].values.shape[2]
        weights, biases = rng.normal(size=(width, dimension)), rng.uniform(0.5, 1.0, width)
        features = FeatureMap(weights, biases, "cos") if kind == "waves" else RadialMap(weights, biases, "gaussian")
        blocks.append(FeatureBlock(0, int(site_type), slice(start, start + width), features))
        start += width
    return blocks


def joined(blocks, batch):
    """All rows and targets of each kind."""
    found = {}
    for rows in rows_of(blocks, batch):
        assert rows.features.flags.c_contiguous
        found.setdefault(rows.kind, []).append((rows.features, rows.targets))
    return {kind: [np.concatenate(part) for part in zip(*parts, strict=True)] for kind, parts in found.items()}


@pytest.mark.parametrize("kind", ["waves", "centres"])
def test_rows_by_neighbour_are_those_of_the_dense_jacobian(batch, kind):
    blocks = blocks_for(batch, kind)
    dense = replace(batch, terms=[Sites(sites.values, sites.types, sites.jacobian) for sites in batch.terms])
    found, expected = joined(blocks, batch), joined(blocks, dense)
    assert found.keys() == expected.keys() == ({0, 1, 2} if batch.strain_slopes is not None else {0, 1})
    for kind_of_rows, (features, targets) in expected.items():
        np.testing.assert_allclose(found[kind_of_rows][0], features, atol=1e-12 * np.abs(features).max())
        np.testing.assert_array_equal(found[kind_of_rows][1], targets)


@pytest.mark.parametrize("size", [1.0, 2e4, 1e5])
def test_pieces_are_the_same_rows_in_less_memory(batch, size, monkeypatch):
    """Rows of one structure come in the order of its coordinates; those of several only the Gram matrix sees."""
    blocks = blocks_for(batch, "waves")
    gram = {kind: (f.T @ f, f.T @ t) for kind, (f, t) in joined(blocks, batch).items()}
    monkeypatch.setattr(rows_module, "BATCH_BYTES", size)
    monkeypatch.setattr(rows_module, "CACHE_BYTES", size / 20)
    monkeypatch.setattr(rows_module, "DERIVATIVE_BYTES", size / 10)
    pieces = list(rows_of(blocks, batch))
    largest = max(rows.features.nbytes for rows in pieces if rows.kind)
    assert largest <= max(size, 3 * len(batch.energies) * blocks[-1].columns.stop * 8)
    for kind, (f, t) in joined(blocks, batch).items():
        np.testing.assert_allclose(f.T @ f, gram[kind][0], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(f.T @ t, gram[kind][1], rtol=1e-9, atol=1e-9)


def test_an_atom_that_nothing_sees_has_rows_of_zeros_and_an_energy():
    apart = Frames(
        np.array([1, 1, 1]), np.array([[[0.0, 0, 0], [0, 0, 0.8], [50.0, 0, 0]]]),
        energies=np.zeros(1), forces=np.zeros((1, 3, 3)),
    )  # fmt: skip
    descriptor = ManyBody(cutoff=4.0)
    descriptor.fit(Dataset((apart,)))
    batch = next(DescribedFrames(Dataset((apart,)), [descriptor]).batches(1, derivatives=True))
    blocks = blocks_for(batch, "waves")
    found = joined(blocks, batch)
    assert not found[1][0][6:].any()
    assert found[1][0][:6].any()
    every = sum(blocks[0].features(batch.terms[0].values[:, s])[0] for s in range(3))
    np.testing.assert_allclose(found[0][0], every, atol=1e-14)
