"""A log that tells nothing for hours, or a line for each batch."""

import pytest

from rfp_md.cli import shown_progress
from rfp_md.cli.shown_progress import LineProgress


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(shown_progress.time, "monotonic", lambda: now[0])
    return now


def told_in(seconds, clock, capsys):
    """The lines of a stage that does a unit every second."""
    progress = LineProgress()
    progress.start("Training frames", seconds, "frames")
    for _ in range(seconds):
        clock[0] += 1.0
        progress.advance(1)
    return capsys.readouterr().err.splitlines()


def test_a_short_stage_fills_the_log(clock, capsys):
    assert told_in(9, clock, capsys) == []


def test_a_long_stage_is_silent_in_a_file(clock, capsys):
    lines = told_in(100, clock, capsys)
    assert lines[0] == "Training frames: 10% of 100 frames, 1 frames/s, about 1.5 min left"
    assert len(lines) == 4  # after 10, 20, 40 and 80 s


def test_a_very_long_stage_is_told_less_and_less_often(clock, capsys):
    assert 20 < len(told_in(7200, clock, capsys)) < 35
