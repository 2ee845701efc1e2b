"""The potential inside i-PI's own process, without a socket:

    <ffdirect name="rfp"> <pes> custom </pes> <pes_path> .../rfp_md/interfaces/ipi_pes.py </pes_path>
      <parameters> {model: benzene.rfp, template: benzene.xyz} </parameters> <batch_size> 32 </batch_size> </ffdirect>

The template is for models of any composition only. ``i-pi-py_driver -m custom -P`` takes this file as well.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.artifact.file import load
from rfp_md.driver.evaluator import Evaluator, atomic_units
from rfp_md.driver.protocol import Structures
from rfp_md.interfaces.template import template_of

# i-PI finds the class by these two, which must be literals.
__DRIVER_NAME__ = "rfp"
__DRIVER_CLASS__ = "RandomFeaturePES"

Result = tuple[float, Floats, Floats, str]  # energy, forces (N, 3), virial (3, 3), extras; hartree and bohr


class RandomFeaturePES:
    """A potential as i-PI wants it: cells (3, 3) whose columns are the lattice vectors, positions (N, 3), in bohr.

    Args:
        model: a ``.rfp`` file; relative to where i-PI runs.
        template: a structure with i-PI's atoms in its order.
        options: what else i-PI passes to every potential, such as its verbosity.

    Raises:
        UserError: a file that cannot be read, other atoms than the model's, or a result that is not finite.
    """

    def __init__(self, model: str, template: str | None = None, **options: Any) -> None:
        potential = load(model)
        structure = template_of(potential, template)
        self._evaluator = Evaluator.of(potential, structure)
        potential.compute(structure)  # compiles the model before the first step

    def __call__(self, cell: Floats | list[Floats], pos: Floats | list[Floats]) -> Result | list[Result]:
        """One structure, or a list of them, which are evaluated together."""
        try:
            if isinstance(cell, list):
                return self._compute(np.array(cell), np.array(pos))
            return self._compute(cell[None], np.asarray(pos)[None])[0]
        except Exception as error:
            stop_ipi(str(error))
            raise

    def _compute(self, cells: Floats, positions: Floats) -> list[Result]:
        structures = Structures(np.swapaxes(cells, 1, 2), positions)
        results = atomic_units(self._evaluator(self._evaluator.frames(structures)), [""] * len(positions))
        return list(zip(results.energies.tolist(), results.forces, results.virials, results.extras, strict=True))


def stop_ipi(reason: str) -> None:
    """Let i-PI write its RESTART and end.

    An error alone would end it without one, or, where the force field has a thread, let it wait for ever.
    """
    from ipi.utils.softexit import softexit

    softexit.cleanup(status="bad", message=f"rfp: {reason};")
