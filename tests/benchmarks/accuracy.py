"""rfp-md beside its peers on rMD17 split 1: the same training frames, the same test frames, the same cores.

    python -m tests.benchmarks.accuracy [--data FOLDER] [MOLECULE...]

Rows: every preset of `rfp train`, and any other settings of it (`--rfp 'NAME=FLAGS'`, as often as wanted);
kernelforge's local random features and kernel ridge regression; sGDML, in an environment of its own (`--sgdml-python
PATH`, which `--make-sgdml` makes); GFN2-xTB. What is not installed is left out with a reason.

A row is fitted and judged in processes of its own. Errors and the time of a call come from the same single calls, one
for each test frame; peak memory is the largest of its processes. rfp-md and sGDML choose hyper-parameters, and that is
part of their fit; kernelforge has its defaults. Every finished row goes into a file of JSON lines at once, and a row
that is there is not run again: after a change of rfp-md, give another `--results`. Prints a Markdown table, and draws
the figure.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rfp_md.training.presets import MOLECULE
from tests.benchmarks.options import with_data
from tests.benchmarks.peers.measure import use_cores
from tests.benchmarks.peers.sgdml import make_environment
from tests.benchmarks.results import append, finished

HEADER = (
    "molecule",
    "model",
    "training frames",
    "force MAE, meV/Å",
    "energy MAE, meV",
    "fit, s",
    "peak memory, GB",
    "µs per call",
)
AXES = {"us_per_call": "µs for energy and forces of one structure", "fit_s": "fit, s"}
COLORS = {"rfp": "C3", "kernelforge": "C0", "sgdml": "C2", "xtb": "C7"}
EXACT_FRAMES = 200  # of the preset reference, whose memory grows with their square
REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Row:
    """One model on one molecule: which program of peers/ runs it, and with what."""

    molecule: str
    model: str
    peer: str
    frames: int
    test_frames: int
    arguments: tuple[str, ...] = ()
    python: str = sys.executable

    def key(self, cores: int) -> dict[str, Any]:
        """What a result must have been run with to be this row's."""
        names = ("molecule", "model", "peer", "frames", "test_frames", "arguments")
        return json.loads(json.dumps({name: getattr(self, name) for name in names} | {"cores": cores}))

    @property
    def missing(self) -> str | None:
        """Why it cannot be run."""
        if self.peer == "sgdml":
            return None if Path(self.python).exists() else f"no {self.python}; --make-sgdml makes it"
        package = {"rfp": "rfp_md", "xtb": "tblite"}.get(self.peer, self.peer)
        return None if importlib.util.find_spec(package) else f"pip install {package}"


def rows(options: argparse.Namespace, molecule: str) -> Iterator[Row]:
    frames, judged = options.frames, options.test_frames
    models = {preset: f"--preset {preset}" for preset in MOLECULE}
    models |= dict(one.split("=", 1) for one in options.rfp)
    for name, flags in models.items():
        some = min(frames, EXACT_FRAMES) if name == "reference" else frames
        yield Row(molecule, f"rfp {name}", "rfp", some, judged, tuple(shlex.split(flags)))
    for name in ("rff", "krr"):
        label = f"kernelforge {name.upper()}"
        yield Row(molecule, label, "kernelforge", frames, judged, ("--model", name))
    python = str(options.sgdml_python.absolute())
    yield Row(molecule, "sGDML", "sgdml", min(frames, options.sgdml_frames), judged, python=python)
    yield Row(molecule, "GFN2-xTB", "xtb", 0, min(judged, options.xtb_frames))


def run(row: Row, folder: Path, limit: float, models: Path | None) -> dict[str, Any] | str:
    """What the row's program reports, with the peak memory of its processes; or why there is nothing."""
    files = [str((folder / f"rmd17_{row.molecule}_{part}_01.npz").resolve()) for part in ("train", "test")]
    counts = ["--frames", str(row.frames), "--test-frames", str(row.test_frames)]
    command = [row.python, "-m", f"tests.benchmarks.peers.{row.peer}", *files, *counts, *row.arguments]
    if models and row.peer == "rfp":
        command += ["--model", str(models.resolve() / f"{row.molecule}_{row.model.removeprefix('rfp ')}.rfp")]
    load = os.getloadavg()[0]  # what else the machine was doing
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "start_new_session": True, "cwd": REPOSITORY}
    with subprocess.Popen(command, text=True, **pipes) as process:
        timer = threading.Timer(limit, os.killpg, (process.pid, 9))
        timer.start()
        lines = process.stdout.read().splitlines() or [""]
        _, status, usage = os.wait4(process.pid, 0)
        in_time = timer.is_alive()
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        return f"failed: {lines[-1]}" if in_time else f"not done within {limit:.0f} s"
    report = next(line for line in reversed(lines) if line.startswith('{"frames"'))
    return {**json.loads(report), "peak_gb": usage.ru_maxrss / 1e6, "load_before": load}


def cells(row: Row, result: dict[str, Any]) -> tuple[str, ...]:
    fitted = result["frames"] > 0
    return (
        row.molecule,
        row.model,
        str(result["frames"]) if fitted else "–",
        f"{result['force_mae_mev_per_angstrom']:.2f}",
        f"{result['energy_mae_mev']:.2f}",
        f"{result['fit_s']:.1f}" if fitted else "–",
        f"{result['peak_gb']:.2f}",
        f"{result['us_per_call']:.0f}",
    )


def draw(results: list[tuple[Row, dict[str, Any]]], path: Path) -> None:
    """Force error against the time of a call and of a fit, one line of panels for each molecule."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    molecules = list(dict.fromkeys(row.molecule for row, _ in results))
    size = (11, 4.2 * len(molecules))
    figure, axes = plt.subplots(len(molecules), 2, figsize=size, squeeze=False, layout="constrained")
    labels = []
    for molecule, pair in zip(molecules, axes, strict=True):
        shown = [(row, result) for row, result in results if row.molecule == molecule]
        for axis, (key, name) in zip(pair, AXES.items(), strict=True):
            labels.append((axis, panel(axis, shown, key)))
            axis.set(xlabel=name, ylabel="force MAE, meV/Å")
    figure.draw_without_rendering()  # the layout, which the places of labels depend on
    for axis, texts in labels:
        place(axis, texts)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def panel(axis: Any, shown: list[tuple[Row, dict[str, Any]]], key: str) -> list[Any]:
    """The points of one molecule; what has no fit time is a line. Returns their labels."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    most, labels = max(result["frames"] for _, result in shown), []
    for row, result in shown:
        error, color = result["force_mae_mev_per_angstrom"], COLORS[row.peer]
        name = row.model if result["frames"] in (0, most) else f"{row.model}, {result['frames']} frames"
        if result[key] > 0:
            axis.plot(result[key], error, "o", color=color)
            labels.append(axis.annotate(name, (result[key], error), (6, 4), textcoords="offset points", fontsize=8))
            labels[-1].set_in_layout(False)
        else:
            axis.axhline(error, color=color, linestyle=":")
            where = axis.get_yaxis_transform()
            axis.annotate(f"{name}, no fit", (0.02, error), (0, 3), where, "offset points", fontsize=8)
    axis.set(xscale="log", yscale="log", title=f"{shown[0][0].molecule}, {most} training frames")
    axis.margins(x=0.12, y=0.12)
    axis.grid(which="major", alpha=0.3)
    for one in (axis.xaxis, axis.yaxis):
        one.set_major_locator(LogLocator(subs=(1, 2, 5)))
        one.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        one.set_minor_formatter(NullFormatter())
    return labels


def place(axis: Any, labels: list[Any]) -> None:
    """Each label at the first place beside its point that is inside the axes and free of labels and points."""
    frame, taken = axis.get_window_extent(), []
    points = [axis.transData.transform(label.xy) for label in labels]
    for label in labels:
        for up, side in ((up, side) for up in (4, -11, 15, -22, 26, -33) for side in ("left", "right")):
            label.set(position=(6 if side == "left" else -6, up), horizontalalignment=side)
            box = label.get_window_extent().padded(2)
            inside = frame.x0 < box.x0 and box.x1 < frame.x1 and frame.y0 < box.y0 and box.y1 < frame.y1
            if inside and not box.count_overlaps(taken) and not any(box.contains(*point) for point in points):
                break
        taken.append(box)


def main() -> None:
    parser = with_data(__doc__)
    parser.add_argument("molecules", nargs="*", default=["ethanol"])
    parser.add_argument("--frames", type=int, default=1000, help="training frames")
    parser.add_argument("--test-frames", type=int, default=1000)
    parser.add_argument("--rfp", action="append", default=[], metavar="NAME=FLAGS", help="another row of `rfp train`")
    parser.add_argument("--models", type=Path, help="folder in which to keep the .rfp files")
    parser.add_argument("--sgdml-python", type=Path, default=Path(".sgdml/bin/python"))
    parser.add_argument("--make-sgdml", action="store_true", help="make that environment if it is not there")
    parser.add_argument("--sgdml-frames", type=int, default=300, help="at most; 1000 of ethanol exhaust 24 GB")
    parser.add_argument("--xtb-frames", type=int, default=50, help="at most; test frames for GFN2-xTB")
    parser.add_argument("--only", action="append", default=[], metavar="MODEL", help="run these rows of the table only")
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--limit", type=float, default=3600, help="seconds for a row")
    parser.add_argument("--results", type=Path, default=Path("accuracy.jsonl"))
    parser.add_argument("--figure", type=Path, default=Path("accuracy.png"))
    options = parser.parse_args()
    if options.make_sgdml and not options.sgdml_python.exists():
        make_environment(options.sgdml_python.absolute())
    if options.models:
        options.models.mkdir(parents=True, exist_ok=True)
    use_cores(options.cores)
    shown, skipped = [], []
    print("| " + " | ".join(HEADER) + " |")
    print("|---" * len(HEADER) + "|", flush=True)
    for row in (row for molecule in options.molecules for row in rows(options, molecule)):
        key = row.key(options.cores)
        result = next((old for old in finished(options.results) if old["row"] == key), None)
        if result is None and options.only and row.model not in options.only:
            continue
        if result is None:
            answer = row.missing or run(row, options.data / "rmd17", options.limit, options.models)
            if isinstance(answer, str):
                skipped.append(f"{row.molecule}, {row.model}: {answer}")
                continue
            result = {"row": key, **answer}
            append(options.results, result)
        shown.append((row, result))
        print("| " + " | ".join(cells(row, result)) + " |", flush=True)
    for line in skipped:
        print(f"\nLeft out: {line}")
    if shown:
        draw(shown, options.figure)


if __name__ == "__main__":
    main()
