"""Attention kinds: how the cache of six models grows with the context."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.engine.cache import growing_bytes_per_token, llama_cpp_bytes
from setupgen.engine.memory import Workload
from setupgen.maintain.pages.diagram import curves
from setupgen.maintain.pages.text import GIB, gib, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


SHOWN = ("qwen/qwen3-32b", "qwen/qwen3-8b", "google/gemma-3-27b", "qwen/qwen3.8-27b", "zai/glm-4.7-flash", "openai/gpt-oss-20b")
CONTEXTS = (4_096, 8_192, 16_384, 24_576, 32_768, 49_152, 65_536)
WORDS = {4_096: "4k", 16_384: "16k", 32_768: "32k", 65_536: "64k"}


def growth(pack: Pack) -> Iterator[str]:
    """Cache against context."""
    series = [
        (pack.model(id_).name, [llama_cpp_bytes(pack.model(id_).architecture, Workload(context, 1)) / GIB for context in CONTEXTS])
        for id_ in SHOWN
        if id_ in pack.models
    ]
    top = max(max(values) for _, values in series)
    step = max(1, round(top / 4))
    yield from curves(
        "attention-growth",
        "The cache of one conversation as it gets longer (16 bits, llama.cpp)",
        [(context, WORDS.get(context, "")) for context in CONTEXTS],
        series,
        y=[(value, str(value)) for value in range(0, int(top) + step + 1, step)],
        axes=("tokens of context", "GiB"),
    )


def kinds(pack: Pack) -> Iterator[str]:
    """The four kinds, with how many models have layers of each."""
    rows = []
    for id_, entry in pack.vocabulary("attention-kinds").items():
        having = [model for model in pack.models.values() if any(group.kind == id_ for group in model.architecture.attention)]
        rows.append([f"**{entry['label']}**", entry["description"], len(having)])
    yield from table(["Kind", "What it does", "Known models with such layers"], rows, numbers=(2,))


def example(pack: Pack) -> Iterator[str]:
    """Two models of the same size whose caches differ."""
    plain, hybrid = pack.model("qwen/qwen3-32b"), pack.model("qwen/qwen3.8-27b")
    sizes = [llama_cpp_bytes(model.architecture, Workload(65_536, 1)) for model in (plain, hybrid)]
    yield (
        f"{plain.name} needs {gib(sizes[0])} GiB of cache for 65,536 tokens. {hybrid.name}, hardly smaller and newer, needs {gib(sizes[1])} GiB: "
        f"each further token costs {growing_bytes_per_token(plain.architecture) // 1024} KiB in the first and "
        f"{growing_bytes_per_token(hybrid.architecture) // 1024} KiB in the second. Same card, same context, and only one of them fits beside its weights."
    )


PARTS = {"growth": growth, "kinds": kinds, "example": example}
