"""Choosing a model: the parts of the score, and the ladder of card sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.pages.examples import CARD, choice_of, model_link, planned
from setupgen.maintain.pages.text import gib, rate, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


LADDER = (
    ("8 GB", "rtx-4060"), ("12 GB", "rtx-3060"), ("16 GB", "rtx-5060-ti-16gb"), ("24 GB", "rtx-3090"), ("32 GB", "rtx-5090"), ("2 x 24 GB", "2x rtx-3090"), ("96 GB", "rtx-pro-6000"),
)  # fmt: skip
PARTS_SHOWN = ("quality", "precision", "speed", "latency", "throughput", "rules")


def score(pack: Pack) -> Iterator[str]:
    """The five best models of the running example with the parts of their scores."""
    result = planned(pack, {**CARD, "use_case": "chat"})
    if result is None:
        return
    rows: list[list[str]] = []
    seen: set[str] = set()
    for candidate, parts in result.ranked:
        if candidate.model.id in seen or len(seen) == 5:  # noqa: PLR2004  enough to see the shape
            continue
        seen.add(candidate.model.id)
        speed = rate(candidate.estimate.speed.decode_tps.value)
        rows.append(
            [
                model_link(candidate.model),
                f"`{candidate.weights.quant}`",
                speed,
                *(f"{parts.get(name, 0) + 0:.2f}" for name in PARTS_SHOWN),
                f"{parts['total']:.2f}",
            ]
        )
    heads = ["Model", "Quantisation", "Tokens/s", *(name.capitalize() for name in PARTS_SHOWN), "Total"]
    yield from table(heads, rows, numbers=tuple(range(2, len(heads))))


def ladder(pack: Pack) -> Iterator[str]:
    """What each size of card carries, for chat and for a coding agent."""
    rows = []
    for words, card in LADDER:
        cells = []
        for use in ("chat", "coding-agent"):
            choice = choice_of(pack, {"hardware": [card], "ram": "64G", "os": "linux", "use_case": use, "experience": "quality"})
            cells.append(
                f"{model_link(choice.model)} `{choice.weights.quant}`, {rate(choice.speed.decode_tps.value)} tokens/s, {gib(choice.memory.total_bytes)} GiB"
                if choice
                else "nothing fits"
            )
        rows.append([words, *cells])
    yield from table(["Memory of the card", "Chat, best answers", "Coding agent, best answers"], rows)


PARTS = {"score": score, "ladder": ladder}
