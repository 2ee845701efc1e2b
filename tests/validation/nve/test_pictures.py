"""What would make the pictures of NVE runs wrong."""

import numpy as np
from matplotlib.figure import Figure

from rfp_md.validation.nve import pictures as nve_pictures
from tests.report import records


def drawn(monkeypatch, nve):
    """The figures that the pictures of a run are, by name."""
    figures = {}

    def keep(name, description, paint):
        figures[name] = Figure()
        paint(figures[name])

    monkeypatch.setattr(nve_pictures, "picture", keep)
    nve_pictures.conserved(nve)
    return figures


def test_the_smaller_timestep_of_a_wrong_force_leaves_the_dt2_picture(monkeypatch):
    nve = records.nve()
    run = nve["runs"][0]
    run["first_trace"], run["half_trace"] = run["half_trace"], run["first_trace"]
    axes = drawn(monkeypatch, nve)["halved-0"].axes[0]
    low, high = axes.get_ylim()
    for line, key in zip(axes.lines, ("first_trace", "half_trace"), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), run[key]["conserved_mev_per_atom"])
        assert low < min(line.get_ydata()) < max(line.get_ydata()) < high


def test_a_record_from_before_the_first_part_was_kept_takes_the_page_with_it(monkeypatch):
    nve = records.nve()
    del nve["runs"][0]["first_trace"]
    assert list(drawn(monkeypatch, nve)) == ["drift-0"]
