"""Extended XYZ: everything in a file is a frame, or an error that names its line."""

import bz2
import gzip

import numpy as np
import pytest
from ase.io import read as ase_read

from rfp_md.errors import UserError
from rfp_md.io import Units, read
from rfp_md.io.extxyz import comment_of

HEAD = "Properties=species:S:1:pos:R:3:forces:R:3"
ROWS = ("C 0 0 0 0.5 0 0", "O 0 0 1.1 -0.5 0 0")


def frame(more="", rows=ROWS, head=HEAD, count=None):
    return "\n".join([str(len(rows) if count is None else count), f"{head} {more}".strip(), *rows, ""])


@pytest.fixture
def file(tmp_path):
    def write(*frames, name="a.extxyz", mode="w", **how):
        path = tmp_path / name
        path.write_bytes("".join(frames).encode("utf-8", "surrogateescape"))
        return path

    return write


@pytest.mark.parametrize("between", ["\n", "\n\n\n", "   \n", "\t\n \n", "\r\n", ""])
def test_blank_lines_between_frames_end_nothing(file, between):
    path = file(between, *(frame(f"energy={k}") + between for k in range(5)))
    frames = read(path).blocks[0]
    assert frames.energies.tolist() == [0, 1, 2, 3, 4]
    assert frames.places.tolist() == [0, 1, 2, 3, 4]


def test_lines_of_windows_and_a_byte_order_mark_change_nothing(file):
    plain = read(file(frame("energy=1"), frame("energy=2"))).blocks[0]
    other = read(file("\ufeff", (frame("energy=1") + frame("energy=2")).replace("\n", "\r\n"), name="b.xyz")).blocks[0]
    np.testing.assert_array_equal(plain.forces, other.forces)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (frame(count=3), r"frame 0 \(line 1\) says that it has 3 atoms, but the file ends after 2"),
        (frame() + frame(count=10**8), r"frame 1 \(line 5\) says that it has 100000000 atoms, but the file ends"),
        (frame() + "2\n", r"frame 1 \(line 5\) says that it has 2 atoms, but the file ends after 0"),
        (frame() + frame(count=3) + frame(), r"frame 1: line 9 has 1 columns instead of 7: '2'"),
        (frame() + frame(count=1), "line 8 must be the number of atoms of frame 2, and is 'O 0 0 1.1"),
        (frame(count=0), "line 3 must be the number of atoms|has no atoms"),
        ("0\n\n", "frame 0: has no atoms"),
        ("-1\n" + frame(), "line 1 must be the number of atoms of frame 0, and is '-1'"),
        ("9" * 5000 + "\n", "line 1 must be the number of atoms"),
        ("nonsense", "line 1 must be the number of atoms"),
        ("", "holds no frames"),
        ("\n \n", "holds no frames"),
        (frame(rows=("C 0 0 0 0 0", "O 0 0 0 0 0 0")), "frame 0: line 3 has 6 columns instead of 7"),
        (frame(rows=("C 0 0 0 0 0 0 9", "O 0 0 0 0 0 0 9")), "frame 0: line 3 has 8 columns instead of 7"),
        (frame(rows=("C 0 0 x 0 0 0", ROWS[1])), "frame 0: pos holds what is no number"),
        (frame(rows=("C 0 0 0 0 0 1.0D-3", ROWS[1])), "frame 0: forces holds what is no number"),
        (frame(rows=("Xx 0 0 0 0 0 0", ROWS[1])), "frame 0: 'Xx' is no element"),
        (frame(rows=("X 0 0 0 0 0 0", ROWS[1])), "frame 0: 'X' is no element"),
        (frame(rows=("C 0 0 nan 0 0 0", ROWS[1])), "positions has a number that is not finite in frame 0"),
        (frame() + frame(rows=("C 0 0 1e200 0 0 0", ROWS[1])), r"positions has 1e\+200 in frame 1"),
        (frame(rows=("C 0 0 0 0 0 1e300", ROWS[1])), r"forces has 1e\+300 in frame 0"),
        (frame("energy=-1e300"), r"energies has -1e\+300 in frame 0"),
        (frame('Lattice="1e9 0 0 0 1 0 0 0 1"'), r"cells has 1e\+09 in frame 0"),
        (frame('Lattice="1 0 0 0 1 0"'), "frame 0: Lattice must be nine numbers"),
        (frame("pbc=maybe"), "frame 0: pbc must be three of T and F"),
        (frame("energy=much"), "frame 0: energy must be one number, not 'much'"),
        (frame('energy="1 2"'), "frame 0: energy must be one number"),
        (frame(head="Properties=species:S:1:pos:R"), "Properties=species:S:1:pos:R does not come in threes"),
        (frame(head="Properties=species:S:1:pos:R:-3"), "has pos:R:-3"),
        (frame(head="Properties=species:S:1:pos:R:3:pos:R:3"), "has pos twice"),
        (frame(head="Properties=species:S:1:forces:R:3:x:R:3"), "Properties must have pos:R:3"),
        (frame(head="Properties=what:S:1:pos:R:3:forces:R:3"), "Properties must have species:S:1 or Z:I:1"),
        (frame(head="Properties=species:S:9999:pos:R:9999"), "has too many columns"),
        (frame("é\udcff"), "UnicodeDecodeError"),
        (frame(head="# CELL(abcABC): 4 4 4 90 90 90 positions{atomic_unit}"), "frame 0: is i-PI's own xyz"),
    ],
)
def test_what_is_no_frame_is_named_with_its_place(file, content, message):
    with pytest.raises(UserError, match=message) as caught:
        read(file(content))
    assert "a.extxyz" in str(caught.value)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("z", ["0", "-1", "119", "200", "300", "1.5", "99999999999999999999"])
def test_what_is_no_atomic_number_is_refused(file, z):
    with pytest.raises(UserError, match=f"frame 0: '{z}' is no element"):
        read(file(frame(head="Properties=Z:I:1:pos:R:3", rows=(f"{z} 0 0 0",))))


def test_symbols_and_numbers_are_elements_of_any_case(file):
    assert read(file(frame(head="", rows=("c 0 0 0", "CL 0 0 1", "8 0 0 2")))).blocks[0].numbers.tolist() == [6, 17, 8]
    by_number = frame(head="Properties=pos:R:3:Z:I:1", rows=("0 0 0 118",))
    assert read(file(by_number)).blocks[0].numbers.tolist() == [118]


@pytest.mark.parametrize(
    "comment",
    [
        'Lattice="4 0.1 0 0 5 0 0 0 6" energy=-1.5 step=3',
        "Lattice={4 0.1 0 0 5 0 0 0 6} pbc=[T, F, T] energy = -1.5",
        "energy=-1.5 name='a b=c' flag",
        r'energy=-1.5 said="a \"quoted\" word"',
        "pbc='F F F' energy=-1",
        "",
    ],
)
def test_it_is_read_as_ase_reads_it(file, comment):
    path = file(frame(comment) + frame(comment))
    ours, theirs = read(path).blocks[0], ase_read(path, ":")[1]
    np.testing.assert_array_equal(ours.positions[1], theirs.positions)
    np.testing.assert_array_equal(ours.forces[1], theirs.calc.results["forces"])
    assert ours.pbc == tuple(theirs.pbc)
    assert (ours.energies is None) == ("energy" not in theirs.calc.results)
    if ours.periodic:
        np.testing.assert_array_equal(ours.cells[1], theirs.cell.array)


@pytest.mark.parametrize("text", ["a={" * 100_000, 'a="' * 100_001, "=" * 200_000, "a" * 200_000, "\\" * 99_999 + '"'])
def test_a_comment_line_is_read_in_one_pass(text):
    assert len(comment_of(text)) < 3


def test_deep_json_is_no_number_and_no_recursion(file):
    path = file(frame('energy=1 energy_x="_JSON ' + "[" * 100_000 + '"'))
    assert read(path).energies.tolist() == [1.0]


def test_the_kind_of_a_frame_is_kept_and_cannot_break_a_line(file):
    dataset = read(file(frame("config_type=liquid"), frame('config_type="a\\\\ b"'), frame(), frame("config_type=7")))
    assert list(dataset.blocks[0].kinds) == ["liquid", "a b", "", "7"]
    assert list(dataset.select(np.array([1, 3])).blocks[0].kinds) == ["a b", "7"]


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress)])
def test_a_compressed_file_is_read_and_a_bomb_is_not(tmp_path, monkeypatch, ending, pack):
    monkeypatch.setattr("rfp_md.io.compressed.ALWAYS", 10**6)
    path = tmp_path / f"a.xyz.{ending}"
    path.write_bytes(pack(frame("energy=1").encode()))
    assert read(path).energies.tolist() == [1.0]
    path.write_bytes(pack(b"\0" * 10**7))
    with pytest.raises(UserError, match="unpacks to 100 times its size"):
        read(path)
    path.write_bytes(pack(frame("energy=1").encode())[:-9])
    with pytest.raises(UserError, match="cannot be read"):
        read(path)


@pytest.mark.parametrize("name", ["a$b$.xyz", "a{0}.xyz", "a\nb.xyz", "x" * 240 + ".xyz", "a\udcff.xyz", "a%s.extxyz"])
def test_files_of_any_name_are_read_and_named(file, name):
    assert read(file(frame("energy=1"), name=name)).energies.tolist() == [1.0]
    with pytest.raises(UserError, match="holds no frames"):
        read(file("", name=name))


@pytest.mark.parametrize("name", ["a\0b.xyz", "x" * 300, "x" * 300 + "@:", "a.xyz@" + "9" * 5000 + ":", "@:", ""])
def test_what_is_no_name_of_a_file_is_one_sentence(name):
    with pytest.raises(UserError):
        read(name)


def test_whatever_a_library_raises_is_one_sentence_and_what_it_warns_is_a_note(file, monkeypatch):
    import warnings

    def warn(path, **how):
        warnings.warn("look\nout", stacklevel=1)
        return []

    def fail(path, **how):
        raise error

    for error in (RecursionError("deep"), MemoryError(), AssertionError(), KeyError("x"), StopIteration()):
        monkeypatch.setattr("rfp_md.io.extxyz.read_extxyz", fail)
        with pytest.raises(UserError, match=rf"a.extxyz: cannot be read \({type(error).__name__}"):
            read(file(frame()))
    monkeypatch.setattr("rfp_md.io.extxyz.read_extxyz", warn)
    monkeypatch.setattr("rfp_md.io.blocks.blocks_of", lambda *given: [])
    assert read(file(frame())).notes == (f"{file(frame())}: look out",)


def test_units_of_a_file_are_in_the_message_of_the_frame(file):
    with pytest.raises(UserError, match="frame 0: --energy-unit eV contradicts the file, which states hartree"):
        read(file(frame("energy=1 energy_unit=hartree")), Units(energy="eV"))
