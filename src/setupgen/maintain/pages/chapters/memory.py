"""Memory explained: the four parts on several machines, and how the cache grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.engine.estimate import site
from setupgen.engine.memory import Workload
from setupgen.maintain.pages.diagram import Bar, bars
from setupgen.maintain.pages.examples import CARD, MACHINE, SMALL_MODEL, choice_of, estimated, host_of
from setupgen.maintain.pages.text import GIB, gib

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


KEY = ("weights", "cache", "buffers", "overhead")
SHOWN = ("RTX 3060, 12 GB", "RTX 3090, 24 GB", "Apple M2 Max, 64 GB", "Two RTX 4090, 48 GB")
CONTEXTS = (4_096, 16_384, 32_768, 65_536, 131_072)


def add_up(pack: Pack) -> Iterator[str]:
    """The sum of the running example, in one sentence."""
    choice = choice_of(pack, {**CARD, "use_case": "coding-agent"})
    if choice is None:
        return
    memory, device = choice.memory, choice.memory.devices[0]
    yield (
        f"An RTX 3090 has 24 GiB. For a coding agent setupgen puts {choice.model.name} in {choice.weights.quant} on it: "
        f"{gib(memory.weights_bytes)} GiB of weights, {gib(memory.kv_cache_bytes)} GiB of cache for {choice.settings['context']:,} tokens, "
        f"{gib(memory.compute_bytes)} GiB of buffers and {gib(memory.overhead_bytes)} GiB of overhead. That makes {gib(device.used_bytes)} GiB "
        f"on the card, and {gib(device.capacity_bytes - device.used_bytes)} GiB stay free."
    )


def machines(pack: Pack) -> Iterator[str]:
    """Where the memory of a coding agent goes on four machines."""
    rows = []
    for name in SHOWN:
        choice = choice_of(pack, {**MACHINE[name], "use_case": "coding-agent"})
        if choice is None:
            continue
        memory = choice.memory
        parts = (memory.weights_bytes, memory.kv_cache_bytes, memory.compute_bytes, memory.overhead_bytes)
        host = host_of(pack, MACHINE[name])
        room = sum(slot.capacity_bytes for slot in site(host, choice.backend).machine.slots)
        words = f"{' + '.join(gib(part) for part in parts)} of {room / GIB:.0f} GiB"
        rows.append(Bar(f"{name}: {choice.model.name} {choice.weights.quant}", words, tuple(part / GIB for part in parts), room / GIB))
    yield from bars(
        "memory-machines",
        "A coding agent on four machines: where the memory goes",
        rows,
        key=KEY,
        caption="The dashed frame is the memory of the cards, or the memory that is shared. What sticks out lies in main memory: experts of a mixture may.",
    )


def growing(pack: Pack) -> Iterator[str]:
    """One small model on one card as the context grows."""
    rows = []
    for context in CONTEXTS:
        found = estimated(pack, CARD, *SMALL_MODEL, Workload(context, 1), kind="full")
        if found is None:
            continue
        memory = found.memory
        parts = (memory.weights_bytes, memory.kv_cache_bytes, memory.compute_bytes, memory.overhead_bytes)
        fits = "" if memory.fits == "full" else ", does not fit"
        room = memory.devices[0].capacity_bytes / GIB
        words = f"{gib(memory.kv_cache_bytes)} cache, {gib(sum(parts))} GiB in all{fits}"
        rows.append(Bar(f"{context:,} tokens", words, tuple(part / GIB for part in parts), room))
    yield from bars("memory-growing", "Qwen3 8B in Q4_K_M on an RTX 3090, one slot, as the context grows", rows, key=KEY)


PARTS = {"machines": machines, "growing": growing, "sum": add_up}
