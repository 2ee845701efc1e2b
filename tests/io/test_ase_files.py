import ase.units
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from rfp_md.errors import UserError
from rfp_md.io import Units, read


def labelled(symbols, **labels):
    atoms = Atoms(symbols, np.arange(3.0 * len(Atoms(symbols))).reshape(-1, 3))
    atoms.calc = SinglePointCalculator(atoms, **labels)
    return atoms


def test_energies_and_forces_arrive(tmp_path):
    write(tmp_path / "a.extxyz", [labelled("OH2", energy=-1.5, forces=np.ones((3, 3)))] * 2)
    (frames,) = read(tmp_path / "a.extxyz").blocks
    assert frames.energies.tolist() == [-1.5, -1.5]
    np.testing.assert_array_equal(frames.forces, np.ones((2, 3, 3)))


def test_a_change_of_species_or_labels_begins_a_new_block(tmp_path):
    one, two = labelled("OH2", energy=-1.0, forces=np.ones((3, 3))), labelled("OH2", energy=-1.0)
    write(tmp_path / "a.extxyz", [one, one, two, labelled("CO", energy=0.0)])
    assert [len(block) for block in read(tmp_path / "a.extxyz").blocks] == [2, 1, 1]


def test_a_slice_of_a_file_is_taken(tmp_path):
    write(tmp_path / "a.extxyz", [labelled("CO", energy=float(k)) for k in range(10)])
    assert read(f"{tmp_path}/a.extxyz@2:8:3").energies.tolist() == [2.0, 5.0]
    with pytest.raises(UserError, match="takes none of the 10 frames"):
        read(f"{tmp_path}/a.extxyz@20:")


def test_unit_flags_convert(tmp_path):
    write(tmp_path / "a.extxyz", labelled("CO", energy=1.0, forces=np.ones((2, 3))))
    (frames,) = read(tmp_path / "a.extxyz", Units(energy="meV", length="nm")).blocks
    assert frames.energies[0] == pytest.approx(1e-3)
    assert frames.forces[0, 0, 0] == pytest.approx(1e-4)
    assert frames.positions[0, 1, 2] == pytest.approx(50.0)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("GPa", ase.units.GPa),
        ("kbar", 0.1 * ase.units.GPa),
        ("bar", 1e5 * ase.units.Pascal),
        ("eV/Å^3", 1.0),
        ("eV/A**3", 1.0),
        ("hartree/bohr3", ase.units.Hartree / ase.units.Bohr**3),
        ("kcal/mol/angstrom^3", ase.units.kcal / ase.units.mol),
    ],
)
def test_stresses_have_a_unit_of_their_own(tmp_path, unit, factor):
    atoms = labelled("CO", energy=1.0, stress=np.arange(6.0))
    atoms.set_cell(np.eye(3))
    atoms.pbc = True
    write(tmp_path / "a.extxyz", atoms)
    (frames,) = read(tmp_path / "a.extxyz", Units(stress=unit)).blocks
    np.testing.assert_allclose(frames.stresses[0, [0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]], factor * np.arange(6.0))
    assert frames.energies.tolist() == [1.0]
    assert read(tmp_path / "a.extxyz", stresses=False).blocks[0].stresses is None


@pytest.mark.parametrize("unit", ["eV", "eV/angstrom", "eV/angstrom^2", "GPa^3", "^3", ""])
def test_what_is_no_stress_unit_is_refused(tmp_path, unit):
    write(tmp_path / "a.extxyz", labelled("CO", energy=1.0))
    with pytest.raises(UserError, match=r"--stress-unit: unknown stress unit '.*'; write one of gpa, kbar"):
        read(tmp_path / "a.extxyz", Units(stress=unit))


@pytest.mark.parametrize("content", ["", "nonsense\n", "2\n\nC 0 0 0\n"])
def test_an_unreadable_or_empty_file_is_refused(tmp_path, content):
    (tmp_path / "a.xyz").write_text(content)
    with pytest.raises(UserError, match=r"a.xyz: "):
        read(tmp_path / "a.xyz")


def test_a_missing_file_is_named():
    with pytest.raises(UserError, match=r"nowhere.xyz: no such file"):
        read("nowhere.xyz")


def test_the_cell_and_the_stress_of_silicon_arrive(data_folder):
    frames = read(data_folder / "silicon/si_test.xyz").blocks[0]
    assert frames.pbc == (True, True, True)
    assert frames.cells.shape == frames.stresses.shape == (len(frames), 3, 3)
