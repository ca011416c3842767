"""The end of a chapter: each source that its text cites as a footnote (`[^id]`), with the day on which it was read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from setupgen.errors import UsageError
from setupgen.maintain.pages.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from setupgen.knowledge import Pack

PREFIX = "sources-of-"
"""`--8<-- "sources-of-learn-memory.md"` stands at the end of `docs/learn/memory.md`."""

_CITED = re.compile(r"\[\^([\w.-]+)\]")


def name_of(root: Path, chapter: Path) -> str:
    """The name of the part with the sources of this chapter."""
    return PREFIX + "-".join(chapter.relative_to(root / "docs").with_suffix("").parts)


def sources_cited(text: str) -> list[str]:
    """Ids in the order in which the text first cites them."""
    return list(dict.fromkeys(_CITED.findall(text)))


def footnotes(pack: Pack, text: str, place: str) -> Iterator[str]:
    """A footnote for each source that the text cites.

    Raises:
        UsageError: where an id is not in the list of sources.
    """
    for id_ in sources_cited(text):
        source = pack.sources.get(id_)
        if source is None:
            raise UsageError(
                f"source {id_!r} is cited but not listed.", place=place, hint="`knowledge/sources/` lists every cited page by id."
            )
        yield f"[^{id_}]: [{escape(source['title'])}]({source['url']}), read {source['retrieved']}."
