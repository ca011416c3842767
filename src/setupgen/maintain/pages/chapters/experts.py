"""Mixtures of experts: what is read per token, and where experts lie when the card is too small."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.engine.memory import Workload
from setupgen.engine.weights import weight_bytes
from setupgen.maintain.pages.diagram import Bar, bars
from setupgen.maintain.pages.examples import MACHINE, WHOLE, estimated, model_link
from setupgen.maintain.pages.text import GIB, gib, rate, span, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


BIG = ("openai/gpt-oss-120b", "MXFP4")
BESIDE = {"hardware": ["rtx-3090"], "ram": "128G", "os": "linux"}
WAYS = (
    ("experts in main memory, the rest on the card", "experts"),
    ("as many whole layers as fit on the card", "layers"),
    ("everything in main memory", "cpu"),
)
SLOW = ("Ryzen AI Max+ 395, 128 GB", "NVIDIA GB10, 128 GB", "Apple M2 Max, 64 GB")
KINDS = (
    ("qwen/qwen3.6-35b-a3b", "Q4_K_M"),
    ("qwen/qwen3-32b", "Q4_K_M"),
    ("openai/gpt-oss-120b", "MXFP4"),
    ("meta/llama-3.3-70b", "Q4_K_M"),
)


def read_and_held(pack: Pack) -> Iterator[str]:
    """Bytes that are held against bytes that are read for a token."""
    rows = []
    for id_, quant in KINDS:
        model = pack.model(id_)
        sizes = weight_bytes(model.architecture, quant, "gguf")
        read, held = sizes.read_per_token / GIB, sizes.total / GIB
        rows.append(Bar(f"{model.name} {quant}", f"{read:.1f} of {held:.1f} GiB", (read, max(held - read, 0))))
    yield from bars(
        "experts-read", "Held in memory, and read for each token", rows, key=("read for each token", "held, but not read this time")
    )


def placements(pack: Pack) -> Iterator[str]:
    """Three ways to run a mixture that is larger than the card."""
    rows = []
    for words, kind in WAYS:
        found = estimated(pack, BESIDE, *BIG, Workload(8_192, 1), kind=kind)
        if found is None:
            continue
        on_card = gib(found.memory.devices[0].used_bytes) if kind != "cpu" else "0"
        rows.append([words, on_card, gib(found.memory.host_bytes), span(found.speed.decode_tps), span(found.speed.prefill_tps)])
    yield from table(
        ["gpt-oss-120b, RTX 3090 and 128 GB DDR4", "Card, GiB", "Main memory, GiB", "Writing, tokens/s", "Reading, tokens/s"],
        rows,
        numbers=(1, 2, 3, 4),
    )


def slow_memory(pack: Pack) -> Iterator[str]:
    """Dense models and mixtures on large, slow memory."""
    rows = []
    for id_, quant in KINDS:
        cells = []
        for name in SLOW:
            found = estimated(pack, MACHINE[name], id_, quant, Workload(8_192, 1))
            cells.append(rate(found.speed.decode_tps.value) if found and found.memory.fits in WHOLE else "does not fit")
        rows.append([model_link(pack.model(id_)), f"`{quant}`", *cells])
    yield from table(["Model", "Quantisation", *(f"{name}, tokens/s" for name in SLOW)], rows, numbers=(2, 3, 4))


PARTS = {"read-and-held": read_and_held, "placements": placements, "slow-memory": slow_memory}
