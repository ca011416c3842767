"""Does it turn texts into vectors as was promised, and does it rank and transcribe?"""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Any

from setupgen.verify import questions
from setupgen.verify.check_speed import rate
from setupgen.verify.client import OK, refusal
from setupgen.verify.results import BROKEN, KEPT, UNCLEAR, Result
from setupgen.verify.session import BAD_REQUEST, Session, skipped, unclear
from setupgen.verify.trouble import Trouble, excerpt

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXTS = ("The ferry to the island leaves at noon.", "At twelve the boat sails for the island.", "Copper prices fell for the third week.")
SAME = 1e-5
"""Vectors that differ by less in every number are of the same text."""
ENDING = 0.1
"""The share of the long text in which two texts differ, at their ends: where it is cut, their vectors are the same."""
SLACK = 0.05
FRAME_TOKENS = 16
SPEED_TOKENS = 400
LABEL = "Embeddings"


def vectors(session: Session) -> Iterator[Result]:
    """Every text gets a vector of the promised length, and unlike texts get unlike ones."""
    wanted, started = session.promise.expected.dimensions, time.monotonic()
    promised = f"{wanted:,} dimensions" if wanted else "vectors"
    try:
        found = embed(session, list(TEXTS))
    except Trouble as trouble:
        fix = "Start the server so that it embeds: --embeddings (llama.cpp), --runner pooling (vLLM)." if trouble.status else ""
        yield session.failed("embeddings", LABEL, promised, trouble, fix=fix, started=started)
        return
    seconds, length = time.monotonic() - started, len(found[0])
    numbers: dict[str, float | int | str | bool] = {"dimensions": length}
    measured = f"{length:,} dimensions"
    if wanted and length != wanted:
        text = f"The model of the plan makes vectors of {wanted:,} numbers: another model runs, or its vectors are cut. An index made with it fits no other."
        status = UNCLEAR if session.promise.plan["choice"]["settings"].get("weights_file") else BROKEN
        yield Result(
            "embeddings", LABEL, status, promised, measured, text, "Start the server with the model of the plan.", seconds, numbers
        )
        return
    if any(_alike(one, other) for index, one in enumerate(found) for other in found[:index]):
        text = "Texts that have nothing in common got the same vector."
        yield Result(
            "embeddings", LABEL, BROKEN, promised, "all the same", text, "Look at its log: pooling or model may be wrong.", seconds, numbers
        )
        return
    near, far = _cosine(found[0], found[1]), _cosine(found[0], found[2])
    numbers |= {"cosine_alike": near, "cosine_unlike": far}
    if near <= far:
        text = f"Two sentences of one meaning are no nearer ({near:.2f}) than two of different ones ({far:.2f})."
        yield Result(
            "embeddings", LABEL, UNCLEAR, promised, measured, text, "See whether the pooling is the model's own.", seconds, numbers
        )
        return
    yield Result("embeddings", LABEL, KEPT, promised, f"{measured}, meaning told apart", "", "", seconds, numbers)


def length(session: Session) -> Iterator[Result]:
    """A text as long as promised is read to its end."""
    promise, label = session.promise, "Longest text"
    tokens = int(promise.context * (1 - SLACK)) - FRAME_TOKENS
    promised, started = f"{promise.context:,} tokens", time.monotonic()
    if tokens <= 0:
        return
    try:
        _measure_reading(session)
        size = session.characters(tokens)
        same, ends = questions.filler(int(size * (1 - ENDING))), int(size * ENDING)
        texts = [f"{same}\n{(word * ends)[:ends]}" for word in ("The ferry was late. ", "Copper is a metal. ")]
        one, other = embed(session, texts[:1]), embed(session, texts[1:])
    except Trouble as trouble:
        if trouble.status in {BAD_REQUEST, 413, 422, 500}:
            text = f"A text of about {tokens:,} tokens was refused: {trouble.text}"
            yield Result("context", label, BROKEN, promised, "refused", text, _LENGTH, time.monotonic() - started)
        else:
            yield session.failed("context", label, promised, trouble, started=started)
        return
    seconds = time.monotonic() - started
    numbers: dict[str, float | int | str | bool] = {"sent_tokens": tokens}
    if _alike(one[0], other[0]):
        text = f"Two texts of about {tokens:,} tokens that differ in the last tenth got the same vector: the end is cut off without a word."
        yield Result("context", label, BROKEN, promised, "cut", text, _LENGTH, seconds, numbers)
        return
    yield Result("context", label, KEPT, promised, f"about {tokens:,} tokens read to the end", "", "", seconds, numbers)


_LENGTH = "Start the server with the plan's context (and with --ubatch-size as large, for llama.cpp), or cut documents into shorter pieces."


def reading(session: Session) -> Iterator[Result]:
    """Tokens per second that it reads."""
    try:
        value = _measure_reading(session)
    except Trouble as trouble:
        yield session.failed("reading", "Reading", "", trouble)
        return
    if not value:
        yield unclear("reading", "Reading", "", "not counted", "The server does not say how many tokens it read.")
        return
    session.measured |= {"prefill_tps": value, "prompt_tokens": session.measured["read_tokens"]}
    yield rate("reading", "Reading", value, session.promise.speed.get("prefill_tps"), f"{session.measured['read_tokens']} tokens")


def _measure_reading(session: Session) -> float:
    """Tokens per second of reading, from one text that is not short; 0 where the server does not count. Asked once."""
    if "reading_tps" not in session.measured:
        tokens = min(SPEED_TOKENS, max(session.promise.context // 2, 16))
        text = f"Stock list {session.next_seed()}.\n{questions.filler(int(tokens * 3))}"
        started = time.monotonic()
        counted = _ask(session, [text])[1]
        seconds = time.monotonic() - started
        if counted:
            session.characters_per_token = len(text) / counted
        session.measured |= {"reading_tps": counted / max(seconds, 1e-6), "read_tokens": counted}
    return float(session.measured["reading_tps"])


def at_once(session: Session) -> Iterator[Result]:
    """As many as were promised get their vectors at once."""
    promise = session.promise
    count = min(promise.users, session.options.most_users)
    if count < 2:  # noqa: PLR2004 - one is what all other checks are
        return
    started = time.monotonic()
    troubles: list[Trouble] = []

    def one(text: str) -> None:
        try:
            embed(session, [text])
        except Trouble as trouble:
            troubles.append(trouble)

    texts = [f"Stock list {session.next_seed()}.\n{questions.filler(400)}" for _ in range(count)]
    threads = [threading.Thread(target=one, args=(text,), daemon=True) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    promised, measured = f"{promise.users} users", f"{count - len(troubles)} of {count} answered"
    if troubles:
        result = session.failed("users", "Users at once", promised, troubles[0], started=started)
        text = f"{len(troubles)} of {count} got no vector. {result.text}"
        yield Result("users", "Users at once", BROKEN, promised, measured, text, result.fix, result.seconds)
        return
    capped = f"Only {count} of {promise.users} were tried." if count < promise.users else ""
    yield Result("users", "Users at once", KEPT, promised, measured, capped, "", time.monotonic() - started, {"users": count})


def ranking(session: Session) -> Iterator[Result]:
    """Documents are ranked by how well they answer."""
    promise, label, started = session.promise, "Ranking", time.monotonic()
    if not promise.rerank_url:
        return
    document = {"model": promise.model, "query": "When does the ferry leave?", "documents": [TEXTS[2], TEXTS[0]]}
    try:
        reply = session.client.post(promise.rerank_url, document, session.limits())
        if reply.status not in OK:
            raise refusal(reply, promise.rerank_url)
        found = reply.document()
        entries = found.get("results") if isinstance(found, dict) else None
        scores = {int(entry["index"]): float(entry["relevance_score"]) for entry in entries} if isinstance(entries, list) else {}
    except Trouble as trouble:
        yield session.failed("ranking", label, "ranks", trouble, started=started)
        return
    except (KeyError, TypeError, ValueError, OverflowError):
        scores = {}
    seconds = time.monotonic() - started
    if set(scores) != {0, 1}:
        yield Result("ranking", label, BROKEN, "ranks", "another shape", "The answer does not rank both documents.", _RANK, seconds)
    elif scores[1] <= scores[0]:
        text = f"A document that answers got {scores[1]:.2f}, one that does not {scores[0]:.2f}."
        yield Result("ranking", label, UNCLEAR, "ranks", "the wrong way round", text, _RANK, seconds)
    else:
        yield Result("ranking", label, KEPT, "ranks", f"{scores[1]:.2f} over {scores[0]:.2f}", "", "", seconds)


_RANK = "See whether the model is one that ranks, and whether the server was started for it (--reranking, llama.cpp)."


def speech(session: Session) -> Iterator[Result]:
    """A recording is taken and answered with text."""
    promise, label, started = session.promise, "Transcription", time.monotonic()
    if "openai" not in promise.urls:
        yield skipped("transcription", label, "the plan names no address for recordings")
        return
    url = f"{promise.urls['openai']}/audio/transcriptions"
    mark = f"setupgen-{session.next_seed()}"
    head = f'--{mark}\r\nContent-Disposition: form-data; name="model"\r\n\r\n{promise.model}\r\n--{mark}\r\n'
    head += 'Content-Disposition: form-data; name="file"; filename="tone.wav"\r\nContent-Type: audio/wav\r\n\r\n'
    body = head.encode() + questions.tone() + f"\r\n--{mark}--\r\n".encode()
    try:
        reply = session.client.upload(url, body, f"multipart/form-data; boundary={mark}", session.limits())
        if reply.status not in OK:
            raise refusal(reply, url)
        found = reply.document()
    except Trouble as trouble:
        yield session.failed("transcription", label, "recording taken", trouble, started=started)
        return
    seconds = time.monotonic() - started
    if not isinstance(found, dict) or not isinstance(found.get("text"), str):
        yield Result("transcription", label, BROKEN, "recording taken", "another shape", "The answer holds no text.", "", seconds)
        return
    text = "The recording is a tone without speech: that it was taken and answered was checked, not that speech is understood."
    yield Result("transcription", label, KEPT, "recording taken", f"in {seconds:.1f} s", text, "", seconds)


def embed(session: Session, texts: list[str]) -> list[list[float]]:
    """A vector for each text.

    Raises:
        Trouble: for everything that is no such vectors.
    """
    return _ask(session, texts)[0]


def _ask(session: Session, texts: list[str]) -> tuple[list[list[float]], int]:
    """Vectors, and the tokens that the server counted."""
    promise = session.promise
    if "openai" in promise.urls:
        url, place = f"{promise.urls['openai']}/embeddings", "data"
    else:
        url, place = f"{promise.urls['ollama']}/api/embed", "embeddings"
    reply = session.client.post(url, {"model": promise.model, "input": texts}, session.limits())
    if reply.status not in OK:
        raise refusal(reply, url)
    document = reply.document()
    found: Any = document.get(place) if isinstance(document, dict) else None
    if place == "data" and isinstance(found, list) and all(isinstance(entry, dict) for entry in found):
        found = [entry.get("embedding") for entry in found]
    shown = excerpt(reply.body.decode("utf-8", "replace"), 80)
    if not isinstance(found, list) or len(found) != len(texts) or not all(_is_vector(one) for one in found):
        raise Trouble("shape", f"the answer holds no vector for each of {len(texts)} texts: {shown}.")
    if len({len(one) for one in found}) > 1:
        raise Trouble("shape", "the vectors are not all of one length.")
    if not all(any(value for value in one) for one in found):
        raise Trouble("shape", "a vector is zero all over.")
    session.loaded = True
    usage = document.get("usage")
    counted = usage.get("prompt_tokens") if isinstance(usage, dict) else document.get("prompt_eval_count")
    return found, counted if isinstance(counted, int) else 0


def _is_vector(found: Any) -> bool:
    numbers = isinstance(found, list) and bool(found) and all(isinstance(value, int | float) for value in found)
    try:
        return numbers and all(math.isfinite(value) for value in found)
    except OverflowError:
        return False


def _alike(one: list[float], other: list[float]) -> bool:
    return all(abs(a - b) < SAME for a, b in zip(one, other, strict=True))


def _cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True)) / (math.hypot(*one) * math.hypot(*other))
