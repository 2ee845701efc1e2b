"""rfp thesis run and compare: protocols, resuming, and the sentences for bad input."""

import json

import numpy as np
import pytest

from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.thesis import run as runner
from rfp_md.thesis.compare import as_csv, as_markdown, compare, load_results
from rfp_md.thesis.protocols import experiment
from rfp_md.thesis.run import KCAL, run
from tests.programs import refused, rfp


def write(path, frames: Frames, steps=None):
    extra = {} if steps is None else {"old_indices": steps}
    np.savez(
        path,
        nuclear_charges=frames.numbers,
        coords=frames.positions,
        energies=frames.energies / KCAL,
        forces=frames.forces / KCAL,
        **extra,
    )


@pytest.fixture(scope="module")
def folder(ethanol, tmp_path_factory):
    """Ethanol under rMD17's file names."""
    folder = tmp_path_factory.mktemp("thesis")
    write(folder / "rmd17_ethanol_train_01.npz", ethanol[:200], steps=np.arange(200)[::-1] * 10)
    write(folder / "rmd17_ethanol_test_01.npz", ethanol[200:260], steps=np.arange(60) * 10 + 5)
    return folder


@pytest.fixture
def trajectory(tmp_path):
    """A walk in one dimension through nine atoms' space: 400 consecutive frames of a harmonic molecule."""
    rng = np.random.default_rng(0)
    centre = 1.5 * rng.normal(size=(9, 3))
    phases, rates = rng.uniform(0, 2 * np.pi, (9, 3)), rng.uniform(0.05, 0.2, (9, 3))
    moves = 0.1 * np.sin(rates * np.arange(400)[:, None, None] + phases)
    numbers = np.array([6, 6, 8, 1, 1, 1, 1, 1, 1])
    frames = Frames(numbers, centre + moves, energies=5.0 * (moves**2).sum((1, 2)), forces=-10.0 * moves)
    write(tmp_path / "ethanol.npz", frames, steps=np.arange(400))
    return tmp_path


def test_the_authors_draw_repeats_half_of_the_test_frames(trajectory, rng):
    data = experiment("author", "ethanol", trajectory, rng)
    assert (len(data.train), len(data.test)) == (279, 120)
    assert 0.35 < data.repeated.mean() < 0.65
    assert data.leakage.exact == data.repeated.sum()
    assert not data.centred


def test_blocks_of_time_repeat_nothing_and_keep_a_gap(trajectory, rng):
    data = experiment("clean", "ethanol", trajectory, rng)
    assert not data.repeated.any()
    assert data.leakage.exact == 0
    assert data.test.steps.min() - data.train.steps.max() > 20


def test_without_a_trajectory_clean_takes_the_rmd17_frames_in_their_order_of_time(folder, rng):
    data = experiment("clean", "ethanol", folder, rng)
    assert data.train.steps.max() < data.test.steps.min()


def test_the_leak_makes_repeated_frames_twenty_times_more_accurate(trajectory):
    rows = run(["3.23"], data=trajectory, protocol="author")
    row = rows[0]
    assert row["new_force_mae"] > 20 * row["repeated_force_mae"]


def test_a_run_goes_on_where_it_was_killed(folder, tmp_path, monkeypatch):
    output = tmp_path / "results.jsonl"
    whole = run(["3.24", "3.36"], data=folder, output=output)
    assert [row["descriptor"] for row in whole][:3] == ["eigenvalues", "singular_values", "sorted_coulomb_matrix"]
    lines = output.read_text().splitlines(keepends=True)
    output.write_text("".join(lines[:-1]) + lines[-1][:40])
    fitted = []
    monkeypatch.setattr(runner, "fit_model", lambda model, *rest: fitted.append(model) or fit_model(model, *rest))
    from rfp_md.thesis.models import fit_model

    again = run(["3.24", "3.36"], data=folder, output=output)
    assert len(fitted) == 1
    for row, other in zip(whole, again, strict=True):
        assert {k: v for k, v in row.items() if k != "seconds"} == {k: v for k, v in other.items() if k != "seconds"}


def test_transformed_rows_have_both_kinds_of_labels(trajectory):
    rows = {row["transformation"]: row for row in run(["3.23"], data=trajectory, protocol="author")}
    assert "as_thesis_force_mae" not in rows["none"]
    # An invariant model cannot follow forces that turn: what the thesis's labels hide, physics shows.
    assert rows["TR"]["energy_mae"] == pytest.approx(rows["none"]["energy_mae"], rel=1e-3)
    assert rows["TR"]["as_thesis_force_mae"] == pytest.approx(rows["none"]["force_mae"], rel=1e-3)
    assert rows["TR"]["force_mae"] > 1.5 * rows["none"]["force_mae"]


def test_comparisons_are_the_same_in_every_format(folder, tmp_path):
    output = tmp_path / "results.jsonl"
    rows = run(["3.26"], data=folder, output=output)
    assert load_results(output) == rows
    lines = compare(rows)
    assert [line[6] for line in lines] == ["energy kcal/mol", "force kcal/mol/Å"]
    assert float(lines[1][9]) == pytest.approx(rows[0]["force_mae"] / 5.5677, rel=1e-2)
    assert as_csv(lines).count("\n") == 3
    assert as_markdown(lines).splitlines()[3] == "| " + " | ".join(lines[1]) + " |"
    assert rfp("thesis", "compare", output, "--csv").stdout == as_csv(lines)


def test_the_list_is_json(tmp_path):
    rows = json.loads(rfp("thesis", "list", "--json").stdout)
    assert len(rows) == 120
    assert rows[0]["table"] == "3.2"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("run", "3.99", "--data", "."), "no table of results 3.99"),
        (("run", "--data", "."), "name the tables"),
        (("run", "3.2", "--data", "nowhere"), "--data nowhere: no such folder"),
        (("run", "3.2", "--data", "."), "has no rmd17_benzene_train_01.npz"),
        (("run", "3.2", "--data", ".", "--protocol", "best"), "--protocol best: must be one of author, clean, rmd17"),
        (("run", "3.2", "--data", ".", "--protocol", "author"), "needs a trajectory of consecutive frames"),
        (("compare", "nowhere.jsonl"), "nowhere.jsonl: no such file"),
    ],
)
def test_bad_input_is_one_sentence(arguments, sentence, tmp_path):
    assert sentence in refused("thesis", *arguments, cwd=tmp_path)


def test_a_file_of_another_molecule_is_named(folder, ethanol, tmp_path, rng):
    write(tmp_path / "rmd17_benzene_train_01.npz", ethanol[:5])
    with pytest.raises(UserError, match=r"rmd17_benzene_train_01.npz: should be benzene, H6C6, but is H6C2O"):
        experiment("rmd17", "benzene", tmp_path, rng)


def test_results_of_another_protocol_are_not_mixed(folder, tmp_path):
    output = tmp_path / "results.jsonl"
    run(["3.26"], data=folder, output=output)
    with pytest.raises(UserError, match="holds ethanol with another seed; name another output"):
        run(["3.26"], data=folder, output=output, seed=1)


@pytest.mark.parametrize(
    "content", [b"my notes", b"first\nmy notes", b"\xff\xfe\n\x00binary\n\xff", b'{"table": "3.2"}\n']
)
def test_a_file_of_somebody_else_is_left_as_it_is(folder, tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"notes.txt: line 1 is no result of 'rfp thesis run'"):
        run(["3.26"], data=folder, output=path)
    assert path.read_bytes() == content


def test_rows_that_are_there_are_not_written_twice(folder, tmp_path):
    output = tmp_path / "results.jsonl"
    run(["3.36"], data=folder, output=output)
    run(["3.36", "3.41"], data=folder, output=output)
    rows = [(row["table"], row["descriptor"]) for row in load_results(output)]
    assert len(rows) == len(set(rows)) == 6


def test_results_of_other_frames_are_not_taken_for_these(folder, ethanol, tmp_path):
    output = tmp_path / "results.jsonl"
    run(["3.26"], data=folder, output=output)
    for part, frames in (("train", ethanol[300:400]), ("test", ethanol[400:420])):
        write(tmp_path / f"rmd17_ethanol_{part}_01.npz", frames)
    with pytest.raises(UserError, match="holds ethanol with another data; name another output"):
        run(["3.26"], data=tmp_path, output=output)


def test_the_leaking_draw_shows_its_two_halves(trajectory):
    lines = compare(run(["3.26"], data=trajectory, protocol="author"))
    assert [line[-1] for line in lines[::2]] == ["", "repeat training frames", "are new"]
    assert {line[5] for line in lines} == {"author"}


def test_a_trajectory_of_a_few_frames_is_refused(ethanol, tmp_path, rng):
    write(tmp_path / "ethanol.npz", ethanol[:6])
    with pytest.raises(UserError, match="has 6 frames, but a trajectory needs at least 50"):
        experiment("author", "ethanol", tmp_path, rng)
