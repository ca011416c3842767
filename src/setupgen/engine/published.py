"""What published scores say of a model: how far it stands above or below what its size and date let expect.

Scores of different benchmarks cannot be averaged, and most models lack most of them. So each benchmark gets a line, fitted once over all models of
the knowledge base that have a score of it: log-odds of the score over size and date on the scale of `ranking`. A model's distance
from that line, in units of that scale, is its lead. Leads of several benchmarks can be averaged; where there is none, size and date
stand alone (ADR 8).
"""

from __future__ import annotations

from math import exp, log, sqrt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from setupgen.knowledge import Model, Pack

LEAST_MODELS = 8
"""Models with a score from which a line is drawn. A judgement, like the three below."""

LEAST_CORRELATION = 0.4
"""Correlation from which size and date explain a benchmark well enough for the distance from the line to mean something."""

LARGEST_LEAD = 0.3
"""Leads beyond this say more about a harness than about a model."""

DOUBT = 2
"""How many scores the prior weighs as much as: one score counts a third, two half, four two thirds. A judgement."""


def scale_of(score: Mapping[str, Any]) -> str:
    """Which scores may be compared with this one: the same benchmark, measured by the publishers themselves, or by the same third party."""
    harness = str(score.get("harness", ""))
    own = harness.startswith("publisher") and "hosted" not in harness
    return str(score["benchmark"]) if own else f"{score['benchmark']} ({harness.partition(',')[0]})"


def scales(points: Iterable[tuple[str, float, float]]) -> dict[str, dict[str, float]]:
    """The line of every scale that has enough models.

    Args:
        points: scale, expectation (`ranking.expected_quality`) and score in percent, one for each published score.

    Returns:
        By scale: ``intercept`` and ``slope`` of the log-odds over the expectation, and the number of ``models``.
    """
    found: dict[str, dict[str, float]] = {}
    by_scale: dict[str, list[tuple[float, float]]] = {}
    for scale, expected, value in points:
        if 0 < value < 100:  # noqa: PLR2004 - per cent
            by_scale.setdefault(scale, []).append((expected, _log_odds(value)))
    for scale, pairs in sorted(by_scale.items()):
        count = len(pairs)
        mean_x, mean_y = (sum(pair[index] for pair in pairs) / count for index in (0, 1))
        xx = sum((x - mean_x) ** 2 for x, _ in pairs)
        yy = sum((y - mean_y) ** 2 for _, y in pairs)
        xy = sum((x - mean_x) * (y - mean_y) for x, y in pairs)
        if count >= LEAST_MODELS and xx * yy > 0 and xy / sqrt(xx * yy) >= LEAST_CORRELATION:
            slope = xy / xx
            found[scale] = {"intercept": round(mean_y - slope * mean_x, 6), "slope": round(slope, 6), "models": count}
    return found


def comparable(pack: Pack, model: Model, use_case: str) -> Iterator[tuple[Mapping[str, Any], Mapping[str, float]]]:
    """The model's published scores that speak for the use case and can be compared, each with the line of its scale."""
    benchmarks = pack.vocabulary("benchmarks")
    for score in model.raw.get("scores", ()):
        benchmark = benchmarks.get(score["benchmark"])
        line = pack.scales.get(scale_of(score))
        if benchmark and line and use_case in benchmark["use_cases"]:
            yield score, line


def lead(pack: Pack, model: Model, use_case: str, expected: float) -> float:
    """How far published scores put the model above what is expected of it, on the scale of `ranking`; 0 where none can be compared.

    Args:
        pack: the knowledge base.
        model: the model.
        use_case: id of the use case.
        expected: what size and date let expect.
    """
    leads = [_distance(score, line, expected) for score, line in comparable(pack, model, use_case)]
    return sum(leads) / (len(leads) + DOUBT)


def expected_score(line: Mapping[str, float], expected: float) -> float:
    """The score in percent that the line gives a model of this expectation."""
    return 100 / (1 + exp(-(line["intercept"] + line["slope"] * expected)))


def _distance(score: Mapping[str, Any], line: Mapping[str, float], expected: float) -> float:
    value = min(max(float(score["value"]), 0.5), 99.5)
    return min(max((_log_odds(value) - line["intercept"]) / line["slope"] - expected, -LARGEST_LEAD), LARGEST_LEAD)


def _log_odds(value: float) -> float:
    return log(value / (100 - value))
