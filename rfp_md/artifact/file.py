"""A potential as a ``.rfp`` file.

    arrays    regressor.*, forces.* (of a direct model), terms.<k>.*, baselines.<k>.*, reference.positions,
              reference.cell, split.train, split.valid, fingerprints.*, shortest.* (of the training frames)
    JSON      the format version, the units, the atoms, and name, package, version and parameters of every plugin

docs/format.md states every key and array. Whoever opens the file knows that it is whole (the checksum), that every
number is finite, and that every array has the shape that its plugin expects, before anything is computed with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rfp_md import plugins
from rfp_md.artifact.assembly import assembled
from rfp_md.artifact.container import digest, read, write
from rfp_md.artifact.header import FORMAT_VERSION, UNITS, Arrays, Entry, Header, package_version
from rfp_md.direct_potential import DirectPotential
from rfp_md.errors import UserError
from rfp_md.files.safe_write import alone_with
from rfp_md.frames import formula
from rfp_md.potential import Potential


def save(potential: Potential, path: str | Path) -> None:
    """Write a potential to a ``.rfp`` file; the same potential gives the same bytes."""
    reference = potential.reference
    forces = potential.force_regressor if isinstance(potential, DirectPotential) else None
    arrays: Arrays = {"reference.positions": reference.positions}
    if reference.cells is not None:
        arrays["reference.cell"] = reference.cells
    arrays |= {f"split.{name}": indices for name, indices in potential.split.items()}
    arrays |= {f"regressor.{key}": array for key, array in potential.regressor.state.items()}
    if forces is not None:
        arrays |= {f"forces.{key}": array for key, array in forces.state.items()}
    if potential.fingerprints is not None:
        arrays |= {f"fingerprints.{key}": array for key, array in vars(potential.fingerprints).items()}
    arrays |= {f"shortest.{key}": array for key, array in potential.shortest.state.items()}
    for part, some in (("terms", potential.descriptors), ("baselines", potential.baselines)):
        for k, plugin in enumerate(some):
            arrays |= {f"{part}.{k}.{key}": array for key, array in plugin.state.items()}
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    header = Header(
        format_version=FORMAT_VERSION,
        rfp_md=package_version(),
        units=UNITS,
        fixed_composition=potential.fixed_composition,
        numbers=reference.numbers.tolist(),
        formula=formula(reference.numbers),
        pbc=reference.pbc,
        elements=list(potential.elements),
        baselines=[_entry_of(baseline) for baseline in potential.baselines],
        terms=[_entry_of(descriptor) for descriptor in potential.descriptors],
        regressor=_entry_of(potential.regressor),
        force_regressor=_entry_of(forces) if forces is not None else None,
        record=potential.record,
    )
    with alone_with(path):  # else a record that is being written would bring the old model back
        write(path, header, arrays)


def identity(path: str | Path) -> str:
    """Digest of everything but the record: whether a file still holds the same model. Raises UserError as ``load``."""
    return _identity(*read(path))


def rewrite_record(
    path: str | Path, change: Callable[[dict[str, Any]], dict[str, Any]], *, identity: str | None = None
) -> None:
    """Change the record in a model's file, nothing else.

    Args:
        change: of the record that is in the file by now; those of several processes follow each other.
        identity: that of the model that the change is about; default: whichever is there.

    Raises:
        UserError: as ``load``; another model is there by now; it cannot be written.
    """
    with alone_with(path):
        header, arrays = read(path)
        if identity is not None and _identity(header, arrays) != identity:
            raise UserError(f"{path}: is another model by now; what was found is not written into it")
        write(path, header.model_copy(update={"record": change(header.record)}), arrays)


def load(path: str | Path) -> Potential:
    """Read a potential, and prove on its reference structure that its parts fit together.

    Raises:
        UserError: no such file, not a model, damaged, of a newer format, or of a plugin that is not installed.
    """
    header, arrays = read(path)
    try:
        potential = assembled(header, arrays)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{path}: is not a valid rfp model ({type(error).__name__}: {error})") from error
    try:
        potential.energies(potential.reference)
    except UserError as error:
        raise UserError(f"{path}: is not a valid rfp model, its parts do not fit each other ({error})") from error
    return potential


def _entry_of(plugin: plugins.Plugin) -> Entry:
    package, version = plugins.origin(plugin.kind, plugin.name)
    return Entry(name=plugin.name, package=package, version=version, parameters=plugin.model_dump(mode="json"))


def _identity(header: Header, arrays: Arrays) -> str:
    text = json.dumps(header.model_dump(mode="json", exclude={"record"}), sort_keys=True)
    return digest(text, arrays).tobytes().hex()
