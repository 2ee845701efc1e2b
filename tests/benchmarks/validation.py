"""Can the presets be trusted in MD? Validation of their models of rMD17's molecules and of the embedded samples.

    python -m tests.benchmarks.validation [--data FOLDER] [--models FOLDER] [--out FILE.jsonl] [--preset P] [SYSTEM...]

A system is a molecule of rMD17 (split 1, the training file) or ``benzene_gfn2`` or ``ethanol_gfn2`` (500 frames of the
samples). For each: forces, NVE for 50 ps at 300 K and 500 K, geometry, and stability for 300 ps at 500 K in five
replicas, with h(r) beside that of other frames. This takes hours: a model in the folder is not trained again, checks in
its file are not run again, a stability run that was killed goes on, and finished rows are in FILE. Prints Markdown.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rfp_md
from rfp_md.artifact import read
from rfp_md.validation import record, validate
from tests.benchmarks.options import with_data
from tests.benchmarks.results import append, finished
from tests.conftest import ROOT

SAMPLES = ("benzene_gfn2", "ethanol_gfn2")
SYSTEMS = (*SAMPLES, "ethanol", "benzene", "uracil", "toluene", "paracetamol")
NVE_LENGTH = 50.0  # ps


def files(system: str, folder: Path) -> tuple[str, str]:
    """Training frames and frames to compare pair distances with."""
    if system in SAMPLES:
        sample = ROOT / f"examples/data/{system}.extxyz"
        return f"{sample}@:500", f"{sample}@500:"
    return tuple(str(folder / f"rmd17/rmd17_{system}_{part}_01.npz") for part in ("train", "test"))  # type: ignore[return-value]


def measure(system: str, preset: str, folder: Path, models: Path) -> dict[str, Any]:
    train, test = files(system, folder)
    model = models / f"{system}_{preset}.rfp"
    if not model.exists():
        rfp_md.train(train, output=model, preset=preset)
    checks = {"forces": {}, "nve": {"length": NVE_LENGTH}, "geometry": {}, "stability": {"data": test}}
    results = read(model)[0].record.get(record.KEY, {}).get("checks", {})
    for check, options in checks.items():
        if check not in results or results[check]["quick"]:
            results[check] = validate(model, check, **options)
    figures = {line["figure"]: line["value"] for result in results.values() for line in result["judged"]}
    stable = results["stability"]["stable_ps_of_replicas"]
    return {
        "system": system,
        "preset": preset,
        "verdict": str(record.overall(results)),
        "stable_ps": stable,
        "breaks": [{k: v for k, v in event.items() if k != "positions"} for event in results["stability"]["breaks"]],
        **figures,
    }


def row(result: dict[str, Any]) -> str:
    stable = ", ".join(f"{time:.3g}" for time in result["stable_ps"])
    return (
        f"| {result['system']} | {result['preset']} | {result['max_abs_error_ev_per_angstrom']:.1e} "
        f"| {result['drift_mev_per_atom_per_ps']:+.4f} | {result['drift_ratio']:.4f} | {result['dt2_ratio']:.2f} "
        f"| {stable} | {result['pair_distance_mae']:.2f} | {result['verdict']} |"
    )


def main() -> None:
    parser = with_data(__doc__)
    parser.add_argument("systems", nargs="*", default=list(SYSTEMS), choices=SYSTEMS)
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--preset", action="append", choices=("fast", "accurate"))
    parser.add_argument("--out", type=Path, default=Path("validation.jsonl"))
    options = parser.parse_args()
    options.models.mkdir(exist_ok=True)
    done = finished(options.out)
    known = {(result["system"], result["preset"]) for result in done}
    for preset in options.preset or ("fast", "accurate"):
        for system in options.systems:
            if (system, preset) not in known:
                done.append(measure(system, preset, options.data, options.models))
                append(options.out, done[-1])
    print("| system | preset | force error, eV/Å | drift, meV/atom/ps | drift ratio | dt² ratio ", end="")
    print("| stable, ps | h(r) MAE | verdict |")
    print("|---" * 9 + "|")
    for result in done:
        print(row(result))


if __name__ == "__main__":
    main()
