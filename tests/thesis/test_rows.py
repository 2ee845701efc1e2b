"""The thesis's tables as data: complete, as printed, and every row is a model of this package."""

import csv
import json

import pytest

from rfp_md.errors import UserError
from rfp_md.thesis.models import ThesisModel
from rfp_md.thesis.rows import ERRORS, MOLECULES, all_rows, rows_of_tables
from rfp_md.training.flag_values import make_terms
from tests.conftest import ROOT


def test_every_table_is_there():
    assert len(all_rows()) == 120
    assert list(dict.fromkeys(row.table for row in all_rows())) == [f"3.{n}" for n in range(2, 42)]
    assert {row.molecule for row in all_rows()} == set(MOLECULES)


def test_tables_3_2_to_3_26_are_15_models_of_each_molecule():
    rows = [row for row in all_rows() if int(row.table[2:]) <= 26 and row.transformation == "none"]
    # Two fits for each row, energies and forces, but one for a conservative model.
    assert sum(1 if row.conservative else 2 for row in rows) == 75


def test_figures_are_as_printed():
    path = ROOT / "../shared/thesis/tables.csv"
    if not path.is_file():
        pytest.skip(f"no thesis tables at {path}")
    printed = list(csv.DictReader(path.open(encoding="utf-8")))
    ours = [
        (row.table, row.molecule, row.descriptor, row.transformation, *(row.errors[name] for name in ERRORS))
        for row in all_rows()
    ]
    wanted = [
        (row["table"], row["molecule"], row["descriptor"], row["transformation"], *(float(row[e]) for e in ERRORS))
        for row in printed
    ]
    assert ours == wanted


@pytest.mark.parametrize("spec", sorted({ThesisModel.of(row).descriptor for row in all_rows()}))
def test_every_row_names_a_descriptor_of_this_package(spec):
    make_terms([spec])


def test_rows_of_one_model_share_its_fit():
    assert len({ThesisModel.of(row) for row in all_rows()}) == 80


def test_table_numbers_are_texts():
    assert {row.molecule for row in rows_of_tables(["3.2"])} == {"benzene"}
    assert {row.molecule for row in rows_of_tables(["3.20"])} == {"toluene"}


def test_a_table_that_does_not_exist_is_one_sentence():
    with pytest.raises(UserError, match=r"no table of results 3\.1; they are 3\.2 to 3\.41"):
        rows_of_tables(["3.1"])


def test_rows_are_ready_for_json():
    assert json.loads(json.dumps(all_rows()[0].as_dict()))["energy_width"] == 5000
