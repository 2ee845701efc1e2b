"""Where nothing that was compiled can be kept, everything works all the same, and is told once."""

import os
import subprocess
import sys

WITHOUT_A_PLACE = {
    "NUMBA_CACHE_LOCATOR_CLASSES": "IPythonCacheLocator"
}  # as where neither package nor home can be written


def test_loops_run_where_there_is_no_place_for_numbas_cache() -> None:
    code = (
        "import rfp_md.driver.trajectories\n"
        "from rfp_md import plugins\n"
        "print(sum(line.status != 'ok' for line in plugins.listing() if line.package == 'rfp-md'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | WITHOUT_A_PLACE, check=True
    )
    assert done.stdout.split() == ["0"]
    assert done.stderr.count("set NUMBA_CACHE_DIR") == 1
