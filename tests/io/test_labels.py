"""Which numbers of a file are labels, and in which units: what a file says is honoured or refused, in every frame."""

import ase.units
import numpy as np
import pytest

from rfp_md.errors import UserError
from rfp_md.frames import check_complete, check_trainable
from rfp_md.io import Units, read
from rfp_md.io.write import convert

KCAL = ase.units.kcal / ase.units.mol
LATTICE = 'Lattice="4 0 0 0 5 0 0 0 6"'
VOLUME = 120.0
SIX = np.array([1.0, 2.0, 3.0, 0.4, 0.5, 0.6])
FULL = SIX[[[0, 5, 4], [5, 1, 3], [4, 3, 2]]]


def frame(more="energy=-1", forces="forces", atoms=2):
    rows = [f"{'CO'[k % 2]} 0 0 {k}.1 0.5 0 {-k}" for k in range(atoms)]
    return "\n".join([str(atoms), f"Properties=species:S:1:pos:R:3:{forces}:R:3 {more}", *rows, ""])


@pytest.fixture
def file(tmp_path):
    def write(*frames):
        path = tmp_path / "a.extxyz"
        path.write_text("".join(frames))
        return path

    return write


def words(tensor):
    return '"' + " ".join(map(str, np.ravel(tensor))) + '"'


def test_units_that_a_file_states_are_honoured(file):
    path = file(frame("energy=-100 energy_unit=kcal/mol force_unit=kcal/mol/angstrom"))
    (block,) = read(path).blocks
    assert block.energies[0] == pytest.approx(-100 * KCAL)
    assert block.forces[0, 0, 0] == pytest.approx(0.5 * KCAL)
    (block,) = read(path, Units(energy="kcal/mol", force="kcal/mol/Ang")).blocks
    assert block.energies[0] == pytest.approx(-100 * KCAL)


def test_lengths_and_stresses_have_stated_units_too(file):
    said = f"energy=-1 energy_unit=Ha length_unit=bohr stress_unit=GPa {LATTICE} stress={words(FULL)}"
    (block,) = read(file(frame(said))).blocks
    assert block.cells[0, 0, 0] == pytest.approx(4 * ase.units.Bohr)
    assert block.forces[0, 0, 0] == pytest.approx(0.5 * ase.units.Hartree / ase.units.Bohr)
    np.testing.assert_allclose(block.stresses[0], FULL * ase.units.GPa)


@pytest.mark.parametrize(
    ("frames", "units", "message"),
    [
        (["energy_unit=hartree"], {"energy": "eV"}, "frame 0: --energy-unit eV contradicts the file"),
        (["energy_unit=eV", "energy_unit=hartree"], {}, r"frame 1 is in other units than frame 0 \(energy in hartree"),
        (["", "", "energy_unit=hartree"], {}, r"frame 2 is in other units than frame 0 \(.*, and none stated\)"),
        (["", "force_unit=hartree/bohr"], {}, "frame 1: states that forces are in hartree/bohr, but not the unit of"),
        (["energy_unit=furlong"], {}, "frame 0: unknown energy unit 'furlong'"),
        (["energy_unit=furlong"], {"energy": "eV"}, "frame 0: unknown energy unit 'furlong'"),
        (["energy_unit=MeV"], {}, "unknown energy unit 'MeV'"),
        (["energy_unit=a.u. force_unit=a.u."], {}, "unknown energy unit 'a.u.'"),
        (["forces_units=eV"], {}, "unknown force unit 'eV'"),
        (["energy_unit=eV energies_unit=hartree"], {}, "states two units of energy, eV and hartree"),
        (["positions_unit=nm length_unit=angstrom"], {}, "states two units of length"),
        (["stress_unit=psi"], {}, "unknown stress unit 'psi'"),
        (["stress_unit=GPa"], {"stress": "kbar"}, "--stress-unit kbar contradicts the file, which states GPa"),
    ],
)
def test_units_that_contradict_are_refused_with_the_frame(file, frames, units, message):
    with pytest.raises(UserError, match=message):
        read(file(*(frame(f"energy=-1 {said}") for said in frames)), Units(**units))


def test_units_that_agree_by_any_name_are_one(file):
    path = file(frame("energy=1"), frame("energy=1 energy_unit=eV force_unit=eV/A"), frame("energy=1 force_unit=eV/Å"))
    assert len(read(path, Units(energy="ev"))) == 3


def test_what_is_written_is_what_was_read(file, tmp_path):
    path = file(frame(f"energy=-1 energy_unit=kcal/mol config_type=x {LATTICE} stress={words(FULL)}"))
    convert(path, tmp_path / "b.extxyz")
    convert(tmp_path / "b.extxyz", tmp_path / "c.extxyz")
    assert (tmp_path / "b.extxyz").read_text() == (tmp_path / "c.extxyz").read_text()
    (block,) = read(tmp_path / "c.extxyz").blocks
    np.testing.assert_allclose(block.stresses[0], FULL * KCAL)
    assert list(block.kinds) == ["x"]


def test_the_free_energy_is_taken_and_said(file):
    dataset = read(file(frame("energy=-1 free_energy=-1.5"), frame("energy=-2 free_energy=-2")))
    assert dataset.energies.tolist() == [-1.5, -2.0]
    assert len(dataset.notes) == 1
    assert "a.extxyz: free_energy is taken as the energy" in dataset.notes[0]
    assert read(file(frame("energy=-1 free_energy=-1"))).notes == ()
    with pytest.raises(UserError, match="frame 1 has no free_energy, and other frames have one that is not"):
        read(file(frame("energy=-1 free_energy=-1.5"), frame("energy=-2")))
    assert read(file(frame("energy=-1 free_energy=-1"), frame("energy=-2"))).energies.tolist() == [-1.0, -2.0]
    assert read(file(frame("free_energy=-3"))).energies.tolist() == [-3.0]


@pytest.mark.parametrize("numbers", [SIX, FULL], ids=["six", "nine"])
@pytest.mark.parametrize("key", ["virial", "virials", "stress"])
def test_stress_and_virial_have_six_or_nine_numbers(file, key, numbers):
    (block,) = read(file(frame(f"energy=-1 {LATTICE} {key}={words(numbers)}"))).blocks
    np.testing.assert_allclose(block.stresses[0], FULL if key == "stress" else -FULL / VOLUME, rtol=1e-14)


def test_a_virial_is_an_energy(file):
    (block,) = read(file(frame(f"energy=-1 energy_unit=kcal/mol {LATTICE} virial={words(SIX)}"))).blocks
    np.testing.assert_allclose(block.stresses[0], -FULL * KCAL / VOLUME)


@pytest.mark.parametrize("key", ["virial", "stress"])
def test_in_a_cell_without_a_volume_there_is_no_stress(file, key):
    flat = 'Lattice="4 0 0 0 5 0 0 0 0" pbc="T T F"'
    dataset = read(file(frame(f"energy=-1 {flat} {key}={words(FULL)}")))
    assert dataset.blocks[0].stresses is None
    assert "stresses in cells without a volume (a lattice vector is zero) are left out" in dataset.notes[0]


def test_a_stress_beside_its_virial_is_compared_with_it(file):
    both = f"energy=-1 {LATTICE} stress={words(FULL)} virial="
    assert len(read(file(frame(both + words(-FULL * VOLUME))))) == 1
    for wrong in (FULL * VOLUME, -FULL * VOLUME * 160.2):
        with pytest.raises(UserError, match=r"frame 1: its stress is not −virial/V .*--stress-unit"):
            read(file(frame(both + words(-FULL * VOLUME)), frame(both + words(wrong))))


@pytest.mark.parametrize(
    ("stress", "message"),
    [
        ('"1 2 3"', "frame 0: stress must be nine numbers, or the six"),
        ("many", "frame 0: stress must be nine numbers"),
        ('"1 0 0 5 1 0 0 0 1"', "frame 0: its stress is not symmetric"),
        ('"1 0 0 0 1 0 0 0 nan"', "stresses has a number that is not finite"),
    ],
)
def test_a_stress_that_is_none_is_refused_and_can_be_left_out(file, stress, message):
    path = file(frame(f"energy=-1 {LATTICE} stress={stress}"))
    with pytest.raises(UserError, match=message):
        read(path)
    assert read(path, stresses=False).blocks[0].stresses is None


def test_labels_of_other_names_are_listed_and_not_lost(file, tmp_path):
    others = f"energy_xtb=-1 dft_virial={words(SIX)} {LATTICE} total_energy_weight=3 kinetic_energy=1"
    path = file(frame(others, "REF_forces"))
    with pytest.raises(
        UserError,
        match=r"has no energies; found energy_xtb, .*: name what is to be read, as in --energy-key energy_xtb",
    ):
        check_trainable(read(path))
    with pytest.raises(
        UserError,
        match="would lose labels; found energy_xtb, REF_forces, dft_virial: name what is to be read",
    ):
        convert(path, tmp_path / "b.extxyz")
    assert not (tmp_path / "b.extxyz").exists()
    assert "energy_xtb, REF_forces, dft_virial" in read(path).notes[0]
    assert "weight" not in read(path).notes[0]


def test_what_is_left_beside_labels_is_said_when_it_is_not_written(file, tmp_path):
    result = convert(file(frame("energy=-1 energy_dft=-2")), tmp_path / "b.extxyz")
    assert result["notes"] == [f"{tmp_path}/a.extxyz: not in the output: energy_dft"]
    assert read(tmp_path / "a.extxyz").notes == ()


def test_columns_without_a_name_are_not_lost_in_silence(file, tmp_path):
    result = convert(file("1\nH 0 0 0 1 2 3\n".replace("\nH", "\n\nH")), tmp_path / "b.extxyz")
    assert result["notes"] == [f"{tmp_path}/a.extxyz: not in the output: columns without a name, from the fifth on"]


def test_frames_with_a_part_of_the_labels_are_counted_and_named(file):
    frames = [frame(forces="forces" if k % 4 else "velocities") for k in range(30)]
    with pytest.raises(UserError, match=r"8 of 30 frames have no forces \(frames 0, 4, 8, 12, 16 and 3 more\)"):
        check_complete(read(file(*frames)), "a regressor without weights")
    with pytest.raises(UserError, match=r"1 of 3 frames have no energies \(frame 1\)"):
        _ = read(file(frame(), frame(""), frame())).energies


def test_an_isolated_atom_without_forces_is_said_to_be_one(file):
    frames = [frame(f"energy={k}") for k in range(3)]
    with pytest.raises(UserError, match=r"\(frame 3\); 1 of them is an isolated atom; x needs them in every frame"):
        check_complete(read(file(*frames, frame(forces="velocities", atoms=1))), "x")
