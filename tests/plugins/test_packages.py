"""Plugin packages as their authors and users meet them: generated, installed by pip, trained with, run in i-PI."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from rfp_md.logs.read import read_energy_log
from tests.conftest import ETHANOL, ROOT, run
from tests.dummies import install_dummies


@pytest.mark.parametrize("name", ["atom_density", "my_sines", "soft_walls"])
def test_a_generated_package_passes_its_own_tests(environment, name):
    package = environment.parents[1] / f"rfp-{name.replace('_', '-')}"
    assert "1 passed" in run(environment / "pytest", "-q", package, cwd=package)
    assert f"{name} conforms" in run(environment / "rfp", "plugins", "check", name)


def test_a_model_of_generated_plugins_runs_in_real_ipi(environment, tmp_path):
    model = tmp_path / "model.rfp"
    terms = ("--descriptor", "atom_density:width=600", "--descriptor", "inverse_distances:width=200")
    run(environment / "rfp", "train", f"{ETHANOL}@:150", "-o", model, *terms, "--regressor", "my_sines")
    header = json.loads(run(environment / "rfp", "info", model, "--json"))
    assert [term["package"] for term in header["terms"]] == ["rfp-atom-density", "rfp-md"]
    text = run(environment / "rfp-driver", "--model", model, "--print-ipi", "--nve")
    text = re.sub(r"<total_steps> \d+", "<total_steps> 100", re.sub(r'stride="\d+"', 'stride="1"', text))
    (tmp_path / "input.xml").write_text(text)
    assert "I-PI reports success" in run(environment / "i-pi", "input.xml", cwd=tmp_path)
    log = read_energy_log(tmp_path / "run.out")
    assert len(log.times) == 101
    assert np.ptp(log.conserved) < 0.05 * np.ptp(log.kinetic)

    # Here the plugins are not installed: the sentence names the pip line.
    result = subprocess.run(
        [sys.executable, "-m", "rfp_md.cli", "validate", model, "forces"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "pip install 'rfp-atom-density==0.1.0'" in result.stderr


@pytest.fixture
def crowd(tmp_path):
    """Fifty installed plugins that must not be imported."""
    install_dummies(tmp_path, 50)
    return tmp_path


def test_help_and_info_import_no_plugin(crowd, model):
    environment = os.environ | {"PYTHONPATH": str(crowd)}
    old = ROOT / "tests/artifacts/format_1_accurate.rfp"
    for arguments in (["--help"], ["info", model], ["info", old]):
        run(sys.executable, "-m", "rfp_md.cli", *arguments, env=environment)
    assert not (crowd / "imported").exists()
    assert "rfp-dummy49" in run(sys.executable, "-m", "rfp_md.cli", "plugins", env=environment)
    assert (crowd / "imported").exists()
