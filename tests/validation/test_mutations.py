"""Seven mistakes that people make, planted one by one: each must fail the figure that is named here.

They are planted in a small pair potential with a list of neighbours, as a molecule and as a crystal, and in the
package's own descriptors, under trained models. What has no mistake passes every figure.
"""

from __future__ import annotations

import dataclasses
from itertools import product

import numpy as np
import pytest
from ase.md.verlet import VelocityVerlet

import rfp_md
from rfp_md.descriptors import many_body
from rfp_md.descriptors.pairs import AtomPairs
from rfp_md.frames import Dataset, Frames
from rfp_md.structures.neighbours import Neighbours, neighbours
from rfp_md.validation.forces.check_forces import check_forces
from rfp_md.validation.nve.check_nve import check_nve
from tests.validation.analytic_potentials import PairPotential


class WrongSign(PairPotential):
    """The gradient of one pair."""

    def slopes(self, slopes):
        return np.concatenate([-slopes[:, :1], slopes[:, 1:]], axis=1)


class NoSmoothing(PairPotential):
    """The cutoff cuts."""

    def fade(self, d):
        return np.ones_like(d), np.zeros_like(d)


class SinglePrecision(PairPotential):
    """Positions pass through float32, as in a buffer of a graphics card; of bonds as stiff as covalent ones."""

    depth, steepness = 3.0, 1.8

    def positions(self, frames):
        return frames.positions.astype(np.float32).astype(np.float64)


class UnitSlip(PairPotential):
    """Two values of one constant: 0.1 %."""

    def forces(self, forces):
        return 1.001 * forces


class OffByOne(PairPotential):
    """The forces belong to the next atom."""

    def forces(self, forces):
        return np.roll(forces, 1, axis=1)


class StaleList(PairPotential):
    """Neighbours are looked for once."""

    found = None

    def neighbours(self, r, cells, pbc):
        if self.found is None:
            self.found = super().neighbours(r[:1], cells[:1], pbc)
        return self.found


def without_mass(self, forces=None):
    """A step of velocity Verlet whose acceleration is the force."""
    atoms = self.atoms
    masses = self.masses[:, :1]
    forces = atoms.get_forces() if forces is None else forces
    velocities = atoms.get_momenta() / masses + 0.5 * self.dt * forces
    atoms.set_positions(atoms.get_positions() + self.dt * velocities)
    forces = atoms.get_forces()
    atoms.set_momenta((velocities + 0.5 * self.dt * forces) * masses)
    return forces


def structure(periodic):
    """Twelve atoms of a free block, or four of a crystal; away from the origin, where float32 has fewer digits."""
    rng = np.random.default_rng(0)
    if periodic:
        places = 3.7 * np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
        cells = 3.7 * np.eye(3)[None]
    else:
        places = 2.6 * np.array(list(product(range(2), range(2), range(3))), dtype=np.float64)
        cells = None
    positions = places + 0.05 * rng.standard_normal(places.shape) + 10.0
    return Frames(np.full(len(places), 29), positions[None], cells=cells, pbc=(periodic,) * 3)


def judged(potential, check):
    """The verdict of each figure."""
    if check == "forces":
        result = check_forces(potential, quick=True)
    else:
        result = check_nve(potential, length=0.2, temperature=100.0)
    return result.verdicts, result


pair_potentials = pytest.mark.parametrize("periodic", [False, True], ids=["molecule", "crystal"])
CUTOFF = {False: 4.5, True: 3.65}


@pair_potentials
@pytest.mark.parametrize("check", ["forces", "nve"])
def test_what_has_no_mistake_passes_everything(periodic, check):
    verdicts, result = judged(PairPotential(structure(periodic), CUTOFF[periodic]), check)
    assert set(verdicts.values()) == {"pass"}, result


@pair_potentials
@pytest.mark.parametrize(
    ("mutant", "check", "figures"),
    [
        (WrongSign, "forces", ["max_abs_error_ev_per_angstrom"]),
        (WrongSign, "nve", ["dt2_ratio"]),
        (NoSmoothing, "forces", ["energy_jump_ev", "force_jump_ev_per_angstrom"]),
        (UnitSlip, "forces", ["max_abs_error_ev_per_angstrom"]),
        (OffByOne, "forces", ["max_abs_error_ev_per_angstrom"]),
        (OffByOne, "nve", ["drift_mev_per_atom_per_ps"]),
        (StaleList, "forces", ["permutation_error"]),
    ],
)
def test_a_mistake_in_a_pair_potential_is_found_by_the_figure_that_is_for_it(periodic, mutant, check, figures):
    verdicts, result = judged(mutant(structure(periodic), CUTOFF[periodic]), check)
    assert {figure: verdicts[figure] for figure in figures} == dict.fromkeys(figures, "fail"), result


@pytest.mark.parametrize(
    ("periodic", "figure"), [(False, "max_abs_error_ev_per_angstrom"), (True, "max_stress_error_ev_per_angstrom3")]
)
def test_single_precision_is_found_by_differences_of_energies(periodic, figure):
    verdicts, result = judged(SinglePrecision(structure(periodic), CUTOFF[periodic]), "forces")
    assert verdicts[figure] == "fail", result


def test_a_stale_list_in_a_crystal_does_not_know_an_atom_on_the_other_side():
    verdicts, result = judged(StaleList(structure(True), CUTOFF[True]), "forces")
    assert verdicts["translation_error"] == "fail", result


@pair_potentials
def test_a_missing_mass_is_found_by_the_integrator_s_order(periodic, monkeypatch):
    monkeypatch.setattr(VelocityVerlet, "step", without_mass)
    verdicts, result = judged(PairPotential(structure(periodic), CUTOFF[periodic]), "nve")
    assert verdicts["dt2_ratio"] == "fail", result


# The same in the package's own code, under trained models.


@pytest.fixture(scope="module")
def many_body_model(ethanol):
    return rfp_md.train(Dataset((ethanol[:40],)), descriptor=["many_body:cutoff=3.0"], regressor="rfnn:width=60")


def wrong_sign(original, self, derivatives, *rest):
    return original(self, np.concatenate([-derivatives[:, :1], derivatives[:, 1:]], axis=1), *rest)


def unit_slip(original, self, *rest):
    return 1.001 * original(self, *rest)


def off_by_one(original, self, *rest):
    return np.roll(original(self, *rest), 1, axis=1)


def single_precision(original, self, frames):
    rounded = frames.positions.astype(np.float32).astype(np.float64)
    return original(self, frames.at(rounded))


def short_list(frames, cutoff):
    """The list ends before the radial functions do."""
    return neighbours(frames, 0.8 * cutoff)


def stale_list():
    known = []

    def found(frames, cutoff):
        if not known:
            near = neighbours(frames[:1], cutoff)
            known.extend([near.centres, near.atoms, np.diff(near.offsets)])
        first, second, counts = known
        vectors = (frames.positions[:, second] - frames.positions[:, first]).reshape(-1, 3)
        structures = np.repeat(np.arange(len(frames)), len(first))
        offsets = np.concatenate([[0], np.cumsum(np.tile(counts, len(frames)))])
        return Neighbours(vectors, np.tile(second, len(frames)), structures, offsets)

    return found


@pytest.mark.parametrize(
    ("method", "mistake", "figure", "verdict"),
    [
        ("pull", lambda original, *rest: original(*rest), "max_abs_error_ev_per_angstrom", "pass"),
        ("pull", wrong_sign, "max_abs_error_ev_per_angstrom", "fail"),
        ("separations", single_precision, "max_abs_error_ev_per_angstrom", "fail"),
        ("pull", unit_slip, "max_abs_error_ev_per_angstrom", "fail"),
        ("pull", off_by_one, "max_abs_error_ev_per_angstrom", "fail"),
    ],
    ids=["none", "wrong sign", "single precision", "unit slip", "off by one"],
)
def test_a_mistake_in_our_pairs_is_found(potential, monkeypatch, method, mistake, figure, verdict):
    original = getattr(AtomPairs, method)
    monkeypatch.setattr(AtomPairs, method, lambda self, *rest: mistake(original, self, *rest))
    verdicts, result = judged(dataclasses.replace(potential), "forces")
    assert verdicts[figure] == verdict, result


def test_a_missing_mass_under_our_model_is_found(potential, monkeypatch):
    assert set(judged(potential, "nve")[0].values()) == {"pass"}
    monkeypatch.setattr(VelocityVerlet, "step", without_mass)
    verdicts, result = judged(potential, "nve")
    assert verdicts["dt2_ratio"] == "fail", result


@pytest.mark.parametrize(
    ("mistake", "figures"),
    [
        (lambda: neighbours, []),
        (lambda: short_list, ["energy_jump_ev", "force_jump_ev_per_angstrom"]),
        (stale_list, ["permutation_error"]),
    ],
    ids=["none", "short list", "stale list"],
)
def test_a_mistake_in_our_list_of_neighbours_is_found(many_body_model, monkeypatch, mistake, figures):
    monkeypatch.setattr(many_body, "neighbours", mistake())
    verdicts, result = judged(many_body_model, "forces")
    assert {figure for figure, verdict in verdicts.items() if verdict == "fail"} >= set(figures), result
    assert figures or set(verdicts.values()) == {"pass"}, result
