"""Model files: damaged ones, and crafted ones whose checksum is right."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from rfp_md.artifact.container import digest
from rfp_md.frames import Frames
from tests.fuzz.trial import Case
from tests.report import records

ARTIFACTS = Path(__file__).parents[1] / "artifacts"
BASES = [path for path in sorted(ARTIFACTS.glob("*.rfp")) if path.stat().st_size < 400_000]
ODD = [
    None,
    True,
    -1,
    0,
    1,
    3,
    119,
    2**31,
    2**63,
    2**70,
    0.5,
    -1e-9,
    1e4,
    1e300,
    "",
    "x",
    "\x1b[31m",
    "1e400",
    [],
    {},
    [[]],
]
SIZES = [0, 1, 2, 3, 5, 30_000]


def attempt(random: Random, folder: Path) -> Case:
    """A model with one to three changes."""
    base = random.choice(BASES)
    path = folder / "case.rfp"
    if random.random() < 0.2:
        content = bytearray(base.read_bytes())
        what = _damaged(content, random)
        path.write_bytes(content)
        return Case(f"{base.name}: {what}", "model", path)
    header, arrays = parts(base)
    if random.random() < 0.3:
        header["record"] |= with_checks(arrays["reference.positions"], header["numbers"])
    told = [random.choice(CHANGES)(header, arrays, random) for _ in range(random.randint(1, 3))]
    write(path, header, arrays)
    return Case(f"{base.name}: {'; '.join(told)}", "model", path)


def with_checks(positions: Any, numbers: list[int]) -> dict[str, Any]:
    """What ``rfp validate`` and ``--learning-curve`` leave in a record."""
    frames = Frames(np.array(numbers), positions)
    found = {
        "forces": records.forces(),
        "nve": records.nve(),
        "stability": records.stability(frames),
        "geometry": records.geometry(frames),
    }
    curve = json.loads(json.dumps(records.learning_curve()))
    return {"validation": {"verdict": "pass", "checks": json.loads(json.dumps(found))}, "learning_curve": curve}


@cache
def _content(path: Path) -> tuple[str, dict[str, Any]]:
    with safe_open(path, framework="numpy") as file:
        return file.metadata()["rfp"], {name: file.get_tensor(name) for name in file.keys() if name != "sha256"}  # noqa: SIM118


def parts(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and arrays of a model, to be changed."""
    text, arrays = _content(path)
    return json.loads(text), dict(arrays)


def write(path: Path, header: dict[str, Any] | str, arrays: dict[str, Any]) -> None:
    """Write whatever it is, with a checksum that fits."""
    text = header if isinstance(header, str) else json.dumps(header, sort_keys=True)
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    save_file(arrays | {"sha256": digest(text, arrays)}, path, metadata={"rfp": text})


def _damaged(content: bytearray, random: Random) -> str:
    place = random.randrange(len(content)) if random.random() < 0.5 else random.randrange(min(5000, len(content)))
    if random.random() < 0.25:
        del content[place:]
        return f"cut at {place}"
    content[place] ^= 1 << random.randrange(8)
    return f"a bit of byte {place}"


def _other_array(header: dict[str, Any], arrays: dict[str, Any], random: Random) -> str:
    name = random.choice(sorted(arrays))
    array, way = (
        arrays[name],
        random.choice(["drop", "cut", "grow", "shape", "transpose", "type", "value", "rename", "more"]),
    )
    if way == "drop":
        del arrays[name]
    elif way in ("cut", "grow") and array.ndim:
        axis = random.randrange(array.ndim)
        size = random.choice(SIZES[:5]) if way == "cut" else array.shape[axis] + random.choice([1, 2, 100])
        arrays[name] = np.take(array, np.arange(size), axis=axis, mode="wrap") if array.shape[axis] else array
    elif way == "shape":
        arrays[name] = np.zeros([0, *(random.choice(SIZES) for _ in range(array.ndim))], dtype=array.dtype)
    elif way == "transpose":
        arrays[name] = array.T
    elif way == "type":
        arrays[name] = array.astype(random.choice([np.float64, np.int64, np.float32, np.uint8]))
    elif way == "value" and array.size:
        value = random.choice([np.nan, np.inf, -1, 0, 1, 1e-300, 1e4, 1e18, 1e160, 1e300])
        arrays[name] = array.copy()
        with np.errstate(invalid="ignore"):
            if random.random() < 0.3:
                arrays[name][...] = np.array(value).astype(array.dtype)
            else:
                arrays[name].flat[random.randrange(array.size)] = np.array(value).astype(array.dtype)
    elif way == "rename":
        arrays[random.choice([name + "x", "terms.0.elements", "regressor.0.0.weights", "x"])] = arrays.pop(name)
    elif way == "more":
        arrays[f"terms.{random.randrange(3)}.more"] = array
    return f"{way} {name}"


def _other_json(header: dict[str, Any], arrays: dict[str, Any], random: Random) -> str:
    at: Any = header
    path = []
    while True:
        keys: list[Any] = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not keys:
            return "nothing"
        key = random.choice(keys)
        path.append(str(key))
        if not isinstance(at[key], dict | list) or not at[key] or random.random() < 0.2:
            break
        at = at[key]
    if random.random() < 0.2:
        del at[key]
        return f"without {'.'.join(path)}"
    if isinstance(at[key], int | float) and random.random() < 0.5:
        at[key] = random.choice([at[key] + 1, at[key] - 1, at[key] * 10, at[key] * 1e6, -at[key]])
    else:
        at[key] = random.choice(ODD)
    return f"{'.'.join(path)}={at[key]!r}"


CHANGES = [_other_array, _other_array, _other_json]
