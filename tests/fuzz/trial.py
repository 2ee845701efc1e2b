"""Cases in a process of their own: what crashes, hangs, grows or raises something else than a sentence is a finding."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SECONDS = 5
MEMORY = 1_000_000_000  # bytes beside what the process has when everything is imported


@dataclass(frozen=True)
class Case:
    """One input.

    Attributes:
        what: how it was made, to make it again.
        kind: what is done with it: a key of ``WORK``.
        path: the file.
    """

    what: str
    kind: str
    path: Path


class Trial:
    """A worker that takes one case after another, and is started anew after one that ended it."""

    def __init__(self) -> None:
        self._worker: subprocess.Popen[str] | None = None

    def run(self, case: Case) -> str | None:
        """Say what is wrong with how a case ended; None where it was answered or refused."""
        if self._worker is None:
            command = [sys.executable, "-m", "tests.fuzz.trial"]
            self._worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        self._worker.stdin.write(json.dumps([case.kind, str(case.path)]) + "\n")
        self._worker.stdin.flush()
        answer = self._worker.stdout.readline()
        if answer:
            found: str | None = json.loads(answer)
            return found
        status = self._worker.wait()
        self._worker = None
        return f"took longer than {SECONDS} s" if status == -signal.SIGPROF else f"ended the process with {status}"

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.communicate()
            self._worker = None


def load_and_predict(path: Path) -> None:
    """What a user does first with a model: look at it, load it, use it, and make a page of it."""
    import rfp_md
    from rfp_md.artifact.container import read
    from rfp_md.report import report
    from rfp_md.validation.record import doubt, summary

    header, _ = read(path)
    summary(header.record)
    potential = rfp_md.load(path)
    doubt(potential.record, path)
    if potential.has_forces:
        potential.compute(potential.reference)
    report(path, path.with_suffix(".html"))


def read_frames(path: Path) -> None:
    """What a user does first with data: read them and write them again."""
    from rfp_md.io.write import convert

    convert(path, path.with_suffix(".out.extxyz"))


WORK: dict[str, Callable[[Path], None]] = {"model": load_and_predict, "frames": read_frames}


def compile_all() -> None:
    """Use a sound model of each preset, so that no case is charged with compiled loops that no run has cached yet."""
    with tempfile.TemporaryDirectory() as folder:
        for model in (Path(__file__).parents[1] / "artifacts").glob("format_3_*.rfp"):
            load_and_predict(Path(shutil.copy(model, folder)))


def main() -> None:
    """Answer every case on stdin with a line on stdout."""
    from rfp_md.errors import UserError

    answers = sys.stdout
    sys.stdout = sys.stderr
    compile_all()
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + 3 * MEMORY, -1))
    for line in sys.stdin:
        kind, path = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)  # of this process alone, however busy the machine is
        try:
            WORK[kind](Path(path))
            found = None
        except UserError:
            found = None
        except BaseException as error:  # noqa: BLE001
            place = traceback.extract_tb(error.__traceback__)[-1]
            found = f"{type(error).__name__}: {error} ({Path(place.filename).name} line {place.lineno})"
        signal.setitimer(signal.ITIMER_PROF, 0)
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 > MEMORY:
            found = "took more than 1 GB"
        print(json.dumps(found), file=answers, flush=True)
        if found == "took more than 1 GB":
            return


if __name__ == "__main__":
    main()
