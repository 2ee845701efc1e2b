"""The table of docs/accuracy.md that decided how energies of frames of different sizes are weighed against forces.

    python -m tests.benchmarks.weights silicon ../shared/data/silicon/si_train.xyz [--seeds 3] [--frames 400]

Frames of the training file only: four fifths train, a tenth chooses λ and the force weight by the fit's own score, a
tenth judges. The rows are made once for each seed; every rule is a solve. A rule divides the energy of N atoms by
(N/N̄)^p and chooses among force weights.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.baselines.elements import Elements
from rfp_md.baselines.total import left_by
from rfp_md.frames import Dataset
from rfp_md.io import read
from rfp_md.linalg.gram import Gram, weighted_sum
from rfp_md.linalg.ridge import Ridge
from rfp_md.regressors.fitting.rows import rows_of
from rfp_md.training.flag_values import make_regressor, make_terms
from rfp_md.training.samples import DescribedFrames
from rfp_md.training.splits import split_frames
from rfp_md.training.weights import mean_atoms

LAMBDAS = (1e-12, 1e-11, 1e-10, 1e-9, 1e-8, 1e-7)
FORCE_WEIGHTS = (10.0, 1.0, 0.1, 0.01, 1e-3)  # of which a fit chooses among the second to the fourth
POWERS = (0.0, 0.5, 1.0)
BATCH = 4


def main() -> None:
    """Print, for each rule, the errors on the judging frames: the mean over seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("file")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=None)
    parser.add_argument("--width", type=int, default=1000)
    options = parser.parse_args()
    dataset = _read(Path(options.file))
    found: dict[str, list[dict[str, float]]] = {}
    for seed in range(options.seeds):
        for label, errors in _errors(dataset, seed, options.frames, options.width).items():
            found.setdefault(label, []).append(errors)
    print(f"{options.name}: MAE (RMSE), E meV/atom, F meV/Å, on {options.seeds} seeds")
    for label, each in found.items():
        mean = {name: float(np.mean([errors[name] for errors in each])) for name in each[0]}
        chosen = ", ".join(f"{errors['weight']:g}" for errors in each)
        print(
            f"  {label:34} E {mean['E']:7.2f} ({mean['E2']:7.2f})  F {mean['F']:7.1f} ({mean['F2']:7.1f})"
            f"  force weights {chosen}",
            flush=True,
        )


def _read(file: Path) -> Dataset:
    """The solvents' labels have names of their own."""
    text = re.sub(r"\b(energy|forces)_xtb\b", r"\1", file.read_text())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / file.name
        path.write_text(text)
        return read(path)


def _errors(dataset: Dataset, seed: int, frames: int | None, width: int) -> dict[str, dict[str, float]]:
    rng = np.random.default_rng(seed)
    used = len(dataset) if frames is None else min(frames, len(dataset))
    learning, judging = split_frames(dataset, used - used // 10, used // 10, "random", rng)
    rest = dataset.select(learning)
    chosen, valid = split_frames(rest, None, len(rest) // 9, "random", rng)
    parts = [rest.select(chosen), rest.select(valid), dataset.select(judging)]
    baseline, size = Elements(), mean_atoms(parts[0])
    baseline.fit(parts[0])
    terms, _ = make_terms(["many_body"])
    terms[0].fit(parts[0])
    samples = [DescribedFrames(left_by([baseline], part), terms) for part in parts]
    model: Any = make_regressor("random_fourier:length_scale=10")
    blocks = model.draw_blocks(model.plan(model.survey(samples[0], samples[1], rng), [width]).kept, rng)
    atoms = [np.concatenate([np.full(len(block), block.n_atoms) for block in part]) / size for part in parts]
    columns = blocks[-1].columns.stop
    train, judged = _Rows(columns, keep=False), [_Rows(columns, keep=True), _Rows(columns, keep=True)]
    for rows, part in zip([train, *judged], samples, strict=True):
        rows.take(blocks, part)
    results = {}
    for power in POWERS:
        tried = []
        for weight in FORCE_WEIGHTS:
            solutions = _solutions(train, atoms[0], power, weight)
            tried.append([_judge(one, judged, atoms, size) | {"weight": weight} for one in solutions])
        usual = [errors for candidates in tried[1:4] for errors in candidates]
        if power == 0.0:
            results["as they stand, scored so"] = min(usual, key=lambda errors: errors["total"])
        results[f"/N^{power:g}, scored per atom"] = min(usual, key=lambda errors: errors["score"])
    for weight, candidates in zip(FORCE_WEIGHTS, tried, strict=True):
        results[f"/N^{power:g}, force weight {weight:g}"] = min(candidates, key=lambda errors: errors["score"])
    return results


class _Rows:
    """Rows of energies as they are; those of slopes too (``keep``), or their normal equations."""

    def __init__(self, columns: int, *, keep: bool) -> None:
        self.energies: list[tuple[Floats, Floats]] = []
        self.slopes: list[tuple[Floats, Floats]] = []
        self.gram, self.strain_gram = Gram(1 if keep else columns), Gram(1 if keep else columns)
        self.keep = keep

    def take(self, blocks: Any, samples: DescribedFrames) -> None:
        for batch in samples.batches(BATCH, derivatives=True):
            for rows in rows_of(blocks, batch):
                if rows.kind == 0:
                    self.energies.append((rows.features, rows.targets))
                elif self.keep and rows.kind == 1:
                    self.slopes.append((rows.features, rows.targets))
                elif not self.keep:
                    (self.gram if rows.kind == 1 else self.strain_gram).add(rows.features, rows.targets)


def _joined(pieces: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    return np.concatenate([rows for rows, _ in pieces]), np.concatenate([targets for _, targets in pieces])


def _solutions(train: _Rows, atoms: Floats, power: float, weight: float) -> list[Floats]:
    """For each λ."""
    rows, targets = _joined(train.energies)
    scale = atoms**-power
    energies = Gram(rows.shape[1])
    energies.add(np.ascontiguousarray(rows * scale[:, None]), targets * scale)
    ridge = Ridge(*weighted_sum([energies, train.gram, train.strain_gram], [1.0, weight, weight]))
    found = [ridge.cholesky(value) for value in LAMBDAS]
    return [solution.coefficients for solution in found if solution is not None]


def _judge(coefficients: Floats, judged: list[_Rows], atoms: list[Floats], size: float) -> dict[str, float]:
    """The scores on the validation frames, of energies per atom and as they stand, and the errors on the judging ones.

    Args:
        atoms: N/N̄ of each frame of the training, the validation and the judging frames.
        size: N̄.
    """
    (rows, energies), (slope_rows, slopes) = _joined(judged[0].energies), _joined(judged[0].slopes)
    error, of_forces = rows @ coefficients - energies, slope_rows @ coefficients - slopes
    forces = np.abs(of_forces).mean() / slopes.std()
    score = np.abs(error / atoms[1]).mean() / (energies / atoms[1]).std() + forces
    total = np.abs(error).mean() / energies.std() + forces
    (rows, energies), (slope_rows, slopes) = _joined(judged[1].energies), _joined(judged[1].slopes)
    per_atom = 1e3 * (rows @ coefficients - energies) / (atoms[2] * size)
    of_forces = 1e3 * (slope_rows @ coefficients - slopes)
    return {
        "score": score,
        "total": total,
        "E": np.abs(per_atom).mean(),
        "E2": np.sqrt(np.square(per_atom).mean()),
        "F": np.abs(of_forces).mean(),
        "F2": np.sqrt(np.square(of_forces).mean()),
    }


if __name__ == "__main__":
    main()
