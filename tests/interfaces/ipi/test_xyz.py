"""Templates in i-PI's own xyz, and what says whether a run is periodic."""

from types import SimpleNamespace

import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from ase.units import Bohr

from rfp_md.errors import UserError
from rfp_md.interfaces.template import template_of
from rfp_md.io.atoms import from_atoms

ROWS = np.array([[6.0, 0, 0], [1.0, 7.0, 0], [0.5, -1.0, 8.0]])
ATOMS = Atoms("SiOSi", [[0.1, 0.2, 0.3], [1.0, 2.0, 3.0], [5.0, -1.0, 4.0]], cell=ROWS, pbc=True)


@pytest.fixture(params=[True, False], ids=["crystals", "molecules"])
def known(request):
    """Stands for a model of any composition, of crystals or of molecules."""
    atoms = ATOMS.copy()
    atoms.pbc = request.param
    return SimpleNamespace(fixed_composition=False, record={}, reference=from_atoms([atoms]), check=lambda frames: None)


def written(path, kind, numbers, unit=1.0, units="positions{angstrom} cell{angstrom}", positions=ATOMS.positions):
    rows = [f"{s} {x:.10f} {y:.10f} {z:.10f}" for s, (x, y, z) in zip(ATOMS.symbols, positions / unit, strict=True)]
    text = " ".join(f"{n:.10f}" for n in numbers)
    path.write_text("\n".join([str(len(rows)), f"# CELL({kind}): {text}  {units}", *rows, str(len(rows)), "# more"]))
    return path


@pytest.mark.parametrize("kind", ["abcABC", "H", "GENH"])
@pytest.mark.parametrize(
    ("unit", "units"),
    [
        (1.0, "Step: 0 Bead: 0 positions{angstrom}  cell{angstrom}"),
        (1.0, "Step: 0 Bead: 0 x_centroid{angstrom}  cell{angstrom}"),
        (Bohr, "positions{atomic_unit} cell{atomic_unit}"),
    ],
)
def test_ipi_s_own_xyz_is_read_with_its_units(known, tmp_path, kind, unit, units):
    scale = np.array([unit] * 3 + [1] * 3) if kind == "abcABC" else unit
    numbers = ATOMS.cell.cellpar() if kind == "abcABC" else ROWS.T.ravel()
    frames = template_of(known, written(tmp_path / "t.xyz", kind, numbers / scale, unit, units))
    np.testing.assert_array_equal(frames.numbers, ATOMS.numbers)
    np.testing.assert_allclose(frames.positions[0], ATOMS.positions, atol=1e-8)
    assert frames.pbc == known.reference.pbc
    if known.reference.periodic:
        np.testing.assert_allclose(frames.cells[0], ROWS, atol=1e-8)


def test_a_general_cell_is_turned_as_ipi_turns_it(known, tmp_path):
    turned = ATOMS.copy()
    turned.rotate(40, (1, 2, 3), rotate_cell=True)
    file = written(tmp_path / "t.xyz", "GENH", turned.cell.array.T.ravel(), positions=turned.positions)
    np.testing.assert_allclose(template_of(known, file).positions[0], ATOMS.positions, atol=1e-7)


@pytest.mark.parametrize(
    ("units", "message"),
    [
        ("", "must say the units of positions and cell"),
        ("positions{angstrom}", "must say the units of positions and cell"),
        ("positions{furlong} cell{angstrom}", "must say the units of positions and cell"),
        ("velocities{atomic_unit} cell{angstrom}", "must say the units of positions and cell"),
    ],
)
def test_units_that_are_not_said_are_not_guessed(known, tmp_path, units, message):
    with pytest.raises(UserError, match=message):
        template_of(known, written(tmp_path / "t.xyz", "abcABC", ATOMS.cell.cellpar(), units=units))


def test_lines_that_are_no_atoms_are_refused(known, tmp_path):
    file = written(tmp_path / "t.xyz", "abcABC", ATOMS.cell.cellpar())
    text = file.read_text()
    for bad, message in (
        (text.replace("O 1.0", "Xq 1.0"), "no atom with three coordinates"),
        (text.replace("O 1.0", "O one"), "no atom with three coordinates"),
        ("\n".join(text.splitlines()[:3]), "announces 3 atoms, but has 1"),
        (text.replace("90.0", "nan"), ".*"),
    ):
        file.write_text(bad)
        if bad != text:
            with pytest.raises(UserError, match=message):
                template_of(known, file)


def test_a_template_without_boundaries_is_refused_for_a_model_of_crystals(known, tmp_path):
    free = Atoms(ATOMS.symbols, ATOMS.positions)
    write(tmp_path / "free.xyz", free)
    if not known.reference.periodic:
        assert not template_of(known, tmp_path / "free.xyz").periodic
        return
    with pytest.raises(UserError, match=r'free\.xyz: is not periodic, but the model was .* pbc="T T T"'):
        template_of(known, tmp_path / "free.xyz")
    assert not template_of(known, tmp_path / "free.xyz", says_boundaries=False).periodic
