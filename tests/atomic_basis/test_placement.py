"""Radial functions begin a little inside the shortest usual distance, whatever a single frame is like."""

import numpy as np
import pytest

from rfp_md.atomic_basis.placement import INSIDE, LEAST, MOST, innermost
from rfp_md.frames import Frames
from rfp_md.structures.neighbours import neighbours

CUTOFF = 5.0


def pairs(lengths, numbers=(14, 14)):
    """Frames of two atoms, as ``innermost`` takes them; species by the order of the elements."""
    positions = np.zeros((len(lengths), 2, 3))
    positions[:, 1, 0] = lengths
    frames = Frames(np.array(numbers), positions)
    near = neighbours(frames, CUTOFF)
    species = np.searchsorted(sorted(set(numbers)), numbers)
    return near, np.tile(species, len(frames)), species[near.atoms]


def test_one_collision_decides():
    usual = innermost([pairs([2.4, 2.5, 2.3, 2.4, 2.4])], 1, CUTOFF)
    assert usual == pytest.approx(INSIDE * 2.4)
    assert innermost([pairs([2.4, 2.5, 2.3, 0.9, 2.4])], 1, CUTOFF) == usual


def test_the_closest_elements_do_not_decide():
    found = [pairs([2.5, 2.6, 2.7], (14, 14)), pairs([1.1, 1.0, 1.2], (1, 14))]
    species = [
        (near, *(np.full_like(s, 1) if k == 0 else s for s in others)) for k, (near, *others) in enumerate(found)
    ]
    assert innermost(species, 2, CUTOFF) == pytest.approx(INSIDE * 1.1)


def test_atoms_that_never_meet_have_no_place_or_one_beyond_the_cutoff():
    assert innermost([pairs([8.0, 9.0])], 1, CUTOFF) == LEAST
    assert innermost([pairs([4.9, 4.8])], 1, CUTOFF) == MOST * CUTOFF
