"""What the thesis was after: a conservative model with a descriptor beats force vectors that are regressed directly."""

import numpy as np
import pytest

import rfp_md
from rfp_md.thesis.models import ThesisModel, fit_model, predict
from rfp_md.thesis.protocols import experiment
from rfp_md.thesis.rows import rows_of_tables

BLACK_BOXES = {"benzene": "3.2", "uracil": "3.7", "paracetamol": "3.12", "toluene": "3.17", "ethanol": "3.22"}
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in BLACK_BOXES if name != "ethanol"]


@pytest.mark.parametrize("molecule", ["ethanol", *SLOW])
def test_a_conservative_model_with_a_descriptor_beats_the_black_box(data_folder, molecule, rng):
    frames = experiment("rmd17", molecule, data_folder, rng)
    black_box = fit_model(ThesisModel.of(rows_of_tables([BLACK_BOXES[molecule]])[0]), frames, rng)
    conservative = rfp_md.train(
        rfp_md.Dataset((frames.train[:300],)), descriptor=["coulomb_matrix:triangle=true,width=1000"]
    )
    errors = [
        np.abs(forces - frames.test.forces).mean()
        for forces in (predict(black_box, frames.test)[1], conservative.compute(frames.test).forces)
    ]
    assert errors[1] < 0.5 * errors[0]
