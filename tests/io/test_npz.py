import zipfile

import ase.units
import numpy as np
import pytest

from rfp_md.errors import UserError
from rfp_md.io import Units, read

KCAL = ase.units.kcal / ase.units.mol
RMD17 = ("nuclear_charges", "coords", "energies", "forces")
SGDML = ("z", "R", "E", "F")
GENERIC = ("numbers", "positions", "energies", "forces")


@pytest.fixture
def arrays(rng):
    return np.array([8, 1, 1]), rng.normal(size=(5, 3, 3)), rng.normal(size=5), rng.normal(size=(5, 3, 3))


def write(path, keys, arrays, **more):
    np.savez(path, **dict(zip(keys, arrays, strict=True)), **more)
    return path


def test_rmd17_states_its_units_by_its_layout(tmp_path, arrays):
    (frames,) = read(write(tmp_path / "a.npz", RMD17, arrays)).blocks
    np.testing.assert_allclose(frames.positions, arrays[1])
    np.testing.assert_allclose(frames.energies, arrays[2] * KCAL)
    np.testing.assert_allclose(frames.forces, arrays[3] * KCAL)


def test_sgdml_units_are_read_from_the_file(tmp_path, arrays):
    z, positions, energies, forces = arrays
    path = write(tmp_path / "a.npz", SGDML, (z, positions, energies[:, None], forces), r_unit="bohr", e_unit=b"hartree")
    (frames,) = read(path).blocks
    np.testing.assert_allclose(frames.positions, positions * ase.units.Bohr)
    np.testing.assert_allclose(frames.energies, energies * ase.units.Hartree)
    np.testing.assert_allclose(frames.forces, forces * ase.units.Hartree / ase.units.Bohr)


@pytest.mark.parametrize("keys", [SGDML, GENERIC])
def test_units_that_nobody_stated_are_refused(tmp_path, arrays, keys):
    path = write(tmp_path / "a.npz", keys, arrays)
    with pytest.raises(UserError, match=r"a.npz: the \w+ layout: does not state its unit of energy; say --energy-unit"):
        read(path)
    with pytest.raises(UserError, match="say --length-unit"):
        read(path, Units(energy="eV"))
    (frames,) = read(path, Units(energy="eV", length="angstrom")).blocks
    np.testing.assert_allclose(frames.energies, arrays[2])


def test_the_force_unit_may_differ_from_energy_per_length(tmp_path, arrays):
    path = write(tmp_path / "a.npz", GENERIC, arrays)
    (frames,) = read(path, Units("eV", "hartree/bohr", "angstrom")).blocks
    np.testing.assert_allclose(frames.forces, arrays[3] * ase.units.Hartree / ase.units.Bohr)


@pytest.mark.parametrize(
    ("units", "message"),
    [
        (Units(energy="furlong"), "--energy-unit: unknown energy unit 'furlong'; known are ev"),
        (Units(length="parsec"), "--length-unit: unknown length unit 'parsec'"),
        (Units(force="eV"), "--force-unit: unknown force unit 'eV'; write an energy, a slash and a length"),
        (Units(energy="eV"), "--energy-unit eV contradicts the file, which states kcal/mol"),
        (Units(force="eV/angstrom"), "--force-unit eV/angstrom contradicts the file"),
    ],
)
def test_wrong_unit_flags_are_refused(tmp_path, arrays, units, message):
    with pytest.raises(UserError, match=message):
        read(write(tmp_path / "a.npz", RMD17, arrays), units)


def test_a_flag_that_agrees_with_the_file_is_accepted(tmp_path, arrays):
    path = write(tmp_path / "a.npz", RMD17, arrays)
    assert len(read(path, Units("kcal/mol", "kcal/mol/angstrom", "Ang"))) == 5


def test_species_that_change_inside_a_file_are_refused(tmp_path, arrays):
    z = np.tile(arrays[0], (5, 1))
    z[3, 0] = 7
    with pytest.raises(UserError, match="numbers changes at frame 3"):
        read(write(tmp_path / "a.npz", GENERIC, (z, *arrays[1:])), Units("eV", None, "angstrom"))


def test_an_unknown_layout_is_refused_with_its_keys(tmp_path):
    np.savez(tmp_path / "a.npz", foo=np.zeros(3))
    with pytest.raises(UserError, match="keys foo fit no known layout"):
        read(tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04 cut off"])
def test_an_unreadable_file_is_refused(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"a.npz: is not a readable npz file"):
        read(tmp_path / "a.npz")


@pytest.mark.parametrize("z", [[8, 1], [8, 1, 0], [8, 1, 200], [8.7, 1, 1], [np.nan, 1, 1], 8, ["O", "H", "H"]])
def test_atomic_numbers_that_are_none_are_refused(tmp_path, arrays, z):
    path = write(tmp_path / "a.npz", RMD17, (np.array(z), *arrays[1:]))
    with pytest.raises(UserError, match="must hold one atomic number from 1 to 118 for each of the 3 atoms"):
        read(path)


def test_complex_positions_and_npy_files_are_refused(tmp_path, arrays):
    path = write(tmp_path / "a.npz", RMD17, (arrays[0], arrays[1] * 1j, *arrays[2:]))
    with pytest.raises(UserError, match="coords has dtype complex128 instead of real numbers"):
        read(path)
    np.save(tmp_path / "b.npy", arrays[1])
    (tmp_path / "b.npy").rename(tmp_path / "b.npz")
    with pytest.raises(UserError, match="is not a readable npz file"):
        read(tmp_path / "b.npz")


def test_pickled_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", coords=np.array([{}], dtype=object), nuclear_charges=np.array([1]))
    with pytest.raises(UserError, match="not a readable array of numbers"):
        read(tmp_path / "a.npz")


@pytest.mark.parametrize("keys", [SGDML, GENERIC])
def test_units_may_be_stated_by_any_layout(tmp_path, arrays, keys):
    said = {"energy_unit": "hartree", "length_unit": np.bytes_("bohr"), "force_unit": "eV/angstrom"}
    (frames,) = read(write(tmp_path / "a.npz", keys, arrays, **said)).blocks
    np.testing.assert_allclose(frames.energies, arrays[2] * ase.units.Hartree)
    np.testing.assert_allclose(frames.positions, arrays[1] * ase.units.Bohr)
    np.testing.assert_allclose(frames.forces, arrays[3])


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"energy_unit": "eV"}, "states other units than its rMD17 layout, kcal/mol and angstrom"),
        ({"e_unit": np.arange(3)}, "e_unit must be the name of a unit"),
        ({"r_unit": 1.0}, "r_unit must be the name of a unit"),
        ({"lattice": np.eye(3)}, "has lattice, but an npz file here is of free molecules; write extxyz"),
    ],
)
def test_what_contradicts_the_layout_is_refused(tmp_path, arrays, said, message):
    with pytest.raises(UserError, match=message):
        read(write(tmp_path / "a.npz", RMD17, arrays, **said))


def test_placeholders_for_missing_numbers_are_refused_with_their_frame(tmp_path, arrays):
    forces = arrays[3].copy()
    forces[3] = np.nan
    with pytest.raises(UserError, match="forces has a number that is not finite in frame 3"):
        read(write(tmp_path / "a.npz", RMD17, (*arrays[:3], forces)))
    with pytest.raises(UserError, match=r"positions has 1e\+200 in frame 0"):
        read(write(tmp_path / "a.npz", RMD17, (arrays[0], np.full((5, 3, 3), 1e200), *arrays[2:])))


def test_labels_under_other_names_are_noted(tmp_path, arrays):
    path = write(tmp_path / "a.npz", ("nuclear_charges", "coords", "Energy_xtb", "gradients"), arrays)
    assert (
        "found Energy_xtb, gradients: name what is to be read, as in --energy-key Energy_xtb --forces-key gradients"
        in read(path).notes[0]
    )


@pytest.mark.parametrize("shape", ["(1000000000000,)", "(-5,)"])
def test_a_header_that_claims_more_than_there_is_takes_no_memory(tmp_path, arrays, shape):
    path = write(tmp_path / "a.npz", RMD17, arrays)
    with zipfile.ZipFile(path) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    members["coords.npy"] = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + b"\0" * 80
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    with pytest.raises(UserError, match="coords is not a readable array"):
        read(path)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, arrays, monkeypatch):
    monkeypatch.setattr("rfp_md.io.compressed.ALWAYS", 10**6)
    path = tmp_path / "a.npz"
    np.savez_compressed(path, coords=np.zeros((10**4, 9, 3)), nuclear_charges=np.ones(9))
    with pytest.raises(UserError, match="unpacks to more than 100 times its size"):
        read(path)


def test_a_file_without_frames_is_refused(tmp_path, arrays):
    path = write(tmp_path / "a.npz", RMD17, (arrays[0], np.zeros((0, 3, 3)), np.zeros(0), np.zeros((0, 3, 3))))
    with pytest.raises(UserError, match=r"instead of \(frames, atoms, 3\)"):
        read(path)


def test_the_real_rmd17_file_is_read(data_folder):
    (frames,) = read(data_folder / "rmd17/rmd17_ethanol_train_01.npz").blocks
    assert frames.forces.shape == (1000, 9, 3)
    assert frames.forces.std() == pytest.approx(27.57 * KCAL, rel=1e-3)
