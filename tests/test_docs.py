"""The blocks of docs/plugins.md, run in a fresh environment as a reader would run them."""

import os
import re
import runpy
import subprocess
import textwrap
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from rfp_md.regressors import Regressor
from rfp_md.testing import regressor_outcomes
from tests.conftest import ETHANOL, ROOT

BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"Replace `(\S+)` by:\s*```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_plugin_tutorial_works_as_it_stands(environment, tmp_path):
    variables = os.environ | {"PATH": f"{environment}:{os.environ['PATH']}", "DATA": str(ETHANOL.parent)}
    page = (ROOT / "docs/plugins.md").read_text()
    files, shown = {text: path for path, text in FILE.findall(page)}, {}
    for kind, text in BLOCK.findall(page):
        if kind == "python":
            assert sum(bool(line.strip()) for line in text.splitlines()) <= 40
            assert (tmp_path / files[text]).is_file()
            (tmp_path / files[text]).write_text(text)
            continue
        for line in text.splitlines():
            result = subprocess.run(
                ["bash", "-c", line], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
            )
            assert result.returncode == 0, f"{line}\n{result.stderr}"
            shown[line] = result.stdout
    for name in ("bond_waves", "close_pairs"):
        assert f"{name} conforms" in shown[f"rfp plugins check {name}"]
    errors = [
        float(re.search(r"force_mae_mev_per_angstrom +(\S+)", output)[1])
        for line, output in shown.items()
        if line.startswith("rfp evaluate")
    ]
    assert errors[1] < errors[0] < 700  # meV/Å; the forces' standard deviation is about 1300


def test_the_page_of_parameters_is_up_to_date():
    page = runpy.run_path(str(ROOT / "docs/make_parameters.py"))["page"]()
    assert (ROOT / "docs/parameters.md").read_text() == page, "run: python docs/make_parameters.py"


def indented(start: str, end: str) -> str:
    """The indented block of docs/plugins.md between two lines of it."""
    text = (ROOT / "docs/plugins.md").read_text()
    block = text[text.index(start) :]
    return textwrap.dedent(block[: block.index(end)] if end in block else block)


def test_the_regressor_of_the_tutorial_works(ethanol):
    scope = {"np": np, "ClassVar": ClassVar, "Regressor": Regressor}
    exec(indented("    class SiteSums", "\n## "), scope)
    failed = {outcome.check for outcome in regressor_outcomes(scope["SiteSums"]()) if outcome.status == "failed"}
    assert failed <= {"learns"}  # the kit's function is not linear


@pytest.fixture
def tutorial():
    """The names of the tutorial's descriptor, and a descriptor."""
    scope = {}
    exec(next(text for kind, text in BLOCK.findall((ROOT / "docs/plugins.md").read_text()) if kind == "python"), scope)
    return scope, scope["BondWaves"]()


def test_the_blocks_of_the_tutorial_are_those_of_its_jacobian(ethanol, tutorial):
    scope, descriptor = tutorial
    exec(indented("    from rfp_md.sites", "\n## "), scope)
    spread = replace(ethanol[:3], positions=3 * ethanol.positions[:3])  # so that some atoms do not see each other
    near = scope["neighbour_jacobian"](descriptor, spread)
    assert len(near.sites) < 3 * 9 * 9
    np.testing.assert_array_equal(near.dense(descriptor.values(spread)), descriptor.jacobian(spread))


def test_the_pullback_of_the_tutorial_is_that_of_its_jacobian(ethanol, tutorial):
    scope, descriptor = tutorial
    exec(indented("    def pullback", "\nWhoever opens"), scope)
    gradient = np.cos(np.arange(3 * 9 * 16)).reshape(3, 9, 16)
    expected = descriptor.pullback(ethanol[:3], gradient)
    np.testing.assert_allclose(scope["pullback"](descriptor, ethanol[:3], gradient), expected, atol=1e-9)


def test_the_limits_on_the_page_of_validation_are_those_of_the_code():
    page = runpy.run_path(str(ROOT / "docs/make_validation.py"))["page"]
    text = (ROOT / "docs/validation.md").read_text()
    assert page(text) == text, "run: python docs/make_validation.py"
