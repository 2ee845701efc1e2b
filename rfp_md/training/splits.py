"""Which frames train and which choose the hyper-parameters."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from rfp_md.arrays import Ints
from rfp_md.errors import UserError


def split_frames(
    n_frames: int, n_train: int | None, n_valid: int | None, split: str, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Indices of the training and of the validation frames.

    Args:
        n_frames: how many frames there are.
        n_train: frames to train on; None for all that are left over.
        n_valid: frames to choose hyper-parameters on; None for a tenth of all frames that are used.
        split: ``random``; ``contiguous`` (training frames first, validation frames last, so that
            trajectory neighbours do not end up on both sides); or the path of a JSON file
            ``{"train": [...], "valid": [...]}`` with indices from 0.

    Raises:
        UserError: not enough frames, or a split file that does not fit.
    """
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
    order = rng.permutation(n_frames) if split == "random" else np.arange(n_frames)
    return np.sort(order[:n_train]), np.sort(order[n_frames - n_valid :])


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
