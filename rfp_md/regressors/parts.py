"""What a Gaussian process on sites is a sum of: a function for each type of site and each group of components.

symbol    here
f_p       ``Part``
v         ``Part.variance``
ℓ         ``scale`` × ``Part.median``
x/ℓ       ``ScaledSites.values``, with ∂x/∂c/ℓ in ``ScaledSites.jacobian``
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rfp_md.arrays import Ints
from rfp_md.progress import Progress
from rfp_md.random_features.radial import RadialKernel
from rfp_md.regressors.base import Batch
from rfp_md.regressors.covariance import ScaledSites, covariance
from rfp_md.regressors.fitting.typed_sites import sites_by_type
from rfp_md.regressors.random_fourier import median_distances

SCALE_FRAMES = 10  # structures that tell how much a term varies


@dataclass(frozen=True, eq=False)
class Part:
    """One function of the sum: of the sites of one type in one term, and of the components that belong together.

    Attributes:
        components: indices (D,).
        median: distance between two such sites.
        variance: v of its kernel.
    """

    term: int
    site_type: int
    number: int
    components: Ints
    median: float
    variance: float = 1.0

    @property
    def prefix(self) -> str:
        """What the names of the part's arrays begin with."""
        return f"{self.term}.{self.site_type}.{self.number}"


def parts_of(batch: Batch, groups: Sequence[NDArray[np.bool_] | None], rng: np.random.Generator) -> list[Part]:
    """A part for each type of site of each term, and for each of its groups of components."""
    found = []
    for k in range(len(batch.terms)):
        for sites in sites_by_type([batch], k, 1, groups[k] if groups else None):
            medians = median_distances(sites.points, sites.groups, rng)
            for number, (group, median) in enumerate(zip(sites.groups, medians, strict=True)):
                found.append(Part(k, sites.site_type, number, np.flatnonzero(group), float(median)))
    return found


def balanced(batch: Batch, parts: Sequence[Part], scale: float, kernel: RadialKernel) -> list[Part]:
    """The parts with variances for which every term contributes alike to the slopes, or to the energies."""
    found = []
    frames = range(min(SCALE_FRAMES, len(batch.energies)))
    for k in range(len(batch.terms)):
        mine = [part for part in parts if part.term == k]
        scaled = [scaled_sites(batch, part, scale) for part in mine]
        diagonals = []
        for m in frames:
            one = [
                ScaledSites(x.values[m : m + 1], None if x.jacobian is None else x.jacobian[m : m + 1]) for x in scaled
            ]
            diagonal = covariance(one, kernel, Progress()).diagonal()
            diagonals.append(diagonal[1:].mean() if len(diagonal) > 1 else diagonal[0])
        size = float(np.mean(diagonals)) or 1.0
        found += [replace(part, variance=1.0 / size) for part in mine]
    return found


def scaled_sites(batch: Batch, part: Part, scale: float) -> ScaledSites:
    """The sites of one part (M, S, D), in units of its kernel's length ℓ = scale × median, with their Jacobians."""
    sites, length = batch.terms[part.term], scale * part.median
    here = np.flatnonzero(sites.types == part.site_type)[:, None]
    jacobian = None
    if sites.jacobian is not None and batch.slopes is not None:
        jacobian = sites.jacobian[:, here, part.components, : batch.slopes.shape[1]] / length
    return ScaledSites(sites.values[:, here, part.components] / length, jacobian, part.variance)
