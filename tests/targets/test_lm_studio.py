"""LM Studio's files bring it up in the right order, with options that its program has, and take back only what they started."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from functools import cache
from pathlib import Path

import pytest
from lms_cli import command_line
from plans import SHAPES, TEMPLATES, merged

from case_tools import pack, planned
from setupgen.engine.host import Host
from setupgen.engine.intake import Answers, facts_of
from setupgen.engine.suitability import server_reason
from setupgen.output.write import write
from setupgen.render.files import render_setup

SERVER = pack().servers["lm-studio"]
WANTED = {
    "two": {"use_case": "chat", "hardware": "rtx-4090", "ram": "64G", "users": 2},
    "cpu": {"use_case": "chat", "hardware": "cpu", "cpu": "Ryzen 9 7950X", "ram": "64G"},
    "mac": {"use_case": "coding-agent", "hardware": "Apple M4 Max 128GB"},
    "strix-halo": {"use_case": "chat", "hardware": "Ryzen AI Max+ 395 128GB"},
    "radeon": {"use_case": "chat", "hardware": "Radeon RX 7900 XTX", "ram": "64G"},
    "own": {"use_case": "chat", "hardware": "rtx-3090", "ram": "64G", "model": "qwen/qwen3-8b", "quant": "Q4_K_M", "weights_file": "/my/a.gguf"},
}  # fmt: skip
WAIT = 120


@cache
def choice_of(name):
    return planned({"facts": WANTED[name] | {"server": "lm-studio"}})["choice"]


@pytest.mark.target(
    "lm-studio",
    checker="options of lms, re-stated",
    note="accept every command line; lms itself is not published as a package",
    version="07b7252",
)
@pytest.mark.parametrize("name", WANTED)
def test_lms_reads_what_was_planned(name):
    choice = choice_of(name)
    settings = choice["settings"]
    given = command_line().parse_args([*settings["program"][1:], *settings["flags"]])
    assert given.context_length == settings["context_total"] == settings["context"] * settings["parallel"]
    assert given.context_length <= pack().models[choice["model"]["id"]].maximum_context
    assert given.parallel == settings["parallel"]
    assert given.gpu == {"full": 1.0, "cpu": 0.0}[settings["offload"]["kind"]]
    assert given.identifier == choice["connection"]["model"]
    assert given.exact
    own = settings["weights_file"]
    assert given.model_key == ("setupgen/local/a.gguf" if own else f"{choice['weights']['repository']}/{choice['weights']['file']}")


def test_the_engine_of_each_machine_is_one_that_lm_studio_has():
    assert {name: choice_of(name)["backend"] for name in WANTED} == {
        "two": "cuda", "cpu": "cpu", "mac": "metal", "strix-halo": "vulkan", "radeon": "vulkan", "own": "cuda",
    }  # fmt: skip


@pytest.mark.parametrize(
    "words", ["load --gpu 1.5", "load --parallel 0", "server start --port 70000", "load --no-such", "import --user-repo a x"]
)
def test_it_refuses_what_lms_refuses(words):
    with pytest.raises(SystemExit):
        command_line().parse_args(words.split())


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Home:
    """A home with the stand-in for lms, and a setup written for it."""

    def __init__(self, tmp_path, shape, *targets, **changes):
        self.state, self.home, self.port = tmp_path / "state", tmp_path / "home", free_port()
        self.state.mkdir()
        (self.home / ".lmstudio/bin").mkdir(parents=True)
        program = self.home / ".lmstudio/bin/lms"
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(Path(__file__).parent / "lms_cli.py"))} "$@"\n')
        program.chmod(0o755)
        made = SHAPES[shape]
        made = made | {"choice": merged(merged(made["choice"], {"settings": {"port": self.port}}), changes)}
        result = render_setup(made, TEMPLATES, targets=targets)
        write(result.files, tmp_path / "my setup", modes=result.modes, secrets=result.secrets)
        self.folder = tmp_path / "my setup"
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LMS_STATE": str(self.state)}

    def start(self, script="serve.sh", **environment):
        with (self.state / "said").open("w") as said:
            return subprocess.Popen([self.folder / script], env=self.environment | environment, cwd="/", stdout=said, stderr=said)

    def answers(self):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v1/models", timeout=5).close()
        except (urllib.error.URLError, OSError):
            return False
        return True

    def until_ready(self, process):
        for _ in range(WAIT * 10):
            if self.answers() and (self.state / "loaded").exists():
                return
            assert process.poll() is None, (self.state / "said").read_text()
            time.sleep(0.1)
        pytest.fail("it did not answer")

    def calls(self):
        return [json.loads(line) for line in (self.state / "calls").read_text().splitlines()]


def ended(process):
    process.send_signal(signal.SIGTERM)
    return process.wait(timeout=WAIT)


@pytest.mark.parametrize(("script", "targets"), [("serve.sh", ()), ("run.sh", ("shell",))])
def test_it_is_brought_up_loaded_served_and_taken_down(tmp_path, script, targets):
    home = Home(tmp_path, "lm-studio", *targets)
    (home.folder / "override.args").write_text("--ttl\n3600\n")
    process = home.start(script)
    home.until_ready(process)
    loaded = json.loads((home.state / "loaded").read_text())
    assert (loaded["context_length"], loaded["model_key"], loaded["ttl"]) == (65536, "a/b-GGUF/c-Q4_K_M.gguf", 3600)
    assert ended(process) == 143
    for _ in range(WAIT * 10):  # run.sh tells what it started to end, and does not wait for that
        if home.calls()[-1] == ["daemon", "down"]:
            break
        time.sleep(0.1)
    words = [" ".join(call) for call in home.calls()]
    order = [
        "daemon status --json", "daemon up --json", "ls --json", "get --gguf --yes https://huggingface.co/a/b-GGUF/resolve/main/c-Q4_K_M.gguf",
        "ls --json", "unload qwen3.6-27b", " ".join(["load", *SHAPES["lm-studio"]["choice"]["settings"]["flags"], "--ttl", "3600"]),
        f"server start --port {home.port} --bind 127.0.0.1", "server stop", "unload qwen3.6-27b", "daemon down",
    ]  # fmt: skip
    assert words == order
    assert not home.answers()


def test_what_is_there_is_not_fetched_and_what_ran_before_goes_on(tmp_path):
    home = Home(tmp_path, "lm-studio")
    (home.state / "running").touch()
    (home.state / "models").write_text("a/b-GGUF/c-Q4_K_M.gguf")
    process = home.start()
    home.until_ready(process)
    assert ended(process) == 143
    commands = [call[0] for call in home.calls()]
    assert "get" not in commands
    assert ["daemon", "down"] not in home.calls()
    assert (home.state / "running").exists()


def test_an_own_file_is_linked_and_a_link_that_leads_elsewhere_made_anew(tmp_path):
    file = tmp_path / "own.gguf"
    file.touch()
    flags = [*SHAPES["lm-studio"]["choice"]["settings"]["flags"][:-1], "setupgen/local/own.gguf"]
    home = Home(tmp_path, "lm-studio", settings={"weights_file": str(file), "flags": flags})
    link = home.home / ".lmstudio/models/setupgen/local/own.gguf"
    link.parent.mkdir(parents=True)
    link.symlink_to("/gone.gguf")
    process = home.start()
    home.until_ready(process)
    ended(process)
    assert link.readlink() == file
    assert not any(call[0] == "get" for call in home.calls())


@pytest.mark.parametrize(
    ("version", "said"), [("0.4.15+9", "0.4.15 is older than 0.4.16"), ("0.3.99", "older than 0.4.16"), ("", "LM Studio did not start")]
)
def test_one_that_is_too_old_serves_nothing(tmp_path, version, said):
    home = Home(tmp_path, "lm-studio")
    process = home.start(LMS_VERSION=version)
    assert process.wait(timeout=WAIT) == 1
    assert said in (home.state / "said").read_text()
    assert not any(call[0] in {"get", "load"} for call in home.calls())


@pytest.mark.parametrize("version", ["0.4.16+1", "1.0.0"])
def test_newer_ones_serve(tmp_path, version):
    home = Home(tmp_path, "lm-studio")
    process = home.start(LMS_VERSION=version)
    home.until_ready(process)
    ended(process)


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"hardware": "2x rtx-3090"}, "made for one card"),
        ({"use_case": "vision"}, "projector"),
        ({"offline": True}, "--weights-file"),
        ({"weights_file": "a.gguf"}, "whole path"),
        ({"weights_file": "/a/b c.gguf"}, "letters, digits"),
        ({"weights_file": "/a b/c.gguf"}, ""),
        ({}, ""),
    ],
)
def test_what_it_cannot_be_told_is_refused(stated, said):
    found = Answers()
    found.update({"use_case": "chat", "hardware": "rtx-3090"} | stated, source="test")
    reason = server_reason(Host(pack(), facts_of(pack(), found)), SERVER, pack().models["qwen/qwen3-8b"])
    assert (reason is None) == (said == "")
    assert reason is None or said in reason[1]


def test_its_slots_are_given_no_longer_pool_than_the_model_was_made_for():
    wanted = {"use_case": "chat", "hardware": "rtx-3090", "ram": "64G", "model": "qwen/qwen3-8b", "server": "lm-studio", "users": 4}
    most = pack().models["qwen/qwen3-8b"].maximum_context
    assert planned({"facts": wanted | {"context": "max"}})["choice"]["settings"]["context_total"] <= most
    refused = planned({"facts": wanted | {"context": str(most // 2)}})
    assert refused["verdict"] != "self-host"
    assert any("shares one context among its 4 slots" in entry["because"] for entry in refused["rejected"])
