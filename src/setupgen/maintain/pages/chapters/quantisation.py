"""Quantisation: the measured loss, a large model in few bits against a small one in many, and the cache in fewer bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.engine.memory import Workload
from setupgen.engine.weights import weight_bytes
from setupgen.maintain.pages.diagram import Bar, bars
from setupgen.maintain.pages.examples import CARD, SMALL_MODEL, estimated, model_link
from setupgen.maintain.pages.text import gib, rate, span, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


PAIRS = (("qwen/qwen3-8b", "Q8_0"), ("qwen/qwen3-14b", "Q4_K_M"), ("qwen/qwen3-32b", "Q2_K"))


def loss(pack: Pack) -> Iterator[str]:
    """The published loss of each GGUF quantisation."""
    found = [
        (entry["bits_per_weight"], id_, entry["kl_divergence"])
        for id_, entry in pack.vocabulary("quantisations").items()
        if "kl_divergence" in entry and "bits_per_weight" in entry and "gguf" in entry["formats"]
    ]
    rows = [Bar(f"{id_}, {bits:.1f} bits", f"{value:.4f}", (value,)) for bits, id_, value in sorted(found, reverse=True)]
    yield from bars(
        "quantisation-loss",
        "Loss by quantisation: how far the next-token probabilities move from 16 bits (Llama 3 8B)",
        rows,
        caption="Kullback-Leibler divergence, as llama.cpp's developers measured it. Bits are those of a whole model of 8 B parameters.",
    )


def sizes(pack: Pack) -> Iterator[str]:
    """Three models that take about as many bytes."""
    rows = []
    for id_, quant in PAIRS:
        found = estimated(pack, CARD, id_, quant, Workload(8_192, 1))
        if found is None:
            continue
        model = pack.model(id_)
        divergence = pack.vocabulary("quantisations")[quant].get("kl_divergence")
        size = weight_bytes(model.architecture, quant, "gguf").total
        rows.append([model_link(model), f"`{quant}`", gib(size), span(found.speed.decode_tps), f"{divergence:.4f}" if divergence else ""])
    yield from table(["Model", "Quantisation", "Weights, GiB", "RTX 3090, tokens/s", "Loss"], rows, numbers=(2, 3, 4))


def example(pack: Pack) -> Iterator[str]:
    """One sentence: bytes and speed of the same model in 16, 8 and 4 bits."""
    words = []
    for quant in ("BF16", "Q8_0", "Q4_K_M"):
        found = estimated(pack, CARD, SMALL_MODEL[0], quant, Workload(8_192, 1))
        if found:
            size = weight_bytes(pack.model(SMALL_MODEL[0]).architecture, quant, "gguf").total
            words.append(f"{gib(size)} GiB and about {rate(found.speed.decode_tps.value)} tokens per second in {quant}")
    yield f"Qwen3 8B on an RTX 3090: {'; '.join(words)}. The file shrinks, and the speed grows almost in step."


def cache_types(pack: Pack) -> Iterator[str]:
    """The cache of 65,536 tokens in three types."""
    rows = []
    for id_ in ("qwen/qwen3-8b", "qwen/qwen3.8-27b", "openai/gpt-oss-20b"):
        cells = []
        for kind in ("f16", "q8_0", "q4_0"):
            found = estimated(pack, CARD, id_, "MXFP4" if "gpt-oss" in id_ else "Q4_K_M", Workload(65_536, 1, kind, kind), kind="full")
            cells.append(gib(found.memory.kv_cache_bytes) if found else "")
        rows.append([model_link(pack.model(id_)), *cells])
    yield from table(["Cache of 65,536 tokens, GiB", "16 bits (`f16`)", "8 bits (`q8_0`)", "4 bits (`q4_0`)"], rows, numbers=(1, 2, 3))


PARTS = {"loss": loss, "sizes": sizes, "example": example, "cache-types": cache_types}
