"""The rfp command as a user meets it: exit codes, JSON, one-line errors."""

import json

import pytest

from tests.conftest import ETHANOL, ROOT
from tests.programs import process, refused, rfp


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The JSON of a training run, and its model."""
    model = tmp_path_factory.mktemp("cli") / "ethanol.rfp"
    options = ("--descriptor", "inverse_distances:width=300", "--n-train", "80", "--n-valid", "20", "--json")
    result = rfp("train", f"{ETHANOL}@:500", "-o", model, *options)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout), model, result.stderr


def test_train_prints_one_json_object_and_the_memory_estimate(trained):
    record, model, errors = trained
    assert model.is_file()
    assert record["fit"]["width"] == 300
    assert record["split"] == {"kind": "random", "n_train": 80, "n_valid": 20, "seed": 0}
    assert "300 features: peak memory about 0.0" in errors


def test_the_help_of_train_ends_with_the_parameters_of_every_plugin_that_has_any():
    text = rfp("train", "--help").stdout
    assert "--no-stress" in text
    assert "--descriptor many_body" in text
    assert "--baseline zbl" not in text.split("Show this message")[1]


def test_evaluate_keeps_its_contract(trained, tmp_path):
    _, model, _ = trained
    result = rfp("evaluate", model, f"{ETHANOL}@500:", "--json", "--plot", tmp_path / "parity.png")
    errors = json.loads(result.stdout)
    assert set(errors) == {
        "n_frames",
        "energy_mae_mev",
        "energy_rmse_mev",
        "energy_mae_mev_per_atom",
        "energy_rmse_mev_per_atom",
        "force_mae_mev_per_angstrom",
        "force_rmse_mev_per_angstrom",
        "stress_mae_mev_per_angstrom3",
        "stress_rmse_mev_per_angstrom3",
        "by_config_type",
        "notes",
        "ms_per_frame",
        "leakage",
    }
    assert errors["leakage"]["summary"] == "none found"
    assert errors["n_frames"] == 100
    assert errors["energy_mae_mev_per_atom"] == pytest.approx(errors["energy_mae_mev"] / 9)
    assert (tmp_path / "parity.png").read_bytes().startswith(b"\x89PNG")


def test_evaluate_compares_errors_with_the_predicted_uncertainty(trained, tmp_path):
    _, model, _ = trained
    found = json.loads(rfp("evaluate", model, f"{ETHANOL}@500:", "--json", "--uncertainty").stdout)["uncertainty"]
    assert set(found) == {
        "energy_std_mev",
        "force_std_mev_per_angstrom",
        "energy_error_over_std",
        "force_error_over_std",
        "force_error_spearman",
        "energy_calibration",
        "force_calibration",
    }
    assert len(found["force_calibration"]) == 10
    assert set(found["force_calibration"][0]) == {"n", "std", "rmse"}
    result = rfp("evaluate", model, f"{ETHANOL}@500:", "--uncertainty", "--plot", tmp_path / "calibration.png")
    assert "calibration of forces, meV/Å\n  predicted  observed  n" in result.stdout
    assert (tmp_path / "calibration.png").read_bytes().startswith(b"\x89PNG")


def test_uncertainty_of_a_model_without_a_committee_is_refused():
    line = refused("evaluate", ROOT / "tests/artifacts/format_1.rfp", f"{ETHANOL}@:3", "--uncertainty")
    assert "no committee" in line


def test_info_shows_the_header(trained):
    _, model, _ = trained
    assert json.loads(rfp("info", model, "--json").stdout)["formula"] == "C2OH6"
    assert "C2OH6" in rfp("info", model).stdout


def test_plugins_are_listed(trained):
    names = {line["name"] for line in json.loads(rfp("plugins", "list", "--json").stdout)}
    assert names >= {"inverse_distances", "random_fourier", "rfnn"}
    assert "inverse_distances" in rfp("plugins").stdout


def test_validate_exits_with_0_when_the_check_holds(trained):
    _, model, _ = trained
    result = rfp("validate", model, "forces", "--json")
    assert (result.returncode, json.loads(result.stdout)["passed"]) == (0, True)


@pytest.mark.parametrize(
    "option",
    ["--plot=a.png", "--engine=ipi", "--length=1", "--timestep=1", "--temperature=9", "--replicas=2"],
)
def test_options_of_nve_are_not_ignored_by_forces(trained, option, tmp_path):
    _, model, _ = trained
    message = refused("validate", model, "forces", option, cwd=tmp_path)
    assert message.startswith(f"rfp: {option.partition('=')[0]} has no effect on 'validate forces'")


def test_quick_and_a_length_exclude_each_other(trained):
    _, model, _ = trained
    assert "--quick and --length exclude each other" in refused("validate", model, "nve", "--quick", "--length", "5")


def test_validate_exits_with_1_when_the_check_fails(trained):
    _, model, _ = trained
    result = rfp("validate", model, "nve", "--timestep", "4", "--length", "0.5", "--temperature", "1500", "--json")
    assert (result.returncode, json.loads(result.stdout)["passed"]) == (1, False)


def test_options_may_come_from_a_file_and_flags_win(tmp_path):
    (tmp_path / "options.toml").write_text('n-train = 50\nn-valid = 10\nregressor = "rfnn:width=60"\nseed = 5\n')
    result = rfp("train", ETHANOL, "-o", "m.rfp", "--config", "options.toml", "--seed", "7", "--json", cwd=tmp_path)
    record = json.loads(result.stdout)
    assert record["split"] == {"kind": "random", "n_train": 50, "n_valid": 10, "seed": 7}


def test_a_learning_curve_is_a_table_a_picture_and_a_part_of_the_model(tmp_path):
    options = ("--learning-curve", "20,40", "--regressor", "random_fourier:width=60")
    result = rfp("train", f"{ETHANOL}@:60", "-o", "m.rfp", *options, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert [line.split()[:2] for line in result.stdout.splitlines()[1:4]] == [["20", "60"], ["40", "60"], ["54", "60"]]
    assert (tmp_path / "m.learning_curve.png").read_bytes().startswith(b"\x89PNG")
    curve = json.loads((tmp_path / "m.learning_curve.json").read_text())
    assert json.loads(rfp("info", tmp_path / "m.rfp", "--json").stdout)["record"]["learning_curve"] == curve


def test_a_duplicate_frame_is_a_warning_with_the_count(tmp_path):
    (tmp_path / "twice.extxyz").write_bytes(ETHANOL.read_bytes() * 2)
    result = rfp("train", tmp_path / "twice.extxyz@:700", "-o", tmp_path / "m.rfp", "--regressor", "rfnn:width=20")
    assert result.returncode == 0
    assert "warning: 100 of 700 frames repeat an earlier frame" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.xyz"], "nowhere.xyz: no such file"),
        ([ETHANOL, "--energy-unit", "furlong"], "--energy-unit: unknown energy unit 'furlong'"),
        ([ETHANOL, "--descriptor", "inverse_distance"], "did you mean 'inverse_distances'?"),
        ([ETHANOL, "--descriptor", "inverse_distances:symetrize=no"], "did you mean 'symmetrize'?"),
        ([ETHANOL, "--descriptor", "inverse_distances:width=many"], "width must be a positive whole number"),
        ([ETHANOL, "--descriptor", "inverse_distances:width"], "'width' is not key=value"),
        ([ETHANOL, "--regressor", "rfnn:activation=softmax"], "activation=softmax"),
        ([ETHANOL, "--regressor", "random_fourier:width=9999999"], "lower the width"),
        ([ETHANOL, "--regressor", "random_fourier:regularization=-1"], "greater than 0"),
        (
            [ETHANOL, "--regressor", "random_fourier:length_scale=8/4"],
            "=8/4: the smaller of the two numbers",
        ),
        ([ETHANOL, "--regressor", "rfnn:width=5,width=6"], "'width' stands twice"),
        ([ETHANOL, "--regressor", "random_fourier:stress_weights=2"], "stress_weights has no effect for frames"),
        ([ETHANOL, "--regressor", "gaussian_process", "--descriptor", "cartesian:width=5"], "has no width to choose"),
        ([ETHANOL, "--regressor", "rfnn:width=9", "--descriptor", "cartesian:width=5"], "its width has no effect"),
        ([ETHANOL, "--descriptor", "shallow_set:activation=tanh"], "activation has no effect with projection=normal"),
        ([ETHANOL, "--descriptor", "shallow_set:projection=sampled,scale=2"], "no effect with projection=sampled"),
        (
            [ETHANOL, "--descriptor", "inverse_distances:symmetrize=no,fragment=0,bond_scale=2"],
            "no effect with symmetrize=false and fragment=0",
        ),
        ([ETHANOL, "--seed", "-1"], "--seed"),
        ([f"{ETHANOL}@:1"], "there is 1 frame"),
        ([f"{ETHANOL}@5"], "a slice of a file is written FILE@start:stop"),
        (["."], ".: is a folder"),
        ([ETHANOL, "--n-train", "700"], "do not fit 600 frames"),
        ([ETHANOL, "--preset", "best"], "--preset"),
        ([ETHANOL, "--learning-curve", "50,541"], "--learning-curve 541: there are 540 training frames, beside 60"),
        ([ETHANOL, "--learning-curve", "50,0"], "every size must be at least 1"),
        ([ETHANOL, "--learning-curve", "few"], "--learning-curve few: must be numbers of training frames"),
        ([ETHANOL, "--time-budget", "5"], "--time-budget 5: must be a time with its unit"),
        ([ETHANOL, "--time-budget", "5min", "--regressor", "rfnn:width=9"], "leave width=… out, or the budget"),
        ([ETHANOL, "--time-budget", "5min", "--descriptor", "cartesian:width=5"], "leave width=… out, or the budget"),
        ([ETHANOL, "--time-budget", "5min", "--regressor", "linear"], "'linear' has no width to choose; leave the"),
        ([ETHANOL, "--time-budget", "5min", "--learning-curve", "50"], "excludes --learning-curve"),
        ([ETHANOL, "--time-budget", "5min", "--target", "direct"], "is for conservative models"),
        ([ETHANOL, "--config", "none.toml"], "--config none.toml: no such file"),
        ([ETHANOL, "--frobnicate"], "No such option"),
        ([], "there are no frames to train on: name DATA"),
    ],
)
def test_bad_input_to_train_is_one_sentence_and_leaves_nothing(tmp_path, arguments, message):
    assert message in refused("train", *arguments, "-o", "model.rfp", cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "where"),
    [
        (("--target", "direct", "--regressor", "rfnn:width=20,force_weights=2"), "with --target direct"),
        (("--regressor", "rfnn:activation=relu,force_weights=2"), "in a fit to energies only"),
    ],
)
def test_weights_of_forces_are_refused_where_no_forces_are_fitted_with_them(tmp_path, options, where):
    result = rfp("train", f"{ETHANOL}@:100", "-o", "model.rfp", *options, cwd=tmp_path)
    assert result.returncode == 2
    last = result.stderr.splitlines()[-1]
    assert last == f"rfp: regressor 'rfnn': force_weights has no effect {where}; leave it out"
    assert list(tmp_path.iterdir()) == []


def test_a_bad_line_in_the_options_file_is_one_sentence(tmp_path):
    (tmp_path / "options.toml").write_text('seed = "abc"')
    line = refused("train", ETHANOL, "-o", "m.rfp", "--config", "options.toml", cwd=tmp_path)
    assert "options.toml: seed = 'abc' must be a whole number" in line


def test_an_input_is_never_overwritten(tmp_path):
    frames = tmp_path / "frames.extxyz"
    frames.write_bytes(ETHANOL.read_bytes())
    assert "is an input and would be overwritten" in refused("train", frames, "-o", frames)
    assert frames.read_bytes() == ETHANOL.read_bytes()


def test_debug_shows_the_traceback_and_keeps_the_exit_code():
    result = rfp("info", "none.rfp", "--debug")
    assert result.returncode == 2
    assert "Traceback" in result.stderr


def test_without_a_verb_there_is_help():
    assert "Commands:" in rfp().stdout
    assert rfp().returncode == 0


def test_a_shell_sees_other_codes_and_streams_than_the_tests(model):
    """Which call the command line in their own process."""
    for arguments in (["info", model, "--json"], ["info", "none.rfp"]):
        theirs, ours = process(*arguments), rfp(*arguments)
        assert (theirs.returncode, theirs.stdout, theirs.stderr) == (ours.returncode, ours.stdout, ours.stderr)


def test_an_output_folder_that_does_not_exist_is_refused_before_the_fit(tmp_path):
    assert "choose a folder that exists" in refused("train", ETHANOL, "-o", tmp_path / "no/where.rfp")


@pytest.mark.parametrize("verb", [["info"], ["evaluate"], ["validate"]])
def test_a_file_that_is_no_model_is_one_sentence(tmp_path, verb):
    (tmp_path / "bad.rfp").write_bytes(b"\0" * 100)
    more = {"evaluate": [ETHANOL], "validate": ["nve"]}.get(verb[0], [])
    assert "bad.rfp: is not an rfp model" in refused(*verb, tmp_path / "bad.rfp", *more)


def test_evaluating_other_molecules_is_refused(trained, data_folder):
    _, model, _ = trained
    message = refused("evaluate", model, data_folder / "rmd17/rmd17_benzene_test_01.npz")
    assert "the model was trained on C2OH6" in message
