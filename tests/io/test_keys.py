"""Labels under other names than the usual ones: taken where they are named, never guessed."""

import numpy as np
import pytest

import rfp_md
from rfp_md.errors import UserError
from rfp_md.io.keys import Keys
from rfp_md.io.write import convert
from tests.programs import rfp

PAIR = (
    'Properties=species:S:1:pos:R:3:forces:R:3:forces_xtb:R:3 {} pbc="F F F"\nH 0 0 0 1 0 0 2 0 0\n'
    "H 0 0 0.7 -1 0 0 -2 0 0\n"
)
CELL = 'Lattice="4 0 0 0 4 0 0 0 4" '
STRESS = "1 0 0 0 2 0 0 0 3"


def written(path, *comments):
    path.write_text("".join(f"2\n{PAIR.format(comment)}" for comment in comments))
    return path


def test_a_named_label_is_another_one(tmp_path):
    path = written(tmp_path / "a.extxyz", "energy=-1 free_energy=-3 energy_xtb=-2")
    named = rfp_md.read(path, keys=Keys(energy="energy_xtb", forces="forces_xtb")).blocks[0]
    assert named.energies == [-2.0]
    assert named.forces[0, 0, 0] == 2.0
    assert named.unread == {}
    assert rfp_md.read(path, keys=Keys(energy="energy")).blocks[0].energies == [-1.0]
    assert rfp_md.read(path).blocks[0].energies == [-3.0]


def test_a_frame_without_the_named_label_takes_the_usual_one(tmp_path):
    path = written(tmp_path / "a.extxyz", "energy=-1 energy_xtb=-2", "energy=-1")
    first, second = rfp_md.read(path, keys=Keys(energy="energy_xtb")).blocks
    assert first.energies == [-2.0]
    assert second.energies is None


def test_a_named_virial_is_a_stress(tmp_path):
    path = tmp_path / "a.extxyz"
    path.write_text(
        f'1\n{CELL}energy=1 stress="{STRESS}" my_virial="{STRESS}" Properties=species:S:1:pos:R:3\nH 0 0 0\n'
    )
    np.testing.assert_allclose(rfp_md.read(path, keys=Keys(virial="my_virial")).blocks[0].stresses[0, 2, 2], -3 / 64)
    np.testing.assert_allclose(rfp_md.read(path).blocks[0].stresses[0, 2, 2], 3.0)


@pytest.mark.parametrize("label", ["energy", "forces", "stress", "virial"])
def test_a_name_that_no_frame_has_is_read_as_nothing(tmp_path, label):
    path = written(tmp_path / "a.extxyz", "energy=-1 energy_xtb=-2")
    message = rf"no frame has enrgy_xtb \(--{label}-key\); there are energy_xtb, energy, "
    with pytest.raises(UserError, match=message):
        rfp_md.read(path, keys=Keys(**{label: "enrgy_xtb"}))


def test_an_npz_file_has_no_names_to_choose(tmp_path):
    path = tmp_path / "a.npz"
    arrays = {"E": np.ones(2), "E_low": np.zeros(2), "R": np.random.default_rng(0).normal(size=(2, 2, 3))}
    np.savez(path, z=np.array([1, 1]), r_unit="Ang", e_unit="eV", **arrays)
    assert rfp_md.read(path, keys=Keys(energy="E_low")).blocks[0].energies.tolist() == [0.0, 0.0]
    with pytest.raises(UserError, match=r"has no F_low \(--forces-key\); there are E_low, "):
        rfp_md.read(path, keys=Keys(forces="F_low"))
    with pytest.raises(UserError, match="without stresses"):
        rfp_md.read(path, keys=Keys(stress="E"))


def test_what_is_converted_by_its_names_is_lost(tmp_path):
    path = written(tmp_path / "a.extxyz", "energy_xtb=-2")
    convert(path, tmp_path / "b.extxyz", energy_key="energy_xtb", forces_key="forces_xtb")
    again = rfp_md.read(tmp_path / "b.extxyz").blocks[0]
    assert again.energies == [-2.0]
    assert again.forces[0, 0, 0] == 2.0


def test_the_command_line_does_not_say_which_names_there_are(tmp_path):
    path = written(tmp_path / "a.extxyz", *["energy_xtb=-2"] * 3)
    done = rfp("train", path, "-o", tmp_path / "m.rfp", "--energy-key", "energy_dft")
    assert done.returncode == 2
    assert "no frame has energy_dft (--energy-key); there are energy_xtb" in done.stderr
