"""Nothing heavy is imported before it is needed."""

import subprocess
import sys

HEAVY = ("matplotlib", "ipi", "ase.calculators", "numba", "scipy", "networkx")


def modules_after(code):
    script = f"{code}\nimport sys\nprint(' '.join(sys.modules))"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()


def test_importing_the_package_is_light():
    assert not set(HEAVY) & set(modules_after("import rfp_md"))


def test_help_is_light():
    code = "import rfp_md.cli.app, contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()), "
    code += "contextlib.suppress(SystemExit):\n    import sys; sys.argv=['rfp','--help']; rfp_md.cli.app.main()"
    assert not {*HEAVY, "numpy", "pydantic"} & set(modules_after(code))
