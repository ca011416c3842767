"""The three axes in one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.pages.diagram import Box, flow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


def picture(_: Pack) -> Iterator[str]:
    """Three questions above, what follows from them below."""
    yield from flow(
        "axes-picture",
        "Three questions, and what follows from them",
        [
            [
                Box("use case", ("what is it", "for?"), 1),
                Box("experience", ("how should it", "feel?"), 1),
                Box("hardware", ("what does it", "run on?"), 1),
            ],
            [Box("context, users, abilities, speed that is enough")],
            [Box("model + quantisation + server", ("that fit together, and fit into memory",), 2)],
            [
                Box("settings", ("slots, cache", "thinking")),
                Box("files", ("compose, units", "scripts")),
                Box("around it", ("proxy, keys", "clients")),
            ],
        ],
        arrows=("", "thousands of candidates, a dozen fit", "the best for this experience"),
    )


PARTS = {"picture": picture}
