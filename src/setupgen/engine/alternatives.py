"""The alternatives worth telling: the best in each respect, and what each gives up against the choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.engine.plan import Alternative
from setupgen.engine.ranking import precision, quality
from setupgen.engine.settings import choose, prompt_cache_mib, with_prompt_cache
from setupgen.knowledge import GIB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from setupgen.engine.candidates import Candidate
    from setupgen.engine.host import Host

    Ranked = list[tuple[Candidate, Mapping[str, float]]]

REAL_GAIN = 1.3
"""Factor by which an alternative must be faster or smaller to be worth telling."""

FOUR_BITS = 4.0

FELT = 0.02
"""Difference in expected quality below which two setups count as equal."""

CLOSE = 0.35
"""Score below the choice up to which a setup is worth telling for being faster or smaller."""

USABLE = 0.25
"""Share of the comfortable speed below which nobody would take an alternative for its better answers."""

EASE = ("ollama", "lm-studio", "llama-cpp")
"""Servers in order of how little they ask of a newcomer."""


def alternatives(host: Host, ranked: Ranked, count: int) -> tuple[Alternative, ...]:
    """Up to `count` alternatives: best answers, fastest, smallest, least effort, then the next best models."""
    if not ranked:
        return ()
    best = ranked[0][0]
    taken = {_family(best)}
    told = {best.key}
    found: list[Alternative] = []
    for like, candidate, score in _proposals(host, ranked, float(host.use_case["comfortable_tps"]) * USABLE):
        if len(found) == count:
            break
        if (like != "least-effort" and _family(candidate) in taken) or candidate.key in told:
            continue
        taken.add(_family(candidate))
        told.add(candidate.key)
        found.append(Alternative(like, choose(host, candidate, score), tradeoff(host, best, candidate)))
    return tuple(found)


def _family(candidate: Candidate) -> str:
    """What makes two setups the same to a reader."""
    return candidate.model.id


def _proposals(host: Host, ranked: Ranked, floor: float) -> Iterator[tuple[str, Candidate, Mapping[str, float]]]:
    rest = ranked[1:]
    if not rest:
        return
    best, best_score = ranked[0]
    by_model: dict[str, tuple[Candidate, Mapping[str, float]]] = {}
    for item in rest:
        by_model.setdefault(item[0].model.id, item)
    others = [item for id_, item in by_model.items() if id_ != best.model.id]
    close = [item for item in others if item[1]["total"] > best_score["total"] - CLOSE and item[0].bits >= FOUR_BITS]

    def top(key: Callable[[Candidate], float], pool: Ranked, gain: float) -> Ranked:
        """The best of the pool by this key, if it is better than the choice by this factor."""
        better = [item for item in pool if key(item[0]) > key(best) * gain]
        return sorted(better, key=lambda item: (-round(key(item[0]), 6), -item[1]["total"], item[0].model.id))[:1]

    def answers(item: Candidate) -> float:
        return quality(host, item) + precision(item)

    usable = [item for item in others if item[0].estimate.speed.decode_tps.value >= floor]
    for like, found in (
        ("best-quality", [item for item in top(answers, usable, 1.0) if answers(item[0]) - answers(best) > FELT]),
        ("fastest", top(lambda item: item.estimate.speed.decode_tps.value, close, REAL_GAIN)),
        ("smallest", top(lambda item: 1 / item.estimate.memory.total_bytes, close, REAL_GAIN)),
    ):
        for candidate, score in found:
            yield like, candidate, score
    easy = [item for item in close if item[0].deployment.server.id == EASE[0]]
    if easy and ranked[0][0].deployment.server.id != EASE[0]:
        yield ("least-effort", *easy[0])
    for candidate, score in others:
        yield "next-best", candidate, score


def tradeoff(host: Host, best: Candidate, other: Candidate) -> str:
    """What the alternative gains and gives up against the choice, in a sentence with numbers."""
    gains: list[str] = []
    losses: list[str] = []

    def note(text: str, *, better: bool) -> None:
        (gains if better else losses).append(text)

    gained = quality(host, other) + precision(other) - quality(host, best) - precision(best)
    if abs(gained) > FELT:
        note("better answers expected" if gained > 0 else "weaker answers expected", better=gained > 0)
    old, new = best.estimate.speed.decode_tps.value, other.estimate.speed.decode_tps.value
    if host.use_case["task"] == "text-generation" and abs(new / max(old, 0.01) - 1) > 0.1:  # noqa: PLR2004 - ten per cent are felt
        note(f"{_tokens(new)} instead of {_tokens(old)} tokens/s", better=new > old)
    before, after = (_used_gib(host, item) for item in (best, other))
    if abs(after - before) > 1:
        note(f"{after:.1f} instead of {before:.1f} GiB", better=after < before)
    if other.deployment.server.id != best.deployment.server.id:
        easier = EASE.index(other.deployment.server.id) < EASE.index(best.deployment.server.id) if known_ease(best, other) else True
        note(f"{other.deployment.server.name} instead of {best.deployment.server.name}", better=easier)
    if gains and losses:
        return f"{_sentence(gains)}, but {', '.join(losses)}."
    if gains or losses:
        return f"{_sentence(gains or losses)}."
    return "Much the same; choose by taste or licence."


def _tokens(rate: float) -> str:
    """The rate with as many digits as tell two speeds apart that differ by a tenth."""
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}"  # noqa: PLR2004 - from here a tenth is a whole token


def _used_gib(host: Host, candidate: Candidate) -> float:
    """What the devices hold, as the plan shows it."""
    memory = with_prompt_cache(candidate, prompt_cache_mib(host, candidate), unified=host.hardware.unified)
    return sum(device.used_bytes for device in memory.devices) / GIB


def known_ease(*candidates: Candidate) -> bool:
    """Whether it is known how much each one's server asks of a newcomer."""
    return all(candidate.deployment.server.id in EASE for candidate in candidates)


def _sentence(parts: list[str]) -> str:
    text = ", ".join(parts)
    return text if text.startswith(("vLLM", "llama.cpp")) else text[0].upper() + text[1:]
