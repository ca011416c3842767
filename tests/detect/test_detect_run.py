"""The door to the real machine: time limits, output limits, missing tools, and no tricks with the current folder."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from pathlib import Path

import pytest

from setupgen.detect import detect
from setupgen.detect.run import OUTPUT_LIMIT, Host, Output, answer
from setupgen.facts import Unknown

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the tools of this test are shell scripts")


LONG_S = 60
"""Long enough for a busy machine, and shorter than what the tools below would take."""


@pytest.fixture
def tool(tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def make(name: str, body: str) -> None:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    return make


def test_output_and_exit_status(tool):
    tool("nosuch-good", "echo fine; echo careful >&2")
    tool("nosuch-bad", "echo 'it is broken' >&2; exit 9")
    assert Host().run("nosuch-good") == Output(("nosuch-good",), 0, "fine\n", "careful\n")
    assert answer(Host(), "nosuch-bad") == Unknown("nosuch-bad: failed with exit status 9: it is broken")


def test_missing_tool():
    assert Host().run("nosuch-tool") == Unknown("nosuch-tool: not installed")


def test_silent_tool(tool):
    tool("nosuch-silent", "exit 0")
    assert answer(Host(), "nosuch-silent") == Unknown("nosuch-silent: printed nothing")


def test_unrunnable_tool(tmp_path, tool):
    tool("nosuch-wrong", "")
    (tmp_path / "bin" / "nosuch-wrong").write_bytes(b"\x7fELF and nothing more")
    result = Host().run("nosuch-wrong")
    assert isinstance(result, Unknown)
    assert "cannot be started" in result.reason


def state(process: int) -> str:
    """The letter of its state; empty where it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().split()[2]
    return ""


def test_hanging_tool_and_its_children_end(tool, tmp_path):
    tool("nosuch-hang", f"sleep 600 & echo $! > {tmp_path}/child; wait")
    begin = time.monotonic()
    assert Host().run("nosuch-hang", limit_s=3) == Unknown("nosuch-hang: timed out after 3 s")
    assert time.monotonic() - begin < LONG_S
    child = int((tmp_path / "child").read_text())
    while state(child) not in ("", "Z"):
        assert time.monotonic() - begin < LONG_S
        time.sleep(0.05)


def test_flood_is_cut(tool):
    tool("nosuch-flood", "head -c 9000000 /dev/zero | tr '\\0' 'x'")
    result = Host().run("nosuch-flood")
    assert isinstance(result, Output)
    assert len(result.stdout) == OUTPUT_LIMIT


def test_a_child_that_keeps_the_pipe_open_does_not_block(tool):
    tool("nosuch-daemon", "echo ready; sleep 90 &")
    begin = time.monotonic()
    result = Host().run("nosuch-daemon")
    assert isinstance(result, Output)
    assert time.monotonic() - begin < LONG_S


def test_plain_english_and_no_input(tool):
    tool("nosuch-environment", 'echo "$LC_ALL $NO_COLOR"; read line && echo "got $line"; true')
    assert answer(Host(), "nosuch-environment") == "C 1\n"


def test_programs_in_the_current_folder_are_not_run(tmp_path, monkeypatch):
    evil = tmp_path / "nosuch-evil"
    evil.write_text("#!/bin/sh\necho owned\n")
    evil.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f".::{os.environ['PATH']}")
    assert Host().run("nosuch-evil") == Unknown("nosuch-evil: not installed")


def test_files(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"one\0two\xff\n")
    assert Host().read(str(path)) == "one\0two�\n"
    assert Host().read(str(tmp_path / "none")) == Unknown(f"{tmp_path}/none: not there")
    assert Host().read(str(tmp_path)) == Unknown(f"{tmp_path}: not there")
    assert Host().paths(f"{tmp_path}/*") == [str(path)]
    assert Host().paths(f"{tmp_path}/nothing/*") == []


def test_numbers():
    host = Host()
    for name in ("memory_total", "memory_available", "threads", "usable_threads", "disk_free"):
        value = host.number(name)
        assert isinstance(value, int), name
        assert value > 0
    assert isinstance(host.number("nonsense"), Unknown)


def test_raw_is_the_same_whoever_is_quicker(tool):
    tool("nosuch-two", "echo $1")
    one, other = Host(), Host()
    for host, order in ((one, "ab"), (other, "ba")):
        for word in order:
            host.run("nosuch-two", word)
    assert one.raw() == other.raw()
    assert list(one.raw()) == ["nosuch-two", "nosuch-two (2)"]


def test_this_machine():
    document = detect(raw=True)
    assert json.loads(json.dumps(document)) == document
    assert document["os"]["family"] == {"linux": "linux", "darwin": "macos"}.get(sys.platform, document["os"]["family"])
    assert document["memory"]["total_bytes"] > 2**28
    assert document["cpu"]["threads"] >= 1
