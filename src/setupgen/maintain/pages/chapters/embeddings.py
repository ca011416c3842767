"""Embeddings and documents: the path of a question, the models, and how long an archive takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.engine.memory import Workload
from setupgen.maintain.pages.diagram import Box, flow
from setupgen.maintain.pages.examples import MACHINE, estimated, model_link
from setupgen.maintain.pages.text import gib, rate, seconds, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


CHUNKS, CHUNK = 10_000, 400
MACHINES = ("Desktop without a card, 16 GB", "RTX 3060, 12 GB", "RTX 3090, 24 GB")
MODEL = ("qwen/qwen3-embedding-0.6b", "Q8_0")


def path(_: Pack) -> Iterator[str]:
    """From document to answer."""
    yield from flow(
        "embeddings-path",
        "How a question finds its documents",
        [
            [Box("once", ("documents cut into chunks",)), Box("each time", ("your question",), 1)],
            [Box("embedding model", ("every text becomes a vector; same model for both",), 2)],
            [Box("nearest chunks", ("perhaps sorted again by a reranker",))],
            [Box("chat model", ("question + chunks in, answer out",), 1)],
        ],
        arrows=("", "search", "8,000 tokens or so"),
    )


def models(pack: Pack) -> Iterator[str]:
    """The embedding models that plans may offer, made for it first."""
    found = [model for model in pack.models.values() if model.use_cases.get("embeddings") and "superseded_by" not in model.raw]
    found.sort(key=lambda model: (-model.use_cases["embeddings"], -int(model.released.replace("-", "")), model.id))
    rows = []
    for model in found[:12]:
        kind = "reranker" if "rerank" in model.tasks else "embedding"
        rows.append(
            [
                model_link(model),
                kind,
                f"{model.total_parameters / 1e6:,.0f} M",
                f"{model.native_context:,}",
                model.license_id,
                model.released,
            ]
        )
    yield from table(["Model", "Kind", "Parameters", "Longest text, tokens", "Licence", "Released"], rows, numbers=(2, 3))


def archive(pack: Pack) -> Iterator[str]:
    """How long ten thousand chunks take."""
    rows = []
    for name in MACHINES:
        found = estimated(pack, MACHINE[name], *MODEL, Workload(8_192, 1), prompt=CHUNK)
        if found:
            value = found.speed.prefill_tps
            work = CHUNKS * CHUNK
            rows.append(
                [name, rate(value.value), f"{seconds(work / value.high)} to {seconds(work / value.low)}", gib(found.memory.total_bytes)]
            )
    yield from table(["Machine", "Reading, tokens/s", f"{CHUNKS:,} chunks of {CHUNK} tokens", "Memory, GiB"], rows, numbers=(1, 2, 3))


PARTS = {"path": path, "models": models, "archive": archive}
