"""The ``.rfp`` file: arrays and JSON metadata in one safetensors file, no pickle.

    arrays    regressor.*, forces.* (of a direct model), terms.<k>.*, reference.positions, reference.cell,
              split.train, split.valid, fingerprints.* (of the training frames), and sha256, the checksum of the
              JSON and of every other array
    metadata  {"rfp": JSON}

The JSON states the format version, the units, the atoms, and name, package, version and parameters of
every plugin. Whoever opens the file knows that it is whole (the checksum), that every number is finite,
and that every array has the shape that its plugin expects, before anything is computed with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rfp_md import plugins
from rfp_md.artifact.header import FORMAT_VERSION, Arrays, Entry, Header, package_version, parse_header
from rfp_md.baselines.elements import Baseline
from rfp_md.errors import UserError
from rfp_md.files.safe_write import alone_with, replacing
from rfp_md.frames import Frames, formula
from rfp_md.potential import Potential
from rfp_md.structures.fingerprints import Fingerprints

OWN_REFERENCE = "its reference structure"  # the source of a model's structure that no file gave


def save(potential: Potential, path: str | Path) -> None:
    """Write a potential to a ``.rfp`` file; the same potential gives the same bytes."""
    reference = potential.reference
    arrays: Arrays = {"reference.positions": reference.positions}
    if reference.cells is not None:
        arrays["reference.cell"] = reference.cells
    arrays |= {f"split.{name}": indices for name, indices in potential.split.items()}
    arrays |= {f"regressor.{key}": array for key, array in potential.regressor.state.items()}
    if potential.force_regressor is not None:
        arrays |= {f"forces.{key}": array for key, array in potential.force_regressor.state.items()}
    if potential.fingerprints is not None:
        arrays |= {f"fingerprints.{key}": array for key, array in vars(potential.fingerprints).items()}
    for k, descriptor in enumerate(potential.descriptors):
        arrays |= {f"terms.{k}.{key}": array for key, array in descriptor.state.items()}
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    header = Header(
        format_version=FORMAT_VERSION,
        rfp_md=package_version(),
        units={"energy": "eV", "length": "angstrom", "force": "eV/angstrom"},
        fixed_composition=potential.fixed_composition,
        numbers=reference.numbers.tolist(),
        formula=formula(reference.numbers),
        pbc=reference.pbc,
        baseline_ev={str(z): energy for z, energy in potential.baseline.energies.items()},
        terms=[_describe(descriptor) for descriptor in potential.descriptors],
        regressor=_describe(potential.regressor),
        force_regressor=_describe(potential.force_regressor) if potential.force_regressor else None,
        record=potential.record,
    )
    with alone_with(path):  # else a record that is being written would bring the old model back
        _write(path, header, arrays)


def identity(path: str | Path) -> str:
    """Digest of everything but the record: whether a file still holds the same model. Raises UserError as ``load``."""
    return _identity(*read(path))


def rewrite_record(
    path: str | Path, change: Callable[[dict[str, Any]], dict[str, Any]], *, of: str | None = None
) -> None:
    """Change the record in a model's file, nothing else.

    Args:
        change: of the record that is in the file by now; those of several processes follow each other.
        of: the ``identity`` of the model that the change is about; default: whichever is there.

    Raises:
        UserError: as ``load``; another model is there by now; it cannot be written.
    """
    with alone_with(path):
        header, arrays = read(path)
        if of is not None and _identity(header, arrays) != of:
            raise UserError(f"{path}: is another model by now; what was found is not written into it")
        _write(path, header.model_copy(update={"record": change(header.record)}), arrays)


def _write(path: str | Path, header: Header, arrays: Arrays) -> None:
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    values = header.model_dump(mode="json")
    if header.force_regressor is None:
        del values["force_regressor"]
    text = json.dumps(values, sort_keys=True, allow_nan=False)
    try:
        with replacing(path) as temporary:
            save_file(arrays | {"sha256": _digest(text, arrays)}, temporary, metadata={"rfp": text})
    except SafetensorError as error:
        raise UserError(f"{path}: cannot be written ({error})") from error


def load(path: str | Path) -> Potential:
    """Read a potential, and prove on its reference structure that its parts fit together.

    Raises:
        UserError: no such file, not a model, damaged, of a newer format, or of a plugin that is not installed.
    """
    header, arrays = read(path)
    try:
        potential = Potential(
            baseline=Baseline({int(z): energy for z, energy in header.baseline_ev.items()}),
            descriptors=[
                _create("descriptor", entry, _part(arrays, f"terms.{k}.")) for k, entry in enumerate(header.terms)
            ],
            regressor=_create("regressor", header.regressor, _part(arrays, "regressor.")),
            force_regressor=_create("regressor", header.force_regressor, _part(arrays, "forces."))
            if header.force_regressor
            else None,
            reference=Frames(
                np.array(header.numbers, dtype=np.int64),
                arrays["reference.positions"],
                cells=arrays.get("reference.cell"),
                pbc=header.pbc,
                source=OWN_REFERENCE,
            ),
            record=header.record,
            split=_part(arrays, "split."),
            fingerprints=Fingerprints.from_state(_part(arrays, "fingerprints.")),
        )
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise UserError(f"{path}: is not a valid rfp model ({type(error).__name__}: {error})") from error
    try:
        potential.energies(potential.reference)
    except UserError as error:
        raise UserError(f"{path}: is not a valid rfp model, its parts do not fit each other ({error})") from error
    return potential


def read(path: str | Path) -> tuple[Header, Arrays]:
    """Header and arrays of a file that was found whole; no plugin is imported. Raises UserError as ``load``."""
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file; train a model with 'rfp train DATA -o {path}'")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays: Arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise UserError(f"{path}: is not an rfp model, or is damaged ({error})") from error
    if "rfp" not in metadata or "sha256" not in arrays:
        raise UserError(f"{path}: is a safetensors file, but not an rfp model")
    if not np.array_equal(arrays.pop("sha256"), _digest(metadata["rfp"], arrays)):
        raise UserError(f"{path}: is damaged (its checksum does not fit); copy it again or train it again")
    header = parse_header(path, metadata["rfp"])
    if any(array.dtype not in (np.float64, np.int64) or not np.isfinite(array).all() for array in arrays.values()):
        raise UserError(f"{path}: holds numbers that are not finite, or of a type that no model has; train it again")
    return header, arrays


def _describe(plugin: plugins.Plugin) -> Entry:
    package, version = plugins.origin(plugin.kind, plugin.name)
    return Entry(name=plugin.name, package=package, version=version, parameters=plugin.model_dump(mode="json"))


def _create(kind: plugins.Kind, entry: Entry, state: Arrays) -> Any:
    plugins.check_version(kind, entry.name, entry.package, entry.version)
    return plugins.create(kind, entry.name, entry.parameters).restore(state)


def _part(arrays: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _digest(text: str, arrays: Arrays) -> NDArray[np.uint8]:
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return np.frombuffer(digest.digest(), dtype=np.uint8)


def _identity(header: Header, arrays: Arrays) -> str:
    text = json.dumps(header.model_dump(mode="json", exclude={"record"}), sort_keys=True)
    return _digest(text, arrays).tobytes().hex()
