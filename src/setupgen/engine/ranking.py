"""Scores candidates and puts them in order. Weights are data (vocabulary of experiences); the parts below are shown to the user.

Parts, each roughly between 0 and 1:
    quality: size class and date of the model, published scores where they can be compared, and how well it is regarded for the use case.
    precision: what the quantisation of weights and cache costs; 0 is lossless, negative is worse.
    speed: decode speed for one user against what feels comfortable; faster than that counts little.
    latency: time to first token for a typical prompt against the use case's patience; sooner than that counts little.
    throughput: tokens per second over all users against what they need together.
    frugal: cards that a model takes although fewer would hold it.
    context: halvings below the usual context, where nobody asked for a size.
    usable: 0, or negative where it is too slow to work with or the model too small for the use case, whatever the experience.
    fit: how much memory stays free, so that a close call loses against a roomy one.
    rules: sum of the preferences of rules.
    blessed: 1 for a setup that was seen running as it is, half for one that was with a difference (`blessed`).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from math import exp, log2, sqrt
from typing import TYPE_CHECKING, Any

from setupgen.engine import blessed
from setupgen.engine.published import lead

if TYPE_CHECKING:
    from collections.abc import Mapping

    from setupgen.engine.candidates import Candidate
    from setupgen.engine.host import Host
    from setupgen.knowledge import Model

MONTHS_PER_DOUBLING = 8.0
"""Months in which a new model of half the size reaches the quality of the old one. A judgement, not a measurement (ADR 4)."""

RULE_UNIT = 0.02
"""Score of one point of preference in a rule."""

SLOW_TABLES = -0.05
"""What IQ quantisations lose on CPUs and Apple's GPUs: they look values up in tables, and llama.cpp repacks none of them for CPUs. A judgement
until somebody measures it: the speed formula knows no difference."""

LOSS_PER_DIVERGENCE = 1.8
"""Score lost per unit of measured KL divergence; meets the curve below at Q4_K_M, Q5_K_M and Q6_K."""

# Loss by average bits per weight, where no divergence was measured: points of a curve, interpolated. A judgement: flat down to 6 bits, small
# at 4.8, steep below 4.
PRECISION = (
    (16.0, 0.0),
    (8.0, 0.0),
    (6.5, -0.008),
    (5.6, -0.025),
    (4.8, -0.06),
    (4.3, -0.10),
    (3.9, -0.20),
    (3.4, -0.45),
    (2.7, -1.0),
    (1.5, -2.5),
)

SUITABILITY = {3: 0.12, 2: 0.04, 1: -0.08, 0: -0.2}


@lru_cache(maxsize=1024)
def effective_billions(model: Model) -> float:
    """Size class in billions of parameters: the geometric mean of total and active, the usual rule of thumb for mixtures.

    Tables of per-layer embeddings are looked up, not computed with, and do not count.
    """
    architecture = model.architecture
    table = architecture.per_layer_embedding * architecture.layers * architecture.vocab
    return sqrt((model.total_parameters - table) * (model.active_parameters - table)) / 1e9


def months_since_2024(date: str) -> float:
    """Months from January 2024 to an ISO date (day and month may be missing); 0 for a date that nobody knows."""
    parts = [int(part) for part in date.split("-") if part.isdigit()]
    if not parts:
        return 0.0
    year, month = parts[0], parts[1] if len(parts) > 1 else 6
    return (year - 2024) * 12 + month - 1


def expected_quality(model: Model) -> float:
    """What size class and date let expect of a model's answers."""
    size = log2(max(effective_billions(model), 0.05) + 0.5)
    generation = max(months_since_2024(model.released), 0.0) / MONTHS_PER_DOUBLING
    return (size + generation) / 10


def quality(host: Host, candidate: Candidate) -> float:
    """Expected quality of answers: size class, generation, what published scores add to or take from it, and regard for the use case."""
    model = candidate.model
    if model not in host.qualities:
        expected = expected_quality(model)
        host.qualities[model] = expected + lead(host.pack, model, host.needs.use_case, expected)
    return host.qualities[model] + SUITABILITY[candidate.suitability]


def precision(candidate: Candidate) -> float:
    """What quantisation costs; more for small models, nothing where the model was trained in it."""
    cache = -0.01 if candidate.facts["settings.cache_bits"] < 16 else 0.0  # noqa: PLR2004 - 16-bit is the unquantised cache
    if candidate.weights.quant == candidate.model.raw.get("native_quant"):
        return cache
    small = 2.5 if effective_billions(candidate.model) < 4 else 1.0  # noqa: PLR2004 - billions of parameters
    lost = _interpolate(candidate.bits) if candidate.divergence is None else -candidate.divergence * LOSS_PER_DIVERGENCE
    tables = SLOW_TABLES if candidate.weights.quant.startswith("IQ") and candidate.deployment.backend in {"cpu", "metal"} else 0.0
    return lost * small + cache + tables


def _interpolate(bits: float) -> float:
    if bits >= PRECISION[0][0]:
        return PRECISION[0][1]
    for (high, at_high), (low, at_low) in pairwise(PRECISION):
        if bits >= low:
            return at_low + (at_high - at_low) * (bits - low) / (high - low)
    return PRECISION[-1][1]


def _enough(ratio: float) -> float:
    """From 0 to 1 at a ratio of 1, steep at first; more than enough counts no more."""
    return (1 - exp(-2 * min(max(ratio, 0.0), 1.0))) / (1 - exp(-2))


def _extra(ratio: float) -> float:
    """A little for each doubling beyond enough, so that of two equals the faster one wins."""
    return 0.03 * min(log2(max(ratio, 1.0)), 2.0)


def parts(host: Host, candidate: Candidate) -> dict[str, float]:
    """The parts of the score, unweighted."""
    use_case, pace = host.use_case, float(host.experience["pace"])
    speed = candidate.estimate.speed
    comfortable = float(use_case["comfortable_tps"]) or READING_TPS
    decode = speed.decode_tps.value if use_case["task"] == "text-generation" else speed.prefill_tps.value
    total = speed.aggregate_tps.value
    capacity = max((device.capacity_bytes for device in candidate.estimate.memory.devices), default=1)
    free = float(candidate.facts["fit.memory_margin_gib"]) * 1024**3 / capacity
    patience = float(use_case["patience_s"]) / pace
    streams = max(host.needs.users, BATCH) if host.needs.experience == "throughput" else host.needs.users
    return {
        "quality": quality(host, candidate),
        "precision": precision(candidate),
        "speed": _enough(decode / (comfortable * pace)) + _extra(decode / (comfortable * pace)),
        "latency": exp(-max(0.0, speed.ttft_s.value / patience - 1) / 3) + _extra(patience / max(speed.ttft_s.value, MOMENT_S)),
        "throughput": _enough(total / (comfortable * streams)),
        "usable": _usable(use_case, host.needs.experience, effective_billions(candidate.model), decode, speed.ttft_s.value / patience),
        "frugal": -log2(max(candidate.cards, 1)),
        "context": -log2(max(usual_context(host, candidate) / candidate.workload.context, 1.0)),
        "fit": min(free, 0.1) * 10 - 1,
        "blessed": blessed.value_of(hit[1]) if (hit := blessed.blessing_of(host.blessings, candidate)) else 0.0,
        "rules": sum(effect.weight for effect in candidate.effects if effect.kind == "prefer") * RULE_UNIT,
    }


MOMENT_S = 0.05
"""Seconds to the first token below which nobody notices a difference."""

BATCH = 8
"""Streams at a comfortable speed that somebody who wants throughput looks for, however few people there are."""

READING_TPS = 2000.0
"""Tokens per second that embeddings and speech should be read at; these use cases write nothing."""

SLOW = 0.35
"""Share of the comfortable speed below which working becomes tedious."""

LONG_WAIT = 4.0
"""Multiple of the use case's patience from which waiting becomes tedious."""


DEMAND = {"quality": 1.25, "creativity": 1.0, "balanced": 1.0, "throughput": 0.6, "latency": 0.6}
"""How much of a use case's capable size an experience asks for."""

INCAPABLE = 0.25
"""What a model below the capable size loses: where a larger one works, buying is no answer yet."""


def capable_size(use_case: Mapping[str, Any], experience: str) -> float:
    """Size class in billions of parameters below which buying is the more honest answer; 0 where any size does."""
    return float(use_case.get("capable_b", 0)) * DEMAND.get(experience, 1.0)


def _usable(use_case: Mapping[str, Any], experience: str, size: float, decode: float, wait: float) -> float:
    """What is lost below the capable size, for each halving below a tedious speed or a useful size, and for each doubling of a long wait (in patiences)."""
    lost = -INCAPABLE if size < capable_size(use_case, experience) else 0.0
    comfortable = float(use_case["comfortable_tps"])
    if comfortable:
        lost += 0.15 * min(0.0, log2(max(decode, 0.01) / (SLOW * comfortable)))
        lost += 0.14 * min(0.0, log2(LONG_WAIT / max(wait, 0.01)))
    useful = float(use_case.get("useful_b", 0))
    if useful:
        lost += 0.12 * min(0.0, log2(size / useful))
    return lost


def usual_context(host: Host, candidate: Candidate) -> int:
    """The context that is usual for the use case, or the longest that is worth having where as much as possible is wanted."""
    if host.needs.context <= 0:
        return MUCH_CONTEXT
    return min(host.needs.context, candidate.model.maximum_context)


MUCH_CONTEXT = 262_144
"""Tokens beyond which more context is rarely worth anything."""


def score(host: Host, candidate: Candidate) -> Mapping[str, float]:
    """Weighted parts and their ``total``."""
    weights = host.experience["weights"]
    weighted = {name: value * float(weights.get(name, FIXED.get(name, 0.0))) for name, value in parts(host, candidate).items()}
    return {**weighted, "total": sum(weighted.values())}


FIXED = {"blessed": 0.06, "fit": 0.03, "rules": 1.0, "usable": 1.0, "frugal": 0.01, "context": 0.1}
"""Weights of the parts that no experience changes."""


def rank(host: Host, candidates: list[Candidate]) -> list[tuple[Candidate, Mapping[str, float]]]:
    """Candidates with their scores, best first; ties are broken by ids."""
    scored = [(candidate, score(host, candidate)) for candidate in candidates]
    return sorted(scored, key=lambda item: (-round(item[1]["total"], 9), item[0].key))
