"""Forty pitfalls in short, each leading to the generated page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.pages.text import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


def forty(pack: Pack) -> Iterator[str]:
    """Number, name and what happens."""
    entries = sorted(pack.vocabulary("pitfalls").items(), key=lambda item: int(item[1]["number"]))
    rows = [[entry["number"], f"[{entry['label']}](../reference/pitfalls.md#{id_})", entry["description"]] for id_, entry in entries]
    yield from table(["", "Pitfall", "What happens"], rows, numbers=(0,))


PARTS = {"forty": forty}
