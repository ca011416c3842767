"""Questions set facts that something reads, offer every use case and experience, and have a default among their choices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.problems import Check, Problem, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.maintain.tree import Tree

_OFFERED = {"needs.use_case": "use-cases", "needs.experience": "experiences"}


def _check(tree: Tree) -> Iterator[Problem]:
    asked: dict[str, str] = {}
    orders: dict[int, str] = {}
    offered: dict[str, set[str]] = {fact: set() for fact in _OFFERED}
    for id_, document in tree.files["question"].items():
        data = document.data
        if ("choices" in data) == ("choices_from" in data) and data["kind"] in {"choice", "multi"}:
            yield problem(document, ("kind",), "a question with choices has either choices or choices_from.")
        if data["sets"] in asked:
            yield problem(document, ("sets",), f"the question {asked[data['sets']]} sets the same fact.", actual=data["sets"])
        if data["order"] in orders:
            yield problem(document, ("order",), f"the question {orders[data['order']]} has the same place.", actual=data["order"])
        asked.setdefault(data["sets"], id_)
        orders.setdefault(data["order"], id_)
        values = [choice["value"] for choice in data.get("choices", [])] or tree.ids(data.get("choices_from", ""))
        if values and "default" in data and data["default"] not in values:
            yield problem(document, ("default",), "not among the choices.", actual=data["default"], expected=f"one of {values}")
        offered.setdefault(data["sets"], set()).update(str(value) for value in values)
    if tree.files["question"]:
        yield from _missing(tree, offered)


def _missing(tree: Tree, offered: dict[str, set[str]]) -> Iterator[Problem]:
    for fact, name in _OFFERED.items():
        vocabulary = tree.files["vocabulary"].get(name)
        for index, id_ in enumerate(tree.ids(name)):
            if vocabulary and id_ not in offered[fact]:
                yield problem(vocabulary, ("entries", index), f"no question offers {id_}.", tip=f"Add it to the question that sets {fact}.")


CHECK = Check("questions-are-asked", "Every use case and experience is offered by a question; questions do not collide.", _check)
