"""Results of a long benchmark as JSON lines: each is written at once, and an interruption costs the last one only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def finished(path: Path) -> list[dict[str, Any]]:
    """The results so far; a line that an interruption tore is none."""
    results = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            results.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return results


def append(path: Path, result: dict[str, Any]) -> None:
    """Write one more line; a torn one before it ends where it was torn."""
    torn = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write("\n" * torn + json.dumps(result) + "\n")
