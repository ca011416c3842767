"""A server that dies, stalls, babbles or lies halfway is a finding with words for it, in bounded time, and never a crash."""

from __future__ import annotations

import json
import time

import pytest
from verify_tools import check

QUICK = ("--skip", "speed", "--skip", "context", "--skip", "structured", "--skip", "exposure")
EVENT = 'data: {"choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": null}]}\n\n'


def opened(wire):
    wire.head(200, "text/event-stream")
    for _ in range(12):
        wire.send(EVENT)
        time.sleep(0.002)


def half_a_stream(wire, _):
    opened(wire)


def half_an_event(wire, _):
    opened(wire)
    wire.send('data: {"choices": [{"ind')


def reset_in_the_middle(wire, _):
    opened(wire)
    wire.reset()


def stall_in_the_middle(wire, _):
    opened(wire)
    time.sleep(6)


def silence(wire, _):
    time.sleep(6)


def silence_after_the_head(wire, _):
    wire.head(200, "text/event-stream")
    time.sleep(6)


def closed_at_once(wire, _):
    pass


def drops(wire, _):
    """A byte every now and then, for ever: no time-out of a socket sees it."""
    wire.head(200, "text/event-stream")
    for _ in range(2000):
        wire.send(":\n")
        time.sleep(0.1)


def endless_line(wire, _):
    wire.head(200, "text/event-stream")
    for _ in range(64):
        wire.send(b"data: " + b"x" * (1 << 20))


def endless_stream(wire, _):
    wire.head(200, "text/event-stream")
    while True:
        wire.send(EVENT * 2000)


def huge_body(wire, _):
    wire.head(200, Content_Length=1 << 40)
    while True:
        wire.send(b" " * (1 << 20))


def noise(wire, _):
    wire.send(bytes(range(256)) * 16)


def noise_in_the_stream(wire, _):
    opened(wire)
    wire.send(b"\xff\xfe\x00\x80garbage\n\n")


def text_in_the_stream(wire, _):
    opened(wire)
    wire.send("Segmentation fault (core dumped)\n\n")


def error_in_the_stream(wire, _):
    opened(wire)
    wire.event({"error": {"message": "CUDA error: out of memory", "code": 500}})


def wrong_length(wire, _):
    wire.head(200, Content_Length=5000)
    wire.send('{"choices": [')


def bad_chunk(wire, _):
    wire.head(200, "text/event-stream", Transfer_Encoding="chunked")
    wire.send(f"{len(EVENT):x}\r\n{EVENT}\r\n")
    wire.send("zzzz\r\nmore")


def page(wire, _):
    wire.text("<!DOCTYPE html><html><head><title>Router login</title></head><body>hello</body></html>")


def wrong_type(wire, _):
    wire.text("hello", kind="image/png")


def redirect(wire, _):
    wire.head(307, Location="http://127.0.0.1:9/login", Content_Length=0)


def redirect_to_itself(wire, request):
    wire.head(308, Location=request.path, Content_Length=0)


def refused(wire, _):
    wire.json({"error": {"message": "model \x1b[31mnot\x1b[0m loaded\u202e", "code": 500}}, 500)


def empty(wire, _):
    wire.json({})


def null(wire, _):
    wire.text("null", kind="application/json")


def deep(wire, _):
    wire.text("[" * 100_000, kind="application/json")


def other_shapes(wire, _):
    wire.json({"choices": [{"message": "hi", "delta": 7}], "usage": []})


def numbers_without_end(wire, _):
    wire.text('{"choices": [{"message": {"content": "a"}}], "usage": {"prompt_tokens": 1e999}}', kind="application/json")


def many_heads(wire, _):
    wire.send("HTTP/1.1 200 OK\r\n" + "X: y\r\n" * 5000)


def old_protocol(wire, _):
    wire.send("ICY 200 OK\r\n\r\n")


HOSTILE = [
    (half_a_stream, "never said that it was complete"),
    (half_an_event, "middle of an answer, after 12 parts"),
    (reset_in_the_middle, "middle of an answer, after 12 parts"),
    (stall_in_the_middle, "nothing more came for 1 s"),
    (silence, "Nothing came within"),
    (silence_after_the_head, "Nothing came within"),
    (closed_at_once, "before the answer was complete"),
    (drops, "was not complete after"),
    (endless_line, "did not end after"),
    (endless_stream, "parts came where at most 200 tokens were asked for"),
    (huge_body, "did not end after"),
    (noise, "is not HTTP"),
    (noise_in_the_stream, "no UTF-8 text: byte 0xff"),
    (text_in_the_stream, "Segmentation fault"),
    (error_in_the_stream, "CUDA error: out of memory"),
    (wrong_length, "before the answer was complete"),
    (bad_chunk, "before the answer was complete"),
    (page, "Router login"),
    (wrong_type, "hello"),
    (redirect, "redirects to http://127.0.0.1:9/login"),
    (redirect_to_itself, "redirects to /v1/chat/completions"),
    (refused, "\\x1b[31mnot\\x1b[0m loaded\\u202e"),
    (empty, ""),
    (null, ""),
    (deep, "is no JSON"),
    (other_shapes, "another shape"),
    (numbers_without_end, "another shape"),
    (many_heads, "is not HTTP"),
    (old_protocol, "is not HTTP"),
]


@pytest.fixture
def quick(chat):
    """A plan that promises to be quick, so that time-outs, which grow with what is promised, are short."""

    def change(plan):
        plan["choice"]["speed"]["ttft_s"].update(low=0.01, value=0.02, high=0.03)
        plan["choice"]["speed"]["decode_tps"].update(low=400, value=500, high=600)
        plan["choice"]["connection"]["anthropic_url"] = None

    return chat.change(change)


@pytest.mark.parametrize(("reply", "words"), HOSTILE, ids=lambda value: value.__name__ if callable(value) else "")
def test_a_bad_answer_is_a_finding(quick, stub_of, run, monkeypatch, reply, words):
    monkeypatch.setattr("setupgen.verify.session.LOAD_S", 1)
    stub = stub_of(model=quick.model)
    whole = reply in {page, wrong_type, refused, empty, null, deep, other_shapes, numbers_without_end, wrong_length, huge_body}

    def hostile(wire, request):
        """Where only streams can go wrong in this way, whole answers are good, so that the stream is asked for."""
        if whole or request.document["stream"]:
            reply(wire, request)
        else:
            stub._chat(wire, request)

    stub.paths["/v1/chat/completions"] = hostile
    began = time.monotonic()
    result = run("verify", str(quick.path), "--url", stub.url, "--json", "--timeout", "1", *QUICK)
    assert time.monotonic() - began < 60
    assert (result.code, result.err) == (1, "")
    document = json.loads(result.out)
    found = check(document, "chat" if whole else "streaming")
    assert found["status"] == "broken"
    assert words in found["text"]
    assert all(character.isprintable() for character in found["text"])
    assert check(document, "model")["status"] == "kept"


@pytest.mark.parametrize("path", ["/health", "/v1/models"])
@pytest.mark.parametrize(
    "reply", [noise, page, redirect, closed_at_once, huge_body, deep, silence, many_heads, other_shapes], ids=lambda f: f.__name__
)
def test_bad_answers_elsewhere(quick, stub_of, run, monkeypatch, path, reply):
    monkeypatch.setattr("setupgen.verify.session.LOAD_S", 1)
    stub = stub_of(model=quick.model, paths={path: reply})
    result = run("verify", str(quick.path), "--url", stub.url, "--json", "--timeout", "1", *QUICK)
    assert result.err == ""
    document = json.loads(result.out)
    found = check(document, "health" if path == "/health" else "model")
    if path == "/health" and reply in {page, deep, other_shapes}:
        assert found["status"] == "kept"  # a health check is its status and nothing more
    else:
        assert (result.code, found["status"]) == (1, "broken")


def test_killed_in_mid_stream(quick, stub_of, run):
    stub = stub_of(model=quick.model)

    def dies(wire, request):
        if not request.document["stream"]:
            stub._chat(wire, request)
            return
        opened(wire)
        stub.stop()
        wire.reset()

    stub.paths["/v1/chat/completions"] = dies
    result = run("verify", str(quick.path), "--url", stub.url, "--json", "--timeout", "2")
    document = json.loads(result.out)
    found = check(document, "streaming")
    assert result.code == 1
    assert "after 12 parts" in found["text"]
    assert "does not answer at all: it ended" in found["text"]
    after = document["checks"][[one["id"] for one in document["checks"]].index("streaming") + 1 :]
    assert after
    assert {(one["status"], one["text"]) for one in after} == {("skipped", "the server is gone")}
