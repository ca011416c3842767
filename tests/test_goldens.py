"""The files of chosen cases, as folders in tests/golden. Run with SETUPGEN_UPDATE_GOLDENS=1 to write them again, then read the diff."""

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
)
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


def test_files_of_a_hops_proxy():
    knowledge = {"digest": "sha256:" + "0" * 64, "version": "0", "oldest_review": ""}

    compare("hops-proxy", render_proxy(HOPS, pack().templates, knowledge=knowledge, command="setupgen fleet inventory.yaml").files)
