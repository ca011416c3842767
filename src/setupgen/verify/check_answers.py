"""Does it answer as its clients need it: chat, streams, calls of tools, structured output, pictures?"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from setupgen.verify import questions
from setupgen.verify.results import BROKEN, KEPT, UNCLEAR, Result
from setupgen.verify.session import FORBIDDEN, Session, unclear
from setupgen.verify.trouble import Trouble, excerpt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.verify.answers import Answer

NAMES = {"openai": "OpenAI", "ollama": "Ollama", "anthropic": "Anthropic"}
FEWEST_PARTS = 8
SPREAD = 0.1
"""The share of a stream's time over which its parts must come; a proxy that buffers hands them over at the end."""
MORE_TRIES = 2
"""How often an answer that came at once is asked for again: where the first part took long because a model was loaded or the machine was busy,
a fast server writes the rest in a small share of the time."""
TOOL_CLIENTS = frozenset({"claude-code"})
LONG_ENOUGH_S = 0.05


def chat(session: Session) -> Iterator[Result]:
    """A question is answered in every dialect that clients may speak."""
    for name in session.promise.urls:
        main = name == session.promise.dialect
        id_, label, promised = ("chat" if main else f"chat-{name}"), f"Chat ({NAMES[name]})", "answers"
        started = time.monotonic()
        try:
            answer = session.dialect(name).ask(session.client, questions.hello(), session.limits())
        except Trouble as trouble:
            fix = ""
            if trouble.status in FORBIDDEN:
                fix = f"The server asks for another key than {session.promise.key_name or 'none, which the plan promises'}: start it with the .env that lies here."
            yield session.failed(id_, label, promised, trouble, fix=fix, started=started)
            if session.dead:
                return
            continue
        seconds = time.monotonic() - started
        session.loaded = True
        session.thinks = session.thinks or bool(answer.reasoning)
        if answer.is_empty:
            text = f"The answer is empty{f' (it ended with {excerpt(answer.finish, 20)})' if answer.finish else ''}."
            yield Result(
                id_,
                label,
                BROKEN,
                promised,
                "an empty answer",
                text,
                "Look at its log: chat template and model may not belong together.",
                seconds,
            )
            continue
        said = excerpt(answer.text or answer.reasoning, 30)
        text = "" if answer.text else "It was still thinking when the 32 tokens were over; that is what thinking models do."
        yield Result(id_, label, KEPT, promised, f"in {seconds:.1f} s: {said}", text, seconds=seconds)


def streaming(session: Session) -> Iterator[Result]:
    """The parts of an answer come as they are written, and not all at its end."""
    label, promised, started = "Streaming", "as it is written", time.monotonic()
    try:
        answer = session.stream(questions.counting())
        for _ in range(MORE_TRIES):
            if not _at_once(answer):
                break
            answer = session.stream(questions.counting())
    except Trouble as trouble:
        yield session.failed("streaming", label, promised, trouble, started=started)
        return
    spent = answer.arrivals[-1] - answer.first_s if answer.arrivals else 0.0
    whole = answer.arrivals[-1] if answer.arrivals else 0.0
    numbers: dict[str, float | int | str | bool] = {"parts": len(answer.arrivals), "reads": len(answer.reads), "spread_s": spent}
    seconds = time.monotonic() - started
    measured = f"{len(answer.arrivals)} parts over {spent:.1f} s"
    if answer.is_empty:
        yield Result(
            "streaming", label, BROKEN, promised, "nothing", "The stream ended without a part of an answer.", _LOG, seconds, numbers
        )
    elif len(answer.arrivals) < FEWEST_PARTS and answer.tokens < 2 * FEWEST_PARTS:
        text = f"The answer was too short to tell ({answer.tokens} tokens)."
        yield Result("streaming", label, UNCLEAR, promised, measured, text, "", seconds, numbers)
    elif _at_once(answer):
        text = (
            f"All {len(answer.arrivals)} parts of the answer came at once, {whole:.1f} s after the question: something gathers them first."
        )
        yield Result("streaming", label, BROKEN, promised, "all at once", text, _BUFFER, seconds, numbers)
    else:
        yield Result("streaming", label, KEPT, promised, measured, seconds=seconds, numbers=numbers)


def _at_once(answer: Answer) -> bool:
    """Whether all parts came together: a first part and the rest is no stream either."""
    if not answer.arrivals:
        return False
    return len(answer.reads) <= 2 or answer.arrivals[-1] - answer.first_s < SPREAD * answer.arrivals[-1]  # noqa: PLR2004


_LOG = "Look at its log."
_BUFFER = "Switch buffering off in every proxy between (nginx: proxy_buffering off; Caddy: flush_interval -1)."


def tools(session: Session) -> Iterator[Result]:
    """A call of a tool comes as a call and not as text."""
    promise = session.promise
    if not promise.tools:
        return
    yield from _tools(session, promise.dialect, "tools")
    clients = set(promise.plan["choice"].get("clients") or ())
    if "anthropic" in promise.urls and promise.dialect != "anthropic" and clients & TOOL_CLIENTS and not session.dead:
        yield from _tools(session, "anthropic", "tools-anthropic")


def _tools(session: Session, dialect: str, id_: str) -> Iterator[Result]:
    label, promised, started = f"Tool call ({NAMES[dialect]})", "parsed", time.monotonic()
    room = session.tokens_for_thought(512)
    try:
        answer = session.stream(questions.needs_tool(max_tokens=room), dialect=dialect)
        if not answer.calls and not answer.call_in_text():
            forced = session.stream(questions.needs_tool(forced=True, max_tokens=room), dialect=dialect)
            yield _unasked(answer, forced, id_, label, time.monotonic() - started)
            return
    except Trouble as trouble:
        fix = "Start the server so that it parses calls of this model: --jinja (llama.cpp), --enable-auto-tool-choice and --tool-call-parser (vLLM)."
        yield session.failed(id_, label, promised, trouble, fix=fix if trouble.kind == "status" else "", started=started)
        return
    yield _judged(answer, id_, label, time.monotonic() - started)


def _judged(answer: Answer, id_: str, label: str, seconds: float) -> Result:
    promised = "parsed"
    if not answer.calls:
        shown = excerpt(answer.call_in_text(), 90)
        text = f"The model called the tool, and the server handed the call on as text: {shown}"
        fix = "Start the server with the flags of the plan: a parser for this model's calls is missing or is another model's."
        return Result(id_, label, BROKEN, promised, "as text", text, fix, seconds)
    call = answer.calls[0]
    arguments = call.parsed()
    if call.name != questions.TOOL:
        text = f"A call of {excerpt(call.name, 40)!r} came, which is no tool that was offered."
        return Result(id_, label, BROKEN, promised, "another tool", text, _PARSER, seconds)
    if not isinstance(arguments, dict):
        text = f"The arguments of the call are no JSON object: {excerpt(call.arguments, 80)}"
        return Result(id_, label, BROKEN, promised, "garbled arguments", text, _PARSER, seconds)
    if not isinstance(arguments.get("place"), str):
        text = f"The call came, without the argument that the tool needs: {excerpt(call.arguments, 80)}"
        return unclear(id_, label, promised, "wrong arguments", text, "A larger model or a finer quantisation gets them right more often.")
    text = (
        ""
        if questions.PLACE.lower() in arguments["place"].lower()
        else f"It asked about {excerpt(arguments['place'], 30)!r} instead of {questions.PLACE}."
    )
    return Result(
        id_, label, KEPT, promised, f"{call.name}({excerpt(json.dumps(arguments, ensure_ascii=False), 40)})", text, seconds=seconds
    )


_PARSER = "The server may parse another model's form of calls: compare its flags with those of the plan."


def _unasked(answer: Answer, forced: Answer, id_: str, label: str, seconds: float) -> Result:
    """The model was free to call the tool and did not; then it was told to."""
    promised = "parsed"
    said = excerpt(answer.text or answer.reasoning, 60)
    if forced.calls and forced.calls[0].name == questions.TOOL and isinstance(forced.calls[0].parsed(), dict):
        text = f"The model called the tool only when it had to; free to choose it said: {said}"
        return unclear(
            id_,
            label,
            promised,
            "only when forced",
            text,
            "The server parses calls; whether this model calls tools when it should is another matter.",
        )
    if forced.call_in_text():
        return _judged(forced, id_, label, seconds)
    text = f"The model called no tool, not even when told to; it said: {said}. So it is not known whether the server would parse a call."
    return Result(
        id_,
        label,
        UNCLEAR,
        promised,
        "no call came",
        text,
        "A model that was trained for tools calls one here: see whether it is the model of the plan.",
        seconds,
    )


def structured(session: Session) -> Iterator[Result]:
    """An answer keeps to a JSON schema."""
    if session.promise.dialect == "anthropic":
        return
    promise, label, started = session.promise, "JSON schema", time.monotonic()
    is_promised = promise.use_case == "extraction"
    promised = "kept to" if is_promised else "not promised"
    try:
        answer = session.stream(questions.structured(session.tokens_for_thought(256)))
    except Trouble as trouble:
        result = session.failed("structured", label, promised, trouble, started=started)
        if trouble.status and not is_promised:
            yield unclear("structured", label, promised, "refused", f"{result.text} This use case does not need it.")
            return
        yield result
        return
    seconds = time.monotonic() - started
    try:
        found = json.loads(answer.text)
    except (ValueError, RecursionError):
        found = None
    if questions.keeps_schema(found):
        yield Result("structured", label, KEPT, promised, excerpt(json.dumps(found), 40), seconds=seconds)
        return
    if answer.finish in {"length", "max_tokens"}:
        text = f"The answer was not complete after {answer.tokens} tokens: {excerpt(answer.text or answer.reasoning, 60)}"
        yield Result("structured", label, UNCLEAR, promised, "too long to tell", text, seconds=seconds)
        return
    text = f"An answer that must keep to a schema said: {excerpt(answer.text, 80)}"
    fix = "Programs that read its answers must check them. Serve it with a server that holds answers to a schema (llama.cpp, vLLM, SGLang, Ollama)."
    yield Result("structured", label, BROKEN if is_promised else UNCLEAR, promised, "not kept to", text, fix, seconds)


def picture(session: Session) -> Iterator[Result]:
    """A picture is seen."""
    if not session.promise.vision:
        return
    label, promised, started = "Picture", "seen", time.monotonic()
    try:
        answer = session.stream(questions.looking())
    except Trouble as trouble:
        fix = "Start the server with the model's projector (mmproj), as the plan does."
        yield session.failed("picture", label, promised, trouble, fix=fix if trouble.kind == "status" else "", started=started)
        return
    seconds = time.monotonic() - started
    if "red" in answer.said.lower():
        yield Result("picture", label, KEPT, promised, "a red square is red", seconds=seconds)
        return
    text = f"A picture that is red all over was taken, and the answer was: {excerpt(answer.said, 60)}"
    yield Result(
        "picture",
        label,
        UNCLEAR,
        promised,
        "taken, not seen",
        text,
        "Compare the projector with the model: they must be of one release.",
        seconds,
    )
