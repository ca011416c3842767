"""`setupgen verify` on the real llama-server: six servers, six different reports, each of them right.

The weights are random, so whether a model remembers a fact is never claimed; one model is made so that it calls a tool when it is offered one.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from tiny_gguf import Tiny, write_tiny

CALL = '<tool_call>\n{"name": "look_up_tide", "arguments": {"place": "Husum", "day": "tomorrow"}}\n</tool_call>'
CHAT = ("--use-case", "chat", "--context", "4096")
ONE = ("--threads", "1")  # threads that wait for each other crawl where the machine is busy
QUICK = ("--skip", "speed", "--skip", "context", "--skip", "users")
AGENT = ("--use-case", "coding-agent", "--context", "64k")


@pytest.fixture(scope="session")
def calling_model(tmp_path_factory):
    return write_tiny(tmp_path_factory.mktemp("model") / "calls.gguf", Tiny(context=65536), calls=CALL)


def verify(setup, *options):
    """The document and the exit code of `setupgen verify`, as a process of its own."""
    command = [sys.executable, "-m", "setupgen", "verify", str(setup.folder), "--url", f"http://127.0.0.1:{setup.port}", "--json", *options]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    assert result.stderr == ""
    document = json.loads(result.stdout)
    assert result.returncode == (1 if document["verdict"] == "broken" else 0)
    return document


SPEED = {"first-token", "reading", "writing", "throughput"}


def broken(document):
    """What is broken, but for speed: whoever runs this may share the machine with others."""
    return {check["id"] for check in document["checks"] if check["status"] == "broken"} - SPEED


def check(document, id_):
    (found,) = [check for check in document["checks"] if check["id"] == id_]
    return found


def ids(document, status):
    return {check["id"] for check in document["checks"] if check["status"] == status}


def test_a_good_server(setup_of, chat_model):
    """The tokens of a long prompt are counted by the server; that random weights remember nothing is said and held against nobody."""
    setup = setup_of(*CHAT, "--weights-file", str(chat_model)).start(*ONE)
    document = verify(setup)
    assert broken(document) == set(), document["checks"]
    assert ids(document, "kept") >= {"health", "exposure", "model", "chat", "chat-anthropic", "streaming", "context"}
    assert 3800 < check(document, "context")["numbers"]["counted_tokens"] < 4096
    assert check(document, "recall")["status"] == "unclear"
    assert "only that the server took and counted the tokens was checked" in check(document, "recall")["text"]
    assert check(document, "weights")["measured"] == "2.49 million parameters"
    assert check(document, "structured")["status"] == "kept"


def test_a_good_server_for_an_agent(setup_of, calling_model):
    setup = setup_of(*AGENT, "--weights-file", str(calling_model)).start(*ONE)
    document = verify(setup, "--budget", "5")
    assert broken(document) == set(), document["checks"]
    for id_ in ("tools", "tools-anthropic"):
        assert check(document, id_)["status"] == "kept"
        assert check(document, id_)["measured"].startswith('look_up_tide({"place": "Husum"')
    assert check(document, "context")["status"] == "unclear"
    assert "--budget" in check(document, "context")["fix"]


def test_several_users(setup_of, chat_model):
    setup = setup_of("--use-case", "chat", "--users", "3", "--context", "2048", "--weights-file", str(chat_model)).start(*ONE)
    document = verify(setup, "--skip", "speed", "--skip", "context")
    assert broken(document) == set()
    assert check(document, "users")["numbers"]["most_at_once"] == 3


def test_embeddings(setup_of, embedding_model):
    setup = setup_of("--use-case", "embeddings", "--weights-file", str(embedding_model)).start(*ONE)
    document = verify(setup)
    assert check(document, "embeddings")["measured"] == "256 dimensions"
    assert check(document, "context")["status"] == "kept"
    assert broken(document) == set()


def test_too_small_a_context(setup_of, chat_model):
    setup = setup_of("--use-case", "chat", "--context", "8192", "--weights-file", str(chat_model)).start(*ONE, "--ctx-size", "2048")
    document = verify(setup, "--skip", "speed")
    assert broken(document) == {"context"}
    assert check(document, "context")["measured"] == "2,048 tokens"


def test_without_a_key(setup_of, chat_model):
    """The plan promises a key, and the server that runs was started without one: the written script would have refused to."""
    guarded = setup_of(*CHAT, "--exposure", "lan", "--weights-file", str(chat_model))
    key = guarded.secrets()[guarded.choice["settings"]["auth"]["env"]]
    open_to_all = setup_of(*CHAT, "--weights-file", str(chat_model)).start(*ONE)
    guarded.port = open_to_all.port
    document = verify(guarded, *QUICK)
    assert broken(document) == {"key"}
    assert check(document, "key")["measured"] == "answers anybody"
    assert key not in json.dumps(document)
    open_to_all.stop()

    document = verify(guarded.start(*ONE), *QUICK)
    assert broken(document) == set()
    assert check(document, "key")["measured"] == "401 without it"


def test_bound_to_all_addresses(setup_of, chat_model):
    setup = setup_of(*CHAT, "--weights-file", str(chat_model)).start(*ONE, "--host", "0.0.0.0")
    document = verify(setup, *QUICK)
    assert broken(document) == {"exposure"}
    assert check(document, "exposure")["measured"].startswith("open at ")
    assert "without a key" in check(document, "exposure")["text"]


def test_tool_calls_as_text(setup_of, calling_model):
    setup = setup_of(*AGENT, "--weights-file", str(calling_model)).start(*ONE, "--skip-chat-parsing")
    document = verify(setup, *QUICK)
    assert "tools" in broken(document)
    assert broken(document) <= {"tools", "tools-anthropic"}
    assert check(document, "tools")["measured"] == "as text"
    assert "look_up_tide" in check(document, "tools")["text"]


def test_killed_in_mid_stream(setup_of, tmp_path):
    slow = write_tiny(tmp_path / "slow.gguf", Tiny(layers=12, hidden=1024, heads=16, kv_heads=4, feed_forward=4096))
    setup = setup_of(*CHAT, "--weights-file", str(slow)).start(*ONE, "--slots")

    def kill():
        """As soon as the long answer of the check of streams is being written."""
        until = time.monotonic() + 120
        while time.monotonic() < until:
            for slot in setup.ask("/slots").json:
                written = slot.get("next_token", [{}])[0]
                if slot["is_processing"] and written.get("n_decoded", 0) > 10 and written.get("n_remain", 0) > 60:
                    os.killpg(setup._process.pid, signal.SIGKILL)
                    return
            time.sleep(0.02)

    killer = threading.Thread(target=kill)
    killer.start()
    document = verify(setup)
    killer.join()
    assert broken(document) == {"streaming"}
    found = check(document, "streaming")
    assert "in the middle of an answer, after" in found["text"].lower()
    assert "does not answer at all: it ended" in found["text"]
    assert {"speed", "context"} <= ids(document, "skipped")
