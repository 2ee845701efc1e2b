"""What each atom has of the energy and of the virial, of models that are sums over atoms.

E = Σ_s f(x_s) with a site s for each atom. The virial of an atom is W_s = −∂f(x_s)/∂strain, where the strain moves
everything that the site sees; the sums over the atoms are the energy and the virial of the structure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.baselines.base import Baseline
from rfp_md.descriptors import Descriptor
from rfp_md.descriptors.describe import describe
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.plugins.guard import call, check_prediction
from rfp_md.prediction import PerAtom
from rfp_md.regressors import Regressor
from rfp_md.sites import NeighbourJacobian, Sites


def why_not_per_atom(descriptors: Sequence[Descriptor], baselines: Sequence[Baseline]) -> str | None:
    """Say in a sentence why the model is no sum over atoms; None where it is one."""
    for descriptor in descriptors:
        if not descriptor.capabilities.per_atom:
            return (
                f"this model has no energies of single atoms: descriptor '{descriptor.name}' sees the structure as a "
                "whole; train with one that is centred on atoms, such as many_body"
            )
    for baseline in baselines:
        if not baseline.has_atoms:
            return f"this model has no energies of single atoms: baseline '{baseline.name}' has none"
    return None


def per_atom(
    descriptors: Sequence[Descriptor], regressor: Regressor, baselines: Sequence[Baseline], frames: Frames
) -> PerAtom:
    """Energies and virials of the atoms of M structures. Raises UserError where the model is no sum over atoms."""
    if (reason := why_not_per_atom(descriptors, baselines)) is not None:
        raise UserError(reason)
    n_frames, n_atoms = len(frames), frames.n_atoms
    energies, virials = np.zeros((n_frames, n_atoms)), np.zeros((n_frames, n_atoms, 3, 3))
    terms = [describe(descriptor, frames, derivatives=descriptor.local) for descriptor in descriptors]
    for k, (descriptor, sites) in enumerate(zip(descriptors, terms, strict=True)):
        of_sites, gradient = _site_energies(regressor, terms, k)
        energies += of_sites
        if sites.by_neighbour is not None:
            virials -= _slopes_by_neighbour(sites.by_neighbour, frames, gradient)
        else:
            virials -= _slopes_by_pullback(descriptor, frames, gradient)
    for baseline in baselines:
        part = call(baseline, "per_atom", lambda baseline=baseline: baseline.per_atom(frames))  # type: ignore[misc]
        energies, virials = energies + part.energies, virials + part.virials
    return PerAtom(energies, virials)


def _site_energies(regressor: Regressor, terms: Sequence[Sites], k: int) -> tuple[Floats, Floats]:
    """f(x_s) (M, S) of the term k, and its gradient (M, S, D): every site as a structure of its own, type by type."""
    values, types = terms[k].values, terms[k].types
    energies, gradient = np.zeros(values.shape[:2]), np.zeros(values.shape)
    for site_type in np.unique(types):
        here = np.flatnonzero(types == site_type)
        chosen = values[:, here]
        alone = chosen.reshape(-1, 1, values.shape[2])
        asked = [Sites(np.zeros((len(alone), 0, one.values.shape[2])), one.types[:0]) for one in terms]
        asked[k] = Sites(alone, types[here[:1]])
        predicted = call(regressor, "predict", lambda asked=asked: regressor.predict(asked))  # type: ignore[misc]
        check_prediction(regressor, "predict", predicted, [one.values.shape for one in asked])
        energies[:, here] = predicted[0].reshape(chosen.shape[:2])
        gradient[:, here] = predicted[1][k].reshape(chosen.shape)
    return energies, gradient


def _slopes_by_neighbour(near: NeighbourJacobian, frames: Frames, gradient: Floats) -> Floats:
    """∂f(x_s)/∂strain of every site (M, S, 3, 3), from blocks that are of one site and one coordinate each."""
    n_atoms, rows = frames.n_atoms, (len(near.offsets) - 1) // len(frames)
    by_site = gradient.reshape(-1, gradient.shape[2])
    slopes = np.zeros((len(by_site), 3, 3))
    for part in near.pieces():
        sites = near.sites[part]
        pulled = np.einsum("pd,pdx->px", by_site[sites], near.blocks(part))
        structures, coordinates = np.divmod(near.coordinates_of(part), rows)
        if frames.periodic:
            strains = coordinates >= n_atoms
            np.add.at(slopes, (sites[strains], coordinates[strains] - n_atoms), pulled[strains])
        else:  # a strain moves the atoms and nothing else
            arms = frames.positions[structures, coordinates]
            np.add.at(slopes, sites, arms[:, :, None] * pulled[:, None, :])
    return slopes.reshape(*gradient.shape[:2], 3, 3)


def _slopes_by_pullback(descriptor: Descriptor, frames: Frames, gradient: Floats) -> Floats:
    """The same, where derivatives are not by neighbour: one pullback for each site."""
    slopes = np.zeros((*gradient.shape[:2], 3, 3))
    for site in range(gradient.shape[1]):
        alone = np.zeros_like(gradient)
        alone[:, site] = gradient[:, site]
        pulled = call(descriptor, "pullback", lambda alone=alone: descriptor.pullback(frames, alone))  # type: ignore[misc]
        if frames.periodic:
            slopes[:, site] = pulled[:, frames.n_atoms :]
        else:
            slopes[:, site] = np.einsum("mix,miy->mxy", frames.positions, pulled)
    return slopes
