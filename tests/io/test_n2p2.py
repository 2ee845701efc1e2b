"""input.data of n2p2 and RuNNer, whose units somebody must say."""

import numpy as np
import pytest
from ase.units import Bohr, Hartree

import rfp_md
from rfp_md.errors import UserError
from rfp_md.io.units import Units

FRAME = """begin
comment a water molecule
lattice 10 0 0
lattice 0 11 0
lattice 0 0 12
atom 0.0 0.0 0.2 O 0.1 0.0 0.01 0.02 -0.03
atom 0.0 1.4 -0.9 H 0.0 0.0 -0.005 -0.01 0.015
atom 0.0 -1.4 -0.9 H 0.0 0.0 -0.005 -0.01 0.015
energy -76.4
charge 0.0
end
"""
ATOMIC = Units(energy="hartree", length="bohr")


@pytest.fixture
def file(tmp_path):
    def written(text):
        path = tmp_path / "input.data"
        path.write_text(text)
        return path

    return written


def test_numbers_are_others_than_in_the_file(file):
    frames = rfp_md.read(file(2 * FRAME), ATOMIC).blocks[0]
    assert len(frames) == 2
    assert frames.numbers.tolist() == [8, 1, 1]
    np.testing.assert_allclose(frames.cells[0].diagonal(), np.array([10, 11, 12]) * Bohr)
    np.testing.assert_allclose(frames.positions[1, 1], np.array([0, 1.4, -0.9]) * Bohr)
    np.testing.assert_allclose(frames.energies, -76.4 * Hartree)
    np.testing.assert_allclose(frames.forces[0, 0], np.array([0.01, 0.02, -0.03]) * Hartree / Bohr)


def test_a_molecule_without_a_lattice_has_one(file):
    lines = [line for line in FRAME.splitlines() if not line.startswith("lattice")]
    assert not rfp_md.read(file("\n".join(lines)), ATOMIC).blocks[0].periodic


def test_units_are_guessed(file):
    with pytest.raises(UserError, match="does not state its unit of energy; say --energy-unit"):
        rfp_md.read(file(FRAME))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("end\n", "", "has no end"),
        ("energy -76.4", "energy much", "line 9 holds what is no number"),
        ("lattice 10 0 0\n", "", "three lattice vectors, or none"),
        (" -0.03\n", "\n", "line 6 does not belong"),
        (" O ", " Q ", "0 is no element"),
        ("comment", "commend", "line 2 does not belong"),
        ("begin\n", "begin\nbegin\n", "line 2 is 'begin', where a frame must begin or end"),
    ],
)
def test_a_line_that_does_not_belong_is_no_sentence(file, old, new, message):
    with pytest.raises(UserError, match=message):
        rfp_md.read(file(FRAME.replace(old, new, 1)), ATOMIC)
