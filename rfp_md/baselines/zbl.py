"""The screened repulsion of two nuclei, closer than the training frames have any."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from rfp_md.arrays import Floats, Ints
from rfp_md.baselines.base import Baseline, Capabilities
from rfp_md.compiled import compiled
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames, formula
from rfp_md.plugins.arrays import Array, Surroundings
from rfp_md.prediction import PerAtom, Prediction
from rfp_md.structures.covalent import TORN, covalent_radii
from rfp_md.structures.neighbours import neighbours
from rfp_md.structures.shortest import ShortestDistances

COULOMB = 14.399645  # e²/4πε₀, eV Å
SCREENING = 0.46850  # Å
HEIGHTS = (0.18175, 0.50986, 0.28022, 0.02817)  # of φ, and
RATES = (3.19980, 0.94229, 0.40290, 0.20162)  # how each of its exponentials falls
INSIDE = 0.85  # of the shortest training distance: other frames may come a little closer, and are the fit's
WHOLE = 0.7  # of the outer distance, below which nothing is switched off


class Zbl(Baseline):
    """E = Σ_{i<j} k Z_i Z_j / r φ(r/a) s(r): repulsion of nuclei that are closer than in any training frame.

    φ is the universal screening of Ziegler, Biersack and Littmark (The Stopping and Range of Ions in Matter, 1985), a
    sum of four exponentials, and a = 0.46850 Å / (Z_i^0.23 + Z_j^0.23). The switch s falls from 1 to 0 between
    0.7 r_out and r_out with two continuous derivatives. r_out is 0.85 of the shortest distance that a pair of these
    elements has in the training frames, or 1.8 times the sum of the covalent radii, if that is shorter or the pair
    never comes so close: what the training frames know is left to them, and where frames of their kind may come, too.
    """

    name: ClassVar[str] = "zbl"
    compatible_since: ClassVar[str | None] = "0.1.0"
    capabilities: ClassVar[Capabilities] = Capabilities(periodic=True)

    def fit(self, dataset: Dataset) -> None:
        """Find r_out of each pair of elements."""
        elements = np.unique(np.concatenate([block.numbers for block in dataset])).astype(np.int64)
        self.state["elements"] = elements
        self.state["outer"] = np.minimum(_torn(elements), INSIDE * ShortestDistances.of(dataset).between(elements))
        self._forget()

    def unswitched(self) -> Zbl:
        """The same without regard to the training frames: r_out is 1.8 times the sum of the covalent radii."""
        elements = self.state["elements"]
        return Zbl().restore({"elements": elements, "outer": _torn(elements)})

    def arrays(self, model: Surroundings) -> dict[str, Array]:
        """The elements, ascending, and r_out of each pair of them, Å."""
        n = len(model.elements)
        return {
            "elements": Array((n,), "int", least=1, most=118, ascending=True),
            "outer": Array((n, n), least=1e-3, most=10.0),
        }

    def restore(self, state: dict[str, NDArray[Any]]) -> Self:
        """Take back r_out, once it is the same for Z and Z′ as for Z′ and Z."""
        if not np.array_equal(state["outer"], state["outer"].T):
            raise ValueError("outer is not symmetric")
        self._forget()
        return super().restore(state)

    def compute(self, frames: Frames) -> Prediction:
        """E (M,), forces (M, N, 3) and virials (M, 3, 3). Raises UserError for an unknown element."""
        energies, forces, virials = self._pairs(frames)
        return Prediction(energies.sum(axis=1), forces, virials.sum(axis=1))

    def per_atom(self, frames: Frames) -> PerAtom:
        """Half of each pair's energy and virial for each of the two atoms. Raises UserError as ``compute``."""
        energies, _, virials = self._pairs(frames)
        return PerAtom(energies, virials)

    def _pairs(self, frames: Frames) -> tuple[Floats, Floats, Floats]:
        """Energies (M, N), forces (M, N, 3) and virials (M, N, 3, 3) of the atoms."""
        species, near = self._species(frames), neighbours(frames, self.reach)
        shape = frames.positions.shape
        energies, forces, virials = np.zeros(shape[:2]), np.zeros(shape), np.zeros((*shape, 3))
        _add_pairs(near.vectors, near.atoms, near.offsets, species, self._constants, energies, forces, virials)
        return energies, forces, virials

    def _species(self, frames: Frames) -> Ints:
        """The place of every atom's element among those that it was fitted to (N,)."""
        elements = self.state["elements"]
        species = np.searchsorted(elements, frames.numbers)
        if (species == len(elements)).any() or (elements[species] != frames.numbers).any():
            unknown = sorted(set(frames.numbers.tolist()) - set(elements.tolist()))
            raise UserError(
                f"{frames.source}: has {formula(unknown)}, but baseline '{self.name}' was fitted to "
                f"{formula(elements)} only"
            )
        return species

    @cached_property
    def reach(self) -> float:
        """The distance, Å, beyond which no pair has an energy."""
        return float(self.state["outer"].max())

    @cached_property
    def _constants(self) -> tuple[Floats, Floats, Floats]:
        """k Z Z′, eV Å, 1/a, 1/Å, and r_out, Å, of each pair of elements (E, E)."""
        z = self.state["elements"].astype(np.float64)
        return COULOMB * z[:, None] * z, (z[:, None] ** 0.23 + z**0.23) / SCREENING, self.state["outer"]

    def _forget(self) -> None:
        for name in ("reach", "_constants"):
            self.__dict__.pop(name, None)


def _torn(elements: Ints) -> Floats:
    """The distances of each pair of elements (E, E), Å, where a bond is torn for certain."""
    radii = covalent_radii(elements)
    torn: Floats = TORN * (radii[:, None] + radii)
    return torn


@compiled()
def _add_pairs(
    vectors: Floats,
    atoms: Ints,
    offsets: Ints,
    species: Ints,
    constants: tuple[Floats, Floats, Floats],
    energies: Floats,
    forces: Floats,
    virials: Floats,
) -> None:
    """Half of each pair's energy and virial, and the whole force on the central atom: pairs come from both ends."""
    strengths, rates, outer = constants
    n_atoms = len(species)
    for centre in range(len(offsets) - 1):
        m, i = divmod(centre, n_atoms)
        for p in range(offsets[centre], offsets[centre + 1]):
            d, pair = vectors[p], (species[i], species[atoms[p]])
            r = np.sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2])
            if r < outer[pair]:
                energy, slope = _switched(r, strengths[pair], rates[pair], outer[pair])
                energies[m, i] += 0.5 * energy
                for x in range(3):
                    forces[m, i, x] += slope * d[x] / r
                    for y in range(3):
                        virials[m, i, x, y] -= 0.5 * slope * d[x] * d[y] / r


@compiled()
def _switched(r: float, strength: float, rate: float, outer: float) -> tuple[float, float]:
    """k Z Z′ / r φ(r/a) s(r), eV, and its derivative, eV/Å, for r below r_out, Å.

    With t from 0 at 0.7 r_out to 1 at r_out, s = 1 − t³ (10 − 15 t + 6 t²).
    """
    screening, steepness = 0.0, 0.0
    for height, decay in zip(HEIGHTS, RATES):  # noqa: B905 - numba knows no strict
        part = height * np.exp(-decay * rate * r)
        screening += part
        steepness -= decay * rate * part
    energy = strength / r * screening
    slope = strength / r * (steepness - screening / r)
    t = (r / outer - WHOLE) / (1.0 - WHOLE)
    if t <= 0.0:
        return energy, slope
    switch = 1.0 - t * t * t * (10.0 - 15.0 * t + 6.0 * t * t)
    fall = -30.0 * t * t * (1.0 - t) * (1.0 - t) / (outer * (1.0 - WHOLE))
    return energy * switch, slope * switch + energy * fall
