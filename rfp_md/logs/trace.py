"""What the conserved energy of a run says: its drift, and its fluctuation.

symbol   variable            what it is, with shape and unit
t        times               ps (T,)
E        conserved           eV (T,)
a, b     slope, origin       of the least-squares line a t + b through E, eV/ps and eV
r        residual            E − a t − b, eV (T,)
s²       _slope_variance()   variance of a, (eV/ps)²: g Σ r² / (n − 2) / Σ (t − ⟨t⟩)²
g        _inefficiency()     how many neighbours in time count as one sample: 1 + 2 Σ of r's autocorrelation
n        len(residual)       samples, or means over n / ``WINDOWS`` of them
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rfp_md.arrays import Floats

ROUNDING = 1e-12  # of an energy: i-PI writes 13 digits
WINDOWS = 50  # that slow changes are looked for in: fewer would not tell their own scatter


@dataclass(frozen=True, eq=False)
class Trace:
    """The energies along one NVE run.

    Attributes:
        times: ps (T,).
        conserved: total energy, eV (T,).
        kinetic: kinetic energy, eV (T,).
        n_atoms: atoms of the system.
        degrees_of_freedom: of the motion, what the start leaves out taken off.
        momentum_drift, angular_momentum_drift: of the whole, in thermal units; None where the engine does not say.
    """

    times: Floats
    conserved: Floats
    kinetic: Floats
    n_atoms: int
    degrees_of_freedom: int
    momentum_drift: float | None = None
    angular_momentum_drift: float | None = None

    @property
    def drift(self) -> float:
        """Drift of the run: slope of a least-squares line through the conserved energy, meV/atom/ps."""
        return 1e3 * self._line()[0] / self.n_atoms

    @property
    def drift_error(self) -> float:
        """Standard error of the drift, meV/atom/ps; residuals that follow each other in time count as one.

        s² = g Σ r² / (n − 2) / Σ (t − ⟨t⟩)² with residuals r about the line and g = 1 + 2 Σ of their autocorrelation up
        to where it turns negative: the larger s of all n samples and of their means over n / 50 neighbours each,
        because fast oscillations make the autocorrelation of the samples negative long before slow changes have gone.
        """
        residual, window = self._residual(), max(1, len(self.times) // WINDOWS)
        variance = max(_slope_variance(_means(self.times, w), _means(residual, w)) for w in (1, window))
        return 1e3 * float(np.sqrt(variance)) / self.n_atoms

    @property
    def drift_ratio(self) -> float | None:
        """Drift over the whole run by the standard deviation of the kinetic energy, without a sign (ml-peg's measure).

        None where the kinetic energy is not known, or constant but for rounding.
        """
        over_run, spread = abs(self._line()[0]) * (self.times[-1] - self.times[0]), self.kinetic.std()
        return float(over_run / spread) if spread > self._rounding() else None

    @property
    def fluctuation(self) -> float:
        """Root mean square of the conserved energy about the line of its drift, meV/atom."""
        return 1e3 * self._scatter() / self.n_atoms

    def dt2_ratio(self, half: Trace) -> float | None:
        """Divide the fluctuation by that of the same run at half the timestep; None where that one is but rounding."""
        return self._scatter() / half._scatter() if half._scatter() > half._rounding() else None

    def _scatter(self) -> float:
        return float(np.sqrt(np.square(self._residual()).mean()))

    def _rounding(self) -> float:
        """What the energies may be off by, eV."""
        return ROUNDING * float(np.abs(self.conserved).max() + np.nan_to_num(self.kinetic).max())

    def _residual(self) -> Floats:
        slope, origin = self._line()
        return self.conserved - slope * self.times - origin

    def _line(self) -> tuple[float, float]:
        # The mean goes first: total energies are thousands of eV, their changes micro-eV.
        mean = self.conserved.mean()
        slope, origin = np.polyfit(self.times, self.conserved - mean, 1)
        return float(slope), float(origin + mean)


def _means(series: Floats, window: int) -> Floats:
    """Over so many neighbours each; what is left over in the end does not count."""
    means: Floats = series[: len(series) // window * window].reshape(-1, window).mean(axis=1)
    return means


def _slope_variance(times: Floats, residual: Floats) -> float:
    """The variance of the slope of a line through series (T,) with these residuals about it."""
    plain = np.square(residual).sum() / (len(residual) - 2) / np.square(times - times.mean()).sum()
    return float(plain * _inefficiency(residual))


def _inefficiency(series: Floats) -> float:
    """How many neighbours in time count as one sample: 1 + 2 Σ autocorrelation, up to where that turns negative."""
    power = np.square(np.abs(np.fft.rfft(series, 2 * len(series))))
    correlation = np.fft.irfft(power)[: len(series)]
    if correlation[0] <= 0:
        return 1.0
    correlation /= correlation[0]
    end = int(np.argmax(correlation < 0)) or len(series)
    return float(max(1.0, 2 * correlation[:end].sum() - 1))
