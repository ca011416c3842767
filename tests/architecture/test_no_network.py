"""Commands work, and say the same, where every socket refuses to open."""

from __future__ import annotations

import subprocess
import sys

import pytest

SITECUSTOMIZE = """
import socket, sys

def refuse(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request"}:
        raise RuntimeError(f"the network was asked for: {event} {arguments}")

sys.addaudithook(refuse)
"""

HARDWARE = ("--hardware", "rtx-3090", "--ram", "64G", "--os", "linux")
COMMANDS = [
    ("detect", "--json"),
    ("plan", "--json", "--use-case", "coding-agent", *HARDWARE),
    ("explain", "--use-case", "chat", *HARDWARE),
    ("estimate", "--json", "--model", "qwen3-8b", "--quant", "Q4_K_M", *HARDWARE),
    ("write", "setup", "--use-case", "chat", *HARDWARE),
    ("kb", "list", "models"),
]


@pytest.fixture
def offline(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(SITECUSTOMIZE, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_no_command_opens_a_connection(installed, offline, command):
    result = installed.run(*command, extra=offline)
    errors = result.stderr.decode()
    assert "the network was asked for" not in errors
    assert "Traceback" not in errors
    assert result.returncode == 0, errors


def test_the_refusal_works(offline):
    code = "import socket; socket.create_connection(('127.0.0.1', 9))"
    result = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(offline)}, capture_output=True, text=True, check=False, timeout=30
    )
    assert "the network was asked for" in result.stderr
