"""Does it hold as much text as was promised? A prompt of the promised length, with a fact at its start.

Two findings are kept apart: that the server took the tokens and counted them, and that the model still knows how they began. Of a model that
finds no code word even in one line nothing is claimed but the first.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from setupgen.verify import questions
from setupgen.verify.check_speed import learn_length
from setupgen.verify.results import BROKEN, KEPT, UNCLEAR, Result
from setupgen.verify.session import BAD_REQUEST, Session, unclear
from setupgen.verify.trouble import Trouble, excerpt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.verify.answers import Answer

ANSWER_TOKENS = 48
QUESTION_CHARACTERS = 60
"""By how much the question with its code word is longer than the one that the frame was measured with."""
SLACK = 0.02
"""Share of the context that is left free, because tokens per character are known only about."""
COUNTED = 0.95
"""A prompt of which the server counted this share was not cut."""
TOO_LARGE = frozenset({BAD_REQUEST, 413, 422, 500})
"""How servers refuse a prompt that is too long for them."""
LABEL, RECALL = "Context", "Memory of it"


def context(session: Session) -> Iterator[Result]:
    """A prompt of the promised length is taken whole, and a fact at its start is found."""
    promise = session.promise
    if 0 < session.told_context < promise.context:
        yield _told(session)
        return
    try:
        learn_length(session)
    except Trouble as trouble:
        yield session.failed("context", LABEL, f"{promise.context:,} tokens", trouble)
        return
    room = min(session.tokens_for_thought(ANSWER_TOKENS), promise.context // 4)
    frame = session.frame_tokens + round(QUESTION_CHARACTERS / (session.characters_per_token or 1))
    most = int(promise.context * (1 - SLACK)) - room - frame
    if most <= 0:
        yield unclear(
            "context", LABEL, f"{promise.context:,} tokens", "not tried", "The plan promises too little context to try a long prompt."
        )
        return
    affordable = int(session.prefill_tps * session.options.budget_s) or most
    tokens = min(most, affordable)
    promised, started = f"{promise.context:,} tokens", time.monotonic()
    seed = session.next_seed()
    question = questions.recalling(seed, session.characters(tokens), room, thinks=False)
    word = questions.code_word(seed)
    try:
        answer = session.stream(
            question, first_byte_s=3 * session.options.budget_s, stop=(lambda far: word in far.said) if session.thinks else None
        )
    except Trouble as trouble:
        yield _refused(session, trouble, tokens, started)
        return
    seconds = time.monotonic() - started
    found = word in answer.said
    sent = tokens + frame
    if session.is_calibrated and answer.prompt_tokens < COUNTED * sent:
        yield _cut(answer, sent, promised, seconds, found=found)
        return
    yield _taken(session, answer, sent, promised, seconds, found=found, whole=tokens == most)
    if found:
        yield Result("recall", RECALL, KEPT, "fact at its start found", f"found after about {sent:,} tokens")
        return
    yield _lost(session, answer, sent)


def _told(session: Session) -> Result:
    """The server itself says that it holds less, so no long prompt is needed."""
    told, promised = session.told_context, f"{session.promise.context:,} tokens"
    text = f"By its own account the server holds {told:,} tokens for each request. What is longer is refused or loses its beginning."
    return Result("context", LABEL, BROKEN, promised, f"{told:,} tokens", text, _CONTEXT, 0, {"told_tokens": told})


def _refused(session: Session, trouble: Trouble, tokens: int, started: float) -> Result:
    promised = f"{session.promise.context:,} tokens"
    if trouble.status in TOO_LARGE:
        text = f"A prompt of about {tokens:,} tokens, which the promised context holds, was refused: {trouble.text}"
        return Result("context", LABEL, BROKEN, promised, "refused", text, _CONTEXT, time.monotonic() - started, {"sent_tokens": tokens})
    result = session.failed("context", LABEL, promised, trouble, started=started)
    return replace(result, text=f"A prompt of about {tokens:,} tokens brought no answer. {result.text}", numbers={"sent_tokens": tokens})


def _cut(answer: Answer, sent: int, promised: str, seconds: float, *, found: bool) -> Result:
    counted = answer.prompt_tokens
    numbers: dict[str, float | int | str | bool] = {"sent_tokens": sent, "counted_tokens": counted}
    if found:
        text = f"The server counted {counted:,} of about {sent:,} tokens, and yet the fact at the start was found: it counts otherwise than others."
        return Result("context", LABEL, UNCLEAR, promised, f"{counted:,} tokens counted", text, "", seconds, numbers)
    text = f"Of about {sent:,} tokens the server read {counted:,} and dropped the rest without a word: instructions at the start are lost."
    return Result("context", LABEL, BROKEN, promised, f"cut to {counted:,}", text, _CONTEXT, seconds, numbers)


def _taken(session: Session, answer: Answer, sent: int, promised: str, seconds: float, *, found: bool, whole: bool) -> Result:
    counted = answer.prompt_tokens
    numbers: dict[str, float | int | str | bool] = {"sent_tokens": sent, "counted_tokens": counted}
    measured = f"{counted:,} tokens read" if counted else f"about {sent:,} tokens taken"
    if not whole:
        text = (
            f"Reading the whole context would take longer than {session.options.budget_s:.0f} s at {session.prefill_tps:,.0f} tok/s, "
            f"so only {sent / session.promise.context:.0%} of it was tried."
        )
        return Result("context", LABEL, UNCLEAR, promised, measured, text, "Give it the time with --budget.", seconds, numbers)
    if not counted and not found:
        text = "The server does not say how many tokens it read, and the fact at the start was not found: it may have cut the prompt."
        return Result("context", LABEL, UNCLEAR, promised, measured, text, _CONTEXT, seconds, numbers)
    text = "" if counted else "The server does not say how many tokens it read; that the fact at the start was found shows it."
    return Result("context", LABEL, KEPT, promised, measured, text, "", seconds, numbers)


def _lost(session: Session, answer: Answer, sent: int) -> Result:
    """The fact was not found: is that the length, or can this model do it at all?"""
    promised = "fact at its start found"
    said = excerpt(answer.text or answer.reasoning, 50) or "nothing"
    seed = session.next_seed()
    try:
        control = session.stream(questions.recalling(seed, 0, session.tokens_for_thought(ANSWER_TOKENS), thinks=False))
    except Trouble as trouble:
        return session.failed("recall", RECALL, promised, trouble)
    if questions.code_word(seed) not in control.said:
        text = "This model finds a code word not even in a prompt of one line, so only that the server took and counted the tokens was checked."
        return unclear(
            "recall", RECALL, promised, "not to be told", text, "See whether it is the model of the plan, and its chat template."
        )
    if answer.finish in {"length", "max_tokens"} and answer.reasoning and not answer.text:
        return unclear("recall", RECALL, promised, "still thinking", "It was still thinking when its tokens were over.")
    text = (
        f"After about {sent:,} tokens the model no longer knew the code word at their start (it said: {said}); in a short prompt it does."
    )
    fix = "Ask for less context, or a cache of 8 bits or more: the model holds less of it than its data sheet says."
    return Result("recall", RECALL, BROKEN, promised, "lost", text, fix)


_CONTEXT = (
    "Start the server with the plan's context for every slot (--ctx-size is context x slots, OLLAMA_CONTEXT_LENGTH, --max-model-len)."
)
