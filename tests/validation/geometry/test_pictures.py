"""What would make the pictures of a minimum wrong."""

import pytest
from matplotlib.figure import Figure

from rfp_md.validation.geometry import pictures as geometry_pictures


@pytest.mark.parametrize(("lowest", "red"), [(-4.9, False), (-5.1, True)])
def test_a_frequency_is_red_that_the_check_counts_as_real(lowest, red, monkeypatch):
    painted = []
    monkeypatch.setattr(geometry_pictures, "picture", lambda name, text, paint, size=None: painted.append(paint))
    geometry_pictures.curves({"frequencies_per_cm": [lowest, 1000.0]}, None)
    figure = Figure()
    painted[0](figure)
    assert ("red" in figure.axes[0].get_title()) == red
