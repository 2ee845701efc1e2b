"""The SOAP power spectrum, computed by featomic."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from itertools import combinations_with_replacement
from typing import Any, ClassVar

import numpy as np
from featomic import SoapPowerSpectrum
from metatensor import Labels
from pydantic import Field

from rfp_md import UserError
from rfp_md.descriptors import Capabilities, Descriptor
from rfp_md.io.atoms import to_atoms
from rfp_md.structures.cells import check_geometry, surrounded
from rfp_md.structures.neighbours import check_budget

KEYS = ["center_type", "neighbor_1_type", "neighbor_2_type"]


class Soap(Descriptor):
    """x_i = p^{ab}_{nn'l} = Σ_m c^{ia}_{nlm} c^{ib}_{n'lm} / √(2l+1), for every pair a, b of the training elements.

    c^{ia}_{nlm} expands the Gaussian density of the neighbours of element a around atom i in radial functions
    and spherical harmonics (Bartók, Kondor and Csányi, Phys. Rev. B 87, 184115 (2013)). Molecules and periodic
    crystals, any composition of the training elements; forces and stress by featomic's gradients.
    """

    name: ClassVar[str] = "soap"
    capabilities: ClassVar[Capabilities] = Capabilities(
        differentiable=True,
        periodic=True,
        translation_invariant=True,
        rotation_invariant=True,
        permutation_invariant=True,
        per_atom=True,
    )

    cutoff: float = Field(4.0, gt=0, description="radius of the environment, Å")
    smoothing: float = Field(1.0, gt=0, description="width over which neighbours fade out at the cutoff, Å")
    density_width: float = Field(0.35, gt=0, description="width of a neighbour's Gaussian, Å")
    max_radial: int = Field(4, ge=0, description="radial functions 0 to this")
    max_angular: int = Field(4, ge=0, description="angular momenta 0 to this")

    def fit(self, dataset):
        """Learn which elements there are; every pair of them gets its columns."""
        self._state["elements"] = np.unique(np.concatenate([block.numbers for block in dataset])).astype(np.int64)

    def site_types(self, numbers):
        return numbers

    def values(self, frames):
        values = np.zeros((len(frames), frames.n_atoms, self._n_columns))
        for columns, block in self._blocks(frames, []):
            system, atom = block.samples.column("system"), block.samples.column("atom")
            values[system, atom, columns] = block.values
        return values

    def jacobian(self, frames):
        gradients = ["positions", "strain"] if frames.periodic else ["positions"]
        rows = frames.n_atoms + (3 if frames.periodic else 0)
        jacobian = np.zeros((len(frames), frames.n_atoms, self._n_columns, rows, 3))
        for columns, block in self._blocks(frames, gradients):
            system, center = block.samples.column("system"), block.samples.column("atom")
            positions = block.gradient("positions")
            sample, moved = positions.samples.column("sample"), positions.samples.column("atom")
            jacobian[system[sample], center[sample], columns, moved] = positions.values.transpose(0, 2, 1)
            if frames.periodic:
                strain = block.gradient("strain")
                sample = strain.samples.column("sample")
                where = (system[sample], center[sample], columns, slice(frames.n_atoms, None))
                jacobian[where] = strain.values.transpose(0, 3, 1, 2)
        return jacobian

    def pullback(self, frames, gradient):
        gradients = ["positions", "strain"] if frames.periodic else ["positions"]
        pulled = np.zeros((len(frames), frames.n_atoms + (3 if frames.periodic else 0), 3))
        for columns, block in self._blocks(frames, gradients):
            system, center = block.samples.column("system"), block.samples.column("atom")
            by_component = gradient[system, center, columns]
            positions = block.gradient("positions")
            sample, moved = positions.samples.column("sample"), positions.samples.column("atom")
            force = np.matmul(positions.values, by_component[sample][:, :, None])[:, :, 0]
            np.add.at(pulled, (system[sample], moved), force)
            if frames.periodic:
                strain = block.gradient("strain")
                sample = strain.samples.column("sample")
                virial = np.einsum("sabp,sp->sab", strain.values, by_component[sample])
                np.add.at(pulled[:, frames.n_atoms :], system[sample], virial)
        return pulled

    def _blocks(self, frames, gradients):
        """featomic's blocks, each with the columns of its pair of elements."""
        pairs = list(combinations_with_replacement(self._state["elements"].tolist(), 2))
        keys = [(z, *pair) for z in np.unique(frames.numbers).tolist() for pair in pairs]
        check_geometry(frames)
        check_budget(frames, self.cutoff)
        spectrum = self._calculator.compute(
            systems(frames, self.cutoff),
            gradients=gradients,
            selected_keys=Labels(KEYS, np.array(keys, dtype=np.int32)),
        )
        for key, block in spectrum.items():
            if gradients and not np.isfinite(block.gradient("positions").values).all():
                raise UserError(f"{frames.source}: two atoms are at the same place, where soap has no derivative")
            start = pairs.index((int(key["neighbor_1_type"]), int(key["neighbor_2_type"]))) * self._width
            yield slice(start, start + self._width), block

    @property
    def _width(self):
        return (self.max_radial + 1) ** 2 * (self.max_angular + 1)

    @property
    def _n_columns(self):
        n_elements = len(self._state["elements"])
        return self._width * n_elements * (n_elements + 1) // 2

    @cached_property
    def _calculator(self) -> Any:
        return SoapPowerSpectrum(
            cutoff={"radius": self.cutoff, "smoothing": {"type": "ShiftedCosine", "width": self.smoothing}},
            density={"type": "Gaussian", "width": self.density_width},
            basis={
                "type": "TensorProduct",
                "max_angular": self.max_angular,
                "radial": {"type": "Gto", "max_radial": self.max_radial},
                "spline_accuracy": 1e-12,
            },
        )


def systems(frames, cutoff):
    """Every structure as ASE's Atoms, which featomic takes: periodic in all directions or in none."""
    if frames.periodic and not all(frames.pbc):
        frames = replace(frames, cells=surrounded(frames, 2 * cutoff), pbc=(True, True, True))
    return [to_atoms(frames, k) for k in range(len(frames))]
