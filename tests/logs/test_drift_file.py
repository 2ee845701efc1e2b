"""rfp drift: logs that i-PI, LAMMPS and ASE really wrote, and what it says about the ones it cannot use."""

import json
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.md.logger import MDLogger
from ase.md.velocitydistribution import thermalize_momenta
from ase.md.verlet import VelocityVerlet
from ase.units import fs, kcal, mol

from rfp_md.errors import UserError
from rfp_md.logs.drift_file import drift_file
from rfp_md.logs.read import read_energy_log
from rfp_md.logs.trace import Trace
from tests.programs import refused, rfp

LOGS = Path(__file__).parent / "files"
IPI, METAL, REAL = LOGS / "ipi.out", LOGS / "lammps_metal.log", LOGS / "lammps_real.log"


def changed(tmp_path, log, *replacements):
    text = log.read_text()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "log").write_text(text)
    return tmp_path / "log"


@pytest.fixture(scope="module")
def ase_logs(tmp_path_factory):
    """20 steps of copper, logged for the system, per atom with stress, and without the dynamics."""
    folder = tmp_path_factory.mktemp("ase")
    atoms = bulk("Cu", cubic=True)
    atoms.calc = EMT()
    thermalize_momenta(atoms, 300, rng=np.random.default_rng(0))
    dynamics = VelocityVerlet(atoms, 2 * fs, logfile=str(folder / "system.log"))
    dynamics.attach(MDLogger(dynamics, atoms, str(folder / "atom.log"), peratom=True, stress=True))
    dynamics.attach(MDLogger(None, atoms, str(folder / "timeless.log")))
    dynamics.run(20)
    return folder


def test_an_ipi_file_says_its_units():
    log = read_energy_log(IPI)
    columns = np.loadtxt(IPI)
    assert (log.format, log.column, log.n_atoms, len(log.times)) == ("i-PI", "conserved", None, 41)
    np.testing.assert_allclose(log.times, columns[:, 1], rtol=1e-7)
    np.testing.assert_allclose(log.conserved, columns[:, 2], rtol=1e-7)
    np.testing.assert_allclose(log.kinetic, columns[:, 4], rtol=1e-7)


def test_ipi_units_are_converted(tmp_path):
    other = changed(
        tmp_path,
        IPI,
        ("time{picosecond}", "time{femtosecond}"),
        ("conserved{electronvolt}", "conserved"),
        ("kinetic_md{electronvolt}", "kinetic_md{millielectronvolt}"),
    )
    log, plain = read_energy_log(other), read_energy_log(IPI)
    np.testing.assert_allclose(log.times, 1e-3 * plain.times)
    np.testing.assert_allclose(log.conserved, 27.211386 * plain.conserved, rtol=1e-7)
    np.testing.assert_allclose(log.kinetic, 1e-3 * plain.kinetic)


def test_a_known_slope_is_found_per_atom_where_the_atoms_are_known(tmp_path):
    lines = ["# column   1     --> time{picosecond} : t", "# column   2     --> conserved{electronvolt} : E"]
    lines += [f" {t:.6e} {-431 + 0.012 * t:.12e}" for t in np.linspace(0, 10, 101)]
    (tmp_path / "run.out").write_text("\n".join(lines) + "\n")
    unknown = drift_file(tmp_path / "run.out")
    assert unknown["drift_mev_per_ps"] == pytest.approx(12, rel=1e-6)
    assert unknown["n_atoms"] is unknown["drift_mev_per_atom_per_ps"] is unknown["drift_ratio"] is None
    known = drift_file(tmp_path / "run.out", atoms=12)
    assert known["drift_mev_per_atom_per_ps"] == pytest.approx(1, rel=1e-6)
    assert known["length_ps"] == pytest.approx(10)


def test_a_run_and_its_log_differ_in_the_drift():
    log, found = read_energy_log(IPI), drift_file(IPI, atoms=12)
    run = Trace(log.times, log.conserved, log.kinetic, n_atoms=12, degrees_of_freedom=33)
    assert found["drift_mev_per_atom_per_ps"] == pytest.approx(run.drift, rel=1e-12)
    assert found["drift_error_mev_per_atom_per_ps"] == pytest.approx(run.drift_error, rel=1e-12)
    assert found["drift_ratio"] == run.drift_ratio


def test_the_last_run_of_a_lammps_log_counts():
    result = drift_file(METAL)
    log = read_energy_log(METAL)
    assert (result["format"], result["n_atoms"], result["samples"]) == ("LAMMPS, run 4 of 4", 32, 22)
    assert (log.times[0], log.times[-1]) == (pytest.approx(301 * 0.004), pytest.approx(501 * 0.004))
    assert (log.conserved[0], log.conserved[-1]) == (-1.5242963, -1.513185)


def test_lammps_columns_and_units(tmp_path):
    cut = METAL.read_text().partition("thermo_style one\n")[0]
    (tmp_path / "nve.log").write_text(cut)
    log = read_energy_log(tmp_path / "nve.log")
    assert log.times[0] == pytest.approx(0.4)  # its Time column
    assert log.kinetic[0] == 0.26340142
    (tmp_path / "nvt.log").write_text(cut.partition("unfix 1\n")[0])
    assert drift_file(tmp_path / "nvt.log")["conserved"] == "Econserve"
    assert drift_file(tmp_path / "nvt.log", column="TotEng")["conserved"] == "TotEng"
    real = read_energy_log(REAL)
    first = next(line.split() for line in REAL.read_text().splitlines()[::-1] if line.split()[:1] == ["501"])
    assert real.conserved[-1] == pytest.approx(float(first[4]) * kcal / mol)
    assert real.times[-1] == pytest.approx(501 * 4e-3)


def test_a_lammps_run_that_still_goes_on_is_read_up_to_its_last_line(tmp_path):
    text = METAL.read_text()
    (tmp_path / "log").write_text(text[: text.rindex("-1.5094703")])
    result = drift_file(tmp_path / "log")
    assert (result["samples"], result["n_atoms"]) == (20, 32)


def test_ase_logs(ase_logs):
    system, atom = (drift_file(ase_logs / name) for name in ("system.log", "atom.log"))
    assert (system["format"], system["conserved"], system["samples"]) == ("ASE", "Etot[eV]", 21)
    assert system["length_ps"] == pytest.approx(0.04)
    assert system["drift_mev_per_atom_per_ps"] is atom["drift_mev_per_ps"] is None
    assert atom["fluctuation_mev_per_atom"] == pytest.approx(system["fluctuation_mev"] / 4, abs=0.1)  # four decimals
    both = drift_file(ase_logs / "atom.log", atoms=4)
    assert both["drift_mev_per_ps"] == pytest.approx(4 * both["drift_mev_per_atom_per_ps"])


def test_what_a_restarted_run_did_twice_counts_once(tmp_path):
    head, body = IPI.read_text().splitlines()[:6], IPI.read_text().splitlines()[6:]
    (tmp_path / "run.out").write_text("\n".join([*head, *body[:25], *body[20:]]) + "\n")
    np.testing.assert_array_equal(read_energy_log(tmp_path / "run.out").times, read_energy_log(IPI).times)


@pytest.mark.parametrize(
    ("log", "replacements", "options", "message"),
    [
        (IPI, [], {"column": "energy"}, "has no column energy; choose one of conserved, kinetic_md"),
        (IPI, [("conserved{electronvolt}", "conserved{parsec}")], {}, "in 'parsec', which is no unit of energy"),
        (IPI, [("> time{picosecond}", "> clock")], {}, "has no column time; give --timestep"),
        (IPI, [("-4.308650115527e+02", "nan")], {}, "conserved is not finite in sample 1"),
        (METAL, [("units metal", "")], {}, "does not state its units; say them with --units"),
        (METAL, [("units metal", "units lj")], {}, "is in units lj, not known here (real, metal, electron)"),
        (METAL, [("timestep 0.004", "")], {}, "states neither times nor the timestep"),
        (METAL, [("TotEng", "E")], {}, "has no column Econserve or TotEng; choose one of E_pair, E_mol, E with"),
        (METAL, [("   Step  ", "---- Step")], {}, "let LAMMPS use thermo_style one or custom"),
        (IPI, [("#", "%")], {}, "is neither an i-PI properties file"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, log, replacements, options, message):
    with pytest.raises(UserError) as error:
        drift_file(changed(tmp_path, log, *replacements), **options)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("log", "column", "energies"),
    [
        (IPI, "step", "conserved, kinetic_md, potential"),
        (IPI, "temperature", "conserved, kinetic_md, potential"),  # i-PI takes kelvin for a unit of energy
        (METAL, "Temp", "E_pair, E_mol, TotEng"),
        (METAL, "Press", "E_pair, E_mol, TotEng"),
        ("system.log", "T[K]", "Etot[eV], Epot[eV], Ekin[eV]"),
    ],
)
def test_a_column_that_is_no_energy_is_not_fitted(ase_logs, log, column, energies):
    with pytest.raises(UserError) as error:
        drift_file(ase_logs / log, column=column)
    assert f": {column} is no energy; choose one of {energies} with --column" in str(error.value)


@pytest.mark.parametrize(
    ("log", "options", "message"),
    [
        (IPI, {"units": "metal"}, "an i-PI file names its own units; leave --units out"),
        (IPI, {"timestep": 0.5}, "has a column of times, in its own units; leave --timestep out"),
        (METAL, {"units": "real"}, "--units real contradicts the log, which states metal; leave --units out"),
        (METAL, {"timestep": 1.0}, "--timestep 1.0 contradicts the log, which states 4.0"),
        (METAL, {"atoms": 12}, "--atoms 12 contradicts the log, which states 32"),
        ("system.log", {"timestep": 1.0}, "is in eV and ps; leave --timestep out"),
        ("system.log", {"units": "metal"}, "is in eV and ps; leave --units out"),
    ],
)
def test_a_flag_is_not_ignored_where_the_log_says_otherwise(ase_logs, log, options, message):
    with pytest.raises(UserError) as error:
        drift_file(ase_logs / log, **options)
    assert message in str(error.value)
    assert drift_file(METAL, units="metal", timestep=4.0, atoms=32) == drift_file(METAL)


@pytest.mark.parametrize(
    ("fix", "column", "warning"),
    [
        ("fix 1 all nve", None, None),
        ("fix 1 all nve\nfix 2 all langevin 60 60 1.0 3", None, "had a fix langevin, which does not conserve TotEng"),
        ("fix 1 all rigid/nvt temp 60 60 1.0", None, "had a fix rigid/nvt, which does not conserve TotEng"),
        ("fix 1 all nve\nfix 2 all temp/csvr 60 60 1 3\nunfix 2", None, None),
        ("fix 1 all nve\nfix 2 all langevin 60 60 1.0 3\nclear", None, None),
        ("fix 1 all nve # not langevin", None, None),
        ("fix 1 all ave/time 1 1 1 c_thermo_temp", None, None),
    ],
)
def test_a_thermostatted_total_energy_is_not_fitted_without_a_word(tmp_path, fix, column, warning):
    found = drift_file(changed(tmp_path, METAL, ("fix 1 all nve", fix)), column=column)["warning"]
    assert found is warning or warning in found


def test_econserve_is_trusted_but_where_langevin_does_not_count_into_it(tmp_path):
    (tmp_path / "nvt.log").write_text(METAL.read_text().partition("unfix 1\n")[0])
    nvt = tmp_path / "nvt.log"
    assert drift_file(nvt)["warning"] is None
    assert drift_file(nvt, column="TotEng")["warning"].endswith("does not conserve TotEng; take --column Econserve")
    for tally, warned in (("", True), (" tally yes", False)):
        style = f"fix 1 all langevin 60 60 1.0 3{tally}"
        (tmp_path / "langevin.log").write_text(nvt.read_text().replace("fix 1 all nvt temp 60 60 0.1", style))
        assert (drift_file(tmp_path / "langevin.log")["warning"] is not None) == warned


def test_what_the_log_does_not_state_can_be_said(tmp_path):
    log = changed(tmp_path, METAL, ("units metal", ""), ("timestep 0.004", ""))
    assert drift_file(log, units="metal", timestep=4.0) == drift_file(METAL)
    log = changed(tmp_path, IPI, ("> time{picosecond}", "> clock"))
    assert drift_file(log, timestep=0.5)["length_ps"] == pytest.approx(0.2)


def test_too_few_lines_cut_lines_and_logs_without_times(tmp_path, ase_logs):
    short = tmp_path / "short.out"
    lines = IPI.read_text().splitlines(keepends=True)
    short.write_text("".join(lines[:12]))
    with pytest.raises(UserError, match=r"has 6 samples of conserved; a drift needs 10 at least"):
        drift_file(short)
    short.write_text("".join([*lines[:20], "1.0 2.0\n", *lines[20:]]))
    with pytest.raises(UserError, match=r"the line '1.0 2.0' does not have 6 numbers"):
        drift_file(short)
    with pytest.raises(UserError, match="has no times; pass the dynamics"):
        drift_file(ase_logs / "timeless.log")


def test_the_command(tmp_path):
    result = rfp("drift", IPI, "--atoms", "12", "--json")
    assert json.loads(result.stdout) == drift_file(IPI, atoms=12)
    assert "--atoms N gives the figures" in rfp("drift", IPI).stdout
    assert "no such file" in refused("drift", tmp_path / "missing")


def test_the_command_warns_on_stderr_in_one_line(tmp_path):
    log = changed(tmp_path, METAL, ("fix 1 all nve", "fix 1 all nvt temp 60 60 0.1"))
    result = rfp("drift", log)
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith(
        f"warning: {log}: the run had a fix nvt, which does not conserve TotEng; let thermo"
    )
    assert "warning" not in result.stdout
