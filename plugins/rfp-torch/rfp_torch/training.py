"""Gradient descent on energies, forces and torques; the only file that needs torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil, inf, isfinite
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rfp_md import UserError
from rfp_md.arrays import Ints
from rfp_md.progress import Progress
from rfp_md.regressors import Batch
from rfp_torch.network import Network


@dataclass(frozen=True)
class Objective:
    """L = 1/M Σ_m |ΔE_m|² + λ |ΔF_m|² + η |r_m × ΔF_m|² (thesis, eq. 2.45), the norms over all atoms.

    λ is ``force_weight`` and η ``torque_weight``. The positions r_m of the atoms count from the middle of
    their structure, so that L does not see where in space it is.
    """

    activation: str
    force_weight: float
    torque_weight: float

    def errors(self, networks: Sequence[Network], block: Batch, rows: Ints) -> tuple[Tensor, Tensor | None]:
        """ΔE = Σ_s f(x_s) − E (M,) and −ΔF = Σ_s df/dx_s · dx_s/dr − dE/dr (M, 3N), None without slopes."""
        energies = -torch.from_numpy(block.energies[rows])
        slopes = None if block.slopes is None else -torch.from_numpy(block.slopes[rows])
        for network in networks:
            sites = block.terms[network.term]
            mine = np.ix_(rows, np.flatnonzero(sites.types == network.site_type))
            value, gradient = network(torch.from_numpy(sites.values[mine]), self.activation, torch.special)
            energies = energies + value.sum(1)
            if slopes is not None and sites.jacobian is not None:
                jacobian = torch.from_numpy(sites.jacobian[mine])[..., : slopes.shape[1]]  # strain comes after
                slopes = slopes + torch.einsum("msd,msdc->mc", gradient, jacobian)
        return energies, slopes

    def total(self, energies: Tensor, slopes: Tensor | None, block: Batch, rows: Ints) -> Tensor:
        """M L of M structures with these errors."""
        total = energies.square().sum()
        if slopes is not None:
            total = total + self.force_weight * slopes.square().sum()
        if slopes is not None and block.positions is not None:
            places = torch.from_numpy(block.positions[rows]).reshape(len(rows), -1, 3)
            arms = places - places.mean(1, keepdim=True)
            torques = torch.linalg.cross(arms, slopes.reshape(places.shape))
            total = total + self.torque_weight * torques.square().sum()
        return total


def descend(
    networks: Sequence[Network],
    objective: Objective,
    train: Sequence[Batch],
    valid: Sequence[Batch],
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    unit: float,
    rng: np.random.Generator,
    progress: Progress,
) -> tuple[list[Network], dict[str, Any]]:
    """Adam, with a learning rate that falls to zero as a cosine.

    Args:
        unit: the spread of the energies, eV, by which the readouts' learning rate is larger than the others'.

    Returns:
        The networks of the epoch with the lowest L on the validation structures, and its errors there.

    Raises:
        UserError: the descent diverged.
    """
    tensors = [network.each(torch.from_numpy) for network in networks]
    groups: list[dict[str, Any]] = [
        {"params": [array.requires_grad_() for network in tensors for array in (network.weights, network.biases)]},
        {"params": [network.readout.requires_grad_() for network in tensors], "lr": unit * learning_rate},
    ]
    optimizer = torch.optim.Adam(groups, lr=learning_rate)
    count = _count(train)
    batch_size = min(batch_size, count)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * ceil(count / batch_size))
    best, report = list(networks), {"valid_loss": inf}
    progress.start("Training", epochs, "epochs")
    for epoch in range(1, epochs + 1):
        for minibatch in _minibatches(train, rng.permutation(count), batch_size):
            optimizer.zero_grad()
            for block, rows in minibatch:
                errors = objective.errors(tensors, block, rows)
                (objective.total(*errors, block, rows) / batch_size).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        scores = _validate(objective, tensors, valid, batch_size)
        if not isfinite(scores["valid_loss"]):
            raise UserError(f"the training diverged in epoch {epoch}; lower learning_rate={learning_rate:g}")
        if scores["valid_loss"] < report["valid_loss"]:
            best = [network.each(lambda array: array.detach().numpy().copy()) for network in tensors]
            report = {"best_epoch": epoch, **scores}
        progress.advance(1)
    return best, report


def _validate(
    objective: Objective, networks: Sequence[Network], valid: Sequence[Batch], batch_size: int
) -> dict[str, Any]:
    """L and mean absolute errors over the validation structures."""
    loss, energies, slopes = 0.0, [], []
    with torch.no_grad():
        for minibatch in _minibatches(valid, np.arange(_count(valid)), batch_size):
            for block, rows in minibatch:
                errors = objective.errors(networks, block, rows)
                loss += float(objective.total(*errors, block, rows)) / _count(valid)
                energies.append(errors[0])
                slopes += [] if errors[1] is None else [errors[1].flatten()]
    return {
        "valid_loss": loss,
        "valid_energy_mae_ev": float(torch.cat(energies).abs().mean()),
        "valid_force_mae_ev_per_angstrom": float(torch.cat(slopes).abs().mean()) if slopes else None,
    }


def _minibatches(blocks: Sequence[Batch], order: Ints, size: int) -> Iterator[list[tuple[Batch, Ints]]]:
    """The structures of all blocks in this order, at most ``size`` at a time: which rows of which blocks."""
    ends = np.cumsum([len(block.energies) for block in blocks])
    for chosen in np.array_split(order, ceil(len(order) / size)):
        home = np.searchsorted(ends, chosen, side="right")
        yield [(blocks[k], chosen[home == k] - (ends[k] - len(blocks[k].energies))) for k in np.unique(home)]


@contextmanager
def limited_threads(threads: int) -> Iterator[None]:
    """Let torch use so many threads: its own default wastes most of a busy machine on steps as small as these."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _count(blocks: Sequence[Batch]) -> int:
    return sum(len(block.energies) for block in blocks)
