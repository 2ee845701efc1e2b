"""Models that are stacked on models."""

import dataclasses
import json

import numpy as np
import pytest

import rfp_md
from rfp_md.artifact import read
from rfp_md.artifact.inner import MOST_LEVELS, packed, sum_of, unpacked
from rfp_md.errors import UserError
from rfp_md.frames import Dataset
from rfp_md.plugins.arrays import Surroundings
from rfp_md.plugins.guard import restored
from rfp_md.stacked.potential import StackedPotential
from rfp_md.testing import check_baseline
from rfp_md.testing.baselines import with_labels
from rfp_md.testing.structures import crystal, molecule
from tests.programs import rfp

SMALL = {"descriptor": ["many_body:components=20,channels=6"], "width": 60}


@pytest.fixture(scope="module")
def low(ethanol, tmp_path_factory):
    """A model of some frames."""
    path = tmp_path_factory.mktemp("low") / "low.rfp"
    rfp_md.train(Dataset((ethanol[:40],)), output=path, **SMALL)
    return path


@pytest.fixture(scope="module")
def stack(ethanol, low, tmp_path_factory):
    """A model of the difference to other labels, which are twice as large."""
    path = tmp_path_factory.mktemp("stack") / "stack.rfp"
    rfp_md.train(Dataset((ethanol[40:80],)), output=path, baseline=[f"potential:file={low}"], **SMALL)
    return path


def test_a_stacked_potential_does_not_conform(low, ethanol):
    check_baseline(StackedPotential(file=str(low)), ethanol[:4].at(ethanol.positions[:4]))


def test_the_sum_lacks_the_lower_model(stack, low, ethanol):
    potential, few = rfp_md.load(stack), ethanol[100:103]
    low_alone = rfp_md.load(low).compute(few)
    (baseline,) = potential.baselines
    np.testing.assert_array_equal(baseline.compute(few).forces, low_alone.forces)
    mean = potential.committee(few).mean
    np.testing.assert_allclose(mean.forces, potential.compute(few).forces, atol=1e-9)


def test_the_new_file_needs_the_old_one(stack, low, tmp_path, ethanol):
    moved = tmp_path / "moved.rfp"
    moved.write_bytes(stack.read_bytes())
    content = low.read_bytes()
    low.unlink()
    try:
        assert np.isfinite(rfp_md.load(moved).compute(ethanol[:1]).forces).all()
    finally:
        low.write_bytes(content)


def test_info_knows_nothing_of_the_parts(stack):
    header, arrays = read(stack)
    assert sum_of(header, arrays, "stack.rfp") == "(elements + zbl + many_body) + many_body"
    assert json.loads(rfp("info", stack, "--json").stdout)["sum_of"] == "(elements + zbl + many_body) + many_body"


def test_a_stack_grows_without_end(low, ethanol, tmp_path):
    below, frames = low, Dataset((ethanol[:20],))
    for level in range(2, MOST_LEVELS + 1):
        above = tmp_path / f"{level}.rfp"
        rfp_md.train(
            frames, output=above, baseline=[f"potential:file={below}"], descriptor=SMALL["descriptor"], width=10
        )
        below = above
    assert rfp_md.load(below).has_forces
    with pytest.raises(UserError, match=f"more than {MOST_LEVELS} models are stacked"):
        rfp_md.train(frames, baseline=[f"potential:file={below}"], descriptor=SMALL["descriptor"], width=10)


def test_a_model_contains_itself(low, ethanol):
    content = low.read_bytes()
    with pytest.raises(UserError, match="is an input and would be overwritten"):
        rfp_md.train(Dataset((ethanol[:20],)), output=low, baseline=[f"potential:file={low}"], preset="fast")
    assert low.read_bytes() == content


def test_other_elements_are_stacked_on(low):
    with pytest.raises(UserError, match=r"low.rfp: is for other structures: Si2: has Si, but the model was trained on"):
        StackedPotential(file=str(low)).fit(Dataset((crystal(),)))


def test_a_model_of_a_molecule_is_stacked_under_a_crystal(ethanol, tmp_path):
    path = tmp_path / "molecule.rfp"
    rfp_md.train(Dataset((ethanol[:30],)), output=path, preset="fast", width=20)
    capabilities = StackedPotential(file=str(path)).capabilities
    assert capabilities.fixed_composition
    assert not capabilities.periodic
    with pytest.raises(UserError, match="sees free molecules only"):
        rfp_md.train(Dataset((with_labels(crystal(20)),)), baseline=[f"potential:file={path}"], **SMALL)
    turned = dataclasses.replace(molecule(), numbers=molecule().numbers[::-1])
    with pytest.raises(UserError, match="give the atoms in that order"):
        StackedPotential(file=str(path)).fit(Dataset((turned,)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "direct"}, "is a direct model; stack on a conservative model that has forces"),
        ({"regressor": "rfnn:activation=relu"}, "has no forces; stack on a conservative model that has forces"),
    ],
)
def test_a_model_without_forces_is_stacked_on(options, message, ethanol, tmp_path):
    path = tmp_path / "other.rfp"
    rfp_md.train(Dataset((ethanol[:30],)), output=path, preset="fast", width=20, **options)
    with pytest.raises(UserError, match=message):
        StackedPotential(file=str(path)).fit(Dataset((ethanol[:5],)))


def test_a_file_that_is_not_there_is_a_traceback():
    with pytest.raises(UserError, match=r"baseline 'potential', none.rfp: no such file; train that model first"):
        StackedPotential(file="none.rfp").fit(Dataset((molecule(),)))


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 1000])
def test_bytes_are_lost_on_the_way(size):
    content = bytes(range(256)) * 4
    assert unpacked(packed(content[:size])) == content[:size]


def test_a_damaged_inner_file_is_taken_back(low):
    baseline = StackedPotential(file=str(low))
    content = bytearray(low.read_bytes())
    content[-3] ^= 1
    with pytest.raises(UserError, match="is damaged"):
        restored(baseline, {"file": packed(bytes(content))}, Surroundings((1, 6, 8), 9))
    with pytest.raises(ValueError, match="another size than it says"):
        restored(baseline, {"file": packed(bytes(content))[:-2]}, Surroundings((1, 6, 8), 9))
