"""Agent harnesses and prompt caches: what a turn costs with and without the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.engine.memory import Workload
from setupgen.maintain.pages.diagram import Bar, Box, bars, flow
from setupgen.maintain.pages.examples import MACHINE, WHOLE, estimated
from setupgen.maintain.pages.text import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


BEFORE, NEW = 28_000, 1_000
MODEL = ("qwen/qwen3.6-35b-a3b", "Q4_K_M")
SHOWN = ("RTX 3090, 24 GB", "RX 7900 XTX, 24 GB", "Apple M2 Max, 64 GB", "Ryzen AI Max+ 395, 128 GB", "NVIDIA GB10, 128 GB")


def turns(pack: Pack) -> Iterator[str]:
    """Wait for the first word of a turn after 28,000 tokens, with a cache that works and one that does not."""
    rows = []
    for name in SHOWN:
        whole = estimated(pack, MACHINE[name], *MODEL, Workload(32_768, 1), prompt=BEFORE + NEW)
        if whole is None or whole.memory.fits not in WHOLE:
            continue
        all_ = whole.speed.ttft_s.value
        new = NEW / whole.speed.prefill_tps.value
        rows.append(Bar(f"{name}: cache works", seconds(new), (new,)))
        rows.append(Bar(f"{name}: cache is lost", seconds(all_), (0.0, all_)))
    yield from bars(
        "agents-turns",
        f"Wait before the first word when {NEW:,} tokens are new after {BEFORE:,} (Qwen3.6 35B-A3B in Q4_K_M)",
        rows,
        key=("only new tokens are read", "everything is read again"),
    )


def prefix(_: Pack) -> Iterator[str]:
    """What of a prompt can be reused."""
    yield from flow(
        "agents-prefix",
        "The server reuses a prompt up to the first difference, and no further",
        [
            [
                Box("instructions", ("same",), 1),
                Box("tools", ("same",), 1),
                Box("files, turns", ("same",), 1),
                Box("new turn", ("read",), 2),
            ],
            [
                Box("the date", ("changed",), 5),
                Box("tools", ("read again",), 2),
                Box("files, turns", ("read again",), 2),
                Box("new turn", ("read",), 2),
            ],
        ],
        arrows=("one word changes at the start",),
    )


PARTS = {"turns": turns, "prefix": prefix}
