"""What a training refuses."""

import json
from dataclasses import replace

import numpy as np
import pytest

import rfp_md
from rfp_md.errors import UserError
from rfp_md.frames import Dataset
from tests.conftest import BENZENE


def test_validation_frames_with_an_element_that_no_training_frame_has_are_refused(ethanol, tmp_path):
    both = Dataset((rfp_md.read(BENZENE).blocks[0][:10], ethanol[:5]))
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"train": list(range(10)), "valid": [10, 11]}))
    with pytest.raises(UserError, match="the validation frames have O, but none of the 10 training frames has"):
        rfp_md.train(both, split=str(split))


def test_a_cell_and_stresses_of_a_free_molecule_are_left_alone(ethanol):
    """Its energy does not depend on them: there are no strain rows, not even for a moment."""
    some = ethanol[:60]
    cells = np.tile(20.0 * np.eye(3), (len(some), 1, 1))
    boxed = replace(some, cells=cells, stresses=np.ones_like(cells))
    descriptor = ["many_body:width=100"]
    plain, with_cell = (rfp_md.train(Dataset((frames,)), descriptor=descriptor) for frames in (some, boxed))
    assert with_cell.record["fit"]["stress_weight"] is None
    np.testing.assert_array_equal(plain.compute(some).forces, with_cell.compute(some).forces)
