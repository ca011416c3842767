"""Generated command lines use options that the pinned version has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.knowledge import Server
from setupgen.maintain.problems import Check, Problem, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.maintain.tree import Tree


def _check(tree: Tree) -> Iterator[Problem]:
    for id_, document in tree.files["server"].items():
        server = Server.of(id_, document.data)
        for message in _dead_flags(server):
            yield problem(document, ("launch",), message, tip="Mend the launch line, or the version of the flag.")


def _dead_flags(server: Server) -> Iterator[str]:
    try:
        from setupgen.engine.launch import check_flags
    except ImportError:
        return
    yield from (str(found) for found in check_flags(server))


CHECK = Check("server-flags", "Launch lines use flags that the pinned version has.", _check)
