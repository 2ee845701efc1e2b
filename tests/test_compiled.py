"""Where nothing that was compiled can be kept, everything works all the same, and is told once."""

import os
import subprocess
import sys
from pathlib import Path

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


def run_a_loop(cache: Path) -> subprocess.CompletedProcess[str]:
    code = "import numpy as np\nfrom rfp_md.random_features.sincos import sincos\nprint(sincos(np.zeros(3))[1])\n"
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)


def test_what_was_compiled_is_not_kept_or_a_damaged_cache_ends_the_next_process(tmp_path: Path) -> None:
    first = run_a_loop(tmp_path)
    kept = [path for path in tmp_path.rglob("*") if path.suffix in (".nbi", ".nbc")]
    assert len(kept) >= 2
    for path in kept:
        path.write_bytes(path.read_bytes()[:20])
    second = run_a_loop(tmp_path)
    assert second.stdout == first.stdout
    assert (first.stderr.count("NUMBA_CACHE_DIR"), second.stderr.count("NUMBA_CACHE_DIR")) == (0, 1)
