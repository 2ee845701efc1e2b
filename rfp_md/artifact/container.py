"""The container: arrays and JSON metadata in one safetensors file with a checksum, no pickle.

arrays    float64 or int64, and ``sha256``, the checksum of the JSON and of every other array
metadata  {"rfp": JSON}
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from rfp_md.artifact.header import FORMAT_VERSION, Arrays, Header, package_version
from rfp_md.artifact.migrations import migrate
from rfp_md.errors import UserError
from rfp_md.files.safe_write import replacing

LARGEST_HEADER = 50_000_000  # letters of JSON; a record with every check and a long learning curve has a million


def write(path: str | Path, header: Header, arrays: Arrays) -> None:
    """Put a file into its place in one step. Raises UserError where it cannot be written."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    values = header.model_dump(mode="json")
    if header.force_regressor is None:
        del values["force_regressor"]
    text = json.dumps(values, sort_keys=True, allow_nan=False)
    try:
        with replacing(path) as temporary:
            save_file(arrays | {"sha256": digest(text, arrays)}, temporary, metadata={"rfp": text})
    except SafetensorError as error:
        raise UserError(f"{path}: cannot be written ({error})") from error


def read(path: str | Path) -> tuple[Header, Arrays]:
    """Header and arrays of a file that was found whole, as the present format has them; no plugin is imported.

    Raises:
        UserError: no such file, not a model, damaged, or of a newer format.
    """
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
    if "rfp" not in metadata or "sha256" not in arrays or len(metadata["rfp"]) > LARGEST_HEADER:
        raise UserError(f"{path}: is a safetensors file, but not an rfp model")
    if not np.array_equal(arrays.pop("sha256"), digest(metadata["rfp"], arrays)):
        raise UserError(f"{path}: is damaged (its checksum does not fit); copy it again or train it again")
    header, arrays = _parsed(path, metadata["rfp"], arrays)
    if any(array.dtype not in (np.float64, np.int64) or not np.isfinite(array).all() for array in arrays.values()):
        raise UserError(f"{path}: holds numbers that are not finite, or of a type that no model has; train it again")
    return header, arrays


def digest(text: str, arrays: Arrays) -> NDArray[np.uint8]:
    """The SHA-256 (32,) of a text, and of name, type, shape and numbers of every array in the order of their names."""
    found = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        found.update(f"{name} {array.dtype.str} {array.shape}".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return np.frombuffer(found.digest(), dtype=np.uint8)


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number")


def _parsed(path: Path, text: str, arrays: Arrays) -> tuple[Header, Arrays]:
    """Header and arrays of any version of the format that there has been, as the present one."""
    try:
        values = json.loads(text, parse_constant=_no_number)
        version = values["format_version"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UserError(f"{path}: is not a valid rfp model (its header is {type(error).__name__})") from error
    if type(version) is not int or not 1 <= version <= FORMAT_VERSION:
        raise UserError(
            f"{path}: has format version {version}, but rfp-md {package_version()} reads versions up to "
            f"{FORMAT_VERSION}; upgrade with 'pip install -U rfp-md', or train it again"
        )
    try:
        values, arrays = migrate(values, arrays)
        header = Header.model_validate(values)
        header._stored_version = version
        return header, arrays
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path}: is not a valid rfp model ({key}: {first['msg']})") from error
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise UserError(f"{path}: is not a valid rfp model ({type(error).__name__}: {error})") from error
