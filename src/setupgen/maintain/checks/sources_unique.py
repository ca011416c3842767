"""One id, one page; one page, one id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.problems import Check, Problem, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.maintain.tree import Tree


def _check(tree: Tree) -> Iterator[Problem]:
    ids: dict[str, str] = {}
    for document, index, source in tree.sources():
        place = document.place(("sources", index))
        if source["id"] in ids:
            yield problem(
                document, ("sources", index, "id"), f"the id {source['id']!r} comes twice; first in {ids[source['id']]}.", tip="Rename one."
            )
        ids.setdefault(source["id"], place)


CHECK = Check("sources-unique", "No two sources have the same id.", _check)
