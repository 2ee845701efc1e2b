"""What a sum of random features predicts: features, readout and committee, as the file keeps them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Self

from numpy.typing import NDArray
from pydantic import PrivateAttr

from rfp_md.arrays import Floats
from rfp_md.errors import UserError
from rfp_md.linalg.ridge import Solution
from rfp_md.plugins.arrays import Array, Surroundings
from rfp_md.random_features.activations import ACTIVATIONS
from rfp_md.random_features.feature_map import FeatureMap, Features
from rfp_md.regressors.base import Regressor
from rfp_md.regressors.fitting.readouts import evaluate_readouts
from rfp_md.regressors.fitting.rows import FeatureBlock, energy_rows
from rfp_md.sites import Sites


class FeatureModel(Regressor):
    """E = Σ_terms Σ_s Σ_k c_k φ_k(x_s), with features for each type of site of each term.

    In ``state``: ``<term>.<type>.weights`` W (K, D) and ``.biases`` b (K,), ``readout`` c (all K,), or (all K, P) of a
    direct model, and ``committee`` s δ (all K, P).
    """

    _known_blocks: list[FeatureBlock] | None = PrivateAttr(None)

    @property
    @abstractmethod
    def activation_name(self) -> str:
        """The name of σ, a key of ACTIVATIONS."""

    def features(self, weights: Floats, biases: Floats) -> Features:
        """The functions φ_k of drawn weights W (K, D) and biases b (K,)."""
        return FeatureMap(weights, biases, self.activation_name)

    @property
    def smooth(self) -> bool:
        """Whether σ′ is continuous."""
        return ACTIVATIONS[self.activation_name].smooth

    @property
    def numbers_per_site(self) -> int:
        """The features of the largest block."""
        return max(len(block.features.biases) for block in self._blocks())

    def predict(self, terms: Sequence[Sites]) -> tuple[Floats, list[Floats]]:
        """E = Φ c (M,), and for each term dE/dx = Σ_k c_k ∂φ_k/∂x (M, S, D)."""
        energies, gradients = evaluate_readouts(self._blocks(), self._state["readout"][:, None], terms)
        return energies[0], [gradient[0] for gradient in gradients]

    def committee(self, terms: Sequence[Sites]) -> tuple[Floats, list[Floats]]:
        """Members c + s δ_p, with draws δ_p of the posterior N(0, (A + λD)⁻¹) of the last solve.

        The δ_p are centred, so that the members' mean is the model, and s is what makes
        mean(error² / variance) = 1 on the validation forces for the solve without them.
        """
        readouts = self._state["readout"][:, None] + self._draws()
        return evaluate_readouts(self._blocks(), readouts, terms)

    def deviations(self, terms: Sequence[Sites]) -> Floats:
        """The standard deviation of the committee's energies Φ (c + s δ_p) (M,), eV."""
        members = energy_rows(self._blocks(), terms) @ self._draws()
        deviations: Floats = members.std(axis=1, ddof=1)
        return deviations

    def predict_outputs(self, terms: Sequence[Sites]) -> Floats:
        """Y = Φ C (M, P)."""
        outputs: Floats = energy_rows(self._blocks(), terms) @ self._state["readout"]
        return outputs

    def arrays(self, model: Surroundings) -> dict[str, Array]:
        """W (K, D) and b (K,) for every type of site of each term, and what all K features together are read out by."""
        found = {
            "readout": Array(("features",) if model.n_outputs is None else ("features", model.n_outputs)),
            "committee": Array(("features", "members"), optional=True),
        }
        for k, term in enumerate(model.terms):
            for kind in term.types:
                width = f"features of {k}.{kind}"
                found[f"{k}.{kind}.weights"] = Array((width, term.components))
                found[f"{k}.{kind}.biases"] = Array((width,))
        return found

    def restore(self, state: dict[str, NDArray[Any]]) -> Self:
        """Take back features, readout and committee, once their numbers of features fit each other."""
        width = sum(len(array) for name, array in state.items() if name.endswith(".biases"))
        if width == 0 or len(state["readout"]) != width:
            raise ValueError(f"the readout is of {len(state['readout'])} features, but there are {width}")
        if "committee" in state and state["committee"].shape[1] < 2:
            raise ValueError("the committee has fewer than two members")
        self._known_blocks = None
        return super().restore(state)

    def _remember(self, blocks: list[FeatureBlock], solution: Solution) -> None:
        self._state.clear()
        for block in blocks:
            prefix = f"{block.term}.{block.site_type}"
            self._state[f"{prefix}.weights"] = block.features.weights
            self._state[f"{prefix}.biases"] = block.features.biases
        self._state["readout"] = solution.coefficients
        self._known_blocks = None

    def _draws(self) -> Floats:
        """s δ_p (K, P)."""
        if "committee" not in self._state:
            raise UserError(
                "this model has no committee and so no uncertainty: it is a direct one, or an old one; "
                "train it again, without --target direct"
            )
        return self._state["committee"]

    def _blocks(self) -> list[FeatureBlock]:
        """The blocks in the order of the readout, rebuilt once from ``state``."""
        if self._known_blocks is None:
            blocks: list[FeatureBlock] = []
            keys = [key.rsplit(".", 1)[0] for key in self._state if key.endswith(".weights")]
            for prefix in sorted(keys, key=lambda key: tuple(int(part) for part in key.split("."))):
                term, site_type = (int(part) for part in prefix.split("."))
                weights, biases = self._state[f"{prefix}.weights"], self._state[f"{prefix}.biases"]
                start = blocks[-1].columns.stop if blocks else 0
                features = self.features(weights, biases)
                blocks.append(FeatureBlock(term, site_type, slice(start, start + len(weights)), features))
            self._known_blocks = blocks  # whole at once: other threads may be looking
        return self._known_blocks
