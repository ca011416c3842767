"""How fast is it, for one and for all who use it at once? Measured from outside, as a client feels it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from setupgen.verify import questions
from setupgen.verify.results import BROKEN, KEPT, UNCLEAR, Result
from setupgen.verify.session import Session, at_least, skipped, unclear
from setupgen.verify.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.verify.answers import Answer
    from setupgen.verify.promise import Range

WARM_CHARACTERS = 400
RULER_CHARACTERS = 2400
ANSWER_TOKENS = 128
USER_TOKENS = 96
FEWEST_TOKENS = 16
ALIKE = 0.9
"""A prompt of this share of the promised length is taken for it."""
DEFAULT_PROMPT = 600
LONG_ENOUGH_S = 0.5
SHORTEST_PROMPT = 64
AROUND = len(questions.reading("0" * 12, 0, 1).messages[0][1])
"""Characters of a prompt beside its filler."""


def speed(session: Session) -> Iterator[Result]:
    """Time to the first token, and tokens per second of reading and of writing."""
    promise = session.promise
    try:
        warm = _timed(session, WARM_CHARACTERS, FEWEST_TOKENS)
        if warm.prompt_tokens:
            session.characters_per_token = (WARM_CHARACTERS + AROUND) / warm.prompt_tokens
        wanted = promise.expected.prompt_tokens or DEFAULT_PROMPT
        room = max(SHORTEST_PROMPT, min(promise.context, session.told_context or promise.context) - ANSWER_TOKENS - SHORTEST_PROMPT)
        reads = _tokens(session, warm, WARM_CHARACTERS) / max(warm.first_s, 1e-6)
        tokens = max(SHORTEST_PROMPT, min(wanted, room, int(reads * session.options.budget_s)))
        size = max(session.characters(tokens) - AROUND, SHORTEST_PROMPT)
        main = _timed(session, size, ANSWER_TOKENS)
    except Trouble as trouble:
        yield session.failed("speed", "Speed", "measured", trouble)
        return
    read = _tokens(session, main, size)
    _calibrate(session, size, warm, main)
    session.prefill_tps = _prefill(session, warm, main, read)
    promised = promise.speed
    if _is_slow(main, promised, alike=read >= ALIKE * wanted):  # once is no measurement where others use the machine too
        try:
            again = _timed(session, size, ANSWER_TOKENS)
        except Trouble as trouble:
            yield session.failed("speed", "Speed", "measured", trouble)
            return
        main = _better(main, again)
    session.measured |= {"prompt_tokens": read, "prefill_tps": session.prefill_tps, "decode_tps": main.decode_tps if main.is_spread else 0}
    yield _first(main, promised.get("ttft_s"), read, alike=read >= ALIKE * wanted)
    yield rate("reading", "Reading", session.prefill_tps, promised.get("prefill_tps"), f"{read} tokens")
    if main.tokens < FEWEST_TOKENS:
        yield unclear("writing", "Writing", _words(promised.get("decode_tps")), "too short", f"The answer had only {main.tokens} tokens.")
    elif not main.is_spread:
        yield _at_least(main, promised.get("decode_tps"))
    else:
        yield rate("writing", "Writing", main.decode_tps, promised.get("decode_tps"), f"{main.tokens} tokens after {read}")


def _timed(session: Session, characters: int, max_tokens: int) -> Answer:
    return session.stream(questions.reading(session.next_seed(), characters, max_tokens), first_byte_s=session.options.budget_s * 2)


def learn_length(session: Session) -> None:
    """How many characters make a token here, where the check of speed was left out.

    Raises:
        Trouble: where no answer comes.
    """
    if not session.characters_per_token:
        warm, ruler = (_timed(session, size, 1) for size in (WARM_CHARACTERS, RULER_CHARACTERS))
        _calibrate(session, RULER_CHARACTERS, warm, ruler)


def _calibrate(session: Session, size: int, warm: Answer, main: Answer) -> None:
    """Characters per token, and the tokens that every prompt has beside its text, out of two prompts of different length."""
    more = main.prompt_tokens - warm.prompt_tokens
    if warm.prompt_tokens and main.prompt_tokens and more > 0 and size > WARM_CHARACTERS:
        session.characters_per_token = (size - WARM_CHARACTERS) / more
        session.frame_tokens = max(0, warm.prompt_tokens - round(WARM_CHARACTERS / session.characters_per_token))
        session.is_calibrated = True


def _tokens(session: Session, answer: Answer, characters: int) -> int:
    """Tokens of a prompt, as the server counts, else by its length."""
    return answer.prompt_tokens or round(characters / (session.characters_per_token or 4))


def _prefill(session: Session, warm: Answer, main: Answer, read: int) -> float:
    """Tokens read per second: from the difference of two prompts, so that what every request costs falls out."""
    small = _tokens(session, warm, WARM_CHARACTERS)
    more_s, more = main.first_s - warm.first_s, read - small
    if more > small and more_s > 0.2 * main.first_s:
        return more / more_s
    return read / max(main.first_s, 1e-6)


def _is_slow(answer: Answer, promised: dict[str, Range] | object, *, alike: bool) -> bool:
    ranges: dict[str, Range] = promised if isinstance(promised, dict) else {}
    first, decode = ranges.get("ttft_s"), ranges.get("decode_tps")
    late = alike and first is not None and answer.first_s > first.high
    return late or (answer.tokens >= FEWEST_TOKENS and not (answer.is_spread and at_least(answer.decode_tps, decode)))


def _better(one: Answer, other: Answer) -> Answer:
    """The faster of two measurements: others on the machine slow it down, nothing speeds it up."""
    best = max((one, other), key=lambda answer: (answer.is_spread, answer.decode_tps))
    if min(one.first_s, other.first_s) < best.first_s:
        shift = best.first_s - min(one.first_s, other.first_s)
        best.arrivals = [at - shift for at in best.arrivals]
    return best


def _first(answer: Answer, promised: Range | None, read: int, *, alike: bool) -> Result:
    label, measured = "First token", f"{_s(answer.first_s)} after {read} tokens"
    numbers: dict[str, float | int | str | bool] = {"ttft_s": answer.first_s, "prompt_tokens": read}
    if promised is None:
        return Result("first-token", label, UNCLEAR, "", measured, "The plan promises none.", "", answer.first_s, numbers)
    words = f"{_s(promised.low)} to {_s(promised.high)}"
    if not alike:
        text = "The prompt was shorter than the one that the promise is for, so that this ends in good time; `--budget` gives it more."
        return Result("first-token", label, UNCLEAR, words, measured, text, "", answer.first_s, numbers)
    if answer.first_s <= promised.high:
        return Result("first-token", label, KEPT, words, measured, "", "", answer.first_s, numbers)
    text = f"The first token takes {answer.first_s / promised.high:.1f} times as long as the upper end of the promise."
    return Result("first-token", label, BROKEN, words, measured, text, _SLOW, answer.first_s, numbers)


def _at_least(answer: Answer, promised: Range | None) -> Result:
    """Where the parts came in heaps, only the whole answer's time tells anything: it was at least so fast."""
    least = answer.tokens / max(answer.arrivals[-1], 1e-6)
    measured = f"at least {_n(least)} tok/s ({answer.tokens} tokens in {len(answer.reads)} pieces)"
    if promised and least >= promised.low:
        return Result("writing", "Writing", KEPT, _words(promised), measured)
    text = "The answer came in too few pieces to time its parts: something gathers them, or this machine is too busy to take them as they come."
    return unclear("writing", "Writing", _words(promised), measured, text)


def rate(id_: str, label: str, value: float, promised: Range | None, how: str) -> Result:
    """Tokens per second against the promised range."""
    measured = f"{_n(value)} tok/s ({how})"
    numbers: dict[str, float | int | str | bool] = {f"{id_}_tps": value}
    if promised is None:
        return Result(id_, label, UNCLEAR, "", measured, "The plan promises none.", "", 0, numbers)
    if at_least(value, promised):
        text = f"That is {value / promised.high:.1f} times the upper end of the promise." if value > 2 * promised.high else ""
        return Result(id_, label, KEPT, _words(promised), measured, text, "", 0, numbers)
    share = value / promised.low
    basis = "; an estimate's range holds four of five machines" if promised.basis == "estimated" else ""
    text = f"{share:.0%} of the lower end of the promise{basis}."
    return Result(id_, label, BROKEN, _words(promised), measured, text, _SLOW, 0, numbers)


_SLOW = "See whether the model lies on the accelerator (README.md, Check), whether something else uses the machine, and whether it is hot or on battery."


@dataclass
class _Run:
    """What one of several users got; times are on one clock for all."""

    started: float = 0.0
    answer: Answer | None = None
    trouble: Trouble | None = None

    @property
    def span(self) -> tuple[float, float]:
        """When its answer came, from the first to the last part."""
        if self.answer is None or not self.answer.arrivals:
            return (0.0, 0.0)
        return (self.started + self.answer.first_s, self.started + self.answer.arrivals[-1])


def users(session: Session) -> Iterator[Result]:
    """As many as were promised get answers at once."""
    promise = session.promise
    count = min(promise.users, session.options.most_users)
    if count < 2:  # noqa: PLR2004 - one is what all other checks are
        return
    label, promised, started = "Users at once", f"{promise.users} users, {promise.slots} at once", time.monotonic()
    runs = _together(session, count)
    seconds = time.monotonic() - started
    good = [run for run in runs if run.answer is not None and not run.answer.is_empty]
    troubles = [run.trouble for run in runs if run.trouble is not None]
    if troubles:
        result = session.failed("users", label, promised, troubles[0])
        text = f"{len(troubles)} of {count} got no answer. {result.text}"
        yield Result("users", label, BROKEN, promised, f"{len(good)} of {count} answered", text, result.fix, seconds)
        return
    active, wanted = _most_active([run.span for run in good]), min(count, promise.slots)
    tokens = sum(run.answer.tokens for run in good if run.answer)
    spent = max(run.span[1] for run in good) - min(run.started for run in good)
    total = tokens / spent if spent > 0 else 0.0
    session.measured |= {"parallel": count, "aggregate_tps": total}
    numbers: dict[str, float | int | str | bool] = {"users": count, "most_at_once": active, "aggregate_tps": total}
    measured = f"{len(good)} of {count} answered, {active} at once"
    short = min(end - begin for begin, end in (run.span for run in good)) < LONG_ENOUGH_S
    capped = f" Only {count} of {promise.users} were tried." if count < promise.users else ""
    if active >= wanted:
        yield Result("users", label, KEPT, promised, measured, capped.strip(), "", seconds, numbers)
    elif short:
        text = f"The answers were over too soon to see whether they came at once.{capped}"
        yield Result("users", label, UNCLEAR, promised, measured, text, "", seconds, numbers)
    else:
        text = f"The plan promises {promise.slots} slots, and at most {active} of {count} answers were written at the same time; the others waited.{capped}"
        fix = "Start the server with the plan's number of slots (--parallel, OLLAMA_NUM_PARALLEL, --max-num-seqs)."
        yield Result("users", label, BROKEN, promised, measured, text, fix, seconds, numbers)
    aggregate = promise.speed.get("aggregate_tps")
    if count < promise.users:
        yield skipped("throughput", "Throughput", f"the promise is for {promise.users} users, and {count} were tried")
    else:
        yield rate("throughput", "Throughput", total, aggregate, f"{count} at once, short prompts")


def _together(session: Session, count: int) -> list[_Run]:
    runs = [_Run() for _ in range(count)]
    gate = threading.Barrier(count)
    clock = time.monotonic()
    prompts = [questions.reading(session.next_seed(), 200, USER_TOKENS) for _ in runs]

    def one(index: int) -> None:
        gate.wait(30)
        runs[index].started = time.monotonic() - clock
        try:
            runs[index].answer = session.stream(prompts[index], first_byte_s=session.options.budget_s)
        except Trouble as trouble:
            runs[index].trouble = trouble

    threads = [threading.Thread(target=one, args=(index,), daemon=True) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return runs


def _most_active(spans: list[tuple[float, float]]) -> int:
    """The most spans that share a moment."""
    edges = sorted([(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans])
    most = now = 0
    for _, step in edges:
        now += step
        most = max(most, now)
    return most


def _words(promised: Range | None) -> str:
    return f"{_n(promised.low)} to {_n(promised.high)} tok/s" if promised else ""


def _n(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"  # noqa: PLR2004 - digits that matter


def _s(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004 - as above
