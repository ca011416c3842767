"""The files of chosen cases, as folders in tests/golden. Run with SETUPGEN_UPDATE_GOLDENS=1 to write them again, then read the diff."""

import hashlib
import os
import re
import shutil

import pytest

from case_tools import CASES, ROOT, pack, planned, read_case
from setupgen.render.files import render_proxy, render_setup

GOLDEN = ROOT / "tests" / "golden"
UPDATE = os.environ.get("SETUPGEN_UPDATE_GOLDENS") == "1"
STORIES = (
    "solo-coder-on-a-3090",
    "fifty-people-on-an-h100",
    "windows-laptop-chat",
    "macbook",
    "strix-halo",
    "raspberry-pi",
    "radeon-many-users",
    "native-linux",
    "podman-on-the-lan",
    "ollama-for-a-newcomer",
    "transcription-on-a-4090",
    "agents-with-sglang-on-an-h100",
    "chat-with-sglang-on-mi300x",
    "chat-and-search-on-a-3090",
    "agent-with-mlx-lm-on-a-macbook",
    "kubernetes-homelab",
    "kubernetes-kubeai",
    "kubernetes-large-model",
    "kubernetes-ollama",
    "kubernetes-ollama-operator",
    "kubernetes-platform",
    "kubernetes-ray",
    "kubernetes-team",
    "writer-with-lllms",
    "coder-with-ramalama",
    "chat-with-docker-model-runner",
    "chat-with-lemonade-on-strix-halo",
    "chat-with-lm-studio",
    "many-users-on-an-arc-pro",
    "writer-with-lm-studio-on-a-mac",
)
ASKED = (
    ("podman-on-the-lan", "quadlet"),
    ("podman-on-the-lan", "nixos"),
    ("raspberry-pi", "shell"),
    ("windows-laptop-chat", "windows-task"),
)
"""Cases whose files are kept in another target's shape too."""

HOPS = {
    "id": "hops",
    "because": "Two steady Ollama hosts behind one address.",
    "bind": "127.0.0.1",
    "port": 11434,
    "workers": 4,
    "hosts": [
        {"id": "tower", "host": "http://10.0.0.5:11434", "headers": {"Authorization": {"env": "TOWER_TOKEN"}}, "timeout": 600},
        {"id": "laptop", "host": "http://10.0.0.6:11434"},
    ],
}

CHAT = {"name": "qwen3.6-27b", "alias": "qwen3.6-27b", "context": 65536, "task": "chat", "tools": True, "vision": False}
BACKENDS = [
    {
        "name": "laptop",
        "url": "http://10.0.0.6:11434",
        "server": "ollama",
        "apis": ["ollama", "openai"],
        "health": "/api/version",
        "slots": 1,
        "models": [{"name": "embeddinggemma:300m", "alias": "embeddinggemma:300m", "context": 2048, "task": "embedding"}],
    },
    {
        "name": "rented",
        "url": "http://10.0.0.7:8000",
        "server": "vllm",
        "apis": ["openai", "anthropic"],
        "headers": {"X-Team": "research"},
        "slots": 16,
        "preemptible": True,
        "models": [CHAT],
    },
    {
        "name": "tower",
        "url": "http://10.0.0.5:9931",
        "server": "llama-cpp",
        "apis": ["openai", "anthropic"],
        "key_env": "TOWER_KEY",
        "slots": 4,
        "timeout_s": 900,
        "models": [CHAT],
    },
]
# Each program once, between them every runtime.
GATEWAYS = {
    "litellm": {"port": 4000, "auth": {"kind": "api-key", "env": "FLEET_KEY"}},
    "nginx": {"port": 8088, "bind": "0.0.0.0", "tls": True, "auth": {"kind": "api-key", "env": "FLEET_KEY"}, "runtime": "native"},
    "olla": {"port": 40114, "auth": {"kind": "none"}, "runtime": "podman"},
    "llama-swap": {"port": 8089, "auth": {"kind": "api-key", "env": "FLEET_KEY"}, "runtime": "native"},
}


def normal(text):
    """The text without the digest of the knowledge base, which changes with every fact."""
    return re.sub(r"sha256:[0-9a-f]{64}", "sha256:DIGEST", text)


def kept_as(path):
    """Where a file is kept: a `.gitignore` or `.env` under its own name would hide files from this repository."""
    return "/".join(f"dot{part}" if part.startswith(".") else part for part in path.split("/"))


def compare(story, files):
    folder = GOLDEN / story
    found = {kept_as(path): normal(text) for path, text in files.items() if not path.endswith(".plan.json")}
    if UPDATE:
        shutil.rmtree(folder, ignore_errors=True)
        for path, text in found.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(text.encode())
    expected = {path.relative_to(folder).as_posix(): path.read_bytes().decode() for path in folder.rglob("*") if path.is_file()}
    assert expected, f"no golden folder {folder.name}: run with SETUPGEN_UPDATE_GOLDENS=1"
    assert sorted(found) == sorted(expected)
    for path, text in sorted(found.items()):
        assert text == expected[path], f"{story}/{path} differs"


@pytest.mark.parametrize("story", STORIES)
def test_files_of_a_case(story):
    case = read_case(CASES / f"{story}.yaml")
    result = planned(case)

    compare(story, render_setup(result, pack().templates, command="setupgen write my-setup").files)


@pytest.mark.parametrize(("story", "target"), ASKED)
def test_files_of_a_target_that_is_written_on_request(story, target):
    result = planned(read_case(CASES / f"{story}.yaml"))

    compare(f"{story}--{target}", render_setup(result, pack().templates, targets=[target], command="setupgen write my-setup").files)


def test_files_that_are_written_on_request():
    """What each target adds to the files that the case has anyway."""
    result = planned(read_case(CASES / "native-linux.yaml"))
    asked = ["aider", "cline", "codex-cli", "continue", "llama-swap-native", "monitoring", "openai-sdk", "zed"]
    made = render_setup(result, pack().templates, targets=asked, command="setupgen write my-setup").files

    compare(
        "on-request",
        {path: text for path, text in made.items() if path.startswith(("clients/", "monitoring/", "llama-swap", "serve-swap"))},
    )


def test_files_of_a_hops_proxy():
    knowledge = {"digest": "sha256:" + "0" * 64, "version": "0", "oldest_review": ""}

    compare("hops-proxy", render_proxy(HOPS, pack().templates, knowledge=knowledge, command="setupgen fleet inventory.yaml").files)


@pytest.mark.parametrize("id_", GATEWAYS)
def test_files_of_a_proxy(id_):
    knowledge = {"digest": "sha256:" + "0" * 64, "version": "0", "oldest_review": ""}
    backends = BACKENDS if id_ != "llama-swap" else [BACKENDS[0], BACKENDS[1] | {"headers": {}}, BACKENDS[2]]
    made = {"id": id_, "because": "Two kinds of hosts behind one address.", "bind": "127.0.0.1", "backends": backends} | GATEWAYS[id_]

    compare(f"{id_}-proxy", render_proxy(made, pack().templates, knowledge=knowledge, command="setupgen fleet inventory.yaml").files)


@pytest.mark.parametrize("name", ["home", "nodes", "office"])
def test_files_of_a_fleet(name, fleet):
    compare(f"fleet-{name}", fleet(name)["files"])


def test_files_of_a_large_fleet(fleet):
    """Its own files, the proxy's, and those of the first server of each kind for each need; the others differ from one of these by names, ports and
    cards alone, so a checksum holds them and nobody has to read them twenty times."""
    document = fleet("lab")
    firsts = {(item["need"], item["server"], item["backend"]): item["folder"] for item in reversed(document["placements"])}
    rest, kept = {}, {}
    for path, text in document["files"].items():
        whole = not path.startswith("hosts/") or path.startswith(tuple(f"{folder}/" for folder in firsts.values()))
        (kept if whole else rest)[path] = text
    rest = {path: text for path, text in rest.items() if not path.endswith(".plan.json")}
    lines = [f"{hashlib.sha256(normal(text).encode()).hexdigest()}  {path}\n" for path, text in sorted(rest.items())]
    assert len(lines) > 50

    compare("fleet-lab", kept | {"others.sha256": "".join(lines)})
