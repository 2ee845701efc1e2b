"""SIGTERM ends a process in good order, and one that is inside a native call, too."""

import signal
import subprocess
import sys

BEGIN = """
import hashlib, sys, threading
from signal import SIGTERM
from rfp_md.cli.signals import end_native_calls, handle
handle(SIGTERM, lambda number: sys.exit(f"heard {number}"))
end_native_calls("rfp")
threading.Timer(0.5, lambda: print("ready", flush=True)).start()  # when what follows has begun
"""


def ended(work):
    """What a process that works in some way leaves when SIGTERM comes: exit code and stderr."""
    command = [sys.executable, "-c", BEGIN + work]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        return process.returncode, errors


def test_a_native_call_that_never_ends_is_ended():
    # Without the interpreter's lock, as a search for neighbours is.
    code, errors = ended("hashlib.pbkdf2_hmac('sha256', b'', b'', 2**31 - 1)")
    assert code == 128 + signal.SIGTERM
    assert errors == "rfp: ended by SIGTERM inside a native call\n"


def test_what_listens_ends_in_its_own_way():
    code, errors = ended("import time; time.sleep(60)")
    assert code == 1
    assert errors == f"heard {int(signal.SIGTERM)}\n"
