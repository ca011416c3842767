"""What goes where: data on stdout, talk on stderr, no escape codes without a terminal, and the same bytes everywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from cli_result import GPU, QUICK

PLAN = ("plan", *GPU, "--use-case", "embeddings")
JSON = (*PLAN, "--json")
COMMANDS = [
    ("plan", *QUICK),
    ("plan", *QUICK, "--exposure", "lan"),
    ("explain", *QUICK),
    ("explain", "llama-cpp", *QUICK),
    ("estimate", "--model", "qwen3-8b", "--quant", "Q4_K_M", *GPU),
    ("detect",),
    ("kb", "list", "models"),
    ("kb", "show", "model", "qwen3-8b"),
    ("write", "out", *QUICK, "--dry-run"),
]


def process(*arguments, **named) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "setupgen", *arguments]
    return subprocess.run(command, capture_output=True, check=False, timeout=60, stdin=subprocess.DEVNULL, **named)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("variables", [{}, {"FORCE_COLOR": "1"}, {"TTY_COMPATIBLE": "1"}, {"NO_COLOR": "1"}], ids=str)
def test_no_escape_codes_without_a_terminal(run, monkeypatch, command, variables):
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    result = run(*command)
    assert result.code == 0, result.err
    assert result.out
    assert "\x1b" not in result.out + result.err
    assert "\r" not in result.out


@pytest.mark.parametrize("command", COMMANDS[:6], ids=" ".join)
def test_json_is_all_that_stdout_holds(run, command):
    result = run(*command, "--json")
    assert isinstance(result.json, dict)
    assert result.out.endswith("\n")
    assert result.err == "" or command == ("detect",)


def test_the_same_bytes_twice(run):
    assert run(*JSON).out == run(*JSON).out


def test_the_same_bytes_under_other_circumstances(tmp_path):
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "PYTHON"))}
    usual = process(*JSON)
    assert usual.returncode == 0, usual.stderr
    other = plain | {
        "PYTHONHASHSEED": "4711",
        "TZ": "Pacific/Kiritimati",
        "LC_ALL": "C",
        "PYTHONIOENCODING": "ascii",
        "COLUMNS": "20",
        "HOME": str(tmp_path),
        "SETUPGEN_CACHE": str(tmp_path),
        "HTTPS_PROXY": "http://127.0.0.1:1",
    }
    assert process(*JSON, env=other, cwd=tmp_path).stdout == usual.stdout
    assert process(*JSON, env=plain | {"PYTHONHASHSEED": "1", "LC_ALL": "POSIX", "PYTHONUTF8": "0"}).stdout == usual.stdout


def test_shown_plans_are_the_same_under_every_encoding():
    usual = process(*PLAN)
    assert process(*PLAN, env=os.environ | {"PYTHONIOENCODING": "cp1252"}).stdout == usual.stdout
    assert "█" in usual.stdout.decode("utf-8")


@pytest.mark.parametrize("arguments", [("plan", *QUICK), JSON, ("--help",), ("kb", "list", "sources")], ids=" ".join)
def test_a_reader_who_leaves_is_no_failure(arguments):
    command = [sys.executable, "-m", "setupgen", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        child.stdout.close()
        said = child.stderr.read()
        assert child.wait(60) == 0
    assert said == b""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a device that is always full")  # noqa: PTH110
@pytest.mark.parametrize("arguments", [PLAN, JSON], ids=" ".join)
def test_a_full_disk_is_told(arguments):
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        result = subprocess.run(
            [sys.executable, "-m", "setupgen", *arguments], stdout=full, stderr=subprocess.PIPE, check=False, timeout=60
        )
    assert result.returncode == 1
    assert result.stderr.startswith(b"setupgen: the output cannot be written: ")
    assert result.stderr.count(b"\n") == 1


def test_closed_streams(tmp_path):
    result = subprocess.run(["/bin/sh", "-c", f"{sys.executable} -m setupgen {' '.join(JSON)} >&- 2>&-"], check=False, timeout=60)
    assert result.returncode == 0


def test_other_machines_are_never_mixed_with_this_one(run, monkeypatch):
    """Nothing looks at this machine when hardware is named; so its memory and processor cannot leak into the plan."""

    def refuse(*_, **__):
        pytest.fail("this machine was looked at")

    here = run(*JSON).out
    for target in ("setupgen.detect.detect", "os.cpu_count", "psutil.virtual_memory", "platform.machine", "platform.system"):
        monkeypatch.setattr(target, refuse)
    monkeypatch.setattr(sys, "platform", "plan9")
    there = run(*JSON)
    assert there.out == here
    found = there.json["facts"]
    assert found["hardware"]["ram_bytes"] == 64 * 1024**3
    assert found["origins"]["hardware.cpu"] == "assumed"


def test_assumed_memory_is_said(run):
    found = run("plan", "--json", "--hardware", "rtx-3090", "--use-case", "embeddings").json
    (assumed,) = [item for item in found["assumptions"] if item["fact"] == "hardware.ram_bytes"]
    assert assumed["value"] == found["facts"]["hardware"]["ram_bytes"]
    assert "--ram" in assumed["because"]


def test_alternatives_are_as_many_as_asked(run):
    for count in ("0", "1", "5"):
        assert len(run("plan", "--json", *GPU, "-n", count).json["alternatives"]) <= int(count)
    assert run("plan", "--json", *GPU, "-n", "0").json["alternatives"] == []


def test_plans_are_shown_in_words(run):
    out = run("plan", *GPU, "--use-case", "coding-agent").out
    for word in ("NVIDIA GeForce RTX 3090", "GiB", "tokens/s", "Alternatives", "Why", "Assumed", "64k tokens"):
        assert word in out, word
    assert max(len(line) for line in out.splitlines()) <= 100


def test_hosted_is_shown_in_words(run):
    result = run("plan", "--hardware", "Raspberry Pi 5 8GB", "--use-case", "coding-agent")
    assert result.code == 0
    assert "Buying is the honest answer" in result.out


def test_documents_hold_no_infinity(run):
    text = run("plan", "--json", "--hardware", "cpu", "--ram", "16G").out

    def refuse(name):
        pytest.fail(f"{name} is not JSON")

    json.loads(text, parse_constant=refuse)
