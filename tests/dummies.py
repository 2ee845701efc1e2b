"""Many installed plugins that nobody asked for."""

from pathlib import Path


def install_dummies(folder: Path, count: int) -> None:
    """Packages with an entry point each; importing one of their modules leaves the file ``imported`` there."""
    for k in range(count):
        package = folder / f"rfp_dummy{k}-1.0.dist-info"
        package.mkdir()
        (package / "METADATA").write_text(f"Metadata-Version: 2.1\nName: rfp-dummy{k}\nVersion: 1.0\n")
        (package / "entry_points.txt").write_text(f"[rfp_md.descriptors]\ndummy{k} = rfp_dummy{k}:Dummy\n")
        (folder / f"rfp_dummy{k}.py").write_text(f"open({str(folder / 'imported')!r}, 'a').close()\n")
