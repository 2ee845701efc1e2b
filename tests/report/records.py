"""Validation records as rfp validate writes them, made up: no run is needed to draw them."""

from __future__ import annotations

from typing import Any

import numpy as np

from rfp_md.frames import Frames, formula
from rfp_md.validation.thresholds import judge

TIMES = np.linspace(0.0, 2.0, 101)


def forces() -> dict[str, Any]:
    curve = [{"step_angstrom": s, "max_abs_error_ev_per_angstrom": s**4 + 1e-12 / s} for s in (1e-2, 1e-3, 1e-4)]
    figures = {"max_abs_error_ev_per_angstrom": 1.01e-8, "net_force_ev_per_angstrom": 2e-15, "energy_jump_ev": 0.0}
    return {
        **judge("forces", figures),
        **figures,
        "max_abs_force_ev_per_angstrom": 7.5,
        "n_components": 54,
        "error_curve": curve,
        "scans": [{"label": "bond 0–1", "energy": 0.0, "force": 1e-7, "curvature": 1e-5}],
        "quick": True,
    }


def nve(drift: float = 0.0123) -> dict[str, Any]:
    def trace(size: float) -> dict[str, list[float]]:
        return {"time_ps": TIMES.tolist(), "conserved_mev_per_atom": (size * np.sin(40 * TIMES)).tolist()}

    figures = {"drift_mev_per_atom_per_ps": drift, "drift_ratio": 0.01, "dt2_ratio": 4.05, "momentum_drift": 1e-14}
    run = {
        "temperature_k": 300.0,
        "seed": 0,
        "mean_temperature_k": 155.5,
        "drift_mev_per_atom_per_ps": drift,
        "drift_error_mev_per_atom_per_ps": 0.001,
        "drift_ratio": 0.01,
        "fluctuation_mev_per_atom": 0.05,
        "dt2_ratio": 4.05,
        "trace": trace(0.1),
        "first_trace": trace(0.1),
        "half_trace": trace(0.025),
    }
    blown_up = [{"temperature_k": 500.0, "seed": 3, "text": "after 0.125 ps"}] if drift > 1 else []
    made = {"length_ps": 2.0, "timestep_fs": 0.5, "engine": "ase", "runs": [run], "blown_up": blown_up, "quick": True}
    return {**judge("nve", figures), **figures, **made}


def stability(frames: Frames, broken: bool = False) -> dict[str, Any]:
    r = np.linspace(0.5, 4.0, 60)
    h = {"r_angstrom": r.tolist(), "h_per_angstrom": np.exp(-np.square(r - 1.5)).tolist()}
    breaks: list[dict[str, Any]] = []
    if broken:
        moved = frames.positions[0] + 0.0
        moved[8] += 1.0
        at = {"bond": [2, 8], "length_angstrom": 2.3, "equilibrium_angstrom": 0.97, "positions": moved.tolist()}
        breaks = [
            {"replica": 1, "ps": 1.25, "why": "bond", **at, "force_uncertainty_ev_per_angstrom": 0.7},
            {
                "replica": 2,
                "ps": 0.5,
                "why": "collision",
                "force_uncertainty_ev_per_angstrom": None,
                "positions": frames.positions[0].tolist(),
            },
        ]
    figures = {"stable_fraction": 1.0 - len(breaks) / 3, "pair_distance_mae": 0.1}
    return {
        **judge("stability", figures),
        **figures,
        "stable_ps": 2.0,
        "stable_ps_of_replicas": [3.0, 1.25, 0.5] if broken else [3.0, 3.0, 3.0],
        "length_ps": 3.0,
        "timestep_fs": 0.5,
        "temperature_k": 500.0,
        "breaks": breaks,
        "series": {
            "time_ps": TIMES.tolist(),
            "temperature_k": (500 + 50 * np.sin(9 * TIMES)).tolist(),
            "force_uncertainty_ev_per_angstrom": [None, *(0.05 + 0.01 * TIMES[1:]).tolist()],
        },
        "pair_distances": h,
        "reference_pair_distances": h,
        "quick": False,
    }


def geometry(frames: Frames) -> dict[str, Any]:
    figures = {"max_force_ev_per_angstrom": 5e-5, "changed_bonds": 0, "imaginary_modes": 0, "rigid_mode_per_cm": 0.7}
    profile = (0.1 - 0.1 * np.cos(3 * np.radians(np.arange(0, 360, 10)))).tolist()
    scan = {"barrier_ev": 0.15, "reference_barrier_ev": 0.14, "max_error_ev": 0.01}
    return {
        **judge("geometry", figures),
        **figures,
        "relaxation_ev": -0.194,
        "relaxation_angstrom": 0.28,
        "frequencies_per_cm": [276.1, 1400.5, 2950.0],
        "relaxed_positions": frames.positions[0].tolist(),
        "rotors": [{"bond": [0, 1], "turning": 4, "barrier_ev": 0.2, "profile_ev": profile}],
        "scan": {"file": "scan.xyz", **scan, "profile_ev": [0, 0.15, 0], "reference_profile_ev": [0, 0.14, 0]},
        "quick": False,
    }


def from_file(found: dict[str, Any], frames: Frames, file: str) -> dict[str, Any]:
    """The record of a check with --structure."""
    cell = None if frames.cells is None else frames.cells[0].tolist()
    start = {"numbers": frames.numbers.tolist(), "cell": cell, "pbc": list(frames.pbc), "file": file}
    return found | {"structure": formula(frames.numbers), "start": start}


def learning_curve() -> dict[str, Any]:
    points = [
        {"n_train": n, "width": 300, "valid_energy_mae_mev": 90 / n, "valid_force_mae_mev_per_angstrom": 900 / n}
        for n in (20, 60, 180)
    ]
    return {"n_valid": 20, "points": points}
