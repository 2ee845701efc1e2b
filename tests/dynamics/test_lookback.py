"""A replica that broke: from where it left what its model knows, and whether anybody is told."""

from types import SimpleNamespace

import numpy as np
import pytest

import rfp_md
from rfp_md.artifact import save
from rfp_md.dynamics.lookback import LOOKS, UNSURE, Lookback
from rfp_md.frames import Dataset, Frames
from rfp_md.validation import validate


class Ruler:
    """A model whose uncertainty is the distance of two atoms."""

    reference = Frames(np.array([1, 1]), np.zeros((1, 2, 3)))

    def uncertainty(self, frames):
        return SimpleNamespace(atoms=np.linalg.norm(np.diff(frames.positions, axis=1), axis=2))


def apart(*distances):
    """A replica of two atoms for each distance."""
    positions = np.zeros((len(distances), 2, 3))
    positions[:, 1, 0] = distances
    return positions


def departures(*rows):
    """The distance at which each replica left, after looks at all of them."""
    lookback = Lookback(Ruler())
    for row in rows:
        lookback.see(apart(*row))
    return [lookback.departure(k)[1, 0] for k in range(len(rows[-1]))]


def test_the_first_structure_that_was_uncertain_is_not_the_one_that_is_kept():
    assert departures((0.5, 0.2), (1.5 * UNSURE, 0.3), (2.5 * UNSURE, 1.1 * UNSURE)) == [1.5 * UNSURE, 1.1 * UNSURE]


def test_a_model_that_is_sure_to_the_end_has_no_structure_to_learn_from():
    assert departures((0.1,), (0.2,), (0.3,)) == [0.3]


def test_looks_are_kept_for_ever():
    assert departures((3.0,), *[(2.0,)] * LOOKS) == [2.0]


def test_a_replica_that_broke_takes_the_place_of_another():
    lookback = Lookback(Ruler())
    lookback.see(apart(2.0, 3.0, 4.0))
    lookback.keep(np.array([True, False, True]))
    lookback.see(apart(5.0, 6.0))
    again = Lookback(Ruler())
    again.restore(lookback.state())
    assert [again.departure(k)[1, 0] for k in range(2)] == [2.0, 4.0]


@pytest.fixture(scope="module")
def ignorant(ethanol, tmp_path_factory):
    """A model of so few frames that it cannot stand the heat, with the result of its check."""
    path = tmp_path_factory.mktemp("few") / "few.rfp"
    save(rfp_md.train(Dataset((ethanol[:20],)), descriptor=["inverse_distances:fragment=0,width=200"]), path)
    return path, validate(path, "stability", length=2.0, replicas=4, temperature=1500.0)


def test_structures_to_learn_from_are_not_written_beside_the_model(ignorant):
    path, result = ignorant
    assert result["breaks"]
    written = rfp_md.read(path.with_name("few.breaks.extxyz")).blocks[0]
    expected = np.array([event["departure_positions"] for event in result["breaks"]])
    np.testing.assert_allclose(written.positions, expected, atol=1e-7)


def test_structures_to_learn_from_are_the_wrecks(ignorant):
    """They are nearer to the training frames than where the replicas broke."""
    path, result = ignorant
    model = rfp_md.load(path)
    wrecks, departed = (
        model.uncertainty(model.reference.at(np.array([event[key] for event in result["breaks"]]))).atoms.max(axis=1)
        for key in ("positions", "departure_positions")
    )
    assert np.median(departed) < np.median(wrecks)
