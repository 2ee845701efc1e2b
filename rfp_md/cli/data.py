"""rfp data"""

from __future__ import annotations

import re
import sys
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rfp_md.cli.command import command_of
from rfp_md.cli.console import print_json, print_rows, print_values
from rfp_md.cli.options import Debug, Json
from rfp_md.cli.shown_progress import shown_progress
from rfp_md.evaluation.options import AuditOptions
from rfp_md.io.options import ConvertOptions, FetchOptions

if TYPE_CHECKING:
    from rfp_md.evaluation.audit_files import Audit

app = typer.Typer(help="Reference data: published sets, other formats.", invoke_without_command=True)
SPLIT = re.compile(r"_\d\d$")


@app.callback()
def default(context: typer.Context, json: Json = False, debug: Debug = False) -> None:
    """Reference data: published sets, other formats; without a verb, the list of the sets."""
    if context.invoked_subcommand is None:
        list_(json)


@app.command("list")
def list_(json: Json = False, debug: Debug = False) -> None:
    """List the published data sets that `rfp data fetch` knows."""
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
@command_of(FetchOptions)
def fetch_(options: FetchOptions, json: Json = False, debug: Debug = False) -> None:
    """Download a published data set into the cache (the folder RFP_DATA, if that is set)."""
    from rfp_md.io.fetch import fetch

    with shown_progress() as progress:
        result = fetch(**vars(options) | {"progress": progress})
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
        flags = f"-o {options.name}.rfp --n-train 900 --n-valid 100 {result['units']}".rstrip()
        summary["train with"] = f"rfp train {path} {flags}"
    print_values(summary, f"{path}" + ("" if result["downloaded"] else ": was there already"))


@app.command("audit")
@command_of(AuditOptions)
def audit_(options: AuditOptions, json: Json = False, debug: Debug = False) -> None:
    """Look for labels that contradict each other, and for test frames that are known from the training frames.

    Exit code 1 for copies and neighbours of training frames, and with --strict for labels that contradict each other.
    """
    from rfp_md.evaluation.audit_files import audit_files

    audit = audit_files(**vars(options))
    for finding in audit.labels:
        print(f"warning: {finding.text}", file=sys.stderr)
    if json:
        print_json(audit.as_dict())
    elif audit.leakage is None:
        print_values({"labels": _labels(audit)}, str(options.train))
    else:
        print_values(audit.leakage.as_dict() | {"labels": _labels(audit)}, f"{options.test} against {options.train}")
    if audit.failed:
        raise typer.Exit(1)


def _labels(audit: Audit) -> str:
    """What was found of the labels, in a few words."""
    return ", ".join(finding.name for finding in audit.labels) or "nothing found"


@app.command("convert")
@command_of(ConvertOptions)
def convert_(options: ConvertOptions, json: Json = False, debug: Debug = False) -> None:
    """Write reference frames to one file of another format, in eV, Å and eV/Å."""
    from rfp_md.io.write import convert

    result = convert(**vars(options))
    for note in result["notes"]:
        print(f"note: {note}", file=sys.stderr)
    if json:
        print_json(result)
    else:
        print_values({"frames": result["frames"], "size": _size(result["bytes"])}, str(options.output))


def _size(size: int | None) -> str:
    return "–" if size is None else f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"
