"""What goes into i-PI's extras: figures beside the result, and the members as i-PI reads them."""

import json

import numpy as np
import pytest
from ase.units import Bohr, Hartree
from ipi.interfaces.utils import parse_extra

from rfp_md.driver.evaluator import Evaluator
from rfp_md.driver.extras import extras_of
from rfp_md.driver.monitor import Monitor
from rfp_md.driver.protocol import Structures
from rfp_md.driver.service import evaluate_batch
from rfp_md.errors import UserError


@pytest.fixture
def asked(ethanol):
    return Structures(np.zeros((3, 3, 3)), ethanol.positions[:3] / Bohr)


def test_without_a_committee_there_is_the_mismatch_alone():
    assert json.loads(extras_of([0.125], None)[0]) == {"mismatch_mev_per_atom": 0.125}


def test_ipi_finds_the_members_of_every_structure_in_atomic_units(potential, asked, ethanol):
    evaluator = Evaluator.of(potential, potential.reference, committee=True)
    results = evaluate_batch([asked], evaluator, Monitor(9, print))[0]
    expected = potential.committee(ethanol[:3])
    for k, text in enumerate(results.extras):
        found = parse_extra(text)
        np.testing.assert_allclose(np.array(found["committee_pot"]) * Hartree, expected.energies[:, k], rtol=1e-12)
        forces = np.array(found["committee_force"]) * (Hartree / Bohr)
        np.testing.assert_allclose(forces, expected.forces[:, k].reshape(8, 27), atol=1e-7)
        np.testing.assert_allclose(np.mean(found["committee_force"], axis=0), results.forces[k].ravel(), atol=1e-12)
        virials = np.array(found["committee_virial"]) * Hartree
        np.testing.assert_allclose(virials, expected.virials[:, k].reshape(8, 9), atol=1e-6)
        spread = expected.spread
        assert found["uncertainty_mev_per_atom"] == pytest.approx(1e3 * spread.energies[k] / 9, rel=1e-6)
        assert found["force_uncertainty_ev_per_angstrom"] == pytest.approx(spread.atoms[k].max(), rel=1e-6)
        assert abs(found["mismatch_mev_per_atom"]) < 100


def test_the_most_uncertain_atom_of_a_batch_is_named_with_its_evaluation(potential, asked, ethanol):
    atoms = potential.uncertainty(ethanol[:3]).atoms
    structure, atom = np.unravel_index(np.argmax(atoms), atoms.shape)
    monitor = Monitor(9, print, max_uncertainty=0.99 * atoms.max())
    evaluator = Evaluator.of(potential, potential.reference, committee=True)
    symbol = "CCOHHHHHH"[atom]
    with pytest.raises(
        UserError, match=f"on atom {symbol}{atom} is uncertain by .* in evaluation {structure + 1}, more"
    ):
        evaluate_batch([asked], evaluator, monitor)
    assert monitor.evaluations == 0  # nothing was taken
    evaluate_batch([asked], evaluator, Monitor(9, print, max_uncertainty=1.01 * atoms.max()))
