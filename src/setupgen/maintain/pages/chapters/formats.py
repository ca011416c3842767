"""Formats: which server reads which, and in how many models each is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.pages.text import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


def readers(pack: Pack) -> Iterator[str]:
    """Each file format with its meaning, the active servers that read it, and how many known models have it."""
    rows = []
    for id_, entry in pack.vocabulary("weight-formats").items():
        servers = [
            f"[{raw['name']}](../reference/servers/{name}.md)"
            for name, raw in sorted(pack.raw["servers"].items())
            if id_ in (raw.get("formats") or ()) and raw["kind"] == "inference" and raw["status"] == "active"
        ]
        count = sum(1 for model in pack.models.values() if any(weights.format == id_ for weights in model.weights))
        rows.append([f"**{entry['label']}**", entry["description"], ", ".join(servers), count])
    yield from table(["Format", "What it is", "Read by", "Known models"], rows, numbers=(3,))


PARTS = {"readers": readers}
