"""A crystal at constant pressure in real i-PI: what is conserved stays."""

import numpy as np
import pytest

import rfp_md
from rfp_md.frames import Dataset
from rfp_md.logs.read import read_energy_log
from rfp_md.validation.nve.in_ipi import run_pair, write_run

BAROSTAT = """<dynamics mode="npt">
        <barostat mode="isotropic">
          <tau units="femtosecond"> 200 </tau>
          <thermostat mode="langevin"> <tau units="femtosecond"> 100 </tau> </thermostat>
        </barostat>"""
LENGTH, STRIDE = 600.0, 2  # fs, steps


def conserved(potential, folder, timestep):
    """Fluctuation of the conserved quantity, and the drift over the run, meV per atom; the range of the volume, Å³."""
    folder.mkdir()
    steps = round(LENGTH / timestep)
    write_run(folder, potential, ensemble="nvt", steps=steps, stride=STRIDE, timestep=timestep, temperature=300, seed=3)
    file = folder / "input.xml"
    text = file.read_text().replace('<dynamics mode="nvt">', BAROSTAT)
    text = text.replace("</temperature>", '</temperature>\n        <pressure units="gigapascal"> 0 </pressure>')
    file.write_text(text.replace(" ]\n    </properties>", ", volume{angstrom3} ]\n    </properties>"))
    run_pair(folder)
    log = read_energy_log(folder / "run.out")
    values = 1000 * log.conserved / potential.reference.n_atoms
    half = len(values) // 2
    return values.std(), abs(values[half:].mean() - values[:half].mean()), np.ptp(np.loadtxt(folder / "run.out")[:, -1])


@pytest.mark.slow
def test_silicon_at_constant_pressure_conserves(data_folder, tmp_path):
    frames = rfp_md.read(data_folder / "silicon" / "si_train.xyz")
    bulk = Dataset(tuple(block for block in frames.blocks if block.n_atoms == 64))
    potential = rfp_md.train(bulk, descriptor=["many_body:width=800"], regressor="random_fourier:length_scale=10")
    spread, drift, breathing = conserved(potential, tmp_path / "one", 2.0)
    finer, finer_drift, _ = conserved(potential, tmp_path / "two", 1.0)
    assert breathing > 1  # Å³: the cell does move
    assert max(spread, drift) < 0.5
    assert finer < 0.5 * spread
    assert finer_drift < 0.1
