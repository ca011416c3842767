"""One ranked setup beside another: the parts of both scores, and the sentence that follows from the largest differences. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from setupgen.engine.published import comparable
from setupgen.engine.ranking import effective_billions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from setupgen.engine.candidates import Candidate
    from setupgen.engine.host import Host
    from setupgen.engine.speed import Range

    Ranked = tuple[Candidate, Mapping[str, float]]

FELT = 0.005
"""Difference of a part of the score below which it is not told."""

TOLD = 3
"""Differences of each sign that are told."""


def title_of(candidate: Candidate) -> str:
    """The setup in a few words, such as ``Qwen3 8B Q4_K_M on Ollama``."""
    return f"{candidate.model.name} {candidate.weights.quant} on {candidate.deployment.server.name}"


def scores_of(ranked: Ranked) -> dict[str, Any]:
    """A setup with the parts of its score, for JSON and tables."""
    candidate, score = ranked
    return {
        "model": candidate.model.id,
        "quant": candidate.weights.quant,
        "server": candidate.deployment.server.id,
        "decode_tps": shown(candidate.estimate.speed.decode_tps),
        "score": {name: round(value, 4) for name, value in sorted(score.items())},
    }


def sum_of(ranked: Ranked) -> str:
    """The score as a sum: ``X scores 2.42: quality 0.99, speed 0.68 ...``."""
    candidate, score = ranked
    parts = sorted(((name, value) for name, value in score.items() if name != "total"), key=lambda item: (-abs(item[1]), item[0]))
    told = ", ".join(f"{name} {value:+.2f}" for name, value in parts if abs(value) >= FELT)
    return f"{title_of(candidate)} scores {score['total']:.2f}: {told}."


def beside(host: Host, best: Ranked, other: Ranked) -> list[str]:
    """How the other setup compares with the choice: its score, where it loses and where it gains, each with the numbers behind it."""
    short = best[1]["total"] - other[1]["total"]
    names = [name for name in {**best[1], **other[1]} if name != "total"]
    gaps = {name: other[1].get(name, 0.0) - best[1].get(name, 0.0) for name in names}
    losses = sorted((name for name in gaps if gaps[name] <= -FELT), key=lambda name: (gaps[name], name))[:TOLD]
    gains = sorted((name for name in gaps if gaps[name] >= FELT), key=lambda name: (-gaps[name], name))[:TOLD]
    first = f"{title_of(other[0])} is its best setup here" if other[0].model.id != best[0].model.id else title_of(other[0])
    scored = f" and scores {other[1]['total']:.2f}, {short:.2f} below the {best[1]['total']:.2f} of {title_of(best[0])}."
    sentences = [f"{first}{scored}" if first != title_of(other[0]) else f"{first}{scored.removeprefix(' and')}".replace("  ", " ")]
    sentences += _told(host, best[0], other[0], gaps, losses, "It loses")
    sentences += _told(host, best[0], other[0], gaps, gains, "It gains")
    if not losses and not gains:
        sentences.append("No part of the two scores differs by as much as is told; ids broke the tie.")
    return sentences


def _told(host: Host, best: Candidate, other: Candidate, gaps: Mapping[str, float], names: list[str], lead: str) -> list[str]:
    if not names:
        return []
    told = []
    for name in names:
        why = behind(host, name, best, other)
        told.append(f"{abs(gaps[name]):.2f} by {name}{f' ({why})' if why else ''}")
    return [f"{lead} {'; '.join(told)}."]


def behind(host: Host, part: str, best: Candidate, other: Candidate) -> str:
    """The numbers behind one part of the score, the other setup's first; empty where they do not differ."""
    old, new = (_figure(host, part, candidate) for candidate in (best, other))
    return f"{new} against {old}" if new != old else ""


def _figure(host: Host, part: str, candidate: Candidate) -> str:
    speed = candidate.estimate.speed
    if part == "quality":
        size = effective_billions(candidate.model)
        label = host.use_case["label"].lower()
        text = f"the {size:.3g}B class of {candidate.model.released[:7]}, regard {candidate.suitability} of 3 for {label}"
        scores = [f"{score['benchmark']} {score['value']:g}" for score, _ in comparable(host.pack, candidate.model, host.needs.use_case)]
        return text + (f", published {', '.join(scores)}" if scores else ", no comparable score")
    if part == "precision":
        cache = "8-bit" if candidate.workload.cache_k in {"q8_0", "fp8"} else "full"
        return f"{candidate.weights.quant}, {candidate.bits:.1f} bits per weight, {cache} cache"
    if part in {"speed", "usable"} and host.use_case["task"] == "text-generation":
        return f"{tokens(shown(speed.decode_tps))} tokens/s, first words after {shown(speed.ttft_s):.1f} s"
    if part == "speed":
        return f"{tokens(shown(speed.prefill_tps))} tokens/s read"
    if part == "latency":
        return f"first words after {shown(speed.ttft_s):.1f} s"
    if part == "throughput":
        return f"{tokens(shown(speed.aggregate_tps))} tokens/s over all users"
    if part == "frugal":
        return f"{candidate.cards} card{'s' * (candidate.cards != 1)}"
    if part == "context":
        return f"{candidate.workload.context} tokens of context"
    if part == "fit":
        return f"{float(candidate.facts['fit.memory_margin_gib']):.1f} GiB free"
    if part == "rules":
        return _rules(candidate)
    return ""


def _rules(candidate: Candidate) -> str:
    """The rules that speak for or against it, with their points."""
    found = [f"{effect.rule.id} {effect.weight:+g}" for effect in candidate.effects if effect.kind == "prefer"]
    return ", ".join(sorted(found)) or "no rule"


def shown(found: Range) -> float:
    """The value as the plan's JSON has it, so that every sentence rounds the same number."""
    return float(found.to_json()["value"])


def tokens(rate: float) -> str:
    """A rate with as many digits as matter."""
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}"  # noqa: PLR2004 - from here a tenth is a whole token


def given_up(host: Host, ranked: tuple[Ranked, ...]) -> list[str]:
    """What the choice gave up: in which parts of the score another setup is ahead, and what that one would cost instead."""
    if not ranked:
        return []
    best, sentences = ranked[0], []
    for part in ("quality", "precision", "speed", "latency", "throughput", "context"):
        top = max(ranked, key=lambda item: (round(item[1].get(part, 0.0), 6), item[1]["total"]))
        ahead = top[1].get(part, 0.0) - best[1].get(part, 0.0)
        if ahead < CLEARLY:
            continue
        why = behind(host, part, best[0], top[0])
        cost = best[1]["total"] - top[1]["total"]
        worst = min((name for name in top[1] if name != "total"), key=lambda name: top[1].get(name, 0.0) - best[1].get(name, 0.0))
        paid = behind(host, worst, best[0], top[0])
        sentences.append(
            f"{part.capitalize()}: {title_of(top[0])} is ahead by {ahead:.2f}{f' ({why})' if why else ''}, and {cost:.2f} behind in all,"
            f" most by {worst}{f' ({paid})' if paid else ''}."
        )
    return sentences


CLEARLY = 0.02
"""Lead in a part of the score from which it is told as given up."""
