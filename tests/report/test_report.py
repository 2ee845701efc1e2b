"""What would make the page of a model wrong, without a browser."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest

import rfp_md
from rfp_md.artifact import save
from rfp_md.evaluation import evaluate
from rfp_md.frames import Dataset, Frames
from rfp_md.io.write import write
from rfp_md.report import report
from rfp_md.validation import record
from rfp_md.validation.thresholds import judge
from tests.programs import refused, rfp
from tests.report import records
from tests.report.conftest import TEST

EMBEDDED = re.compile(r'<script type="application/json" id="rfp-report">(.*?)</script>', re.DOTALL)
SHOWN = re.compile(r'data-figure="([^"]*)" data-value="([^"]*)">([^<]*)<')


def embedded(path):
    return json.loads(EMBEDDED.search(path.read_text())[1])


def look_up(figures, path):
    for key in path.split("."):
        figures = figures[int(key)] if isinstance(figures, list) else figures[key]
    return figures


class Ids(HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids, self.references = [], set()

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            if name in ("href", "xlink:href") and value.startswith("#"):
                self.references.add(value[1:])
            self.references.update(re.findall(r"url\(#([^)]*)\)", value or ""))


def test_the_json_in_the_page_is_not_what_was_returned(page):
    path, figures = page
    assert embedded(path) == figures


def test_a_shown_figure_is_not_the_one_of_the_json(page):
    path, figures = page
    shown = SHOWN.findall(path.read_text())
    assert len(shown) > 100
    for place, exact, text in shown:
        value = look_up(figures, place)
        assert json.loads(unescape(exact)) == value, place
        if isinstance(value, float):
            assert float(text.replace("−", "-")) == pytest.approx(value, rel=6e-3), place


def test_the_page_reports_other_errors_than_rfp_evaluate(validated, page):
    found = evaluate(validated, TEST, uncertainty=True)
    test = page[1]["test"]
    for key in set(found) - {"ms_per_frame"}:
        assert test[key] == found[key], key


def test_a_worst_frame_is_not_the_worst(validated, page):
    frames = rfp_md.read(TEST).blocks[0]
    errors = rfp_md.load(validated).compute(frames).forces - frames.forces
    rmse = np.sqrt(np.square(errors).mean(axis=(1, 2)))
    worst = page[1]["test"]["worst"]
    assert [int(frame["frame"]) for frame in worst] == frames.places[np.argsort(-rmse)[:6]].tolist()
    assert worst[0]["force_rmse_mev_per_angstrom"] == pytest.approx(1e3 * rmse.max())
    of_atoms = np.linalg.norm(errors[rmse.argmax()], axis=1)
    assert worst[0]["worst_atom"] == of_atoms.argmax()


def test_frames_without_forces_or_a_kind_are_lost(potential, tmp_path):
    blocks = rfp_md.read(f"{TEST}").blocks[0]
    kinds = np.array(["hot"] * 3 + [""] * 5, dtype=object)
    with_forces, without = replace(blocks[:8], kinds=kinds), replace(blocks[8:10], forces=None)
    write(Dataset((without, with_forces)), tmp_path / "mixed.extxyz")
    save(potential, tmp_path / "m.rfp")
    test = report(tmp_path / "m.rfp", tmp_path / "r.html", data=tmp_path / "mixed.extxyz")["test"]
    assert [(kind["config_type"], kind["n_frames"]) for kind in test["by_config_type"]] == [("none", 7), ("hot", 3)]
    assert "RMSE by config_type" in (tmp_path / "r.html").read_text()
    assert sum(line["n_components"] for line in test["elements"]) == 8 * 27
    alone = potential.compute(with_forces).forces - with_forces.forces
    assert test["force_mae_mev_per_angstrom"] == pytest.approx(1e3 * np.abs(alone).mean(), rel=1e-5)
    assert all("force_rmse_mev_per_angstrom" in frame for frame in test["worst"])


def test_errors_by_element_do_not_add_up(page):
    test = page[1]["test"]
    counts = [line["n_components"] for line in test["elements"]]
    assert [line["element"] for line in test["elements"]] == ["H", "C", "O"]
    assert counts == [40 * 3 * n for n in (6, 2, 1)]
    mean = np.average([line["force_mae_mev_per_angstrom"] for line in test["elements"]], weights=counts)
    assert mean == pytest.approx(test["force_mae_mev_per_angstrom"])


def test_the_same_input_gives_other_bytes(validated, page, tmp_path):
    report(validated, tmp_path / "again.html", data=TEST)
    assert (tmp_path / "again.html").read_bytes() == page[0].read_bytes()


def test_a_matplotlibrc_changes_the_page(validated, tmp_path, monkeypatch):
    import matplotlib

    report(validated, tmp_path / "plain.html")
    with matplotlib.rc_context({"font.size": 30, "savefig.facecolor": "red", "svg.fonttype": "path"}):
        report(validated, tmp_path / "other.html")
        assert matplotlib.rcParams["font.size"] == 30
    assert (tmp_path / "plain.html").read_bytes() == (tmp_path / "other.html").read_bytes()


def test_two_pictures_share_an_id_or_point_nowhere(page):
    parser = Ids()
    parser.feed(page[0].read_text())
    assert len(parser.ids) == len(set(parser.ids))
    assert parser.references <= set(parser.ids)


def test_the_page_needs_something_from_elsewhere(page):
    text = page[0].read_text()
    addresses = set(re.findall(r'(?:src|href)="(?!#|data:)([^"]*)"', text))
    assert not addresses
    assert not re.findall(r"url\((?!#)", text)
    assert "@import" not in text
    assert page[0].stat().st_size < 3e6


def test_a_failed_model_looks_like_a_good_one(potential, tmp_path):
    path = tmp_path / "bad.rfp"
    save(potential, path)
    checks = {"nve": records.nve(5.0), "stability": records.stability(potential.reference, broken=True)}
    record.add(path, checks)
    figures = report(path, tmp_path / "bad.html")
    assert figures["verdict"] == "fail"
    assert figures["forces"] is figures["geometry"] is None
    top = (tmp_path / "bad.html").read_text().split("<main>")[0]
    assert '<div class="banner bad" id="verdict"><strong>✕ Validation: fail.' in top
    assert "NVE: ✕ fail" in top
    text = (tmp_path / "bad.html").read_text()
    assert "Replica 1 where it broke" in text
    assert "two atoms met" in text
    assert "Replica 2 where it broke.<" in text
    assert "rfp validate bad.rfp geometry" in text


def test_a_model_of_one_quick_check_looks_like_a_good_one(potential, tmp_path):
    path = tmp_path / "some.rfp"
    save(potential, path)
    record.add(path, {"forces": records.forces()})
    figures = report(path, tmp_path / "some.html")
    assert (figures["verdict"], figures["not_run"]) == ("pass", ["nve", "stability", "geometry"])
    top = (tmp_path / "some.html").read_text().split("<main>")[0]
    assert '<div class="banner warning" id="verdict"><strong>✓ Validation: pass so far.' in top
    assert "Not run: NVE, stability, geometry; <code>rfp validate some.rfp all</code> runs them." in top
    assert "Shorter than the default: forces; " in top


def test_a_replica_that_broke_without_a_bond_takes_the_page_with_it(potential, tmp_path):
    path = tmp_path / "hot.rfp"
    save(potential, path)
    positions = potential.reference.positions[0].tolist()
    found = records.stability(potential.reference, broken=True)
    found["breaks"] = [
        {
            "replica": 1,
            "ps": 0.5,
            "why": "collision",
            "positions": positions,
            "force_uncertainty_ev_per_angstrom": None,
        }
    ]
    record.add(path, {"stability": found})
    report(path, tmp_path / "hot.html")
    text = (tmp_path / "hot.html").read_text()
    assert '<td colspan="3">two atoms met</td>' in text
    assert "Replica 1 where it broke.<" in text


@pytest.mark.parametrize("known", [True, False])
def test_where_a_model_was_left_is_not_told_with_the_remedy(potential, tmp_path, known):
    path = tmp_path / "hot.rfp"
    save(potential, path)
    found = records.stability(potential.reference, broken=True)
    if known:
        found["breaks"][0]["departure_positions"] = found["breaks"][0]["positions"]
    record.add(path, {"stability": found})
    report(path, tmp_path / "hot.html")
    assert ("<code>hot.breaks.extxyz</code>" in (tmp_path / "hot.html").read_text()) == known


def test_a_minimum_that_flew_apart_is_an_empty_picture(potential, tmp_path):
    path = tmp_path / "wild.rfp"
    save(potential, path)
    found = records.geometry(potential.reference) | {"changed_bonds": 8}
    found["relaxed_positions"] = (500.0 * potential.reference.positions[0]).tolist()
    record.add(path, {"geometry": found})
    report(path, tmp_path / "wild.html")
    text = (tmp_path / "wild.html").read_text()
    assert "There is no picture of the minimum: its atoms are too far apart." in text
    assert 'id="relaxed-' not in text


def ten_atoms():
    """Other atoms than ethanol's, in a cell, with an oxygen where ethanol has a hydrogen."""
    numbers = np.array([8, *[1] * 8, 6])
    positions = 1.1 * np.arange(30).reshape(1, 10, 3) % 5.3
    return Frames(numbers, positions, cells=6.0 * np.eye(3)[None], pbc=(True,) * 3)


def test_the_atoms_of_the_model_s_structure_lie_over_another_one_s(potential, tmp_path):
    path, other = tmp_path / "any.rfp", ten_atoms()
    save(potential, path)
    broken, relaxed = records.stability(other, broken=True), records.geometry(other)
    relaxed["rotors"][0]["bond"] = [0, 9]
    checks = {"stability": broken, "geometry": relaxed, "forces": records.forces()}
    record.add(path, {name: records.from_file(found, other, "ten.xyz") for name, found in checks.items()})
    report(path, tmp_path / "any.html")
    text = (tmp_path / "any.html").read_text()
    assert "H2–H8" in text
    assert "O0–C9" in text
    assert "C2–" not in text
    drawn = text[text.index('id="relaxed-') :].split("</svg>")[0]
    assert (drawn.count('class="ball"'), drawn.count('class="edge"')) == (10, 12)
    assert "From the last frame of ten.xyz, OH8C to the minimum" in text
    assert text.count("Started from the last frame of ten.xyz, OH8C.") == 2


def test_a_record_of_other_atoms_that_it_does_not_tell_takes_the_page_with_it(potential, tmp_path):
    """As they were written before they said what they started from."""
    path, other = tmp_path / "old.rfp", ten_atoms()
    save(potential, path)
    checks = {"stability": records.stability(other, broken=True), "geometry": records.geometry(other)}
    record.add(path, {name: found | {"structure": "OH8C"} for name, found in checks.items()})
    report(path, tmp_path / "old.html")
    text = (tmp_path / "old.html").read_text()
    assert "<td>2–8</td>" in text
    assert "There is no picture of the minimum: the record does not say of which atoms it is." in text


@pytest.mark.parametrize(("n_atoms", "changed", "told"), [(401, None, True), (401, 0, True), (9, None, False)])
def test_a_minimum_without_a_picture_is_said_to_have_flown_apart(potential, tmp_path, n_atoms, changed, told):
    path = tmp_path / "large.rfp"
    save(potential, path)
    far = 500.0 * np.random.default_rng(0).standard_normal((1, n_atoms, 3))
    frames = Frames(np.ones(n_atoms, dtype=np.int64), far)
    found = records.from_file(records.geometry(frames) | {"changed_bonds": changed}, frames, "large.xyz")
    record.add(path, {"geometry": found})
    report(path, tmp_path / "large.html")
    text = (tmp_path / "large.html").read_text()
    assert ("There is no picture of the minimum: it has too many atoms to draw." in text) == told
    assert "too far apart" not in text


def test_a_figure_that_was_not_finite_takes_the_page_with_it(potential, tmp_path):
    path = tmp_path / "wild.rfp"
    save(potential, path)
    nowhere = records.forces()
    nowhere["error_curve"] = [{"step_angstrom": 0.01, "max_abs_error_ev_per_angstrom": float("nan")}]
    figures = {"max_abs_error_ev_per_angstrom": float("inf"), "energy_jump_ev": float("nan")}
    stopped = records.stability(potential.reference, broken=True)
    stopped["series"] = {key: [] for key in stopped["series"]}
    stopped["pair_distances"] = {"r_angstrom": [0.025], "h_per_angstrom": [0.0]}
    crashed = records.geometry(potential.reference)
    crashed["rotors"] += [{"bond": [1, 2], "turning": 2, "barrier_ev": None, "profile_ev": [0.0, None]}]
    crashed["scan"] |= {"barrier_ev": None, "max_error_ev": None, "profile_ev": [None] * 3}
    checks = {"forces": nowhere | judge("forces", figures) | figures, "stability": stopped, "geometry": crashed}
    record.add(path, checks)
    found = report(path, tmp_path / "wild.html")
    assert found["forces"]["verdict"] == "fail"
    assert found["forces"]["judged"][0]["value"] is None
    assert 'data-figure="forces.judged.0.value" data-value="null">–<' in (tmp_path / "wild.html").read_text()


def test_a_dimer_that_flew_apart_takes_the_page_with_it(potential, tmp_path):
    path = tmp_path / "apart.rfp"
    save(potential, path)
    nve = records.nve(0.0)
    for found in (nve, nve["runs"][0]):
        found |= {"dt2_ratio": None, "drift_ratio": None}
    for key in ("trace", "first_trace", "half_trace"):
        nve["runs"][0][key]["conserved_mev_per_atom"] = [0.0] * len(records.TIMES)
    record.add(path, {"nve": nve})
    report(path, tmp_path / "apart.html")
    text = (tmp_path / "apart.html").read_text()
    for figure in ("dt2_ratio", "drift_ratio"):
        assert f'data-figure="nve.runs.0.{figure}" data-value="null">–<' in text


def test_a_model_that_was_never_validated_does_not_say_so(model, tmp_path):
    figures = report(model, tmp_path / "new.html")
    assert figures["verdict"] == "never validated"
    assert figures["test"] is figures["learning_curve"] is None
    text = (tmp_path / "new.html").read_text()
    assert "? Validation: never validated." in text.split("<main>")[0]
    for missing in ("forces", "nve", "stability --data FRAMES", "geometry"):
        assert f"rfp validate ethanol.rfp {missing}" in text
    assert text.count("rfp report ethanol.rfp --data TEST -o report.html") == 4
    assert "--learning-curve" in text


def test_training_frames_pass_as_test_frames(model, potential, ethanol, tmp_path):
    from tests.conftest import ETHANOL

    figures = report(model, tmp_path / "leak.html", data=f"{ETHANOL}@:20")
    assert figures["test"]["leakage"]["exact"] == 20
    assert "The test frames are not new to the model" in (tmp_path / "leak.html").read_text().split("<main>")[0]


def test_a_name_breaks_out_of_the_page(potential, tmp_path):
    path = tmp_path / "<b onload=x>'&.rfp"
    named = potential.record | {"data": potential.record["data"] | {"files": "</script><script>alert(1)</script>"}}
    save(replace(potential, record=named), path)
    figures = report(path, tmp_path / "odd.html")
    text = (tmp_path / "odd.html").read_text()
    assert "<b onload" not in text
    assert "<script>alert" not in text
    assert embedded(tmp_path / "odd.html") == figures
    assert "--model '<b onload=x>'\"'\"'&.rfp'" in figures["run"]["lammps"]


def small(path, **options):
    """A model of little, in a moment."""
    from tests.conftest import ETHANOL

    rfp_md.train(f"{ETHANOL}@:100", output=path, n_train=60, n_valid=20, **options)
    return path


def test_a_model_without_forces_is_told_how_to_run(tmp_path):
    options = {"descriptor": ["inverse_distances"], "regressor": "rfnn:activation=relu,width=50"}
    figures = report(small(tmp_path / "energies.rfp", **options), tmp_path / "energies.html", data=TEST)
    assert figures["run"] is None
    assert figures["test"]["force_mae_mev_per_angstrom"] is None
    assert len(figures["test"]["worst"]) == 6
    assert "it cannot run MD" in (tmp_path / "energies.html").read_text().split("<main>")[0]


def test_a_direct_model_passes_for_a_conservative_one(tmp_path):
    options = {"target": "direct", "descriptor": ["cartesian"], "regressor": "rfnn:width=50"}
    figures = report(small(tmp_path / "direct.rfp", **options), tmp_path / "direct.html", data=TEST)
    assert figures["model"]["target"] == "direct"
    assert figures["test"]["uncertainty"] is figures["model"]["committee_members"] is None
    assert "This model has no committee" in (tmp_path / "direct.html").read_text()
    assert "its forces are not the gradient of its energy" in (tmp_path / "direct.html").read_text().split("<main>")[0]


def test_the_snippets_do_not_run(model, tmp_path):
    run = report(model, tmp_path / "page.html")["run"]
    (tmp_path / "ethanol.rfp").write_bytes(model.read_bytes())
    space = {"__name__": "snippet"}
    import contextlib
    import io

    with contextlib.chdir(tmp_path), contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(run["ase"], space)
        exec(run["lammps_data"], {})
    assert printed.getvalue().startswith("-")
    assert "3 atom types" in (tmp_path / "data.ethanol").read_text()
    assert run["lammps"] == "rfp-lammps -in in.nve --model ethanol.rfp --types C,O,H"
    first = run["ipi"].splitlines()[0].replace("rfp-driver", f"{sys.executable} -m rfp_md.driver")
    subprocess.run(["bash", "-c", first], cwd=tmp_path, check=True, timeout=60)
    assert "<simulation" in (tmp_path / "input.xml").read_text()


def test_the_command_is_not_the_function(validated, page, tmp_path):
    result = rfp("report", validated, "-o", tmp_path / "page.html", "--data", TEST, "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == page[1]
    assert (tmp_path / "page.html").read_bytes() == page[0].read_bytes()


def test_bad_input_leaves_half_a_page(model, tmp_path):
    assert "no such file" in refused("report", tmp_path / "none.rfp", "-o", tmp_path / "page.html")
    assert "no folder" in refused("report", model, "-o", tmp_path / "none/page.html")
    assert "is an input" in refused("report", model, "-o", model)
    assert "none.xyz" in refused("report", model, "-o", tmp_path / "page.html", "--data", tmp_path / "none.xyz")
    assert list(tmp_path.iterdir()) == []
