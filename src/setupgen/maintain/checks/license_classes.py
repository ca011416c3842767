"""A licence has the class that knowledge/vocabulary/license-classes.yaml gives it, and the same class in every model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.problems import Check, Problem, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.maintain.tree import Tree


def _check(tree: Tree) -> Iterator[Problem]:
    classes = {id_: entry["id"] for entry in tree.entries("license-classes") for id_ in entry.get("ids", [])}
    seen: dict[str, tuple[str, str]] = {}
    for document in tree.files["model"].values():
        license_ = document.data["license"]
        id_, class_ = license_["id"], license_["class"]
        if id_ in classes and classes[id_] != class_:
            yield problem(document, ("license", "class"), f"not the class of {id_}.", actual=class_, expected=classes[id_])
        elif id_ not in classes and class_ == "open":
            tip = "Add it to license-classes.yaml if it is of that kind."
            yield problem(document, ("license", "id"), f"{id_} is not among the open licences.", tip=tip)
        elif id_ in seen and seen[id_][0] != class_:
            first, where = seen[id_]
            yield problem(document, ("license", "class"), f"another class of {id_} than in {where}.", actual=class_, expected=first)
        seen.setdefault(id_, (class_, document.name))


CHECK = Check("license-classes", "A licence has one class everywhere.", _check)
