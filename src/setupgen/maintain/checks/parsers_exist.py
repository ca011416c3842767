"""A model names parsers that the server has, and sampling for situations that exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.errors import nearest
from setupgen.maintain.problems import Check, Problem, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.maintain.tree import Tree

_LISTS = {"tool": "tool_parsers", "reasoning": "reasoning_parsers"}


def _check(tree: Tree) -> Iterator[Problem]:
    servers = tree.everything.files["server"]
    situations = {"default", *tree.ids("use-cases"), *tree.ids("experiences")}
    for document in (*tree.files["model"].values(), *tree.files["pairing"].values()):
        for server, parsers in document.data.get("parsers", {}).items():
            if server not in servers or not isinstance(parsers, dict):
                continue  # a fact about a server that has no file yet; a pairing names its server by its path
            for kind, name in parsers.items():
                known = servers[server].data.get(_LISTS.get(kind, ""), [])
                if known and name not in known:
                    tip = f"Known: {', '.join(nearest(name, known)) or ', '.join(known)}."
                    yield problem(document, ("parsers", server, kind), f"{server} has no parser {name!r}.", tip=tip)
        for name in document.data.get("sampling", {}):
            if name not in situations:
                near = nearest(name, situations, 1)
                tip = f"Did you mean {near[0]}?" if near else "Use default, a use case or an experience."
                yield problem(document, ("sampling", name), f"there is no situation {name!r}.", tip=tip)


CHECK = Check("parsers-exist", "Models name parsers that servers have, and sampling for known situations.", _check)
