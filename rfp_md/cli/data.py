"""rfp data"""

from __future__ import annotations

import re
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from rfp_md.cli.console import BarProgress, print_json, print_rows, print_values
from rfp_md.cli.options import Data, Debug, EnergyUnit, ForceUnit, Json, LengthUnit

app = typer.Typer(help="Reference data: published sets, other formats.", invoke_without_command=True)
SPLIT = re.compile(r"_\d\d$")


@app.callback()
def default(context: typer.Context, json: Json = False, debug: Debug = False) -> None:
    """Reference data: published sets, other formats; without a verb, the list of the sets."""
    if context.invoked_subcommand is None:
        list_(json)


@app.command("list")
def list_(json: Json = False, debug: Debug = False) -> None:
    """Published data sets that `rfp data fetch` knows."""
    from rfp_md.io.datasets import CITATIONS, cache_folder, published

    if json:
        print_json(
            [
                asdict(entry) | {"path": str(entry.path), "cached": entry.path.is_file()}
                for entry in published().values()
            ]
        )
        return
    rows = []
    for name, group in groupby(published().values(), lambda entry: SPLIT.sub("_01..05", entry.name)):
        entries = list(group)
        entry, cached = entries[0], sum(entry.path.is_file() for entry in entries)
        rows.append(
            (
                name,
                entry.content,
                "–" if entry.frames is None else f"{entry.frames:,}",
                _size(entry.bytes),
                entry.licence or "not stated",
                entry.cite,
                {0: "–", len(entries): "yes"}.get(cached, f"{cached} of {len(entries)}"),
            )
        )
    print_rows(("name", "content", "frames", "size", "licence", "cite", "cached"), rows)
    print()
    for key, citation in CITATIONS.items():
        print(f"{key}: {citation}")
    print(f"cache: {cache_folder()}")


@app.command("fetch")
def fetch(
    name: Annotated[str, typer.Argument(help="A name that `rfp data list` shows.", metavar="NAME")],
    mirror: Annotated[
        str | None, typer.Option(help="URL of a folder that has the file, instead of its source.")
    ] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Download a published data set into the cache (the folder RFP_DATA, if that is set)."""
    from rfp_md.io.fetch import fetch

    progress = BarProgress()
    try:
        result = fetch(name, mirror=mirror, progress=progress)
    finally:
        progress.stop()
    if json:
        print_json(result)
        return
    path = Path(result["path"])
    summary = {
        "size": _size(result["bytes"]),
        "sha256": result["sha256"],
        "which is": "the published one" if result["verified"] else "not known to us: note it to compare with later",
        "licence": result["licence"] or "not stated",
        "cite": result["citation"],
    }
    if path.suffix == ".npz":
        summary["train with"] = f"rfp train {path} -o {name}.rfp --n-train 900 --n-valid 100 {result['units']}".rstrip()
    print_values(summary, f"{path}" + ("" if result["downloaded"] else ": was there already"))


@app.command("audit")
def audit(
    train: Annotated[
        Path, typer.Argument(help="Training frames, or a model that was fitted to them.", metavar="TRAIN")
    ],
    test: Annotated[Path, typer.Argument(help="Frames that are to judge a model.", metavar="TEST")],
    energy_unit: EnergyUnit = None,
    force_unit: ForceUnit = None,
    length_unit: LengthUnit = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Look for test frames that repeat a training frame, are near one, or many next to one in time: exit code 1."""
    from rfp_md.evaluation.leakage import audit_files

    leakage = audit_files(train, test, energy_unit=energy_unit, force_unit=force_unit, length_unit=length_unit)
    result = leakage.as_dict()
    if json:
        print_json(result)
    else:
        print_values(result, f"{test} against {train}")
    if leakage.leaks:
        raise typer.Exit(1)


@app.command("convert")
def convert(
    data: Data,
    output: Annotated[Path, typer.Option("-o", "--output", help="The .extxyz or .npz file to write.")],
    energy_unit: EnergyUnit = None,
    force_unit: ForceUnit = None,
    length_unit: LengthUnit = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Write reference frames to one file of another format, in eV, Å and eV/Å."""
    from rfp_md.io.write import convert

    result = convert(data, output, energy_unit=energy_unit, force_unit=force_unit, length_unit=length_unit)
    if json:
        print_json(result)
    else:
        print_values({"frames": result["frames"], "size": _size(result["bytes"])}, str(output))


def _size(size: int | None) -> str:
    return "–" if size is None else f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"
