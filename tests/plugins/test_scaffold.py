import pytest

from rfp_md.errors import UserError
from rfp_md.plugins.scaffold import new_plugin


@pytest.mark.parametrize("name", ["", "My", "my-name", "1st", "a b", "../x", "x_"])
def test_a_bad_name_is_refused(tmp_path, name):
    with pytest.raises(UserError, match="use snake_case"):
        new_plugin(name, "descriptor", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["class", "rfnn", "inverse_distances"])
def test_a_name_that_is_taken_is_refused(tmp_path, name):
    with pytest.raises(UserError, match=f"'{name}' is taken"):
        new_plugin(name, "descriptor", tmp_path)


def test_a_folder_that_exists_is_not_touched(tmp_path):
    (tmp_path / "rfp-mine").mkdir()
    with pytest.raises(UserError, match="exists already"):
        new_plugin("mine", "regressor", tmp_path)
    assert list((tmp_path / "rfp-mine").iterdir()) == []


@pytest.mark.parametrize("kind", ["descriptor", "regressor", "baseline"])
def test_the_author_s_part_is_at_most_forty_lines(tmp_path, kind):
    root = new_plugin("mine", kind, tmp_path)
    lines = (root / "rfp_mine" / f"{kind}.py").read_text().splitlines()
    assert sum(bool(line.strip()) for line in lines) <= 40
