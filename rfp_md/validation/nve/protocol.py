"""One run of the check: warm up, run at constant energy, and the first part again at the timestep and at half of it."""

from __future__ import annotations

from dataclasses import dataclass

from rfp_md.arrays import Floats
from rfp_md.dynamics.momenta import temperature_of
from rfp_md.logs.trace import Trace
from rfp_md.prediction import AnyPotential
from rfp_md.progress import Progress
from rfp_md.validation.nve.engines import Dynamics
from rfp_md.validation.nve.in_ase import check_tame, warmed_up
from rfp_md.validation.nve.result import NVERun, TracePoints

FEWEST_STEPS = 20
DT2_LENGTH = 0.25  # ps; two runs from one start stay together that long, after 2 ps chance makes ratios of 3 to 5
WARM_UP, WARM_UP_SHARE = 1.0, 0.25  # ps with a thermostat before a run, and at most that share of it
POINTS = 400  # of a trace that are kept


@dataclass(frozen=True)
class Protocol:
    """How every run of a check is made.

    Attributes:
        dynamics: of the engine.
        length: ps.
        timestep: fs.
    """

    potential: AnyPotential
    dynamics: Dynamics
    length: float
    timestep: float

    @property
    def first_part(self) -> float:
        """The length, ps, of the part that is run at half the timestep too."""
        return min(self.length, max(DT2_LENGTH, FEWEST_STEPS * self.timestep * 1e-3))

    @property
    def steps(self) -> int:
        """Of one run with its first part at the timestep, and at half of it."""
        return round((self.length + 3 * self.first_part) * 1e3 / self.timestep)

    def run(self, temperature: float, seed: int, progress: Progress) -> NVERun:
        """Make one run from the reference structure. Raises BlownUp."""
        start = warmed_up(self.potential, temperature, seed, min(WARM_UP, WARM_UP_SHARE * self.length))
        trace = self.dynamics(self.potential, start, self.length, self.timestep, progress)
        # Again, because of a long run the engines log too few of the first steps to compare.
        first = self.dynamics(self.potential, start, self.first_part, self.timestep, progress)
        half = self.dynamics(self.potential, start, self.first_part, self.timestep / 2, progress)
        check_tame(trace)
        return NVERun(
            temperature_k=temperature,
            seed=seed,
            drift_mev_per_atom_per_ps=trace.drift,
            drift_error_mev_per_atom_per_ps=trace.drift_error,
            drift_ratio=trace.drift_ratio,
            fluctuation_mev_per_atom=trace.fluctuation,
            fluctuation_first_mev_per_atom=first.fluctuation,
            fluctuation_half_mev_per_atom=half.fluctuation,
            dt2_ratio=first.dt2_ratio(half),
            mean_temperature_k=mean_temperature(trace),
            momentum_drift=trace.momentum_drift,
            angular_momentum_drift=trace.angular_momentum_drift,
            trace=thinned(trace),
            first_trace=thinned(first),
            half_trace=thinned(half),
        )


def mean_temperature(trace: Trace) -> float:
    """Mean kinetic temperature, K."""
    return float(temperature_of(trace.kinetic, trace.degrees_of_freedom).mean())


def thinned(trace: Trace) -> TracePoints:
    """Some points of a trace: time in ps, conserved energy per atom less its mean in meV."""
    stride = max(1, len(trace.times) // POINTS)
    centred: Floats = 1e3 * (trace.conserved - trace.conserved.mean()) / trace.n_atoms
    return TracePoints(
        time_ps=[round(t, 6) for t in trace.times[::stride].tolist()],
        conserved_mev_per_atom=[round(e, 6) for e in centred[::stride].tolist()],
    )
