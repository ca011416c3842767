"""Slots and context: what each further conversation costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.engine.memory import Workload
from setupgen.maintain.pages.diagram import Box, flow
from setupgen.maintain.pages.examples import CARD, SMALL_MODEL, estimated
from setupgen.maintain.pages.text import gib, rate, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


CONTEXT = 16_384


def by_slots(pack: Pack) -> Iterator[str]:
    """One small model on one card with one to sixteen slots of 16k."""
    rows = []
    for slots in (1, 2, 4, 6, 8):
        found = estimated(pack, CARD, *SMALL_MODEL, Workload(CONTEXT, slots), kind="full")
        if found is None:
            continue
        memory, speed = found.memory, found.speed
        fits = "yes" if memory.fits == "full" else "no"
        together = rate(speed.aggregate_tps.value) if fits == "yes" else ""
        total = f"{CONTEXT * slots:,}"
        rows.append(
            [
                slots,
                total,
                gib(memory.kv_cache_bytes),
                gib(memory.total_bytes),
                fits,
                rate(speed.decode_tps.value) if together else "",
                together,
            ]
        )
    heads = ["Slots of 16,384", "Tokens in all", "Cache, GiB", "In all, GiB", "Fits 24 GB", "Each, tokens/s", "Together, tokens/s"]
    yield from table(heads, rows, numbers=(0, 1, 2, 3, 5, 6))


def pool(_: Pack) -> Iterator[str]:
    """Two ways to divide the same 32,768 tokens."""
    yield from flow(
        "slots-pool",
        "The same 32,768 tokens, divided in two ways",
        [
            [Box("fixed slots", ("-c 32768 -np 2",), 1), Box("one pool", ("-c 32768 --kv-unified",), 2)],
            [Box("slot 1", ("16,384",), 1), Box("slot 2", ("16,384",), 1), Box("any slot", ("up to all", "32,768"), 2)],
        ],
        caption="Fixed slots are certain: nobody can take the other's place. A pool lets one long conversation use what the others leave, until it is full.",
    )


PARTS = {"by-slots": by_slots, "pool": pool}
