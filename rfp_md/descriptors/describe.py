"""From structures to sites: a descriptor is called, and what it returns is checked on the way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.descriptors.base import Descriptor, Pullback
from rfp_md.frames import Frames
from rfp_md.plugins.guard import call, check_array, defect
from rfp_md.sites import NeighbourJacobian, Sites, n_coordinates


def describe_all(descriptors: Sequence[Descriptor], frames: Frames) -> list[Sites]:
    """The sites of every term, without derivatives."""
    return [describe(descriptor, frames) for descriptor in descriptors]


def describe(descriptor: Descriptor, frames: Frames, *, derivatives: bool = False) -> Sites:
    """The sites of M structures, with or without derivatives.

    Raises:
        UserError: the descriptor raised, or gave something else than finite float64 arrays of the right shape;
            the sentence names it.
    """
    values = call(descriptor, "values", lambda: descriptor.values(frames))
    sites = _checked(descriptor, frames, values)
    if not derivatives:
        return sites
    if descriptor.local:
        return Sites(values, sites.types, by_neighbour=_by_neighbour(descriptor, frames, values))
    jacobian = call(descriptor, "jacobian", lambda: descriptor.jacobian(frames))
    check_array(descriptor, "jacobian", jacobian, (*values.shape, n_coordinates(frames), 3))
    return Sites(values, sites.types, jacobian.reshape(*values.shape, -1))


def _by_neighbour(descriptor: Descriptor, frames: Frames, values: Floats) -> NeighbourJacobian:
    """Derivatives by neighbour, whose blocks are checked when they are asked for."""
    name = "neighbour_jacobian"
    given = call(descriptor, name, lambda: descriptor.neighbour_jacobian(frames))
    if not isinstance(given, NeighbourJacobian):
        raise defect(descriptor, f"{name} returned {type(given).__name__}; return a NeighbourJacobian")
    sites, offsets = np.asarray(given.sites), np.asarray(given.offsets)
    if sites.dtype != np.int64 or offsets.dtype != np.int64 or sites.ndim != 1:
        raise defect(descriptor, f"{name} must give int64 sites (P,) and offsets")
    n_blocks, n_rows = len(sites), len(frames) * n_coordinates(frames)
    sorted_ = offsets.shape == (n_rows + 1,) and offsets[0] == 0 and (np.diff(offsets) >= 0).all()
    if not sorted_ or offsets[-1] != n_blocks:
        raise defect(descriptor, f"{name} must give {n_rows + 1} ascending offsets from 0 to its number of blocks")
    if n_blocks and not 0 <= sites.min() <= sites.max() < values[..., 0].size:
        raise defect(descriptor, f"{name} names a site that is not there")
    of_site = sites // max(1, values.shape[1])
    of_coordinate = given.coordinates_of(slice(0, n_blocks)) // n_coordinates(frames)
    if not np.array_equal(of_site, of_coordinate):
        raise defect(descriptor, f"{name} names a site of another structure than its coordinate's")

    def blocks(part: slice) -> Floats:
        found: Floats = call(descriptor, name, lambda: given.blocks(part))
        check_array(descriptor, name, found, (part.stop - part.start, values.shape[2], 3))
        return found

    return NeighbourJacobian(sites, offsets, blocks)


def describe_for_forces(descriptor: Descriptor, frames: Frames) -> tuple[Sites, Pullback]:
    """The sites of M structures, and from dE/dx (M, S, D) to dE/d(coordinates) (M, C, 3). Raises as ``describe``."""

    def both() -> tuple[Floats, Pullback]:
        values, pullback = descriptor.values_and_pullback(frames)
        return values, pullback

    values, pullback = call(descriptor, "values", both)

    def pull_back(gradient: Floats) -> Floats:
        pulled: Floats = call(descriptor, "pullback", lambda: pullback(gradient))
        check_array(descriptor, "pullback", pulled, (len(frames), n_coordinates(frames), 3))
        return pulled

    return _checked(descriptor, frames, values), pull_back


def _checked(descriptor: Descriptor, frames: Frames, values: Floats) -> Sites:
    types = call(descriptor, "site_types", lambda: np.asarray(descriptor.site_types(frames.numbers)))
    if types.ndim != 1 or types.dtype.kind not in "iu":
        raise defect(descriptor, "site_types must return one whole number for each site")
    check_array(descriptor, "values", values, (len(frames), len(types), None))
    return Sites(values, types)
