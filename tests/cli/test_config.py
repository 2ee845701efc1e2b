"""Options from a TOML file: taken as the class says, or one sentence with file and key."""

import pytest

from rfp_md.cli.config import read_config
from rfp_md.errors import UserError
from rfp_md.evaluation.options import EvaluateOptions
from rfp_md.training.options import TrainOptions


def written(folder, text):
    path = folder / "options.toml"
    path.write_text(text)
    return path


def test_keys_are_the_names_of_the_options_with_either_stroke(tmp_path):
    text = 'n-train = 50\nn_valid = 10\ndescriptor = ["a", "b"]\nsplit = "contiguous"\nlearning-curve = [10, 20]\n'
    assert read_config(written(tmp_path, text), TrainOptions) == {
        "n_train": 50,
        "n_valid": 10,
        "descriptor": ["a", "b"],
        "split": "contiguous",
        "learning_curve": [10, 20],
    }
    assert read_config(written(tmp_path, 'learning-curve = "10,20"'), TrainOptions) == {"learning_curve": "10,20"}
    assert read_config(written(tmp_path, 'uncertainty = true\nplot = "a.png"'), EvaluateOptions) == {
        "uncertainty": True,
        "plot": "a.png",
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('seed = "abc"', "seed = 'abc' must be a whole number, at least 0"),
        ("seed = -1", "seed = -1 must be a whole number, at least 0"),
        ("seed = 1.0", "seed = 1.0 must be a whole number"),
        ("n-train = true", "n_train = True must be a whole number"),
        ("split = 3", "split = 3 must be a text"),
        ("descriptor = 3", "descriptor = 3 must be a list of texts"),
        ('descriptor = "many_body"', "descriptor = 'many_body' must be a list of texts"),
        ("descriptor = [3]", "descriptor = [3] must be a list of texts"),
        ('preset = "best"', "preset = 'best' must be 'accurate' or 'fast' or 'reference'"),
        ("learning_curve = 3", "learning_curve = 3 must be a text or a list of whole numbers"),
        ("seed = 2026-01-01", "must be a whole number"),
        ('epochs = "9"', "unknown key 'epochs'; known are descriptor, regressor, width, baseline, atom_energy"),
        ('output = "m.rfp"', "unknown key 'output'"),
        ('data = ["a.xyz"]', "unknown key 'data'"),
        ("progress = 3", "unknown key 'progress'"),
        ("seed", "is not TOML"),
        ("[train]\nseed = 3", "unknown key 'train'"),
    ],
)
def test_a_bad_line_is_one_sentence_with_file_and_key(tmp_path, line, message):
    path = written(tmp_path, line)
    with pytest.raises(UserError) as caught:
        read_config(path, TrainOptions)
    assert str(caught.value).startswith(f"--config {path}: ")
    assert message in str(caught.value)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"none\.toml: no such file"):
        read_config(tmp_path / "none.toml", TrainOptions)
    (tmp_path / "bytes.toml").write_bytes(b"\xff")
    with pytest.raises(UserError, match="is not TOML"):
        read_config(tmp_path / "bytes.toml", TrainOptions)
