"""An accumulator takes rows batch by batch; two of them add up, and it can be written to a file and read back.

symbol        here
i             the kind of a row: 0 energies, 1 slopes, 2 strain slopes
Φᵢ, yᵢ        ``Rows.features`` and ``Rows.targets`` of a batch; they are not kept
ΦᵢᵀΦᵢ, Φᵢᵀyᵢ  ``equations[i]``
nᵢ            ``counts[i]``
φ_k, K        ``blocks``, ``width``
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rfp_md.arrays import Ints
from rfp_md.errors import UserError
from rfp_md.files import replacing
from rfp_md.linalg.gram import FewRows, Gram, NormalEquations, keeps_rows
from rfp_md.progress import Progress
from rfp_md.regressors.base import Batch, Samples
from rfp_md.regressors.fitting.rows import FeatureBlock, rows_of


class Accumulator:
    """Normal equations of the energies, of the slopes and of the strain slopes, apart from each other.

    So every weighting of them is a cheap solve.

    Attributes:
        blocks: the features.
        equations: of each kind of rows.
        counts: how many rows of each kind there are so far.
    """

    def __init__(self, blocks: Sequence[FeatureBlock], n_rows: Sequence[int]) -> None:
        """Start with no rows.

        Args:
            n_rows: how many rows of energies, of slopes and of strain slopes will come; fewer numbers where there are
                none. Where they are far fewer than the features, they are kept as they are.
        """
        width = blocks[-1].columns.stop
        self.blocks: list[FeatureBlock] = list(blocks)
        self.equations: list[NormalEquations] = [
            FewRows(width) if keeps_rows(count, width) else Gram(width) for count in n_rows
        ]
        self.counts: Ints = np.zeros(len(n_rows), dtype=np.int64)

    @property
    def width(self) -> int:
        """The number of features K."""
        return int(self.blocks[-1].columns.stop)

    @property
    def derivatives(self) -> bool:
        """Whether it takes rows of slopes."""
        return len(self.equations) > 1

    def add(self, batch: Batch) -> int:
        """Take the rows of a batch, and say how many they are."""
        before = self.counts.sum()
        for rows in rows_of(self.blocks, batch):
            if rows.kind < len(self.equations):
                self.equations[rows.kind].add(rows.features, rows.targets)
                self.counts[rows.kind] += len(rows.targets)
        return int(self.counts.sum() - before)

    def stream(self, samples: Samples, batch_size: int, progress: Progress) -> None:
        """Take all samples, batch by batch."""
        for batch in samples.batches(batch_size, derivatives=self.derivatives):
            progress.advance(self.add(batch))

    def merge(self, other: Accumulator) -> None:
        """Take what another accumulator of the same features took. Raises ValueError for other features or rows."""
        if not np.array_equal(self._digest(), other._digest()):
            raise ValueError("two accumulators of different features do not add up")
        if [type(one) for one in self.equations] != [type(one) for one in other.equations]:
            raise ValueError("two accumulators of different kinds of rows, or made for other numbers, do not add up")
        for mine, theirs in zip(self.equations, other.equations, strict=True):
            mine.merge(theirs)
        self.counts += other.counts

    def restrict(self, kept: Ints) -> None:
        """Forget all features but these, in ascending order."""
        for equations in self.equations:
            equations.restrict(kept)
        blocks, start = [], 0
        for block in self.blocks:
            mine = kept[(kept >= block.columns.start) & (kept < block.columns.stop)] - block.columns.start
            blocks.append(replace(block, columns=slice(start, start + len(mine)), features=block.features.some(mine)))
            start += len(mine)
        self.blocks = blocks

    def save(self, path: str | Path) -> None:
        """Write everything but the features themselves, of which the file knows a digest."""
        from safetensors.numpy import save_file

        arrays: dict[str, NDArray[np.generic]] = {"features.sha256": self._digest(), "counts": self.counts}
        for kind, equations in enumerate(self.equations):
            arrays |= {f"{kind}.{name}": np.ascontiguousarray(array) for name, array in equations.arrays().items()}
        with replacing(path) as temporary:
            save_file(arrays, temporary)

    @classmethod
    def load(cls, path: str | Path, blocks: Sequence[FeatureBlock]) -> Self:
        """Read an accumulator that ``save`` wrote, of the same features.

        Raises:
            UserError: no such file, a damaged one, or one of other features.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            arrays = load_file(path)
            new = cls(blocks, ())
            same = np.array_equal(arrays["features.sha256"], new._digest())
            new.counts = arrays["counts"]
            kinds = {name.split(".")[0] for name in arrays if name != "counts" and not name.startswith("features.")}
            if new.counts.dtype != np.int64 or kinds != {str(kind) for kind in range(len(new.counts))}:
                raise ValueError("its counts are not those of its rows")
            for kind in range(len(new.counts)):
                part = {k.removeprefix(f"{kind}."): a for k, a in arrays.items() if k.startswith(f"{kind}.")}
                if part["rhs"].shape != (new.width,) or not all(np.isfinite(array).all() for array in part.values()):
                    raise ValueError(f"its rows of kind {kind} are not of {new.width} features, or not finite")
                new.equations.append((FewRows if "rows" in part else Gram).from_arrays(part))
        except FileNotFoundError as error:
            raise UserError(f"{path}: no such file") from error
        except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
            raise UserError(f"{path}: holds no normal equations, or is damaged ({error})") from error
        if not same:
            raise UserError(f"{path}: holds normal equations of other features; accumulate them again")
        return new

    def _digest(self) -> NDArray[np.uint8]:
        """The SHA-256 of the features (32,)."""
        digest = hashlib.sha256()
        for block in self.blocks:
            digest.update(f"{block.term} {block.site_type} {block.features.function}".encode())
            for array in (block.features.weights, block.features.biases):
                digest.update(str(array.shape).encode() + np.ascontiguousarray(array).tobytes())
        return np.frombuffer(digest.digest(), dtype=np.uint8)
