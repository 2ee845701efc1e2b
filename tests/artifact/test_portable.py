"""docs/format.md is enough to evaluate a model: a program that was written after it says the same as ours."""

import ast
import re
import sys

import numpy as np
import pytest

import rfp_md
from rfp_md.artifact import load, portable
from rfp_md.atomic_basis.basis import OVERLAP
from rfp_md.atomic_basis.couplings import _gaunt
from rfp_md.frames import Dataset, Frames
from tests.conftest import ROOT

PAGE = (ROOT / "docs/format.md").read_text()
CRYSTAL = ROOT / "tests/artifacts/format_3_accurate_crystal.rfp"
SAME = 1e-10  # relative to the largest number
LABELS = {"energies": 0, "forces": 1, "virials": 2}


@pytest.fixture(scope="module")
def molecule(ethanol, tmp_path_factory):
    """The file of a model of ethanol with products of three neighbours."""
    path = tmp_path_factory.mktemp("portable") / "ethanol.rfp"
    descriptor = ["many_body:body_order=4,components=20,channels=5,four_body_channels=2,max_angular=4,width=60"]
    rfp_md.train(Dataset((ethanol[:60],)), output=path, descriptor=descriptor, baseline=["elements", "zbl"])
    return path


def compare(path, frames, member=None):
    """Ours beside the page's, of every structure."""
    potential = load(path)
    ours = potential.compute(frames) if member is None else potential.committee(frames)
    for k in range(len(frames)):
        cell = None if frames.cells is None else frames.cells[k]
        found = portable.evaluate(path, frames.numbers, frames.positions[k], cell, frames.pbc, member)
        for name, place in LABELS.items():
            every = getattr(ours, name)
            known = every[k] if member is None else every[member, k]
            np.testing.assert_allclose(found[place], known, rtol=0, atol=SAME * np.abs(known).max(), err_msg=name)


@pytest.mark.parametrize("member", [None, 0, 5])
def test_a_molecule_has_another_energy_elsewhere(molecule, ethanol, member):
    compare(molecule, ethanol[300:303], member)


def test_another_composition_has_another_energy_elsewhere(molecule, ethanol):
    chosen = [3, 0, 2, 8, 5]
    compare(molecule, Frames(ethanol.numbers[chosen], ethanol.positions[300:302][:, chosen]))


def alloy(pbc, rng):
    """Cu, Au and Cu in a skewed cell, one of them outside of it."""
    cells = np.array([[2.9, 0.2, 0.0], [0.7, 3.1, 0.3], [-0.5, 0.4, 5.2]]) + 0.05 * rng.standard_normal((2, 3, 3))
    scaled = np.array([[0.05, 0.1, 0.0], [0.5, 0.55, 1.35], [0.45, 0.5, -0.35]])
    return Frames(np.array([29, 79, 29]), scaled @ cells, cells=cells, pbc=pbc, source="alloy")


@pytest.mark.parametrize("member", [None, 3])
@pytest.mark.parametrize("pbc", [(True, True, True), (True, False, True), (False, True, False)])
def test_a_skewed_cell_of_several_elements_has_another_stress_elsewhere(pbc, member, rng):
    assert load(CRYSTAL).descriptors[0].body_order == 4
    compare(CRYSTAL, alloy(pbc, rng), member)


def test_a_damaged_file_is_evaluated(tmp_path):
    content = bytearray(CRYSTAL.read_bytes())
    content[-5] ^= 1
    (tmp_path / "damaged.rfp").write_bytes(content)
    for path in (tmp_path / "damaged.rfp", ROOT / "tests/artifacts/format_1_accurate_crystal.rfp"):
        with pytest.raises(ValueError, match="is damaged, or not of format version 3"):
            portable.read(path)


def test_it_borrows_from_the_package():
    tree = ast.parse((ROOT / "rfp_md/artifact/portable.py").read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} - set(sys.stdlib_module_names) == {"numpy"}


def test_the_page_has_other_constants_than_the_code():
    assert f"OVERLAP = {OVERLAP:g}" in PAGE
    assert portable.OVERLAP == OVERLAP


def test_the_page_has_other_coupling_coefficients_than_the_code():
    table = _gaunt(3)
    rows = re.findall(r"^\| ([012]) ([012]) ([012]) \| (.+) \|$", PAGE, re.MULTILINE)
    assert [tuple(int(l) for l in row[:3]) for row in rows] == list(table)
    for *angular, text in rows:
        l, n, p = (int(number) for number in angular)
        found = [entry.split(":") for entry in text.replace("−", "-").split(", ")]
        places = [tuple(int(m) for m in entry[0].split()) for entry in found]
        assert places == [(i - l, j - n, k - p) for i, j, k, _ in table[l, n, p]]
        values = [eval(entry[1].replace("√", "np.sqrt")) for entry in found]
        np.testing.assert_allclose(values, [g for *_, g in table[l, n, p]], rtol=1e-13)


def test_repulsion_is_another_one_elsewhere(molecule, ethanol):
    squeezed = Frames(ethanol.numbers, 0.6 * ethanol.positions[:2])
    assert load(molecule).baselines[1].energies(squeezed).min() > 10.0
    compare(molecule, squeezed)
