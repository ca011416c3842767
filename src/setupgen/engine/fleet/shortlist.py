"""Which models and quantisations a need looks at on a fleet: the best of every size, so that each host finds some that fit it.

A plan for one host looks at everything; a fleet asks the same question for each need, kind of host, number of cards and number of users,
and would look at thousands of combinations to reject nearly all of them.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from math import log2
from typing import TYPE_CHECKING

from setupgen.engine.host import Host
from setupgen.engine.published import lead
from setupgen.engine.ranking import SUITABILITY, effective_billions, expected_quality
from setupgen.engine.suitability import model_reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from setupgen.facts import Facts
    from setupgen.knowledge import Model, Pack, Weights

BITS_PER_STEP = 1.5
"""Sizes are told apart by doublings of the weights, this many steps to each."""

BEST_OF_SIZE = 2
"""Models of a size that are looked at for what they answer."""

QUICK_OF_SIZE = 2
"""More of that size that are looked at for how fast they are: many users are served by them."""

SPEED_FOR_QUALITY = 0.1
"""Quality that a halving of the active parameters is worth where fast models are looked for."""

GGUF_QUANTS = ("Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "IQ4_XS", "MXFP4")
"""Quantisations of GGUF files that are looked at: the usual steps. A model in none of them is looked at in all that it has."""


def shortlist(pack: Pack, facts: Facts) -> list[Model]:
    """The models worth looking at for a need, with the quantisations worth looking at; the one that is insisted on alone."""
    host = Host(pack, facts)
    models = [pack.models[id_] for id_, head in pack.heads.items() if model_reason(host, head) is None]
    if not facts.needs.model:
        models = list(_best_of_sizes(pack, models, facts.needs.use_case))
    wanted = facts.needs.quant.lower()
    return [replace(model, weights=_weights(model, wanted)) for model in models]


def _best_of_sizes(pack: Pack, models: list[Model], use_case: str) -> Iterator[Model]:
    def quality(model: Model) -> float:
        expected = expected_quality(model)
        return expected + lead(pack, model, use_case, expected) + SUITABILITY[model.use_cases.get(use_case, 0)]

    def quick(model: Model) -> float:
        return quality(model) - SPEED_FOR_QUALITY * log2(max(model.active_parameters / max(model.total_parameters, 1), 0.001))

    sizes: dict[int, list[Model]] = {}
    for model in models:
        sizes.setdefault(round(BITS_PER_STEP * log2(max(model.total_parameters / 1e9, 0.01))), []).append(model)
    for _, same in sorted(sizes.items()):
        chosen = sorted(same, key=lambda model: (-quality(model), model.id))[:BEST_OF_SIZE]
        rest = sorted(
            (model for model in same if model not in chosen), key=lambda model: (-quick(model), effective_billions(model), model.id)
        )
        yield from sorted([*chosen, *rest[:QUICK_OF_SIZE]], key=lambda model: model.id)


def _weights(model: Model, wanted: str) -> tuple[Weights, ...]:
    if wanted:
        return tuple(weights for weights in model.weights if weights.quant.lower() == wanted)
    native = model.raw.get("native_quant")
    usual = [weights for weights in model.weights if weights.quant in GGUF_QUANTS or weights.quant == native]
    formats = {weights.format for weights in usual if weights.format == "gguf"}
    return tuple(weights for weights in model.weights if weights.format != "gguf" or weights in usual or "gguf" not in formats)


def narrowed(pack: Pack, models: Collection[Model], servers: Collection[str]) -> Pack:
    """A pack that knows these models and inference servers only; everything else is shared."""
    small = copy(pack)
    small.__dict__["models"] = {model.id: model for model in sorted(models, key=lambda model: model.id)}
    small.__dict__["heads"] = {id_: pack.heads[id_] for id_ in small.models}
    small.__dict__["servers"] = {id_: server for id_, server in pack.servers.items() if server.kind != "inference" or id_ in servers}
    return small
