"""Installed plugins: one that is wanted, and many that nobody asked for."""

from importlib.metadata import EntryPoint
from pathlib import Path

from rfp_md.plugins import registry


def install_dummies(folder: Path, count: int) -> None:
    """Packages with an entry point each; importing one of their modules leaves the file ``imported`` there."""
    for k in range(count):
        package = folder / f"rfp_dummy{k}-1.0.dist-info"
        package.mkdir()
        (package / "METADATA").write_text(f"Metadata-Version: 2.1\nName: rfp-dummy{k}\nVersion: 1.0\n")
        (package / "entry_points.txt").write_text(f"[rfp_md.descriptors]\ndummy{k} = rfp_dummy{k}:Dummy\n")
        (folder / f"rfp_dummy{k}.py").write_text(f"open({str(folder / 'imported')!r}, 'a').close()\n")


def register(monkeypatch, name: str, value: str, kind="descriptor") -> None:
    """One more entry point beside the installed ones."""
    installed = registry._points
    extra = EntryPoint(name, value, registry.ENTRY_POINTS[kind])
    monkeypatch.setattr(registry, "_points", lambda k: installed(k) + ([extra] if k == kind else []))
