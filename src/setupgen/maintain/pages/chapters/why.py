"""Why and when (not) to self-host: what the engine says to needs of very different sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.pages.examples import MACHINE, model_link, planned
from setupgen.maintain.pages.text import rate, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


NEEDS = (
    ("Chat for one", "Raspberry Pi 5, 8 GB", {"use_case": "chat"}),
    ("Chat for one", "RTX 3060, 12 GB", {"use_case": "chat"}),
    ("Coding agent for one", "Laptop with an RTX 4060, 8 GB", {"use_case": "coding-agent"}),
    ("Coding agent for one", "RTX 3090, 24 GB", {"use_case": "coding-agent"}),
    ("Documents for eight people", "Two RTX 4090, 48 GB", {"use_case": "documents", "users": 8}),
    ("Coding agents for 50 people", "RTX 3090, 24 GB", {"use_case": "coding-agent", "users": 50}),
)


def needs(pack: Pack) -> Iterator[str]:
    """The verdict for six pairs of need and machine, with what decides it."""
    rows = []
    for need, machine, answers in NEEDS:
        result = planned(pack, {**MACHINE[machine], **answers})
        if result is None:
            continue
        choice = result.choice
        runs = f"{model_link(choice.model)}, {rate(choice.speed.decode_tps.value)} tokens/s" if choice else "nothing fits"
        rows.append([need, machine, "buy it" if result.verdict != "self-host" else "host it", runs, result.hosted["because"]])
    yield from table(["Need", "Machine", "Verdict", "Best local setup", "Because"], rows)


PARTS = {"needs": needs}
