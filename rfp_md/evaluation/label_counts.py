"""How many of the labels that frames could have a fit or a comparison uses, where it is not all of them."""

from __future__ import annotations

from rfp_md.frames import Dataset

NAMES = {"energies": "energies", "force_vectors": "force vectors", "stresses": "stresses"}


def count_labels(dataset: Dataset, *, weighed: bool) -> dict[str, list[int]]:
    """Those that are known, and those that there could be; empty where all are known.

    Stresses are of periodic frames; a set without any is not asked for them.

    Args:
        weighed: whether those of weight 0 are left out.
    """
    used, possible = dict.fromkeys(NAMES, 0), dict.fromkeys(NAMES, 0)
    for block in dataset:
        energy, forces, stress = ((block.known_weights > 0) | (not weighed)).T
        used["energies"] += int(energy.sum()) if block.energies is not None else 0
        used["force_vectors"] += int(block.known_forces[forces].sum())
        used["stresses"] += int(stress.sum()) if block.periodic and block.stresses is not None else 0
        possible["energies"] += len(block)
        possible["force_vectors"] += len(block) * block.n_atoms
        possible["stresses"] += len(block) if block.periodic else 0
    counts = {name: [used[name], possible[name]] for name in NAMES if name != "stresses" or used[name]}
    return counts if any(few < most for few, most in counts.values()) else {}


def told(counts: dict[str, list[int]]) -> str:
    """Say the numbers, as in ``412 of 420 energies, 1,200 of 1,236 force vectors``."""
    return ", ".join(f"{few:,} of {most:,} {NAMES[name]}" for name, (few, most) in counts.items())
