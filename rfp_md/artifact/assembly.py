"""From a header and arrays to a potential, part after part: each is made of what was found to fit the parts before it.

Elements and atoms come first, then baselines and descriptors, then what the descriptors make of the model's structure,
and last the regressor, whose arrays must fit that.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rfp_md import plugins
from rfp_md.artifact.header import Arrays, Entry, Header
from rfp_md.descriptors import Descriptor
from rfp_md.descriptors.describe import describe
from rfp_md.direct_potential import DirectPotential
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.plugins.arrays import Array, Surroundings, Term, check_arrays
from rfp_md.plugins.guard import call, check_periodic, restored
from rfp_md.potential import Potential
from rfp_md.structures.fingerprints import DIRECTIONS, Fingerprints
from rfp_md.structures.shortest import ELEMENTS, OVERLAP, REACH, ShortestDistances

OWN_REFERENCE = "its reference structure"  # the source of a model's structure that no file gave
FINGERPRINT = {
    **dict.fromkeys(("digests", "compositions", "orders", "steps"), Array(("frames",), "int")),
    **dict.fromkeys(("labelled", "sorted"), Array(("frames", DIRECTIONS))),
}
SHORTEST = {
    "pairs": Array(("pairs", 2), "int", least=1, most=ELEMENTS - 1),
    "distances": Array(("pairs",), least=OVERLAP, most=REACH),
}


def assembled(header: Header, arrays: Arrays) -> Potential:
    """Make the potential of a file.

    Raises:
        UserError, ValueError: a part is not what its plugin declares, or does not fit the others.
    """
    left = dict(arrays)
    model = Surroundings(tuple(header.elements), len(header.numbers))
    reference = _reference(header, _taken(left, "reference."))
    split, known = _taken(left, "split."), _taken(left, "fingerprints.")
    _check("split", split, {name: Array((name,), "int", least=0, optional=True) for name in ("train", "valid")})
    _check("fingerprints", known, FINGERPRINT if known else {})
    shortest = _taken(left, "shortest.")
    _check("shortest", shortest, SHORTEST if shortest else {})

    def several(kind: plugins.Kind, part: str, entries: list[Entry]) -> list[Any]:
        return [_made(kind, entry, _taken(left, f"{part}.{k}."), model) for k, entry in enumerate(entries)]

    baselines = several("baseline", "baselines", header.baselines)
    descriptors = several("descriptor", "terms", header.terms)
    if reference.periodic:
        check_periodic([*baselines, *descriptors], reference)
    terms = tuple(_term(descriptor, reference, model) for descriptor in descriptors)
    direct = header.force_regressor is not None
    of_regressor = Surroundings(model.elements, model.n_atoms, terms, n_outputs=1 if direct else None)
    parts: dict[str, Any] = {
        "elements": header.elements,
        "baselines": baselines,
        "descriptors": descriptors,
        "regressor": _made("regressor", header.regressor, _taken(left, "regressor."), of_regressor),
        "reference": reference,
        "record": header.record,
        "split": split,
        "fingerprints": Fingerprints.from_state(known),
        "shortest": ShortestDistances(**shortest),
    }
    potential = Potential(**parts)
    if header.force_regressor is not None:
        of_forces = Surroundings(model.elements, model.n_atoms, terms, n_outputs=3 * model.n_atoms)
        forces = _made("regressor", header.force_regressor, _taken(left, "forces."), of_forces)
        potential = DirectPotential(**parts, force_regressor=forces)
    if left:
        raise ValueError(f"it has arrays that nothing here has: {', '.join(sorted(left)[:3])}")
    if potential.fixed_composition != header.fixed_composition:
        raise ValueError("fixed_composition is not what its descriptors say")
    return potential


def _reference(header: Header, arrays: Arrays) -> Frames:
    """The structure that everything starts from."""
    cell = Array((1, 3, 3), optional=not any(header.pbc))
    _check("reference", arrays, {"positions": Array((1, len(header.numbers), 3)), "cell": cell})
    return Frames(
        np.array(header.numbers, dtype=np.int64),
        arrays["positions"],
        cells=arrays.get("cell"),
        pbc=header.pbc,
        source=OWN_REFERENCE,
    )


def _made(kind: plugins.Kind, entry: Entry, state: Arrays, model: Surroundings) -> Any:
    """A plugin with its arrays, once they are what it declares."""
    plugins.check_version(kind, entry.name, entry.package, entry.version)
    plugin: plugins.Plugin = plugins.create(kind, entry.name, entry.parameters)
    try:
        return restored(plugin, state, model)
    except (ValueError, KeyError, IndexError) as error:
        raise UserError(f"is not a valid rfp model ({kind} '{entry.name}': {error})") from error


def _term(descriptor: Descriptor, reference: Frames, model: Surroundings) -> Term:
    """What a descriptor makes of the reference structure, and of every element."""
    sites = describe(descriptor, reference)
    types = set(sites.types.tolist())
    if not descriptor.capabilities.fixed_composition:
        elements = np.array(model.elements, dtype=np.int64)
        types |= set(call(descriptor, "site_types", lambda: np.asarray(descriptor.site_types(elements))).tolist())
    groups = call(descriptor, "groups", descriptor.groups)
    return Term(sites.values.shape[2], tuple(sorted(types)), 1 if groups is None else len(groups))


def _check(part: str, arrays: Arrays, declared: Any) -> None:
    try:
        check_arrays(arrays, declared)
    except ValueError as error:
        raise UserError(f"is not a valid rfp model ({part}: {error})") from error


def _taken(arrays: Arrays, prefix: str) -> Arrays:
    """The arrays whose names begin so, without that, taken out."""
    return {name.removeprefix(prefix): arrays.pop(name) for name in sorted(arrays) if name.startswith(prefix)}
