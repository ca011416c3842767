"""What the three dialects send is understood, and nothing that comes is more than a finding."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from setupgen.verify.answers import Answer
from setupgen.verify.dialects import KINDS, Anthropic, Ollama, OpenAI
from setupgen.verify.questions import code_word, filler, hello, needs_tool, recalling, structured
from setupgen.verify.trouble import Trouble, excerpt

KEYS = ("choices", "message", "delta", "content", "usage", "prompt_tokens", "tool_calls", "function", "name", "arguments", "index", "type",
        "content_block", "content_block_delta", "content_block_start", "message_start", "error", "done", "prompt_eval_count", "text")  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(KEYS) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=ANYTHING)
def test_any_json_is_an_answer_or_a_finding(kind, document):
    dialect = kind("http://127.0.0.1:1", "m")
    text = json.dumps(document)
    for line in (text, f"data: {text}", f"event: {text}", f"error: {text}"):
        answer = Answer()
        with suppress(Trouble):
            dialect._understood(lambda line=line, answer=answer: dialect.feed(line, answer), b"")
        assert isinstance(answer.said + answer.call_in_text(), str)
    if isinstance(document, dict):
        with suppress(Trouble):
            dialect._understood(lambda: dialect.read(document, Answer()), b"")


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_line_is_an_answer_or_a_finding(line):
    for kind in KINDS.values():
        with suppress(Trouble):
            kind("", "m").feed(line, Answer())


@settings(deadline=None)
@given(st.text())
def test_excerpts_never_move_a_cursor(text):
    shown = excerpt(text, 40)
    assert len(shown) <= 40
    assert all(character.isprintable() for character in shown)


def fed(dialect, *lines):
    answer = Answer()
    for line in lines:
        dialect.feed(line if isinstance(line, str) else "data: " + json.dumps(line), answer)
    return answer


def test_openai_calls_come_in_pieces():
    def delta(**inner):
        return {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, **inner}]}}]}

    answer = fed(
        OpenAI("", "m"),
        delta(id="1", function={"name": "look_up_tide", "arguments": '{"pla'}),
        delta(function={"arguments": 'ce": "Husum"}'}),
        {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]},
        "data: [DONE]",
    )
    assert (answer.calls[0].name, answer.calls[0].parsed(), answer.ended) == ("look_up_tide", {"place": "Husum"}, True)


def test_ollama_counts_and_ends():
    lines = [
        {"message": {"content": "Hel"}},
        {"message": {"content": "lo"}},
        {"message": {"content": ""}, "done": True, "done_reason": "stop"},
    ]
    lines[-1] |= {"prompt_eval_count": 7, "eval_count": 2}
    answer = fed(Ollama("", "m"), *(json.dumps(line) for line in lines))
    assert (answer.text, answer.prompt_tokens, answer.answer_tokens, answer.ended) == ("Hello", 7, 2, True)


def test_anthropic_thinks_and_answers():
    answer = fed(
        Anthropic("", "m"),
        {"type": "message_start", "message": {"usage": {"input_tokens": 3, "cache_read_input_tokens": 4}}},
        {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "hm"}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "yes"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    )
    assert (answer.reasoning, answer.text, answer.prompt_tokens, answer.answer_tokens, answer.ended) == ("hm", "yes", 7, 2, True)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("stream", [True, False])
def test_requests_are_json_and_name_the_model(kind, stream):
    for question in (hello(), needs_tool(), needs_tool(forced=True), structured(), recalling("a", 100, 8, thinks=False)):
        sent = json.loads(json.dumps(kind("", "m", "llama-cpp").request(question, stream=stream)))
        assert (sent["model"], sent["stream"]) == ("m", stream)
        assert sent["messages"]
        assert bool(sent.get("tools")) == question.tools


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ('<tool_call>{"name": "x"}</tool_call>', True),
        ('Sure. {"name": "look_up_tide", "arguments": {"place": "Husum"}}', True),
        ("[TOOL_CALLS][]", True),
        ("High tide is at noon.", False),
        ('{"colour": "red"}', False),
        ("{" * 5000, False),
        ("", False),
    ],
)
def test_calls_that_came_as_text(text, call):
    assert bool(Answer(text=text).call_in_text()) == call


def test_the_filler_is_as_long_as_it_is_asked_for_and_holds_no_code_word():
    for size in (0, 1, 1000, 77_777):
        assert len(filler(size)) == size
    assert code_word("seed") not in filler(100_000)
    assert code_word("a") != code_word("b")
