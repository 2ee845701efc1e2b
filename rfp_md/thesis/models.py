"""The models of the thesis out of this package's parts: a descriptor, rfnn with eq. 2.47, one solve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfp_md import plugins
from rfp_md.arrays import Floats
from rfp_md.baselines.elements import Elements
from rfp_md.baselines.total import left_by
from rfp_md.direct_potential import DirectPotential
from rfp_md.frames import Dataset, Frames
from rfp_md.plugins.guard import call
from rfp_md.potential import Potential
from rfp_md.progress import Progress
from rfp_md.regressors import Regressor
from rfp_md.thesis.protocols import Experiment
from rfp_md.thesis.rows import Row, Setting
from rfp_md.training.flag_values import make_terms
from rfp_md.training.samples import DescribedFrames, Outputs
from rfp_md.training.task import fit

# Model and descriptor of a row, as --descriptor says it; shallow sets add their size.
DESCRIPTORS = {
    ("black_box", "cartesian"): "cartesian",
    ("isometry_invariant_cm", "coulomb_matrix"): "coulomb_matrix",
    ("permutation_invariant", "eigenvalues"): "coulomb_eigenvalues",
    ("permutation_invariant", "singular_values"): "coulomb_singular_values",
    ("permutation_invariant", "sorted_coulomb_matrix"): "sorted_coulomb_matrix",
    ("extensive", "coulomb_matrix"): "coulomb_matrix:extensive=true",
    ("extensive", "sorted_coulomb_matrix"): "sorted_coulomb_matrix:extensive=true",
    ("conservative", "cartesian"): "cartesian",
    ("higher_order", "coulomb_matrix"): "coulomb_matrix",
    ("higher_order", "angles"): "angles",
    ("higher_order", "coulomb_matrix+angles"): "concatenate:of=coulomb_matrix+angles",
    ("higher_order", "generalized_coulomb_matrix"): "generalized_coulomb_matrix:squared=false",
    ("shallow_set_flattened", "sorted_coulomb_matrix"): "sorted_coulomb_matrix",
    ("shallow_set_flattened", "random_normal_projection"): "shallow_set:form=flattened,projection=normal",
    ("shallow_set_flattened", "sampled_activated_projection"): "shallow_set:form=flattened,projection=sampled",
    ("shallow_set_nested", "sorted_coulomb_matrix"): "sorted_coulomb_matrix",
    ("shallow_set_nested", "random_normal_projection"): "shallow_set:form=nested_author,projection=normal",
    ("shallow_set_nested", "sampled_activated_projection"): "shallow_set:form=nested_author,projection=sampled",
}


@dataclass(frozen=True)
class ThesisModel:
    """What is fitted; rows that repeat or transform a model share one.

    Attributes:
        descriptor: NAME[:key=value,…].
        energy, force: settings of the two fits; a conservative model has one, the first.
    """

    molecule: str
    descriptor: str
    conservative: bool
    energy: Setting
    force: Setting
    heuristic: str
    pair_multiplicity: int

    @classmethod
    def of(cls, row: Row) -> ThesisModel:
        """The model that a row of a table is about."""
        descriptor = DESCRIPTORS[row.model, row.descriptor]
        if row.projection_size is not None:
            descriptor += f",size={row.projection_size}"
        return cls(
            row.molecule, descriptor, row.conservative, row.energy, row.force, row.heuristic, row.pair_multiplicity
        )


def fit_model(model: ThesisModel, experiment: Experiment, rng: np.random.Generator) -> Potential:
    """Fit a model to the training frames; the settings are the thesis's, so that nothing is chosen on any frame."""
    frames = Dataset((experiment.train,))
    terms, _ = make_terms([model.descriptor])
    call(terms[0], "fit", lambda: terms[0].fit(frames))
    baselines = [Elements()] if experiment.centred else []
    for baseline in baselines:
        baseline.fit(frames)
    (left,) = left_by(baselines, frames)

    def fitted(setting: Setting, outputs: Outputs | None) -> Regressor:
        parameters: dict[str, Any] = {
            "width": setting.width,
            "activation": setting.activation,
            "regularization": setting.regularization,
            "relative": False,
            "weights": "thesis",
            "weight_scale": 1.0,
            "sampling": model.heuristic,
            "pair_multiplicity": model.pair_multiplicity,
        }
        if outputs is None:
            parameters["force_weights"] = 1.0
        regressor: Regressor = plugins.create("regressor", "rfnn", parameters)
        # Nothing is chosen, so that nothing need be held back; a conservative fit asks for some frames nevertheless.
        cut = len(experiment.train) - (0 if outputs else max(1, len(experiment.train) // 10))
        parts = [Dataset((part,)) for part in (left[:cut], left[cut:])]
        samples = [DescribedFrames(part, terms, outputs) for part in parts]
        fit(regressor, samples, [None], rng, Progress(), outputs=outputs is not None)
        return regressor

    parts_of_model: dict[str, Any] = {
        "elements": sorted({int(z) for z in experiment.train.numbers}),
        "baselines": baselines,
        "descriptors": terms,
        "regressor": fitted(model.energy, None if model.conservative else "energies"),
        "reference": experiment.train[:1],
    }
    if model.conservative:
        return Potential(**parts_of_model)
    return DirectPotential(**parts_of_model, force_regressor=fitted(model.force, "forces"))


def predict(potential: Potential, frames: Frames) -> tuple[Floats, Floats]:
    """Energies (M,), eV, and forces (M, N, 3), eV/Å; unlike ``Potential.compute``, of atoms in any order."""
    evaluate = potential.predict if isinstance(potential, DirectPotential) else potential.compute
    prediction = evaluate(frames)
    return prediction.energies, prediction.forces
