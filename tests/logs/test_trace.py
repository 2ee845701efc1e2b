import numpy as np
import pytest
from scipy.signal import lfilter

from rfp_md.logs.trace import Trace


def trace(slope=0.0, ripple=0.0, length=10.0, origin=-6e4):
    """Energies with a known slope (eV/ps) and a known ripple (eV) on a large origin."""
    times = np.linspace(0, length, 20_001)
    oscillation = np.sin(2 * np.pi * 100 * times)
    kinetic = 0.5 + 0.1 * np.sqrt(2) * np.sin(2 * np.pi * 30 * times)
    return Trace(
        times, origin + slope * times + np.sqrt(2) * ripple * oscillation, kinetic, n_atoms=10, degrees_of_freedom=24
    )


def test_a_slope_is_found_in_mev_per_atom_per_ps():
    assert trace(slope=2e-4).drift == pytest.approx(0.02, rel=1e-6)


def test_a_ripple_is_no_drift():
    steady = trace(ripple=1e-3)
    assert abs(steady.drift) < 1e-4
    assert steady.fluctuation == pytest.approx(0.1, rel=1e-3)


def test_the_ratio_measures_the_drift_by_the_kinetic_energy():
    assert trace(slope=1e-3).drift_ratio == pytest.approx(0.1, rel=1e-3)


def test_the_drift_s_standard_error_is_what_it_scatters_by():
    rng = np.random.default_rng(0)
    times = np.linspace(0, 10, 400)
    for smoothed in (1, 20):  # independent samples, and samples that follow each other
        runs = []
        for _ in range(300):
            noise = np.convolve(rng.normal(size=420 - 1), np.ones(smoothed) / smoothed, "valid")[:400]
            runs.append(Trace(times[: len(noise)], 1e-3 * noise, noise, n_atoms=1, degrees_of_freedom=1))
        scatter = np.std([run.drift for run in runs])
        assert np.mean([run.drift_error for run in runs]) == pytest.approx(scatter, rel=0.2)


def test_a_fast_oscillation_hides_slow_noise_from_the_standard_error():
    """AR(1) noise with a time of 100 samples, under that of a stiff bond with a period of 14 samples."""
    rng = np.random.default_rng(0)
    samples, decay = np.arange(40_000), np.exp(-1 / 100)
    scores = []
    for _ in range(100):
        start = [decay * rng.normal()]
        noise = lfilter([1], [1, -decay], np.sqrt(1 - decay**2) * rng.normal(size=len(samples)), zi=start)[0]
        energies = 1e-3 * (noise + 5 * np.sin(2 * np.pi * samples / 13.7))
        run = Trace(5e-4 * samples, energies, noise, n_atoms=1, degrees_of_freedom=1)
        scores.append(run.drift / run.drift_error)
    assert 0.9 <= np.sqrt(np.mean(np.square(scores))) <= 1.3


@pytest.mark.parametrize("origin", [0.0, -6e4])
def test_what_is_constant_but_for_rounding_has_a_ratio(origin):
    """Some last digits of the energies, and one of the kinetic one, as of atoms that do not see each other."""
    rng = np.random.default_rng(0)
    still = [origin + 0.04 + rng.integers(-1, 2, 1000) * np.spacing(max(0.04, abs(origin))) for _ in range(2)]
    runs = [Trace(np.arange(1000.0), e, np.full(1000, 0.04), n_atoms=2, degrees_of_freedom=3) for e in still]
    assert runs[0].drift_ratio is None
    assert runs[0].dt2_ratio(runs[1]) is None
    assert trace(ripple=4e-6).dt2_ratio(trace(ripple=1e-6)) == pytest.approx(4.0, rel=1e-3)


def test_a_perfect_line_has_no_error():
    exact = Trace(np.arange(20.0), np.arange(20.0), np.ones(20), n_atoms=1, degrees_of_freedom=1)
    assert exact.drift_error == pytest.approx(0, abs=1e-9)
