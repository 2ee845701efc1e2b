"""What goes into i-PI's extras beside a result, as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from ase.units import Bohr, Hartree

from rfp_md.prediction import Committee

MEV = 1e3


def extras_of(mismatches: Sequence[float], committee: Committee | None) -> list[str]:
    """Write the JSON for each structure.

    Args:
        mismatches: of energy and work, meV/atom, for each structure.
        committee: adds ``committee_pot`` (P,), ``committee_force`` (P, 3N) and ``committee_virial`` (P, 9), hartree and
            bohr, as i-PI's ``<ffcommittee>`` reads them, ``uncertainty_mev_per_atom``, of the energy, and
            ``force_uncertainty_ev_per_angstrom``, the largest of an atom; both are standard deviations.
    """
    if committee is None:
        return [f'{{"mismatch_mev_per_atom": {mismatch:.6g}}}' for mismatch in mismatches]
    spread = committee.spread
    per_atom = spread.energies * (MEV / committee.forces.shape[2])
    largest = spread.atoms.max(axis=1)
    n_members, n_structures = committee.energies.shape
    forces = np.reshape(committee.forces * (Bohr / Hartree), (n_members, n_structures, -1))
    virials = np.reshape(committee.virials / Hartree, (n_members, n_structures, 9))
    return [
        json.dumps(
            {
                "mismatch_mev_per_atom": float(f"{mismatch:.6g}"),
                "uncertainty_mev_per_atom": float(per_atom[k]),
                "force_uncertainty_ev_per_angstrom": float(largest[k]),
                "committee_pot": (committee.energies[:, k] / Hartree).tolist(),
                "committee_force": forces[:, k].tolist(),
                "committee_virial": virials[:, k].tolist(),
            }
        )
        for k, mismatch in enumerate(mismatches)
    ]
