"""What knowledge/servers/llama-cpp.yaml says of the program's options is what the program says of itself."""

from __future__ import annotations

import json
import re
import shlex
import subprocess

import pytest

from setupgen.cli.main import main
from setupgen.cli.pack import load_pack

LISTED = re.compile(r"((?:-{1,2}[^\s,]+, +)*-{1,2}[^\s,]+)")
REMOVED = "the argument has been removed"
MACHINES = (["rtx-3090"], ["2x rtx-4090"], ["NVIDIA GeForce RTX 4060 Laptop GPU"], ["Apple M2 Max 64GB"], ["AMD Ryzen AI Max+ 395 128GB"])
MACHINES += (["NVIDIA GB10"], ["Raspberry Pi 5 8GB"], ["cpu", "--ram", "16G"])
USES = ("coding-agent", "chat", "vision", "embeddings", "code-completion")


def build(text) -> int:
    """The number of a build such as b11312."""
    return int(str(text).removeprefix("b"))


@pytest.fixture(scope="module")
def server():
    return load_pack().server("llama-cpp")


@pytest.fixture(scope="module")
def listed(program) -> dict[str, str]:
    """Every spelling of every option that the program has, with the text about it."""
    text = subprocess.run([program, "--help"], capture_output=True, text=True, check=True, timeout=60).stdout
    blocks = re.split(r"\n+(?=-[^-]|--[^-])", text)
    return {
        spelling: block
        for block in blocks
        if not block.startswith("-----") and (found := LISTED.match(block))
        for spelling in re.split(", +", found[1])
    }


def is_alive(server, flag) -> bool:
    record = server.flags[flag]
    pinned = build(server.version)
    return pinned >= build(record.get("since", "b0")) and ("until" not in record or pinned < build(record["until"]))


def test_the_program_is_the_pinned_build(server, program):
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=60)
    commit = re.search(r"commit ([0-9a-f]{7})", said.stdout + said.stderr)[1]
    urls = " ".join(load_pack().urls(server.sources))
    assert commit in urls, f"the sources of llama-cpp.yaml are not of {commit}"


@pytest.mark.target("llama-cpp", checker="llama-server --help", note="has every recorded option")
def test_every_recorded_option_exists(server, listed):
    spellings = [name for flag in server.flags if is_alive(server, flag) for name in (flag, *server.flags[flag].get("aliases", ()))]
    assert len(spellings) > 300
    assert [name for name in spellings if name not in listed or REMOVED in listed[name]] == []


def test_every_option_is_recorded(server, listed):
    recorded = {name for flag, record in server.flags.items() for name in (flag, *record.get("aliases", ()))}
    assert sorted(name for name, block in listed.items() if name not in recorded and REMOVED not in block) == []


def test_removed_options_are_refused(server, program):
    removed = [flag for flag, record in server.flags.items() if "until" in record]
    assert len(removed) >= 5
    for flag in removed:
        value = ["1"] if server.flags[flag].get("takes") else []
        result = subprocess.run([program, flag, *value, "--version"], capture_output=True, text=True, check=False, timeout=60)
        assert result.returncode != 0, flag
        assert "invalid argument" in result.stderr or REMOVED in result.stderr, flag


@pytest.mark.target("llama-cpp", checker="llama-server", note="its option parser takes the flags of every plan")
@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine[0])
def test_the_program_takes_the_flags_of_every_plan(machine, program, capsys):
    for use in USES:
        main(["plan", "--json", "--server", "llama-cpp", "--use-case", use, "--hardware", *machine])
        choice = json.loads(capsys.readouterr().out)["choice"]
        if choice is None:
            continue
        flags = choice["settings"]["flags"]
        result = subprocess.run([program, *flags, "--version"], capture_output=True, text=True, check=False, timeout=60)
        assert result.returncode == 0, (use, result.stderr)
        wrong = subprocess.run([program, *flags, "--no-such-option"], capture_output=True, text=True, check=False, timeout=60)
        assert wrong.returncode != 0, "the program does not read its arguments before --version"


@pytest.mark.target(
    ["ramalama", "docker-model-runner", "lemonade"],
    checker="llama-server",
    note="its option parser takes the options that are handed on to it, in a newer build",
)
@pytest.mark.parametrize(
    ("server", "use", "hardware"),
    [
        *((server, use, "2x rtx-3090") for server in ("ramalama", "docker-model-runner") for use in ("chat", "embeddings")),
        ("lemonade", "chat", "2x Radeon RX 7900 XTX"),
        ("lemonade", "chat", "cpu"),
    ],
)
def test_the_program_takes_what_others_hand_on_to_it(server, use, hardware, program, capsys):
    main(["plan", "--json", "--server", server, "--use-case", use, "--users", "3", "--hardware", hardware, "--ram", "64G"])
    settings = json.loads(capsys.readouterr().out)["choice"]["settings"]
    flags = settings["flags"]
    given = [*flags, *settings.get("load", ())]
    option = "--llamacpp-args" if server == "lemonade" else "--runtime-args"
    text = settings["environment"].get("LLAMA_ARGS") or given[given.index(option) + 1]
    result = subprocess.run([program, *shlex.split(text), "--version"], capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr
    wrong = subprocess.run([program, *shlex.split(text), "--no-such-option"], capture_output=True, text=True, check=False, timeout=60)
    assert wrong.returncode != 0, "the program does not read its arguments before --version"
