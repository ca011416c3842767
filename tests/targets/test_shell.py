"""The one script of the target `shell`: read by shellcheck, and run with recorders in the places of the programs."""

import json
import os
import shlex
import signal
import subprocess
import time
from itertools import pairwise

import pytest
import yaml
from plans import SHAPES
from target_tools import SHELL, rendered, run, written

# Notes how it was called, and stays up as a server does; `exec` and `build` end at once.
RECORDER = """#!/usr/bin/env python3
import json, os, sys, time
with open(os.environ["RECORD"], "a") as record:
    record.write(json.dumps({"program": os.path.basename(sys.argv[0]), "arguments": sys.argv[1:], "environment": dict(os.environ)}) + "\\n")
if os.path.basename(sys.argv[0]) == "curl":
    sys.exit(0 if len(open(os.environ["RECORD"]).readlines()) > 2 else 7)
if sys.argv[1:2] in (["run"], ["serve"]) or os.path.basename(sys.argv[0]) == "llama-server":
    time.sleep(600)
"""
GROUP = '#!/bin/sh\necho "$2:x:44:"\n'


@pytest.mark.target("shell", checker="shellcheck", note="finds nothing", version=("shellcheck", "--version"))
def test_shellcheck_finds_nothing(tmp_path):
    scripts = [written(shape, tmp_path / shape, "shell") / "run.sh" for shape in SHELL]
    assert len(scripts) > 20
    run("shellcheck", *scripts)


def started(shape, tmp_path, *, override=()):
    """What the script calls, in order, until it says that the model is ready; it is stopped then."""
    directory = written(shape, tmp_path / "setup", "shell")
    for name, text in override:
        (directory / name).write_text(text)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("docker", "podman", "ollama", "llama-server", "vllm", "curl", "getent"):
        (programs / name).write_text(GROUP if name == "getent" else RECORDER)
        (programs / name).chmod(0o755)
    record = tmp_path / "record"
    environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "RECORD": str(record), "HOME": str(tmp_path)}
    with (tmp_path / "said").open("w") as said:
        process = subprocess.Popen(
            ["sh", directory / "run.sh"], env=environment, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        )
        for _ in range(1200):
            time.sleep(0.1)
            if "Ready:" in (tmp_path / "said").read_text() or process.poll() is not None:
                break
        assert process.poll() is None, (tmp_path / "said").read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143
    return [json.loads(line) for line in record.read_text().splitlines()], (tmp_path / "said").read_text()


@pytest.mark.target("shell", checker="sh", run=True, note="starts the program with the flags of the plan and stops it again")
@pytest.mark.parametrize("shape", ["llama-cpp-native-linux", "ollama-native-alias", "vllm-native-linux"])
def test_the_program_gets_the_flags_and_settings(shape, tmp_path):
    choice = SHAPES[shape]["choice"]
    calls, said = started(shape, tmp_path, override=[("override.env", "MINE='my own'\n"), ("override.args", "--more\ntwo words\n")])
    [server] = [call for call in calls if call["program"] == choice["settings"]["program"][0] and call["arguments"][:1] != ["pull"]][:1]
    expected = [*choice["settings"]["program"][1:], *choice["settings"]["flags"], "--more", "two words"]
    assert server["arguments"] == expected
    assert server["environment"] | choice["settings"]["environment"] | {"MINE": "my own"} == server["environment"]
    assert f"Ready: {choice['connection']['model']}" in said
    later = [call["arguments"] for call in calls if call["program"] == "ollama" and call["arguments"][0] != "serve"]
    if choice["server"]["id"] == "ollama":
        assert later == [["pull", "qwen3.6:27b"], ["create", "coder:latest", "-f", "Modelfile"]]


@pytest.mark.parametrize("shape", ["llama-cpp-docker-cuda", "llama-cpp-key", "ollama-alias", "llama-cpp-docker-rocm", "vllm-podman-cuda"])
def test_the_container_gets_what_the_compose_file_gives(shape, tmp_path):
    runtime = SHAPES[shape]["choice"]["runtime"]
    service = next(iter(yaml.safe_load(rendered(shape).files["compose.yaml"])["services"].values()))
    calls, _ = started(shape, tmp_path, override=[("override.args", "--more\n")])
    words = next(call["arguments"] for call in calls if call["program"] == runtime and call["arguments"][0] == "run")
    image = words.index(service["image"])
    assert words[image + 1 :] == [*(word.replace("$$", "$") for word in service.get("command", [])), "--more"]
    pairs = list(pairwise(words[: image + 1]))
    assert {after for word, after in pairs if word == "--env"} == set(service.get("environment", {}))
    assert [after for word, after in pairs if word == "--publish"] == service["ports"]
    assert [after for word, after in pairs if word == "--cap-drop"] == service.get("cap_drop", [])
    assert [after for word, after in pairs if word == "--device"] == service.get("devices", [])
    assert ("--gpus" in words) == ("deploy" in service)
    assert len([after for word, after in pairs if word == "--group-add"]) == len(service.get("group_add", []))
    assert "--privileged" not in words
    if SHAPES[shape]["choice"]["server"]["id"] == "ollama":
        assert [call["arguments"][2:] for call in calls if call["arguments"][:1] == ["exec"]] == [
            ["ollama", "pull", "qwen3.6:27b"],
            ["ollama", "create", "coder:latest", "-f", "/setup/Modelfile"],
        ]


def test_without_its_key_nothing_starts(tmp_path):
    directory = written("llama-cpp-key", tmp_path / "setup", "shell")
    assert "LLAMA_API_KEY=" in (directory / ".env").read_text()
    (directory / ".env").write_text("LLAMA_API_KEY=\n")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("docker", "curl"):
        (programs / name).write_text(RECORDER)
        (programs / name).chmod(0o755)
    environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "RECORD": str(tmp_path / "record")}
    done = subprocess.run(["sh", directory / "run.sh"], env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode != 0
    assert "LLAMA_API_KEY" in done.stderr
    assert "run" not in [word for line in (tmp_path / "record").read_text().splitlines() for word in json.loads(line)["arguments"]]
    assert shlex.split(done.stderr)
