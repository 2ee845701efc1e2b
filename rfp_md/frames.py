"""Frames: one fixed-composition block of structures. Dataset: a list of blocks.

Every array in the package has the shape and the unit stated here:

    numbers    (N,)       atomic numbers
    positions  (M, N, 3)  Å
    energies   (M,)       eV, total energy of the structure
    forces     (M, N, 3)  eV/Å
    force_mask (M, N)     which atoms' forces are known; only where some are not, whose numbers mean nothing
    cells      (M, 3, 3)  Å, rows are the lattice vectors
    stresses   (M, 3, 3)  eV/Å³, ASE's sign: (1/V) dE/dstrain
    steps      (M,)       which step of its trajectory each structure is; only where the file says so
    kinds      (M,)       the config_type of each structure, text; empty where it has none
    weights    (M, 3)     what the energy, the forces and the stress of each structure weigh in a fit; only where not 1
    places     (M,)       which frame of its file each structure is, from 0; only where it comes from a file
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rfp_md.arrays import Floats as Floats
from rfp_md.arrays import Ints as Ints
from rfp_md.errors import UserError

NAMED = 5  # frames that a message names
KEYS = {"energies": "energy", "forces": "forces", "stresses": "stress"}  # what a file calls them


@dataclass(frozen=True, eq=False)
class Frames:
    """M structures of one composition in one order of atoms; shapes and units as in the module's docstring.

    Attributes:
        source: the file that they come from.
        unread: what the file has, but nothing here keeps: names that sound like ``energies``, ``forces`` or
            ``stresses``, under ``ions`` charges and magnetic moments of atoms, and under ``columns`` what has no name.

    Raises:
        UserError: a shape does not fit, or a number is not finite.
    """

    numbers: Ints
    positions: Floats
    energies: Floats | None = None
    forces: Floats | None = None
    cells: Floats | None = None
    pbc: tuple[bool, bool, bool] = (False, False, False)
    stresses: Floats | None = None
    steps: Ints | None = None
    places: Ints | None = None
    source: str = "frames"
    kinds: NDArray[np.object_] | None = None
    force_mask: NDArray[np.bool_] | None = None
    weights: Floats | None = None
    unread: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        frames, atoms = len(self.positions), len(self.numbers)
        for name, array, shape in (
            ("positions", self.positions, (frames, atoms, 3)),
            ("energies", self.energies, (frames,)),
            ("forces", self.forces, (frames, atoms, 3)),
            ("cells", self.cells, (frames, 3, 3)),
            ("stresses", self.stresses, (frames, 3, 3)),
            ("steps", self.steps, (frames,)),
            ("places", self.places, (frames,)),
            ("kinds", self.kinds, (frames,)),
            ("force_mask", self.force_mask, (frames, atoms)),
            ("weights", self.weights, (frames, 3)),
        ):
            if array is None:
                continue
            if array.shape != shape:
                raise UserError(
                    f"{self.source}: {name} has shape {array.shape}, but {frames} frames of {atoms} atoms need {shape}"
                )
            if name != "kinds" and not np.isfinite(array).all():
                where = np.argwhere(~np.isfinite(array))[0]
                raise UserError(
                    f"{self.source}: {name} has a number that is not finite in {self.name(where[0])}; "
                    "remove that frame or compute it again"
                )

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def n_atoms(self) -> int:
        """The number of atoms N of each structure."""
        return len(self.numbers)

    @property
    def periodic(self) -> bool:
        """Whether the structures repeat along any of the three lattice vectors."""
        return any(self.pbc)

    @property
    def volumes(self) -> Floats:
        """The volumes of the cells (M,), Å³."""
        volumes: Floats = np.abs(np.linalg.det(np.asarray(self.cells)))
        return volumes

    @property
    def known_forces(self) -> NDArray[np.bool_]:
        """Which atoms' forces are known (M, N)."""
        if self.forces is None:
            return np.zeros(self.positions.shape[:2], dtype=bool)
        return np.ones(self.positions.shape[:2], dtype=bool) if self.force_mask is None else self.force_mask

    @property
    def known_weights(self) -> Floats:
        """The weights, which are 1 where none are given (M, 3)."""
        return np.ones((len(self), 3)) if self.weights is None else self.weights

    @property
    def fills_space(self) -> bool:
        """Whether all cells have a volume: those of slabs and wires may lack a vector, and then there is no stress."""
        if self.cells is None or not self.periodic:
            return False
        boxes = np.linalg.norm(self.cells, axis=2).prod(axis=1)
        return bool((self.volumes > 1e-9 * boxes).all())

    def name(self, k: int) -> str:
        """What the structure k is called in messages: by its place in the file, not in a batch of it."""
        return f"frame {k if self.places is None else self.places[k]}"

    def at(self, positions: Floats, *, source: str | None = None) -> Frames:
        """The same atoms at other positions (M, N, 3), without labels: each in the cell of its own frame.

        Of one frame, all of them are in its cell.
        """
        cells = None if self.cells is None else np.broadcast_to(self.cells, (len(positions), 3, 3))
        return Frames(self.numbers, positions, cells=cells, pbc=self.pbc, source=source or self.source)

    def __getitem__(self, index: slice | Ints) -> Frames:
        """The chosen frames, as a block of the same composition."""
        chosen = {
            f.name: getattr(self, f.name)[index]
            for f in fields(self)
            if f.name not in ("numbers", "pbc", "source", "unread") and getattr(self, f.name) is not None
        }
        return replace(self, **chosen)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A list of blocks; frames are counted through all blocks in their order.

    Attributes:
        notes: what was chosen, where the files leave a choice, in sentences.
    """

    blocks: tuple[Frames, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return sum(len(block) for block in self.blocks)

    def __iter__(self) -> Iterator[Frames]:
        return iter(self.blocks)

    @property
    def energies(self) -> Floats:
        """Energies of all frames (M,), eV. Raises UserError where a block has none."""
        if lack := missing(self, "energies", "compute them for every frame first, or leave those frames out"):
            raise UserError(lack)
        return np.concatenate([block.energies for block in self.blocks if block.energies is not None])

    @property
    def sources(self) -> str:
        """The names of the files that the blocks come from, each once, for messages."""
        return ", ".join(dict.fromkeys(block.source for block in self.blocks))

    @property
    def has_one_composition(self) -> bool:
        """Whether all frames have the same species in the same order."""
        return all(np.array_equal(block.numbers, self.blocks[0].numbers) for block in self.blocks)

    def without_stresses(self) -> Dataset:
        """The same frames with energies and forces only."""
        return replace(self, blocks=tuple(replace(block, stresses=None) for block in self.blocks))

    def select(self, indices: Ints) -> Dataset:
        """The frames with these indices, in ascending order inside each block."""
        chosen, start = [], 0
        for block in self.blocks:
            inside = np.sort(indices[(indices >= start) & (indices < start + len(block))]) - start
            if len(inside):
                chosen.append(block[inside])
            start += len(block)
        return replace(self, blocks=tuple(chosen))

    def one_composition(self, needed_by: str) -> Frames:
        """All frames as one block, with those labels that every block has.

        Raises UserError where species, their order or the boundaries change.

        Args:
            needed_by: what asks for it, named in the message.
        """
        first = self.blocks[0]
        for block in self.blocks[1:]:
            if not np.array_equal(block.numbers, first.numbers):
                raise UserError(
                    f"{block.source}: {needed_by} needs one composition in one order of atoms, but after "
                    f"{formula(first.numbers)} comes {formula(block.numbers)}; split the file or reorder the atoms"
                )
        if len(self.blocks) == 1:
            return first
        joined: dict[str, Any] = {}
        if any(block.pbc != first.pbc for block in self.blocks):
            raise UserError(
                f"{self.sources}: some frames have a periodic cell and some have not, but {needed_by} "
                "takes them all alike; split the file"
            )
        for name in ("positions", "energies", "forces", "cells", "stresses", "steps", "places", "kinds"):
            known = [getattr(block, name) for block in self.blocks if getattr(block, name) is not None]
            joined[name] = np.concatenate(known) if len(known) == len(self.blocks) else None
        if joined["forces"] is not None and any(block.force_mask is not None for block in self.blocks):
            joined["force_mask"] = np.concatenate([block.known_forces for block in self.blocks])
        if any(block.weights is not None for block in self.blocks):
            joined["weights"] = np.concatenate([block.known_weights for block in self.blocks])
        return replace(first, source=self.sources, **joined)

    def fingerprint(self) -> str:
        """The SHA-256 of everything that a fit sees."""
        digest = hashlib.sha256()
        for block in self.blocks:
            labels = (block.energies, block.forces, block.cells, block.stresses, block.force_mask, block.weights)
            for array in (block.numbers, block.positions, *labels):
                if array is not None:
                    digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def formula(numbers: Sequence[int] | Ints) -> str:
    """The composition in the order of atoms, as in C2OH6."""
    from ase.data import chemical_symbols

    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][0] == number:
            runs[-1][1] += 1
        else:
            runs.append([int(number), 1])
    return "".join(chemical_symbols[z] + (str(n) if n > 1 else "") for z, n in runs)


def count_duplicates(dataset: Dataset) -> int:
    """How many frames repeat the atoms, the positions and the cell of an earlier frame, bit for bit."""
    return len(dataset) - len({part for block in dataset for part in frame_bytes(block)})


def frame_bytes(frames: Frames) -> Iterator[bytes]:
    """The species, the positions and the cell of each frame as bytes, to tell copies by."""
    start = frames.numbers.tobytes() + bytes(frames.pbc)
    for k, structure in enumerate(frames.positions):
        yield start + structure.tobytes() + (b"" if frames.cells is None else frames.cells[k].tobytes())


def missing(dataset: Dataset, label: str, remedy: str) -> str | None:
    """Say which frames lack a label, and what helps; None where all have it.

    Args:
        label: ``energies``, ``forces`` or ``stresses``.
        remedy: what helps where the file does not have it under another name.
    """
    without = [block for block in dataset if getattr(block, label) is None]
    if not without:
        return None
    source = without[0].source
    here = [block for block in dataset if block.source == source]
    lacking = [block for block in without if block.source == source]
    count, total = sum(map(len, lacking)), sum(map(len, here))
    if count == total:
        said = f"{source}: has no {label}"
    else:
        names = [block.name(k).removeprefix("frame ") for block in lacking for k in range(len(block))]
        said = (
            f"{source}: {count} of {total} frames have no {label} (frame{'s' * (count > 1)} {', '.join(names[:NAMED])}"
        )
        said += f" and {count - NAMED} more)" if count > NAMED else ")"
    if atoms := sum(len(block) for block in lacking if block.n_atoms == 1 and not block.periodic):
        said += f"; {atoms} of them {'is an isolated atom' if atoms == 1 else 'are isolated atoms'}"
    return said + (found_instead(lacking) or f"; {remedy}")


def found_instead(blocks: Sequence[Frames]) -> str:
    """What blocks have instead of labels that they lack, with the remedy; nothing where there is nothing."""
    found = {
        name: label
        for block in blocks
        for label, names in block.unread.items()
        if label in KEYS and getattr(block, label) is None
        for name in names
    }
    if not found:
        return ""
    first = {label: name for name, label in reversed(found.items())}
    flags = " ".join(f"--{_flag(label, first[label])}-key {first[label]}" for label in KEYS if label in first)
    return f"; found {', '.join(found)}: name what is to be read, as in {flags}"


def _flag(label: str, name: str) -> str:
    """The beginning of the flag that names a label; a virial is not a stress."""
    return "virial" if label == "stresses" and "virial" in name.lower() else KEYS[label]


def check_trainable(dataset: Dataset, *, forces: bool = True) -> None:
    """Refuse what no potential can be fitted to. Frames may lack labels: they are fitted to what they have.

    Args:
        forces: whether the model is fitted to forces, too.

    Raises:
        UserError: no frames, nothing to fit to, forces under another name, or energies that are all the same.
    """
    if len(dataset) == 0:
        raise UserError(f"{dataset.sources or 'the data'}: holds no frames")
    energies = [block.energies for block in dataset if block.energies is not None]
    has_forces = forces and any(block.known_forces.any() for block in dataset)
    if not energies and not has_forces:
        raise UserError(missing(dataset, "energies", "there is nothing to fit to"))
    if not has_forces and forces and (found := found_instead(dataset.blocks)):
        raise UserError(f"{dataset.sources}: has no forces, which a conservative potential is fitted to{found}")
    known = np.concatenate(energies) if energies else np.zeros(0)
    if len(known) > 1 and np.ptp(known) == 0:
        raise UserError(
            f"{dataset.sources}: all {len(known)} energies are {known[0]:g} eV, so there is nothing to learn; "
            "check which key of the file holds the energy of each frame"
        )


def check_complete(dataset: Dataset, needed_by: str, *, forces: bool = True) -> None:
    """Raise UserError with the frames that lack an energy, or forces of some atoms.

    Args:
        needed_by: what cannot do without, named in the message.
    """
    for label in ("energies", "forces") if forces else ("energies",):
        remedy = f"{needed_by} needs them in every frame: leave those frames out, or choose another"
        if (lack := missing(dataset, label, remedy)) is not None:
            raise UserError(lack)
    for block in dataset if forces else ():
        if not block.known_forces.all():
            k = int(np.argmin(block.known_forces.all(axis=1)))
            raise UserError(f"{block.source}: {block.name(k)} lacks forces of some atoms, but {needed_by} needs all")
