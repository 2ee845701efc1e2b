"""Gaussian process regression on energies and slopes, exact.

symbol      here
K, Λ        ``matrix`` and ``added``, the noise on its diagonal; ``_factor`` is the Cholesky factor of K + Λ
y, a        ``targets`` and ``solution``: M energies, then the slopes of each structure
v, ℓ        ``variance`` and ``length`` of a part
v a_m       ``weights``, a number for each training site t
v u_t       ``directions``, u = Σ_c J_c a_c of each training site (D,)
s²          ``amplitude``
κ, g, h     as in ``covariance``; ``along`` is d·u with d = x − x_t
k(x)        ``cross``
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr
from scipy.linalg.lapack import dpotrf, dpotrs

from rfp_md.arrays import Floats
from rfp_md.errors import UserError
from rfp_md.linalg.memory import require_memory
from rfp_md.plugins.arrays import Array, Surroundings
from rfp_md.plugins.parameter_types import Numbers
from rfp_md.progress import Progress
from rfp_md.random_features.radial import RADIAL, RadialKernel, squared_distances
from rfp_md.regressors.base import Batch, Regressor, Samples
from rfp_md.regressors.covariance import ScaledSites, covariance, cross_covariance, prior_variances
from rfp_md.regressors.parts import Part, balanced, parts_of, scaled_sites
from rfp_md.sites import Sites


class GaussianProcess(Regressor):
    """f ~ GP(0, v κ), observed through energies and slopes y = (E, ∂E): thesis eqs. 2.40 to 2.42, as in GDML.

        E(x) = k(x)·a,   a = (K + Λ)⁻¹ y,   var E(x) = s² [κ(x, x) − k(x)·(K + Λ)⁻¹ k(x)],   s² = y·a / n

    K holds the covariances of all n = M (1 + 3N) observations: memory grows with n², time with n³, so it is
    for a few hundred frames. Where a descriptor has groups of components, f is a sum of functions of one group each;
    v is such that all terms contribute alike to the slopes. To predict, each training site needs one number and one
    direction only, since Σ_c ∂κ/∂y·J_c a_c = ∂κ/∂y·u with u = Σ_c J_c a_c (Chmiela et al., Sci. Adv. 3, e1603015,
    2017).
    """

    name: ClassVar[str] = "gaussian_process"
    compatible_since: ClassVar[str | None] = "0.1.0"

    kernel: RadialKernel = Field("matern52", description="covariance function κ: gaussian or matern52")
    length_scale: Numbers = Field((6.0,), description="ℓ to choose from, in median site distances")
    noise: Numbers = Field((1e-7, 1e-5), description="Λ to choose from, relative to K's mean diagonal")
    variance: bool = Field(False, description="keep the training Jacobians, for the predictive variance")

    _factor: Floats | None = PrivateAttr(None)

    @property
    def takes_width(self) -> bool:
        """A Gaussian process has no width to choose: every training site is a centre."""
        return False

    @property
    def numbers_per_site(self) -> int:
        """The training sites of the largest part."""
        return max((array[..., 0].size for key, array in self._state.items() if key.endswith(".sites")), default=1)

    def fit(
        self,
        train: Samples,
        valid: Samples,
        widths: Sequence[int | None],
        rng: np.random.Generator,
        progress: Progress,
    ) -> dict[str, Any]:
        """Solve (K + Λ) a = y for each length scale and noise, choose the best, and solve once more with all frames."""
        n = (len(train) + len(valid)) * (1 + train.n_coordinates)
        progress.message(f"{n} observations: their covariance matrix and its factor take {16e-9 * n**2:.2f} GB")
        require_memory(
            16 * n**2,
            f"give regressor '{self.name}' fewer frames, or use random features, whose memory does not grow with them",
        )
        training, validation = _whole(train), _whole(valid)
        parts = parts_of(training, train.groups, rng)
        tried: list[tuple[float, float, float, tuple[float, ...]]] = []
        for scale in self.length_scale:
            scaled = self._prepare(training, parts, scale)
            matrix = covariance(scaled, self.kernel, progress)
            for noise in self.noise:
                if self._solve(scaled, matrix, training, noise):
                    errors = self._errors(validation)
                    value = sum(e / (t.std() or 1.0) for e, t in zip(errors, _targets(validation), strict=True))
                    tried.append((value, scale, noise, errors))
        if not tried:
            raise UserError(f"regressor '{self.name}': K is singular to rounding; give it a larger noise=…")
        _, scale, noise, errors = min(tried)
        everything = _joined([training, validation])
        scaled = self._prepare(everything, parts, scale)
        if not self._solve(scaled, covariance(scaled, self.kernel, progress), everything, noise):
            raise UserError(
                f"regressor '{self.name}': K of all frames is singular to rounding; give it a larger noise=…"
            )
        return {
            "observations": n,
            "length_scale": scale,
            "noise": noise,
            "amplitude_ev": float(np.sqrt(self._state["amplitude"][0])),
            "valid_energy_mae_ev": errors[0],
            "valid_force_mae_ev_per_angstrom": errors[1] if len(errors) > 1 else None,
        }

    def arrays(self, model: Surroundings) -> dict[str, Array]:
        """The M training structures' sites (M, S, D) of each part, and what the solution makes of them."""
        found = {"amplitude": Array((1,), least=0.0), "noise": Array(("observations",), least=0.0, optional=True)}
        for k, term in enumerate(model.terms):
            for part in (f"{k}.{kind}.{group}" for kind in term.types for group in range(term.groups)):
                sites, width = f"sites of {part}", f"components of {part}"
                found |= {
                    f"{part}.length": Array((1,), least=1e-300),
                    f"{part}.variance": Array((1,), least=0.0),
                    f"{part}.components": Array((width,), "int", least=0, most=term.components - 1),
                    f"{part}.sites": Array(("structures", sites, width)),
                    f"{part}.jacobian": Array(("structures", sites, width, "slopes"), optional=True),
                    f"{part}.weights": Array((f"all {sites}",)),
                    f"{part}.directions": Array((f"all {sites}", width)),
                }
        return found

    def restore(self, state: dict[str, NDArray[Any]]) -> Self:
        """Take back what is known of the training structures, once there is a weight for each of their sites."""
        for name in (name for name in state if name.endswith(".sites")):
            shape, weights = state[name].shape, state[f"{name.removesuffix('.sites')}.weights"]
            if shape[0] * shape[1] != len(weights):
                raise ValueError(f"{name} are {shape[0] * shape[1]} sites, but there are {len(weights)} weights")
        self._factor = None
        return super().restore(state)

    def predict(self, terms: Sequence[Sites]) -> tuple[Floats, list[Floats]]:
        """E = Σ_t α_t κ + g d·v (M,), and for each term dE/dx (M, S, D), over the training sites t."""
        energies = np.zeros(len(terms[0].values))
        gradients = [np.zeros_like(sites.values) for sites in terms]
        for prefix in self._known():
            length, sites, weights, directions = (
                self._state[f"{prefix}.{name}"] for name in ("length", "sites", "weights", "directions")
            )
            known = sites.reshape(-1, sites.shape[2])
            k, seen = self._place(prefix, terms)
            x = terms[k].values[seen] / length
            kappa, g, h = RADIAL[self.kernel](squared_distances(x, known))
            # With d = x − y: the energy is κ α + g d·v, its gradient −(g α + h d·v) d + g v.
            along = x @ directions.T - np.einsum("pd,pd->p", known, directions)
            energies += (kappa @ weights + (g * along).sum(axis=2)).sum(axis=1)
            pull = g * weights + h * along
            gradients[k][seen] += (pull @ known - pull.sum(axis=2)[..., None] * x + g @ directions) / length
        return energies, gradients

    def deviations(self, terms: Sequence[Sites]) -> Floats:
        """s √(κ(x, x) − k·(K + Λ)⁻¹ k) of each energy (M,), eV. Raises UserError without ``variance=true``."""
        if "noise" not in self._state:
            raise UserError("this Gaussian process has no variance; train it with gaussian_process:variance=true")
        known, asked = [], []
        for prefix in self._known():
            length, sites, (variance,) = (self._state[f"{prefix}.{name}"] for name in ("length", "sites", "variance"))
            known.append(ScaledSites(sites, self._state.get(f"{prefix}.jacobian"), float(variance)))
            k, seen = self._place(prefix, terms)
            asked.append(ScaledSites(terms[k].values[seen] / length, variance=float(variance)))
        if self._factor is None:
            matrix = covariance(known, self.kernel, Progress())
            self._factor = _factorise(matrix, self._state["noise"])
        cross = cross_covariance(asked, known, self.kernel)
        explained, _ = dpotrs(self._factor, cross.T, lower=1)
        variances = prior_variances(asked, self.kernel) - np.einsum("mn,nm->m", cross, explained)
        return np.asarray(np.sqrt(np.maximum(variances, 0.0) * self._state["amplitude"]))

    def _prepare(self, batch: Batch, parts: Sequence[Part], scale: float) -> list[ScaledSites]:
        """Take the sites of a batch as what is known, in units of the kernel's length."""
        self._state.clear()
        self._factor = None
        parts = balanced(batch, parts, scale, self.kernel)
        scaled = []
        for part in parts:
            scaled.append(scaled_sites(batch, part, scale))
            self._state[f"{part.prefix}.length"] = np.array([scale * part.median])
            self._state[f"{part.prefix}.variance"] = np.array([part.variance])
            self._state[f"{part.prefix}.components"] = part.components
            self._state[f"{part.prefix}.sites"] = scaled[-1].values
            if self.variance and scaled[-1].jacobian is not None:
                self._state[f"{part.prefix}.jacobian"] = scaled[-1].jacobian
        return scaled

    def _solve(self, scaled: list[ScaledSites], matrix: Floats, batch: Batch, noise: float) -> bool:
        """Find a, and from it the number and the direction of each training site; False where K is singular."""
        n_frames = len(batch.energies)
        diagonal = matrix.diagonal()
        added = noise * np.concatenate(
            [np.full(len(part), part.mean()) for part in (diagonal[:n_frames], diagonal[n_frames:]) if len(part)]
        )
        factor = _factorise(matrix, added)
        if factor is None:
            return False
        targets = np.concatenate([target.ravel() for target in _targets(batch)])
        solution, _ = dpotrs(factor, targets, lower=1)
        for prefix, sites in zip(self._known(), scaled, strict=True):
            _, n_sites, n_components = sites.values.shape
            directions = np.zeros((n_frames, n_sites, n_components))
            if sites.jacobian is not None:
                directions = np.einsum("msdc,mc->msd", sites.jacobian, solution[n_frames:].reshape(n_frames, -1))
            self._state[f"{prefix}.weights"] = sites.variance * np.repeat(solution[:n_frames], n_sites)
            self._state[f"{prefix}.directions"] = sites.variance * directions.reshape(-1, n_components)
        self._state["amplitude"] = np.array([targets @ solution / len(targets)])
        if self.variance:
            self._state["noise"] = added
        return True

    def _errors(self, batch: Batch) -> tuple[float, ...]:
        """Mean absolute errors of energies and, where there are any, of slopes."""
        energies, gradients = self.predict(batch.terms)
        predicted = [energies]
        if batch.slopes is not None:
            slopes = np.zeros_like(batch.slopes)
            for gradient, sites in zip(gradients, batch.terms, strict=True):
                jacobian = np.asarray(sites.jacobian)[..., : slopes.shape[1]]
                slopes += np.einsum("msd,msdc->mc", gradient, jacobian, optimize=True)
            predicted.append(slopes)
        return tuple(float(np.abs(p - t).mean()) for p, t in zip(predicted, _targets(batch), strict=True))

    def _place(self, prefix: str, terms: Sequence[Sites]) -> tuple[int, tuple[Any, ...]]:
        """Which term a part is of, and where its sites and components stand in the term's values (M, S, D)."""
        k, site_type, _ = (int(number) for number in prefix.split("."))
        here = np.flatnonzero(terms[k].types == site_type)
        return k, (slice(None), here[:, None], self._state[f"{prefix}.components"])

    def _known(self) -> list[str]:
        """What the names of a part's arrays begin with, in the order of the parts."""
        prefixes = [key.removesuffix(".sites") for key in self._state if key.endswith(".sites")]
        return sorted(prefixes, key=lambda prefix: [int(number) for number in prefix.split(".")])


def _targets(batch: Batch) -> list[Floats]:
    return [batch.energies] if batch.slopes is None else [batch.energies, batch.slopes]


def _whole(samples: Samples) -> Batch:
    """All structures of the samples as one batch."""
    return _joined(list(samples.batches(len(samples), derivatives=True)))


def _joined(batches: list[Batch]) -> Batch:
    """One batch out of several. Raises UserError where their structures have different sites."""
    if len(batches) == 1:
        return batches[0]
    types = [[sites.types.tolist() for sites in batch.terms] for batch in batches]
    if any(other != types[0] for other in types):
        raise UserError(
            "regressor 'gaussian_process' is for structures that all have the same sites; use random features"
        )
    terms = [
        Sites(
            np.concatenate([batch.terms[k].values for batch in batches]),
            first.types,
            np.concatenate([np.asarray(batch.terms[k].jacobian) for batch in batches]),
        )
        for k, first in enumerate(batches[0].terms)
    ]
    slopes = [batch.slopes for batch in batches if batch.slopes is not None]
    energies = np.concatenate([batch.energies for batch in batches])
    return Batch(terms, energies, np.concatenate(slopes) if len(slopes) == len(batches) else None)


def _factorise(matrix: Floats, added: Floats) -> Floats | None:
    """The Cholesky factor of K + Λ (lower triangle), or None where it is not positive definite."""
    factor = matrix.copy(order="F")
    factor[np.diag_indices(len(factor))] += added
    factor, failed = dpotrf(factor, lower=1, overwrite_a=1, clean=0)
    return None if failed else factor
