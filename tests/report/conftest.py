"""Models with made-up validations, and one page with everything on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rfp_md.artifact import save
from rfp_md.report import report
from rfp_md.validation import record
from tests.conftest import ETHANOL
from tests.report import records

TEST = f"{ETHANOL}@500:540"


@pytest.fixture(scope="session")
def validated(potential, tmp_path_factory):
    """The small ethanol model with a learning curve and four checks that passed."""
    path = tmp_path_factory.mktemp("report") / "ethanol.rfp"
    save(replace(potential, record=potential.record | {"learning_curve": records.learning_curve()}), path)
    frames = potential.reference
    checks = {"forces": records.forces(), "nve": records.nve(), "stability": records.stability(frames)}
    record.add(path, checks | {"geometry": records.geometry(frames)})
    return path


@pytest.fixture(scope="session")
def page(validated, tmp_path_factory) -> tuple[Path, dict[str, Any]]:
    """Its page, with test frames, and the figures of it."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    return path, report(validated, path, data=TEST)
