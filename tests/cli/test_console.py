"""What is printed: nothing that a file says commands the terminal."""

import io
import subprocess
import sys

import pytest

from rfp_md.cli.console import Visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
        ("a\rb\x9bc", "a\\rb\\x9bc"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("Å – ✓\tof\nseveral lines", "Å – ✓\tof\nseveral lines"),
    ],
)
def test_control_characters_of_a_file_reach_the_terminal(text, shown):
    raw = io.BytesIO()
    stream = Visible(raw, "utf-8", "replace", newline="\n")
    print(text, file=stream, end="", flush=True)
    assert raw.getvalue().decode() == shown


def test_a_message_with_the_name_of_a_file_commands_the_terminal(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "rfp_md.cli", "info", "\x1b[31mred.rfp"], capture_output=True, cwd=tmp_path
    )
    assert done.returncode == 2
    assert b"\x1b" not in done.stderr
    assert b"\\x1b[31mred.rfp: no such file" in done.stderr
