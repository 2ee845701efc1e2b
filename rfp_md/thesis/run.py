"""Run rows of the thesis's tables again."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase.units import kcal, mol

from rfp_md.arrays import Floats
from rfp_md.errors import UserError, check_choice
from rfp_md.files.safe_write import check_output
from rfp_md.frames import Frames
from rfp_md.potential import Potential
from rfp_md.progress import Progress
from rfp_md.thesis.models import ThesisModel, fit_model, predict
from rfp_md.thesis.options import ThesisRunOptions
from rfp_md.thesis.protocols import PROTOCOLS, Experiment, experiment
from rfp_md.thesis.rows import ERRORS, Row, all_rows, rows_of_tables
from rfp_md.thesis.transformations import transform
from rfp_md.verbs import with_options

KCAL = kcal / mol  # eV
COLUMNS = ("table", "molecule", "model", "descriptor", "transformation", "protocol")


@with_options(ThesisRunOptions)
def run(options: ThesisRunOptions) -> list[dict[str, Any]]:
    """Train and judge every model of some tables, or of all where none is named.

    What the folder must hold says ``rfp_md.thesis.protocols.experiment``. The output grows with each model; rows that
    stand in it already are not run again.

    Returns:
        One dict for each row: its columns, the thesis's errors, and ours (kcal/mol, kcal/mol/Å): ``energy_mae``, … with
        labels transformed as physics demands, ``as_thesis_energy_mae``, … for transformed rows as the thesis
        did it, ``repeated_*`` and ``new_*`` where test frames repeat training frames; ``leakage``, ``seconds``.

    Raises:
        UserError: a table that does not exist, or data that are not there or of another molecule.
    """
    check_choice("--protocol", options.protocol, PROTOCOLS)
    progress, output = options.progress or Progress(), options.output
    rows = rows_of_tables(options.tables) if options.tables else list(all_rows())
    experiments = _experiments(rows, options)
    how = {name: _settings(data, options) for name, data in experiments.items()}
    known = {} if output is None else _read(Path(output), how)
    models: dict[ThesisModel, list[Row]] = {}
    for row in rows:
        models.setdefault(ThesisModel.of(row), []).append(row)
    waiting = {model: group for model, group in models.items() if any(_key(row) not in known for row in group)}
    if options.protocol == "author":
        progress.message("leak control: about half of these test frames repeat a training frame; 'new' are the others")
    progress.start("Models", len(waiting), "models")
    for model, group in waiting.items():
        missing = [row for row in group if _key(row) not in known]
        done = _run_model(model, missing, experiments[model.molecule], options.seed)
        results = {_key(row): values | how[row.molecule] for row, values in zip(missing, done, strict=True)}
        known |= results
        if output is not None:
            _append(Path(output), list(results.values()))
        progress.advance(1)
    return [known[_key(row)] for row in rows]


def _experiments(rows: Sequence[Row], options: ThesisRunOptions) -> dict[str, Experiment]:
    """The data of each molecule."""
    molecules = dict.fromkeys(row.molecule for row in rows)
    folder, seed = Path(options.data), options.seed
    return {name: experiment(options.protocol, name, folder, np.random.default_rng(seed)) for name in molecules}


def _settings(data: Experiment, options: ThesisRunOptions) -> dict[str, Any]:
    """What rows must have in common to stand in one file."""
    return {"protocol": options.protocol, "seed": options.seed, "data": data.fingerprint}


def errors_of(potential: Potential, frames: Frames) -> tuple[Floats, Floats]:
    """Errors of the energies (M,), kcal/mol, and of the forces (M, 3N), kcal/mol/Å."""
    energies, forces = predict(potential, frames)
    if frames.energies is None or frames.forces is None:
        raise UserError(f"{frames.source}: has no energies or no forces to compare with")
    return (energies - frames.energies) / KCAL, (forces - frames.forces).reshape(len(frames), -1) / KCAL


def _run_model(model: ThesisModel, rows: list[Row], data: Experiment, seed: int) -> list[dict[str, Any]]:
    """Fit once, judge for each row."""
    start = time.perf_counter()
    potential = fit_model(model, data, np.random.default_rng(seed))
    seconds = time.perf_counter() - start
    done = []
    for row in rows:
        physics, thesis = transform(data.test, row.transformation, np.random.default_rng(seed))
        errors = errors_of(potential, physics)
        result = row.as_dict() | _statistics(*errors)
        if row.transformation != "none":
            result |= {f"as_thesis_{name}": value for name, value in _statistics(*errors_of(potential, thesis)).items()}
        if data.repeated.any() and not data.repeated.all():
            for name, chosen in (("repeated", data.repeated), ("new", ~data.repeated)):
                part = _statistics(*(error[chosen] for error in errors))
                result |= {f"{name}_{key}": value for key, value in part.items()}
        result |= {
            "n_train": len(data.train),
            "n_test": len(data.test),
            "leakage": data.leakage.summary,
            "seconds": seconds,
        }
        done.append(result)
    return done


def _statistics(energies: Floats, forces: Floats) -> dict[str, float]:
    parts = {"energy": energies, "force": forces}
    return {
        f"{name}_{kind}": float(value)
        for name, error in parts.items()
        for kind, value in (("mae", np.abs(error).mean()), ("rmse", np.sqrt(np.square(error).mean())))
    }


def _key(row: Row) -> tuple[str, str, str]:
    return row.table, row.descriptor, row.transformation


def _read(path: Path, how: dict[str, dict[str, Any]]) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Rows that an earlier run left; a last line that was cut off is taken away, once the file is known to be ours.

    Args:
        how: protocol, seed and data of each molecule; what is there must agree.
    """
    check_output(path)
    if not path.exists() or not (whole := path.read_bytes()):
        return {}
    kept = whole[: whole.rfind(b"\n") + 1]
    known = {}
    for values in parse_results(path, kept or whole):
        wanted = how.get(values["molecule"], {})
        for name, value in wanted.items():
            if values.get(name) != value:
                raise UserError(f"{path}: holds {values['molecule']} with another {name}; name another output")
        known[values["table"], values["descriptor"], values["transformation"]] = values
    if kept != whole:
        os.truncate(path, len(kept))
    return known


def parse_results(path: Path, lines: bytes) -> list[dict[str, Any]]:
    """Rows of JSON lines. Raises UserError for lines that ``run`` did not write."""
    rows = []
    for number, line in enumerate(lines.splitlines(), start=1):
        try:
            values = json.loads(line)
            if any(key not in values for key in (*COLUMNS, *(f"thesis_{name}" for name in ERRORS), *ERRORS)):
                raise KeyError("a column")
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(f"{path}: line {number} is no result of 'rfp thesis run'; name another file") from error
        rows.append(values)
    return rows


def _append(path: Path, results: list[dict[str, Any]]) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(result, allow_nan=False) + "\n" for result in results)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error
