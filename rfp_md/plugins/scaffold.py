"""A new plugin package, complete and installable, from the templates."""

from __future__ import annotations

import keyword
import re
import tempfile
from importlib.resources import files
from pathlib import Path
from string import Template

from rfp_md.errors import UserError
from rfp_md.files.safe_write import check_output
from rfp_md.plugins.base import ENTRY_POINTS, Kind
from rfp_md.plugins.registry import registered_names

TRAIN = {
    "descriptor": "rfp train FRAMES -o model.rfp --descriptor $name",
    "regressor": "rfp train FRAMES -o model.rfp --regressor $name",
    "baseline": "rfp train FRAMES -o model.rfp --baseline $name --baseline elements",
}


def new_plugin(name: str, kind: Kind, folder: str | Path = ".") -> Path:
    """Write the package of a working example plugin.

    Args:
        name: of the plugin, in snake_case.
        kind: descriptor, regressor or baseline.
        folder: where the package's own folder is made.

    Returns:
        The package's folder.

    Raises:
        UserError: a name that is no snake_case, or a folder that exists already.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise UserError(f"'{name}' is no name for a plugin; use snake_case, as in my_descriptor")
    if keyword.iskeyword(name) or any(name in registered_names(kind) for kind in ENTRY_POINTS):
        raise UserError(f"'{name}' is taken, by Python or by an installed plugin; choose another name")
    package = "rfp-" + name.replace("_", "-")
    root = Path(folder) / package
    if root.exists():
        raise UserError(f"{root}: exists already; choose another name, or remove it")
    check_output(root)
    words = {
        "name": name,
        "kind": kind,
        "package": package,
        "module": package.replace("-", "_"),
        "class_name": "".join(part.capitalize() for part in name.split("_")),
        "title": name.replace("_", " ").capitalize(),
        "base": f"{kind}s.base",
    }
    words["train"] = Template(TRAIN[kind]).substitute(words)
    contents = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        f"{words['module']}/__init__.py": "init.py",
        f"{words['module']}/{kind}.py": f"{kind}.py",
        f"tests/test_{name}.py": "test.py",
    }
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{package}.") as temporary:
        whole = Path(temporary) / package
        for target, template in contents.items():
            path = whole / target
            path.parent.mkdir(parents=True, exist_ok=True)
            text = (files("rfp_md.plugins") / "templates" / f"{template}.in").read_text()
            path.write_text(Template(text).substitute(words))
        whole.replace(root)
    return root
