"""rfp info"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rfp_md.cli.command import command_of
from rfp_md.cli.console import print_json, print_values
from rfp_md.cli.options import Debug, Json
from rfp_md.io.options import Model

if TYPE_CHECKING:
    from rfp_md.artifact.header import Arrays, Entry, Header


@dataclass(frozen=True)
class InfoOptions:
    """Options of ``rfp info``."""

    model: Model


@command_of(InfoOptions)
def command(options: InfoOptions, json: Json = False, debug: Debug = False) -> None:
    """Show what a .rfp file holds; no plugin is imported for it."""
    from rfp_md.artifact.container import read
    from rfp_md.artifact.header import element_energies
    from rfp_md.artifact.inner import sum_of
    from rfp_md.validation.record import summary

    header, arrays = read(options.model)
    what = sum_of(header, arrays, str(options.model))
    if json:
        more = {"baseline_ev": element_energies(header, arrays), "sum_of": what}
        print_json(header.model_dump(mode="json") | more)
        return
    values: dict[str, Any] = {
        "format version": header.stored_version,
        "written by": f"rfp-md {header.rfp_md}",
        "atoms": f"{header.formula} ({len(header.numbers)})"
        + ("" if header.fixed_composition else ", or any others of its elements"),
        "units": ", ".join(header.units.values()),
        "sum of": what,
    }
    for k, baseline in enumerate(header.baselines):
        values[f"baseline {k}"] = _plugin(baseline)
    for k, term in enumerate(header.terms):
        values[f"term {k}"] = _plugin(term)
    values["regressor"] = _plugin(header.regressor)
    if header.force_regressor is not None:
        values["forces"] = f"not the energy's gradient, but of {_plugin(header.force_regressor)}"
    values["numbers stored"] = sum(array.size for array in arrays.values())
    if origin := header.record.get("atom_energies"):
        values["energies of atoms"] = f"{_energies(header, arrays)} ({origin})"
    if leakage := header.record.get("leakage"):
        values["leakage into validation"] = leakage["summary"]
    values["validation"] = summary(header.record)
    for section in ("data", "split", "fit"):
        for key, value in header.record.get(section, {}).items():
            values[f"{section}: {key.replace('_', ' ')}"] = value
    print_values(values, str(options.model))


def _energies(header: "Header", arrays: "Arrays") -> str:
    from rfp_md.artifact.header import element_energies
    from rfp_md.frames import formula

    found = element_energies(header, arrays) or {}
    return ", ".join(f"{formula([int(z)])} {energy:.4g} eV" for z, energy in found.items())


def _plugin(entry: "Entry") -> str:
    text = ", ".join(f"{key}={value}" for key, value in entry.parameters.items())
    return f"{entry.name} ({entry.package} {entry.version})" + (f": {text}" if text else "")
