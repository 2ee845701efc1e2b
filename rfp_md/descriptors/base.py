"""What a descriptor is: it maps structures to sites, E = Σ_s f_type(s)(x_s), and knows nothing of learning."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from rfp_md.arrays import Floats, Ints
from rfp_md.frames import Dataset, Frames
from rfp_md.plugins.base import Kind, Plugin
from rfp_md.sites import NeighbourJacobian

Pullback = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Capabilities:
    """What a descriptor declares about itself; the package relies on it and refuses early what is not declared.

    Attributes:
        differentiable: it gives exact derivatives.
        periodic: it sees periodic images, and gives the derivative with respect to strain.
        translation_invariant, rotation_invariant: under motions of the whole structure.
        permutation_invariant: relabelling like atoms only permutes its sites. With ``fixed_composition``,
            relabelling by the automorphisms of the bonded graph.
        per_atom: one site for each atom, in the order of the atoms.
        fixed_composition: it is fitted to one molecule with its atoms in one order.
        piecewise: its values or derivatives jump somewhere, as where what it sorts changes order; derivatives
            are right between such places. Not for MD.
    """

    differentiable: bool = False
    periodic: bool = False
    translation_invariant: bool = False
    rotation_invariant: bool = False
    permutation_invariant: bool = False
    per_atom: bool = False
    fixed_composition: bool = False
    piecewise: bool = False


class Descriptor(Plugin):
    """Geometry to numbers: M structures of one composition become S sites of D numbers each.

    A subclass writes ``values``, ``site_types`` and one of ``jacobian``, ``neighbour_jacobian`` and ``pullback``; the
    others follow from it. One whose sites see their surroundings only writes ``neighbour_jacobian``, so that a fit
    costs what the neighbours of an atom cost, whatever the size of the cell. Derivatives are with respect to the
    *coordinates* of a structure, an array of shape (C, 3): the N positions, and for a periodic descriptor three more
    rows, the strain tensor.
    """

    kind: ClassVar[Kind] = "descriptor"

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What holds for these parameters; where it does not depend on them, a ClassVar of this name will do."""

    def fit(self, dataset: Dataset) -> None:
        """Learn from the training frames what the descriptor needs to know: ``self.state["mean"] = array``.

        Raise ``rfp_md.UserError`` with one sentence for frames that the descriptor cannot be used for.
        """

    @abstractmethod
    def values(self, frames: Frames) -> Floats:
        """The sites x of M structures, shape (M, S, D)."""

    @abstractmethod
    def site_types(self, numbers: Ints) -> Ints:
        """The type of each site of a structure with these atomic numbers, shape (S,); one type shares one f."""

    def groups(self) -> NDArray[np.bool_] | None:
        """After ``fit``, sets of components that belong together, (G, D); None: all of them do.

        A regressor may draw each feature on one set only, so that the energy is a sum of functions of few components.
        """
        return None

    @property
    def local(self) -> bool:
        """Whether it gives its derivatives by neighbour."""
        return type(self).neighbour_jacobian is not Descriptor.neighbour_jacobian

    def neighbour_jacobian(self, frames: Frames) -> NeighbourJacobian:
        """dx/d(coordinates) without its zeros; only of a descriptor whose sites see their surroundings."""
        raise NotImplementedError(f"{type(self).__name__} does not define neighbour_jacobian")

    def jacobian(self, frames: Frames) -> Floats:
        """dx/d(coordinates), shape (M, S, D, C, 3). Default: one pullback for every component of every site."""
        if self.local:
            return self.neighbour_jacobian(frames).dense(self.values(frames))
        if type(self).pullback is Descriptor.pullback:
            raise NotImplementedError(f"{type(self).__name__} must define jacobian or pullback")
        values = self.values(frames)
        shape = values.shape[1:]
        columns = []
        for k in range(int(np.prod(shape))):
            unit = np.zeros((len(frames), values[0].size))
            unit[:, k] = 1.0
            columns.append(self.pullback(frames, unit.reshape(-1, *shape)))
        return np.stack(columns, axis=1).reshape(len(frames), *shape, -1, 3)

    def pullback(self, frames: Frames, gradient: Floats) -> Floats:
        """dE/d(coordinates), shape (M, C, 3), of an energy with dE/dx = ``gradient`` (M, S, D).

        Default: by the Jacobian.
        """
        if self.local:
            return self.neighbour_jacobian(frames).pullback(gradient)
        pulled: Floats = np.einsum("msd,msdcx->mcx", gradient, self.jacobian(frames))
        return pulled

    def values_and_pullback(self, frames: Frames) -> tuple[Floats, Pullback]:
        """``values`` and ``pullback`` of the same structures, for a force call; to be written where they share work."""
        return self.values(frames), lambda gradient: self.pullback(frames, gradient)
