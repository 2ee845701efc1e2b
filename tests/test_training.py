"""What a training refuses."""

import json

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
