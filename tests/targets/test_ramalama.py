"""RamaLama of the pinned version reads every command line that is generated for it, and starts what was planned."""

import os
import shlex
import subprocess
import sys
from functools import cache

import pytest

import gguf_files
from case_tools import pack, planned
from setupgen.engine.host import Host
from setupgen.engine.intake import Answers, facts_of
from setupgen.engine.launch import launch
from setupgen.engine.suitability import server_reason

SERVER = pack().servers["ramalama"]
WANTED = {
    "two-cards": {"use_case": "chat", "hardware": "2x rtx-3090", "ram": "64G", "users": 4, "exposure": "lan"},
    "experts": {
        "use_case": "chat", "hardware": "rtx-3060", "ram": "64G", "model": "qwen/qwen3.6-35b-a3b", "quant": "Q4_K_M", "offline": True,
        "weights_file": "/my/a.gguf",
    },
    "radeon": {"use_case": "chat", "hardware": "Radeon RX 7900 XTX", "ram": "64G", "model": "qwen/qwen3-8b"},
    "cpu": {"use_case": "embeddings", "hardware": "cpu", "cpu": "Ryzen 9 7950X", "ram": "64G", "os": "wsl"},
}  # fmt: skip
HOSTILE = ["it's", 'a "b" $(touch owned) `id`', "c;d#e?f&g", "ö 模型", "--help", "a\\b"]


def ramalama(home, *words, key=""):
    """What the program says, without a GPU, a container or a network."""
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "RAMALAMA_CONTAINER_ENGINE": "podman", "LLAMA_API_KEY": key}
    program = [sys.executable, "-c", "from ramalama.cli import main; import sys; sys.argv[0] = 'ramalama'; main()"]
    command = program if not words or words[0] != "serve" else [*program, "--dryrun"]
    return subprocess.run([*command, *words], env=environment, capture_output=True, text=True, timeout=120, check=False)


def started(home, choice):
    """The words before the image and after it, of the container that the setup starts."""
    flags = choice["settings"]["flags"]
    done = ramalama(home, *choice["settings"]["program"][1:], *flags, key="secret")
    assert done.returncode == 0, done.stderr
    words = shlex.split(done.stdout.splitlines()[-1])
    place = words.index(flags[flags.index("--image") + 1])
    return words[:place], words[place + 1 :]


def answers(stated):
    found = Answers()
    found.update(stated, source="test")
    return found


@cache
def choice_of(name):
    return planned({"facts": WANTED[name] | {"server": "ramalama"}})["choice"]


@pytest.mark.target(
    "ramalama", checker="ramalama --dryrun", note="starts the container and the llama-server that were planned", version=SERVER.version
)
@pytest.mark.parametrize("name", WANTED)
def test_the_container_and_its_server_are_what_was_planned(name, tmp_path):
    choice = choice_of(name)
    settings, flags = choice["settings"], choice["settings"]["flags"]
    outside, inside = started(tmp_path, choice)
    assert outside[:3] == ["podman", "run", "--rm"]
    assert f"127.0.0.1:{settings['port']}:{settings['port']}" in outside
    assert "secret" not in shlex.join([*outside, *inside])
    assert ("LLAMA_API_KEY" in outside) == (settings["auth"]["kind"] == "api-key")
    assert ("keep-groups" in outside) == (choice["backend"] == "vulkan")
    assert inside[0] == "llama-server"
    given = dict(zip(inside, [*inside[1:], ""], strict=True))
    assert given["--alias"] == choice["connection"]["model"]
    assert given["--ctx-size"] == str(settings["context_total"])
    kind = settings["offload"]["kind"]
    assert given["-ngl"] == {"full": "all", "cpu": "0"}.get(kind, str(settings["offload"]["gpu_layers"]))
    assert given.get("-ncmoe") == (str(settings["offload"]["n_cpu_moe"]) if kind == "experts" else None)
    ours = shlex.split(flags[flags.index("--runtime-args") + 1])
    assert inside[-len(ours) :] == ours
    assert ours[:2] == ["--parallel", str(settings["parallel"])]


def test_the_sweep_meets_every_kind_of_placement():
    found = [choice_of(name) for name in WANTED]
    assert {choice["backend"] for choice in found} == {"cuda", "vulkan", "cpu"}
    assert {choice["settings"]["offload"]["kind"] for choice in found} == {"full", "cpu", "experts"}
    assert any("--tensor-split" in shlex.join(choice["settings"]["flags"]) for choice in found)


@pytest.mark.parametrize("words", [["--no-such-option"], ["--pull", "sometimes"]])
def test_it_refuses_what_it_does_not_know(words, tmp_path):
    assert ramalama(tmp_path, "serve", *words, "hf://a/b/c.gguf").returncode != 0


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_of_any_name_is_found(name, tmp_path):
    file = gguf_files.write(tmp_path / f"{name}.gguf", {"general.architecture": "llama", "general.name": "x"}, [])
    model = launch(SERVER, {**choice_of("experts")["settings"], "backend": "cuda", "weights_file": str(file)})[0][-1]
    assert model == f"file://{file}"
    done = ramalama(tmp_path, "pull", model)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("file", ["model.gguf", "/models/a%20b.gguf"])
def test_a_path_that_it_would_read_as_another_is_refused(file):
    host = Host(pack(), facts_of(pack(), answers(WANTED["experts"] | {"weights_file": file})))
    assert "whole path" in server_reason(host, SERVER, pack().models["qwen/qwen3-8b"])[1]
