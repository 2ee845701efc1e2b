"""Which frames train and which choose the hyper-parameters."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from rfp_md.arrays import Ints
from rfp_md.errors import UserError
from rfp_md.frames import Dataset


def split_frames(
    dataset: Dataset, n_train: int | None, n_valid: int | None, split: str, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Indices of the training and of the validation frames.

    Args:
        dataset: all frames.
        n_train: frames to train on; None for all that are left over.
        n_valid: frames to choose hyper-parameters on; None for a tenth of all frames that are used.
        split: ``random``, with a like part of each kind and of each composition on both sides;
            ``contiguous`` (training frames first, validation frames last, so that
            trajectory neighbours do not end up on both sides); or the path of a JSON file
            ``{"train": [...], "valid": [...]}`` with indices from 0.

    Raises:
        UserError: not enough frames, or a split file that does not fit.
    """
    n_frames = len(dataset)
    if split not in ("random", "contiguous"):
        if n_train is not None or n_valid is not None:
            raise UserError(f"--split {split} lists the frames itself; leave --n-train and --n-valid out")
        return _from_file(Path(split), n_frames)
    if n_valid is None:
        used = n_frames if n_train is None else min(n_frames, round(n_train / 0.9))
        n_valid = max(1, used // 10) if n_train is None else max(1, min(used // 10, n_frames - n_train))
    if n_train is None:
        n_train = n_frames - n_valid
    if n_frames < 2:
        raise UserError(f"there is {n_frames} frame, but training needs one and choosing hyper-parameters another")
    if n_train < 1 or n_valid < 1 or n_train + n_valid > n_frames:
        raise UserError(
            f"--n-train {n_train} and --n-valid {n_valid} do not fit {n_frames} frames; both must be at least 1 "
            "and together at most the number of frames"
        )
    order = _stratified(rng.permutation(n_frames), dataset, n_valid) if split == "random" else np.arange(n_frames)
    return np.sort(order[:n_train]), np.sort(order[n_frames - n_valid :])


def _stratified(order: Ints, dataset: Dataset, n_valid: int) -> Ints:
    """Change an order of frames so that its beginning and its end hold a like part of each kind and composition.

    Where there are validation frames enough, the last ones hold one of each kind: not one that is the only one of its
    composition, as an isolated atom is, which says more in the training. One kind of one composition stays as it is.
    """
    kinds, compositions = _strata(dataset)
    pairs = np.unique(np.stack([kinds, compositions]), axis=1, return_inverse=True)[1].reshape(-1)
    order = _spread(_spread(order, pairs), kinds)
    several = np.bincount(compositions)[compositions[order]] > 1
    # Of each kind the last frame that may go: the first one of the reversed order.
    may_go = np.flatnonzero(several)[::-1]
    last = may_go[np.unique(kinds[order[may_go]], return_index=True)[1]]
    if len(last) > n_valid:
        return order
    behind = np.isin(np.arange(len(order)), last)
    return np.concatenate([order[~behind], order[behind]])


def _strata(dataset: Dataset) -> tuple[Ints, Ints]:
    """A number for the kind and one for the composition of each frame, in whatever order its atoms are (M,)."""
    kinds: dict[str, int] = {}
    compositions: dict[bytes, int] = {}
    of_kind, of_composition = [], []
    for block in dataset:
        names = [""] * len(block) if block.kinds is None else block.kinds.tolist()
        of_kind += [kinds.setdefault(name, len(kinds)) for name in names]
        composition = compositions.setdefault(np.sort(block.numbers).tobytes(), len(compositions))
        of_composition += [composition] * len(block)
    return np.array(of_kind, dtype=np.int64), np.array(of_composition, dtype=np.int64)


def _spread(order: Ints, groups: Ints) -> Ints:
    """Distribute each group evenly: the k-th of its n frames goes to (k + ½)/n of the whole."""
    mine = groups[order]
    counts = np.bincount(mine)
    by_group = np.argsort(mine, kind="stable")
    rank = np.empty(len(order))
    rank[by_group] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    return order[np.argsort((rank + 0.5) / counts[mine], kind="stable")]


def _indices(listed: object) -> Ints:
    if not isinstance(listed, list) or any(type(index) is not int for index in listed):
        raise TypeError("indices must be whole numbers")
    return np.array(listed, dtype=np.int64)


def _from_file(path: Path, n_frames: int) -> tuple[Ints, Ints]:
    if not path.is_file():
        raise UserError(f"--split {path}: is neither 'random' nor 'contiguous' nor a file that exists")
    try:
        parts = json.loads(path.read_text())
        train, valid = (_indices(parts[name]) for name in ("train", "valid"))
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise UserError(f'--split {path}: must be JSON like {{"train": [0, 2], "valid": [1]}} ({error})') from error
    for name, indices in (("train", train), ("valid", valid)):
        if indices.ndim != 1 or len(indices) == 0 or indices.min() < 0 or indices.max() >= n_frames:
            raise UserError(f"--split {path}: '{name}' must list indices from 0 to {n_frames - 1}")
    if len(np.union1d(train, valid)) < len(train) + len(valid):
        raise UserError(f"--split {path}: an index stands twice; every frame may be used once")
    return np.sort(train), np.sort(valid)
