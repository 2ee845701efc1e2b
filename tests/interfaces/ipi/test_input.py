"""Inputs for i-PI: right address, right atoms, one file; that they run is shown in the tests beside this one."""

import xml.etree.ElementTree as ET
from types import SimpleNamespace

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from rfp_md.driver.transports import InetAddress, UnixAddress
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.interfaces import ipi_pes
from rfp_md.interfaces.ipi.input import ipi_input
from rfp_md.interfaces.ipi.structure import beads_and_cell
from rfp_md.io.atoms import to_atoms


def tree(potential, address=None, **options):
    return ET.fromstring(ipi_input(potential, "ethanol.rfp", address, **options))


def words(element):
    return [word.strip() for word in element.text.strip(" []\n").split(",")]


@pytest.fixture
def anything(ethanol):
    """Stands for a model of any composition of H, C and O."""
    return SimpleNamespace(fixed_composition=False, record={}, reference=ethanol[:1], check=lambda frames: None)


@pytest.mark.parametrize(
    ("name", "prefix", "expected"),
    [
        ("ethanol", "/tmp/ipi_", (None, "ethanol")),
        ("ethanol", "/scratch/me/ipi_", ("/scratch/me/ipi_", "ethanol")),
        ("/scratch/me & you/sock", "/tmp/ipi_", ("/scratch/me & you/", "sock")),
    ],
)
def test_a_unix_socket_is_where_the_driver_looks_for_it(potential, name, prefix, expected):
    address = UnixAddress(name, prefix)
    root = tree(potential, address)
    found = root.get("sockets_prefix"), root.find("ffsocket/address").text.strip()
    assert found == expected
    assert (found[0] or "/tmp/ipi_") + found[1] == address.path
    assert root.find("ffsocket").get("mode") == "unix"
    assert float(root.find("ffsocket/timeout").text) == 60
    assert float(root.find("ffsocket/latency").text) == 0
    assert root.find("ffsocket/exit_on_disconnect") is None


def test_other_ways_into_ipi(potential):
    inet = tree(potential, InetAddress("localhost", 31415)).find("ffsocket")
    assert (inet.get("mode"), inet.find("port").text) == ("inet", " 31415 ")
    assert tree(potential, UnixAddress("x"), shared_memory=True).find("ffsocket").get("mode") == "shm"
    direct = tree(potential).find("ffdirect")
    assert direct.find("pes_path").text.strip() == ipi_pes.__file__
    assert direct.find("parameters").text.strip().endswith("/ethanol.rfp}")


@pytest.mark.parametrize("address", [None, UnixAddress("x")])
def test_a_path_integral_is_one_batch_of_all_beads(potential, address):
    root = tree(potential, address, ensemble="nvt", beads=32)
    assert root.find("*/batch_size").text == " 32 "
    assert root.find("system/initialize").get("nbeads") == "32"
    assert root.find("system/motion/dynamics/thermostat").get("mode") == "pile_l"
    assert len(words(root.find("system/beads/q"))) == 32 * 27
    assert tree(potential, address).find("*/batch_size") is None


def test_the_start_is_the_model_s_structure_or_a_file_s(potential, ethanol, tmp_path):
    write(tmp_path / "start.xyz", to_atoms(ethanol[7:8]))
    for options, expected in (({}, potential.reference), ({"init": tmp_path / "start.xyz"}, ethanol[7:8])):
        beads = tree(potential, **options).find("system/beads")
        assert words(beads.find("names")) == list(to_atoms(ethanol).symbols)
        positions = np.array(words(beads.find("q")), dtype=float).reshape(-1, 3)
        np.testing.assert_allclose(positions, expected.positions[0] - expected.positions[0].mean(axis=0), atol=1e-6)


def test_a_crystal_keeps_its_distances_in_an_upper_triangular_cell():
    rows = np.array([[1.0, 4.0, 0.5], [5.0, -1.0, 0.3], [0.2, 0.4, 6.0]])
    crystal = Frames(np.array([6, 1]), np.array([[[0.0, 0, 0], [2.0, 1.5, 4]]]), cells=rows[None], pbc=(True,) * 3)
    system = ET.fromstring(f"<system>{beads_and_cell(crystal, 1)}</system>")
    cell = np.array(words(system.find("cell")), dtype=float).reshape(3, 3)
    positions = np.array(words(system.find("beads/q")), dtype=float).reshape(2, 3)
    assert np.abs(cell[np.tril_indices(3, -1)]).max() < 1e-9
    turned = Atoms("CH", positions, cell=cell.T, pbc=True)
    expected = to_atoms(crystal).get_all_distances(mic=True)
    np.testing.assert_allclose(turned.get_all_distances(mic=True), expected, atol=1e-8)


def test_a_model_of_any_composition_takes_its_atoms_from_a_file(anything, ethanol, tmp_path):
    with pytest.raises(UserError, match="--template FILE"):
        tree(anything)
    file = tmp_path / "start.xyz"
    write(file, to_atoms(ethanol[7:8]))
    assert f"template: {file}" in tree(anything, init=file).find("ffdirect/parameters").text
    assert "template" not in ET.tostring(tree(anything, UnixAddress("x"), template=file)).decode()


def test_bad_input_is_one_sentence(potential, anything, ethanol, tmp_path):
    swapped = to_atoms(ethanol[:1])[[1, 0, *range(2, 9)]]
    swapped.numbers[:2] = 8, 6
    write(tmp_path / "swapped.xyz", swapped)
    write(tmp_path / "start.xyz", to_atoms(ethanol[:1]))
    periodic = to_atoms(ethanol[:1])
    periodic.set_cell([9, 9, 9])
    periodic.pbc = True
    write(tmp_path / "periodic.xyz", periodic)
    start = tmp_path / "start.xyz"
    write(tmp_path / "hydrogens.xyz", to_atoms(ethanol[:1])[[0, 1, 2, 8, 7, 6, 5, 4, 3]])
    for model, options, message in (
        (potential, {"init": tmp_path / "swapped.xyz"}, "has atoms OC"),
        (potential, {"init": tmp_path / "missing.xyz"}, "no such file"),
        (potential, {"init": tmp_path / "periodic.xyz"}, "is periodic, but descriptor"),
        (
            potential,
            {"init": tmp_path / "hydrogens.xyz"},
            "hydrogens.xyz: does not fit .* in the order",
        ),
        (anything, {"template": start, "init": tmp_path / "hydrogens.xyz"}, "hydrogens.xyz: does not fit"),
        (potential, {"temperature": 0}, "positive temperature"),
        (potential, {"beads": 0}, "at least one bead"),
        (anything, {"template": start, "init": tmp_path / "swapped.xyz"}, "has atoms OC"),
        (anything, {"template": start, "init": tmp_path / "periodic.xyz"}, "give both alike"),
    ):
        with pytest.raises(UserError, match=message):
            tree(model, **options)
    with pytest.raises(UserError, match="cannot hold a path with a comma or a brace"):
        ipi_input(potential, tmp_path / "a,b.rfp", None)
