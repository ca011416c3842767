"""The real llama-server does what generated setups promise: it starts from their command line and answers through their client settings."""

from __future__ import annotations

import json
import subprocess

import pytest

QUESTION = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 8, "temperature": 0}


@pytest.mark.target(["native", "llama-cpp"], checker="llama-server", run=True, note="started by serve.sh, it chats under the promised name")
def test_an_agent_chats_through_the_generated_settings(setup_of, chat_model):
    setup = setup_of("--use-case", "coding-agent", "--weights-file", str(chat_model)).start()
    settings = json.loads((setup.folder / "clients" / "opencode.json").read_text("utf-8"))
    provider = settings["provider"]["local"]
    url, (model,) = setup.client(provider["options"]["baseURL"]), provider["models"]
    assert settings["model"] == f"local/{model}"
    assert "apiKey" not in provider["options"]

    models = setup.ask(f"{url}/models").json["data"]
    assert [item["id"] for item in models] == [model]

    answer = setup.ask(f"{url}/chat/completions", {"model": model, **QUESTION})
    assert answer.status == 200, answer.body
    assert answer.json["model"] == model
    assert answer.json["choices"][0]["message"]["role"] == "assistant"
    assert answer.json["usage"]["completion_tokens"] == 8


def test_answers_stream(setup_of, chat_model):
    setup = setup_of("--use-case", "chat", "--weights-file", str(chat_model)).start()
    answer = setup.ask("/v1/chat/completions", {"model": setup.choice["settings"]["alias"], **QUESTION, "stream": True})
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    events = [line.removeprefix("data: ") for line in answer.body.decode().splitlines() if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    assert len(chunks) > 4
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}


@pytest.mark.target("clients", checker="llama-server", run=True, note="Claude Code's script leads to it")
def test_claude_code_is_sent_to_the_server(setup_of, chat_model, tmp_path):
    setup = setup_of("--use-case", "coding-agent", "--weights-file", str(chat_model)).start()
    script = setup.folder / "clients" / "claude-code.sh"
    claude = tmp_path / "bin" / "claude"
    claude.write_text("#!/bin/sh\nenv\n")
    claude.chmod(0o755)
    environment = {"PATH": f"{claude.parent}:/usr/bin:/bin"}
    told = subprocess.run(["/bin/sh", script], env=environment, capture_output=True, text=True, check=True, timeout=20).stdout
    variables = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
    url, model = setup.client(variables["ANTHROPIC_BASE_URL"]), variables["ANTHROPIC_MODEL"]
    answer = setup.ask(f"{url}/v1/messages", {"model": model, **QUESTION}, key=variables["ANTHROPIC_AUTH_TOKEN"])
    assert answer.status == 200, answer.body
    assert answer.json["type"] == "message"
    assert answer.json["usage"]["output_tokens"] == 8


@pytest.mark.target("llama-cpp", checker="llama-server", run=True, note="401 without the key of .env")
def test_who_can_be_reached_asks_for_the_key(setup_of, chat_model):
    setup = setup_of("--use-case", "chat", "--exposure", "lan", "--weights-file", str(chat_model)).start()
    auth = setup.choice["settings"]["auth"]
    assert (auth["kind"], auth["by"]) == ("api-key", "server")
    key = setup.secrets()[auth["env"]]
    assert len(key) >= 32
    assert (setup.folder / ".env").stat().st_mode & 0o777 == 0o600
    assert all(key not in path.read_text("utf-8") for path in setup.folder.rglob("*") if path.is_file() and path.name != ".env")

    question = {"model": setup.choice["settings"]["alias"], **QUESTION}
    assert setup.ask("/v1/chat/completions", question).status == 401
    assert setup.ask("/v1/chat/completions", question, key=key[:-1]).status == 401
    assert setup.ask("/v1/models").status in {200, 401}
    assert setup.ask("/v1/chat/completions", question, key=key).status == 200
    assert setup.ask("/v1/chat/completions", question, X_Api_Key=key).status == 200
    assert setup.ask("/health").status == 200


def test_every_user_has_the_context_that_was_promised(setup_of, chat_model):
    setup = setup_of("--use-case", "chat", "--users", "2", "--context", "8k", "--weights-file", str(chat_model)).start()
    settings = setup.choice["settings"]
    slots = setup.ask("/slots").json
    assert [slot["n_ctx"] for slot in slots] == [settings["context"]] * settings["parallel"]
    assert (settings["context"], settings["parallel"]) == (8192, 2)


def test_embeddings(setup_of, embedding_model):
    setup = setup_of("--use-case", "embeddings", "--weights-file", str(embedding_model)).start()
    alias = setup.choice["settings"]["alias"]
    answer = setup.ask("/v1/embeddings", {"model": alias, "input": ["one text", "another text"]})
    assert answer.status == 200, answer.body
    vectors = [item["embedding"] for item in answer.json["data"]]
    assert [len(vector) for vector in vectors] == [256, 256]
    assert vectors[0] != vectors[1]


def test_the_scripts_stop_when_told(setup_of, chat_model):
    setup = setup_of("--use-case", "chat", "--weights-file", str(chat_model)).start()
    setup.stop()
    assert setup.ask("/health").status == 0
