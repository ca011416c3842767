"""The same hardware under all five experiences: what each changes in model, server, batch, sampling, thinking and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from setupgen.maintain.pages.diagram import Bar, bars
from setupgen.maintain.pages.examples import MACHINE, choice_of, model_link
from setupgen.maintain.pages.text import gib, rate, seconds, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from setupgen.engine.plan import Choice
    from setupgen.knowledge import Pack

CARD, MAC = "RTX 3090, 24 GB", "Apple M2 Max, 64 GB"
NEEDS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "card-chat": (CARD, {"use_case": "chat"}),
    "card-eight": (CARD, {"use_case": "chat", "users": 8}),
    "card-documents": (CARD, {"use_case": "documents"}),
    "mac-chat": (MAC, {"use_case": "chat"}),
    "mac-agent": (MAC, {"use_case": "coding-agent"}),
    "mac-eight": (MAC, {"use_case": "documents", "users": 8}),
}
"""Part, machine and need. One person and eight, because a batch of one says nothing about throughput."""

LEVELS = {"less": "as little as it can", "more": "as much as it can", None: "as published"}
CACHE_BITS = {"f16": "16 bits", "auto": "16 bits", "q8_0": "8 bits", "q4_0": "4 bits"}

SAME = "same"
"""Stands where an experience changes nothing against the first."""


def facts(choice: Choice) -> dict[str, str]:
    """What a plan decided, in the order of the table; two plans may be compared by it."""
    settings, speed = choice.settings, choice.speed
    cache = str(settings.get("cache_type_k", ""))
    found = {
        "Model": model_link(choice.model),
        "Quantisation": f"`{choice.weights.quant}`",
        "Server": choice.server.name,
        "Conversations at once": str(settings["parallel"]),
        "Context of each, tokens": f"{settings['context']:,}",
        "Cache": CACHE_BITS.get(cache, cache),
        "Thinking": thinking(choice),
        "Sampling": ", ".join(f"{name} {value:g}" for name, value in choice.sampling.items()) or "the server's own",
        "Writing, tokens/s each": rate(speed.decode_tps.value),
        "First words": seconds(speed.ttft_s.value),
        "Memory, GiB": gib(choice.memory.total_bytes),
    }
    if settings["parallel"] > 1:
        found["All together, tokens/s"] = rate(speed.aggregate_tps.value)
    return found


def thinking(choice: Choice) -> str:
    """What the plan tells the model about thinking."""
    wish = choice.settings.get("thinking")
    if wish and not choice.settings.get("template_variables"):
        return "no switch known"
    if not wish and "thinking" not in choice.model.raw and "reasoning" not in choice.model.raw.get("capabilities", ()):
        return "does not think"
    return LEVELS[wish]


def compared(name: str) -> Callable[[Pack], Iterator[str]]:
    """The part for this machine and need: a row for each thing decided, a column for each experience."""

    def part(pack: Pack) -> Iterator[str]:
        machine, need = NEEDS[name]
        columns = []
        for id_, entry in pack.vocabulary("experiences").items():
            choice = choice_of(pack, {**MACHINE[machine], **need, "experience": id_})
            if choice:
                columns.append((entry["label"], facts(choice)))
        if not columns:
            return
        first = columns[0][1]
        rows = []
        for what in dict.fromkeys(key for _, found in columns for key in found):
            cells = [first.get(what, "")]
            cells += [SAME if found.get(what) == first.get(what) else found.get(what, "") for _, found in columns[1:]]
            rows.append([f"**{what}**", *cells])
        yield from table(["", *(label for label, _ in columns)], rows)

    return part


def speeds(name: str, title: str) -> Callable[[Pack], Iterator[str]]:
    """The picture of writing speeds for this machine and need."""

    def part(pack: Pack) -> Iterator[str]:
        machine, need = NEEDS[name]
        rows = []
        for id_, entry in pack.vocabulary("experiences").items():
            choice = choice_of(pack, {**MACHINE[machine], **need, "experience": id_})
            if choice:
                value = choice.speed.decode_tps.value
                words = f"{rate(value)} tokens/s, first words after {seconds(choice.speed.ttft_s.value)}"
                rows.append(Bar(f"{entry['label']}: {choice.model.name} {choice.weights.quant}", words, (value,)))
        yield from bars(f"five-{name}-speeds", title, rows)

    return part


PARTS = {
    "card-speeds": speeds("card-chat", "Chat for one on an RTX 3090: the same card in five directions"),
    "mac-speeds": speeds("mac-chat", "Chat for one on an Apple M2 Max: the same machine in five directions"),
    **{name: compared(name) for name in NEEDS},
}
