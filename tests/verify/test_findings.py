"""What verify says of a server that keeps its promises, and of servers that break one each."""

from __future__ import annotations

import json
import sys
import time

import pytest
from verify_tools import check, statuses

from setupgen.cli.pack import load_pack


def test_a_good_server_keeps_every_promise(chat, stub_of, verify):
    found = verify(chat, stub_of(model=chat.model), code=0)
    assert "broken" not in statuses(found).values(), found["checks"]
    kept = {"health", "exposure", "model", "chat", "streaming", "first-token", "reading", "writing", "structured", "context", "recall"}
    assert {id_ for id_, status in statuses(found).items() if status == "kept"} >= kept
    assert found["setup"]["asked_as"] == chat.model
    assert 3000 < check(found, "context")["numbers"]["counted_tokens"] < 4096


def test_nothing_listens(chat, stub_of, verify):
    stub = stub_of()
    stub.stop()
    found = verify(chat, stub, code=1)
    assert check(found, "health")["measured"] == "nothing listens"
    assert {check["status"] for check in found["checks"][1:]} == {"skipped"}


def test_it_waits_while_the_model_loads(chat, stub_of, verify):
    asked = []

    def loading(wire, _):
        asked.append(1)
        ready = len(asked) > ready_after
        wire.json({"status": "ok"} if ready else {"error": {"message": "Loading model", "code": 503}}, 200 if ready else 503)

    stub = stub_of(model=chat.model, paths={"/health": loading})
    ready_after = 1000
    found = verify(chat, stub)
    assert check(found, "health")["status"] == "broken"
    assert "Loading model" in check(found, "health")["text"]
    assert "--wait" in check(found, "health")["fix"]
    ready_after = len(asked) + 2
    verify(chat, stub, "--wait", "60", code=0)
    assert len(asked) > ready_after


def test_another_name(chat, stub_of, verify):
    found = check(verify(chat, stub_of(model="gpt-oss"), code=1), "model")
    assert (found["status"], found["measured"]) == ("broken", "gpt-oss")
    assert chat.model in found["text"]


def test_another_model_under_the_name(chat, stub_of, verify):
    found = verify(chat, stub_of(model=chat.model, meta={"meta": {"n_params": 2_494_208}}), code=1)
    assert check(found, "weights")["status"] == "broken"
    assert check(found, "weights")["measured"] == "2.49 million parameters"
    right = chat.plan["choice"]["model"]["total_parameters"]
    found = verify(chat, stub_of(model=chat.model, meta={"meta": {"n_params": int(right * 1.02)}}), code=0)
    assert check(found, "weights")["status"] == "kept"


class TestContext:
    def test_a_longer_prompt_is_refused(self, chat, stub_of, verify):
        found = check(verify(chat, stub_of(model=chat.model, context=2048), "--skip", "speed", code=1), "context")
        assert (found["status"], found["measured"]) == ("broken", "refused")
        assert "exceeds the available context size (2048 tokens)" in found["text"]

    def test_a_longer_prompt_is_cut_without_a_word(self, chat, stub_of, verify):
        found = verify(chat, stub_of(model=chat.model, context=2048, cuts=True), code=1)
        assert (check(found, "context")["status"], check(found, "context")["measured"]) == ("broken", "cut to 2,048")
        assert "recall" not in statuses(found)

    def test_it_is_cut_and_nobody_counts(self, chat, stub_of, verify):
        found = verify(chat, stub_of(model=chat.model, context=2048, cuts=True, counts=False), code=1)
        assert check(found, "context")["status"] == "unclear"
        assert check(found, "recall")["status"] == "broken"
        assert "in a short prompt it does" in check(found, "recall")["text"]

    def test_the_server_says_itself_that_it_holds_less(self, chat, stub_of, verify):
        found = check(verify(chat, stub_of(model=chat.model, meta={"max_model_len": 2048}), code=1), "context")
        assert (found["status"], found["measured"]) == ("broken", "2,048 tokens")

    def test_of_a_model_that_recalls_nothing_only_the_count_is_claimed(self, chat, stub_of, verify):
        found = verify(chat, stub_of(model=chat.model, recalls=False), code=0)
        assert check(found, "context")["status"] == "kept"
        assert check(found, "recall")["status"] == "unclear"
        assert "only that the server took and counted the tokens was checked" in check(found, "recall")["text"]

    def test_what_takes_too_long_is_tried_in_part(self, chat, stub_of, verify):
        def slow(wire, request):
            time.sleep(len(request.document["messages"][-1]["content"]) / 4 / 1500)
            stub._chat(wire, request)

        stub = stub_of(model=chat.model)
        stub.paths["/v1/chat/completions"] = slow
        found = check(verify(chat, stub, "--budget", "1"), "context")
        assert found["status"] == "unclear"
        assert "--budget" in found["fix"]


class TestTools:
    @pytest.fixture
    def agent(self, folder_of):
        return folder_of("--use-case", "coding-agent").change(
            lambda plan: plan["choice"]["connection"].update(context=4096, anthropic_url=None)
        )

    @pytest.mark.parametrize(
        ("tools", "status", "measured"),
        [
            ("parsed", "kept", 'look_up_tide({"place": "Husum", "day": "tomorrow"})'),
            ("text", "broken", "as text"),
            ("garbled", "broken", "garbled arguments"),
            ("other", "broken", "another tool"),
            ("none", "unclear", "only when forced"),
        ],
    )
    def test_calls(self, agent, stub_of, verify, tools, status, measured):
        found = check(verify(agent, stub_of(model=agent.model, tools=tools), "--skip", "speed", "--skip", "context"), "tools")
        assert (found["status"], found["measured"]) == (status, measured)

    def test_not_asked_where_the_use_case_needs_none(self, chat, stub_of, verify):
        stub = stub_of(model=chat.model, tools="text")
        assert "tools" not in statuses(verify(chat, stub, code=0))
        assert not any(request.body and "tools" in request.document for request in stub.seen)


def test_an_answer_that_keeps_to_no_schema(folder_of, stub_of, verify):
    extraction = folder_of("--use-case", "extraction", "--context", "8192")
    stub = stub_of(model=extraction.model, keeps_schema=False)
    assert check(verify(extraction, stub, "--skip", "context", code=1), "structured")["status"] == "broken"


def test_parts_that_come_all_at_once(chat, stub_of, verify):
    found = check(verify(chat, stub_of(model=chat.model, gathers=True, chunk_s=0.01), code=1), "streaming")
    assert (found["status"], found["measured"]) == ("broken", "all at once")
    assert "buffering" in found["fix"]


def test_a_stream_that_begins_late_is_a_stream(chat, stub_of, verify):
    found = check(verify(chat, stub_of(model=chat.model, wakes_s=3.0), code=0), "streaming")
    assert (found["status"], found["numbers"]["parts"]) == ("kept", 30)


class TestSpeed:
    def test_slower_than_promised(self, chat, stub_of, verify):
        chat.change(lambda plan: plan["choice"]["speed"]["decode_tps"].update(low=5000, value=6000, high=7000))
        found = check(verify(chat, stub_of(model=chat.model), code=1), "writing")
        assert found["status"] == "broken"
        assert 100 < found["numbers"]["writing_tps"] < 600
        assert "of the lower end" in found["text"]

    def test_the_first_token_late(self, chat, stub_of, verify):
        chat.change(lambda plan: plan["choice"]["speed"]["ttft_s"].update(low=0.0001, value=0.0002, high=0.0003))
        assert check(verify(chat, stub_of(model=chat.model), code=1), "first-token")["status"] == "broken"


class TestUsers:
    @pytest.fixture
    def four(self, folder_of):
        return folder_of("--use-case", "chat", "--users", "4", "--context", "4096")

    def test_at_once(self, four, stub_of, verify):
        found = verify(four, stub_of(model=four.model, chunk_s=0.02), code=0)
        assert check(found, "users")["status"] == "kept"
        assert check(found, "users")["numbers"]["most_at_once"] == 4

    def test_one_after_the_other(self, four, stub_of, verify):
        found = check(verify(four, stub_of(model=four.model, chunk_s=0.02, slots=1), code=1), "users")
        assert found["status"] == "broken"
        assert found["numbers"]["most_at_once"] < 4
        assert "the others waited" in found["text"]

    def test_some_get_no_answer(self, four, stub_of, verify):
        stub = stub_of(model=four.model, chunk_s=0.02)
        busy = []

        def crowded(wire, request):
            busy.append(1)
            try:
                if len(busy) > 2:
                    wire.json({"error": {"message": "too many requests"}}, 429)
                else:
                    stub._chat(wire, request)
            finally:
                busy.pop()

        stub.paths["/v1/chat/completions"] = crowded
        found = check(verify(four, stub, code=1), "users")
        assert found["status"] == "broken"
        assert "too many requests" in found["text"]


class TestKey:
    @pytest.fixture
    def guarded(self, folder_of):
        """A plan with a key, asked past its proxy."""
        return folder_of("--use-case", "chat", "--exposure", "lan", "--context", "4096")

    def test_asked_for(self, guarded, stub_of, verify):
        found = verify(guarded, stub_of(model=guarded.model, key=guarded.key))
        assert (check(found, "key")["status"], check(found, "key")["measured"]) == ("kept", "401 without it")
        assert check(found, "chat")["status"] == "kept"
        assert guarded.key not in json.dumps(found)

    def test_not_asked_for(self, guarded, stub_of, verify):
        found = check(verify(guarded, stub_of(model=guarded.model), code=1), "key")
        assert (found["status"], found["measured"]) == ("broken", "answers anybody")
        assert "200 without a key and 200 with a wrong key" in found["text"]

    def test_another_key(self, guarded, stub_of, verify):
        found = verify(guarded, stub_of(model=guarded.model, key="other"), code=1)
        assert check(found, "chat")["status"] == "broken"
        assert "asks for another key" in check(found, "chat")["fix"]

    def test_a_server_that_repeats_the_key(self, guarded, stub_of, verify, run):
        def gossip(wire, request):
            wire.json({"error": {"message": f"I was sent {request.headers.get('authorization')}"}}, 400)

        stub = stub_of(model=guarded.model, paths={"/v1/models": gossip, "/v1/chat/completions": gossip})
        found = run("verify", str(guarded.path), "--url", stub.url)
        assert guarded.key not in found.out + found.err
        assert "[key]" in found.out

    def test_the_env_file_lacks_it(self, guarded, stub_of, run):
        (guarded.path / ".env").write_text("OTHER=1\n", "utf-8")
        found = run("verify", str(guarded.path), "--url", stub_of().url)
        assert (found.code, found.out) == (2, "")
        assert "LLAMA_API_KEY has no value" in found.err


def test_open_to_other_addresses(chat, stub_of, verify):
    found = check(verify(chat, stub_of(model=chat.model, host="0.0.0.0"), code=1), "exposure")
    assert found["status"] == "broken"
    assert found["measured"].startswith("open at ")
    assert "without a key" in found["text"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have one loopback address")
@pytest.mark.parametrize(
    "page", [lambda wire, _: wire.text("<html>"), lambda wire, _: wire.send("SSH-2.0-OpenSSH\r\n")], ids=["html", "ssh"]
)
def test_another_program_has_the_port_at_another_address(chat, stub_of, verify, page):
    stub = stub_of(model=chat.model)
    stub_of(host="127.0.0.2", port=stub.port, paths={"/health": page})
    found = check(verify(chat, stub, "--skip", "speed", "--skip", "context", code=0), "exposure")
    assert (found["status"], found["measured"]) == ("unclear", "another program there")


class TestEmbeddings:
    @pytest.fixture
    def vectors(self, folder_of):
        return folder_of("--use-case", "embeddings", "--context", "2048")

    def dimensions(self, folder):
        return load_pack().models[folder.plan["choice"]["model"]["id"]].raw["architecture"]["hidden"]

    def test_good(self, vectors, stub_of, verify):
        size = self.dimensions(vectors)
        found = verify(vectors, stub_of(model=vectors.model, dimensions=size), code=0)
        assert check(found, "embeddings")["numbers"]["dimensions"] == size
        assert {"embeddings", "reading", "context"} <= {id_ for id_, status in statuses(found).items() if status == "kept"}

    def test_too_few_dimensions(self, vectors, stub_of, verify):
        found = check(verify(vectors, stub_of(model=vectors.model, dimensions=128), code=1), "embeddings")
        assert (found["status"], found["measured"]) == ("broken", "128 dimensions")

    @pytest.mark.parametrize(("cuts", "measured"), [(True, "cut"), (False, "refused")])
    def test_a_long_text(self, vectors, stub_of, verify, cuts, measured):
        stub = stub_of(model=vectors.model, dimensions=self.dimensions(vectors), context=512, cuts=cuts)
        found = check(verify(vectors, stub, code=1), "context")
        assert (found["status"], found["measured"]) == ("broken", measured)

    @pytest.mark.parametrize("embedding", [[], [0, 0, 0], ["a"], None, [1e999], [10**400]])
    def test_vectors_that_are_none(self, vectors, stub_of, verify, embedding):
        def reply(wire, request):
            wire.json({"data": [{"embedding": embedding} for _ in request.document["input"]]})

        found = check(verify(vectors, stub_of(model=vectors.model, paths={"/v1/embeddings": reply}), code=1), "embeddings")
        assert found["status"] == "broken"
