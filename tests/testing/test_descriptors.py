"""The kit passes what is right and catches what is wrong."""

import importlib

import numpy as np
import pytest

from rfp_md.descriptors import Capabilities
from rfp_md.descriptors.inverse_distances import InverseDistances
from rfp_md.plugins.scaffold import new_plugin
from rfp_md.testing import check_descriptor, check_plugin, descriptor_outcomes, installed_plugins

SYMMETRIC = {"differentiable": True, "translation_invariant": True, "rotation_invariant": True}


@pytest.fixture(scope="module")
def pair_density(tmp_path_factory):
    """The class of the descriptor template."""
    root = new_plugin("pair_density", "descriptor", tmp_path_factory.mktemp("plugin"))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root)
        yield importlib.import_module("rfp_pair_density.descriptor").PairDensity


def failures(descriptor):
    """What is wrong with a planted defect; that its class has no docstring is one of the things."""
    return {o.check: o.message for o in descriptor_outcomes(descriptor) if o.status == "failed"}


@pytest.mark.parametrize(("kind", "name"), installed_plugins())
def test_every_installed_plugin_conforms(kind, name):
    check_plugin(kind, name)


def test_the_template_conforms(pair_density):
    check_descriptor(pair_density())


def test_parameters_decide_what_is_declared():
    outcomes = {o.check: o for o in descriptor_outcomes(InverseDistances(symmetrize=False))}
    assert outcomes["permutation"].status == "skipped"
    assert all(o.status != "failed" for o in outcomes.values())


def test_a_missing_factor_in_a_derivative_is_caught(pair_density):
    class Planted(pair_density):
        def jacobian(self, frames):
            return 0.5 * super().jacobian(frames)

    assert "but central differences give" in failures(Planted())["derivative"]


def test_a_shared_evaluation_that_differs_is_caught(pair_density):
    class Planted(pair_density):
        def values_and_pullback(self, frames):
            return self.values(frames), lambda gradient: 1.01 * self.pullback(frames, gradient)

    assert "values_and_pullback differs" in failures(Planted())["pullback equals jacobian"]


def test_a_derivative_with_respect_to_the_wrong_atom_is_caught(pair_density):
    class Planted(pair_density):
        def jacobian(self, frames):
            return np.ascontiguousarray(super().jacobian(frames)[:, :, :, ::-1])

    assert "atom 0 along x" in failures(Planted())["derivative"]


def test_an_invariance_that_is_lost_through_sorting_is_caught(pair_density):
    """Sorted by the x coordinate: the order follows the axes, not the atoms."""

    class Planted(pair_density):
        capabilities = Capabilities(**SYMMETRIC)

        def site_types(self, numbers):
            return np.arange(len(numbers))

        def values(self, frames):
            order = np.argsort(frames.positions[:, :, 0], axis=1)
            return np.take_along_axis(super().values(frames), order[:, :, None], axis=1)

        def jacobian(self, frames):
            order = np.argsort(frames.positions[:, :, 0], axis=1)
            return np.take_along_axis(super().jacobian(frames), order[:, :, None, None, None], axis=1)

    assert "it declares rotation_invariant" in failures(Planted())["rotation"]


def test_an_undeclared_invariance_is_not_assumed(pair_density):
    class Modest(pair_density):
        capabilities = Capabilities(differentiable=True)

    outcomes = {o.check: o.status for o in descriptor_outcomes(Modest())}
    assert (outcomes["translation"], outcomes["rotation"], outcomes["permutation"]) == ("skipped",) * 3


def test_a_permutation_that_changes_sites_is_caught(pair_density):
    class Planted(pair_density):
        def values(self, frames):
            return super().values(frames) * (1 + np.arange(frames.n_atoms))[:, None]

        def jacobian(self, frames):
            return super().jacobian(frames) * (1 + np.arange(frames.n_atoms))[:, None, None, None]

    assert "relabelling like atoms changes" in failures(Planted())["permutation"]


def test_state_kept_between_calls_is_caught(pair_density):
    class Planted(pair_density):
        def values(self, frames):
            values = super().values(frames)
            first = self._state.setdefault("scale", np.array([values.max()]))
            self._state["scale"] = np.maximum(first, values.max())
            return values / self._state["scale"]

    assert "keep nothing between calls" in failures(Planted())["no state between calls"]


def test_changed_input_is_caught(pair_density):
    class Planted(pair_density):
        def values(self, frames):
            positions = frames.positions
            positions -= positions.mean(axis=1, keepdims=True)
            return super().values(frames)

    assert "it changes frames.positions; work on a copy" in failures(Planted())["input not changed"]


@pytest.mark.parametrize(("power", "what"), [(0, "values jump"), (1, "derivatives jump")])
def test_a_cutoff_that_is_not_smooth_is_caught(pair_density, power, what):
    class Planted(pair_density):
        def _densities(self, frames):
            apart = frames.positions[:, :, None] - frames.positions[:, None]
            distances = np.linalg.norm(apart, axis=-1)[..., None]
            pairs = (distances > 0) & (distances < self.cutoff)
            inside = np.where(pairs, 1 - distances / self.cutoff, 0.0)
            terms = np.tile(inside**power * pairs, self.n_centers)
            slopes = np.tile(-power * pairs / self.cutoff, self.n_centers)
            return terms, slopes, apart / np.where(distances > 0, distances, 1.0)

    assert what in failures(Planted())["smoothness"]
    assert "5.0000" not in failures(Planted()).get("derivative", "")


@pytest.mark.parametrize(
    ("defect", "message"),
    [
        (lambda x: x.astype(np.float32), "values has dtype float32; return float64"),
        (lambda x: x * np.nan, "values has numbers that are not finite"),
        (lambda x: x[0], r"values has shape \(9, 24\); return \(4, 9, D\)"),
        (lambda x: x.tolist(), "values returns list, not a numpy array"),
    ],
)
def test_arrays_of_the_wrong_kind_are_caught(pair_density, defect, message):
    class Planted(pair_density):
        def values(self, frames):
            return defect(super().values(frames))

    with pytest.raises(AssertionError, match=f"pair_density: shapes and dtypes: {message}"):
        check_descriptor(Planted())


def test_coincident_atoms_that_give_nan_are_caught(pair_density):
    class Planted(pair_density):
        def values(self, frames):
            apart = frames.positions[:, 0] - frames.positions[:, 1]
            last = frames.positions[:, -1] - frames.positions[:, -2]
            return super().values(frames) + 0 / np.linalg.norm(last * apart.any(), axis=1)[:, None, None]

    assert "raise rfp_md.UserError" in failures(Planted())["coincident atoms"]


def test_what_was_learned_outside_state_is_caught(pair_density):
    class Planted(pair_density):
        def fit(self, dataset):
            self.__dict__["offset"] = 1.0

        def values(self, frames):
            return super().values(frames) + self.__dict__.get("offset", 0.0)

    assert "keep what it learned in state" in failures(Planted())["save and load"]
