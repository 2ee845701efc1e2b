"""What flags say."""

import pytest

from rfp_md.errors import UserError
from rfp_md.training.flag_values import parse_duration, parse_sizes, with_defaults


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5min", 300), ("5 min", 300), ("1h", 3600), ("1.5h", 5400)]
)
def test_a_time_is_read_with_its_unit(text, seconds):
    assert parse_duration(text, "--time-budget") == seconds


@pytest.mark.parametrize("text", ["", "5", "min", "-5min", "0s", "5m", "1e3s", "nan s", "٥s", "9" * 400 + "h"])
def test_no_time_is_guessed(text):
    with pytest.raises(UserError, match="must be a time with its unit, as in 90s, 5min or 1h"):
        parse_duration(text, "--time-budget")


def test_sizes_are_whole_numbers():
    assert parse_sizes("50, 100,20") == [50, 100, 20]
    with pytest.raises(UserError, match=r"--learning-curve 50,1\.5: must be numbers of training frames"):
        parse_sizes("50,1.5")


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("random_fourier", "random_fourier:length_scale=10,pool=2"),
        ("random_fourier:kernel=laplace", "random_fourier:length_scale=10,pool=2,kernel=laplace"),
        ("random_fourier:pool=1", "random_fourier:length_scale=10,pool=1"),
        ("rfnn:activation=tanh", "rfnn:activation=tanh"),
    ],
)
def test_one_changed_parameter_drops_the_rest_of_the_preset(text, whole):
    assert with_defaults(text, "random_fourier:length_scale=10,pool=2", "--regressor") == whole
