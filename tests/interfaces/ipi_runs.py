"""Real i-PI with real drivers, in a folder, until all have ended; nothing is left behind."""

import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

IPI = Path(sys.executable).with_name("i-pi")


def run_ipi(folder, *drivers, timeout=60, flags=()):
    """Run ``input.xml``, and rfp-driver with each list of flags; what i-PI wrote, with its exit code."""
    with ExitStack() as stack:
        ipi = stack.enter_context(_process(folder, "ipi.log", [str(IPI), *flags, "input.xml"]))
        clients = [
            stack.enter_context(
                _process(folder, f"driver{k}.log", [sys.executable, "-m", "rfp_md.driver", *map(str, driver)])
            )
            for k, driver in enumerate(drivers)
        ]
        code = ipi.wait(timeout)
        for k, client in enumerate(clients):
            assert client.wait(20) == 0, (folder / f"driver{k}.log").read_text()
    return (folder / "ipi.log").read_text(), code


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextmanager
def _process(folder, log, command):
    with (folder / log).open("wb") as file:
        process = subprocess.Popen(command, cwd=folder, stdout=file, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
