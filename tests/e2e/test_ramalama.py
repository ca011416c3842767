"""RamaLama runs from generated files and starts a real llama-server: without its container, whose image no test fetches, as its settings allow."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from setups import NATIVE, Setup, written
from test_llama_server import QUESTION

OPTIONS = [
    *(word for word in NATIVE if word not in {"--server", "llama-cpp"}),
    "--server",
    "ramalama",
    "--use-case",
    "chat",
    "--context",
    "4096",
]
NO_CONTAINER = "[ramalama]\ncontainer = false\n"


@pytest.fixture
def setup(tmp_path, program, chat_model):
    settings = tmp_path / ".config" / "ramalama" / "ramalama.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text(NO_CONTAINER)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ramalama").symlink_to(Path(sys.executable).parent / "ramalama")
    made = written(tmp_path / "setup", program, "--users", "2", "--weights-file", str(chat_model), base=OPTIONS)
    yield made
    made.stop()


@pytest.mark.target(
    "ramalama", checker="llama-server", run=True, note="started by it without a container; slots, context and name are the plan's"
)
def test_the_server_below_has_the_slots_the_context_and_the_name_of_the_plan(setup: Setup):
    setup.start()
    settings, connection = setup.choice["settings"], setup.choice["connection"]
    url = setup.client(connection["openai_url"])
    assert [item["id"] for item in setup.ask(f"{url}/models").json["data"]] == [connection["model"]]
    slots = setup.ask("/slots").json
    assert [slot["n_ctx"] for slot in slots] == [settings["context"]] * 2
    answer = setup.ask(f"{url}/chat/completions", {"model": connection["model"], **QUESTION})
    assert answer.status == 200, answer.body
    streamed = setup.ask(f"{url}/chat/completions", {"model": connection["model"], **QUESTION, "stream": True})
    events = [line.removeprefix("data: ") for line in streamed.body.decode().splitlines() if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    assert {json.loads(event)["object"] for event in events[:-1]} == {"chat.completion.chunk"}
