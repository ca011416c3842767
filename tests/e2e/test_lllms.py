"""lllms runs from generated files: its packages in the pinned versions, the generated program, a tiny model."""

from __future__ import annotations

import json
import shutil
import subprocess
from hashlib import sha256

import pytest
from llama_cpp import cache
from setups import NATIVE, Setup, written
from test_llama_server import QUESTION

INSTALL = "apt-get install -y nodejs npm"


def packages(package):
    """What `npm install --ignore-scripts`, the run book's command, makes of a package.json; kept in `.cache/`."""
    folder = cache() / "lllms" / sha256(package.read_bytes()).hexdigest()[:12]
    if not (folder / "complete").exists():
        if not shutil.which("npm"):
            pytest.fail(f"npm is missing: {INSTALL}")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copy(package, folder)
        done = subprocess.run(
            ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            pytest.fail(f"npm could not install lllms; the network is needed once.\n{done.stderr[-2000:]}", pytrace=False)
        (folder / "complete").touch()
    return folder / "node_modules"


@pytest.fixture
def setup(tmp_path, chat_model):
    options = [word for word in NATIVE if word not in {"--server", "llama-cpp"}]
    made = written(
        tmp_path / "setup", shutil.which("node"), "--use-case", "chat", "--server", "lllms", "--weights-file", str(chat_model), base=options
    )
    (made.folder / "node_modules").symlink_to(packages(made.folder / "package.json"))
    yield made
    made.stop()


def test_the_generated_program_chats_and_streams(setup: Setup):
    setup.start()
    url, model = setup.client(setup.choice["connection"]["openai_url"]), setup.choice["connection"]["model"]
    assert [item["id"] for item in setup.ask(f"{url}/models").json["data"]] == [model]
    answer = setup.ask(f"{url}/chat/completions", {"model": model, **QUESTION})
    assert answer.status == 200, answer.body
    assert answer.json["choices"][0]["message"]["role"] == "assistant"
    streamed = setup.ask(f"{url}/chat/completions", {"model": model, **QUESTION, "stream": True})
    events = [line.removeprefix("data: ") for line in streamed.body.decode().splitlines() if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    assert {json.loads(event)["object"] for event in events[:-1]} == {"chat.completion.chunk"}
