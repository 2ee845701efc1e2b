"""The thesis's black box: energies and forces are two functions of a structure, each fitted for itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from rfp_md.arrays import Floats
from rfp_md.baselines.total import total
from rfp_md.descriptors.describe import describe_all
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.plugins.guard import call, check_array
from rfp_md.potential import Potential
from rfp_md.prediction import Committee, Prediction, free_virials
from rfp_md.regressors import Regressor


@dataclass(frozen=True, eq=False)
class DirectPotential(Potential):
    """A fitted direct model (``--target direct``, thesis, section 3.2.1), to compare with; it cannot conserve energy.

    Attributes:
        force_regressor: what gives the force components, 3N outputs of a structure.
    """

    force_regressor: Regressor = field(kw_only=True)

    @property
    def conservative(self) -> bool:
        """It never is: energy and forces are functions of their own."""
        return False

    @property
    def has_forces(self) -> bool:
        """It always has them: 3N outputs of ``force_regressor``."""
        return True

    @property
    def fixed_composition(self) -> bool:
        """It always is for one order of the atoms, which the outputs stand in."""
        return True

    def predict(self, frames: Frames) -> Prediction:
        """Energies and forces of atoms in any order: a test of what the functions have learned of symmetry."""
        known, learned = total(self.baselines, frames), self._outputs(self.force_regressor, frames, 3 * frames.n_atoms)
        forces = learned.reshape(frames.positions.shape)
        virials = free_virials(frames, forces) + known.virials
        return Prediction(self._energies(frames) + known.energies, forces + known.forces, virials)

    @property
    def _numbers_per_site(self) -> int:
        return max(self.regressor.numbers_per_site, self.force_regressor.numbers_per_site)

    def _energies(self, frames: Frames) -> Floats:
        return self._outputs(self.regressor, frames, 1)[:, 0]

    def _compute(self, frames: Frames) -> Prediction:
        return self.predict(frames)

    def _committee(self, frames: Frames) -> Committee:
        raise UserError("a direct model has no committee and so no uncertainty; leave --target direct out")

    def _outputs(self, regressor: Regressor, frames: Frames, n_outputs: int) -> Floats:
        """What one of the two functions gives (M, P)."""
        terms = describe_all(self.descriptors, frames)
        outputs: Floats = call(regressor, "predict_outputs", lambda: regressor.predict_outputs(terms))
        check_array(regressor, "predict_outputs", outputs, (len(frames), n_outputs))
        return outputs
