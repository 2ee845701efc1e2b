"""``--level LOW --level HIGH``: few labels of a high level correct many of a low one."""

from dataclasses import replace

import numpy as np
import pytest

import rfp_md
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.io.write import write
from tests.programs import refused, rfp
from tests.training.test_run import SMALL, labelled

FIT = {"descriptor": [SMALL], "regressor": "random_fourier:width=120"}
FRAMES = labelled([8, 1, 1], 160, 1)


def lowered(frames):
    """A level that is wrong by a tenth, and by another energy of atoms."""
    return replace(frames, energies=0.9 * frames.energies - 50.0, forces=0.9 * frames.forces)


@pytest.fixture
def files(tmp_path):
    write(Dataset((lowered(FRAMES[:120]),)), tmp_path / "low.extxyz")
    write(Dataset((FRAMES[120:126],)), tmp_path / "high.extxyz")
    return tmp_path / "low.extxyz", tmp_path / "high.extxyz"


def error(potential):
    judged = FRAMES[130:]
    return np.abs(potential.compute(judged).forces - judged.forces).mean()


def test_a_low_level_does_not_help(files):
    joint = rfp_md.train(level=files, n_valid=2, **FIT)
    direct = rfp_md.train(Dataset((FRAMES[120:126],)), n_valid=2, **FIT)
    assert error(joint) < 0.5 * error(direct)
    judged = FRAMES[130:]
    assert np.abs(joint.energies(judged) - judged.energies).mean() < 0.2 * np.ptp(judged.energies)
    assert joint.record["low_level"]["frames"] == 120
    assert joint.record["fit"]["closeness"] in (1.0, 0.3, 0.1, 0.03, 0.01)


def test_energies_alone_of_the_high_level_are_refused(files, tmp_path):
    write(Dataset((replace(FRAMES[120:130], forces=None),)), tmp_path / "energies.extxyz")
    joint = rfp_md.train(level=[files[0], tmp_path / "energies.extxyz"], n_valid=3, **FIT)
    judged = FRAMES[130:]
    errors = joint.energies(judged) - judged.energies
    assert np.abs(errors - errors.mean()).mean() < 0.2 * judged.energies.std()


def test_a_seed_gives_other_bytes(files, tmp_path):
    for name in ("a.rfp", "b.rfp"):
        assert rfp(
            "train", "--level", files[0], "--level", files[1], "-o", tmp_path / name, "--n-valid", "3",
            "--descriptor", SMALL, "--width", "60",
        ).returncode == 0  # fmt: skip
    assert (tmp_path / "a.rfp").read_bytes() == (tmp_path / "b.rfp").read_bytes()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["{low}"], "stand in place of DATA"),
        (["--level", "{low}"], "takes two levels"),
        (["--target", "direct"], "know one level only"),
        (["--time-budget", "5s"], "know one level only"),
        (["--regressor", "gaussian_process"], "linear in features"),
    ],
)
def test_what_two_levels_do_not_go_with_is_taken(files, tmp_path, more, message):
    levels = ["--level", files[0], "--level", files[1]]
    extra = [text.format(low=files[0]) for text in more]
    assert message in refused("train", *extra, *levels, "-o", tmp_path / "m.rfp")


def test_no_frames_at_all_are_trained_on(tmp_path):
    assert "there are no frames to train on" in refused("train", "-o", tmp_path / "m.rfp")


def test_a_low_level_of_other_elements_is_taken(files, tmp_path):
    other = Frames(np.array([7, 1]), np.array([[[0, 0, 0], [0, 0, 1.0]]]), np.array([-1.0]), np.zeros((1, 2, 3)))
    write(Dataset((other, lowered(FRAMES[:9]))), tmp_path / "other.extxyz")
    with pytest.raises(UserError, match=r"has N, but .*, the level to be learned, has not"):
        rfp_md.train(level=[tmp_path / "other.extxyz", files[1]], n_valid=3, **FIT)
