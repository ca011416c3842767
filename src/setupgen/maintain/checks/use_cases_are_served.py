"""Every use case has a model that serves it, and names tasks, capabilities and clients that exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.problems import Check, Problem, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.maintain.tree import Tree


def _check(tree: Tree) -> Iterator[Problem]:
    vocabulary = tree.files["vocabulary"].get("use-cases")
    if vocabulary is None or not tree.files["model"]:
        return
    models = [document.data for document in tree.everything.files["model"].values()]
    served = {id_ for model in models for id_ in model.get("use_cases", {})}
    tasks = {task for model in models for task in model.get("tasks", [])}
    for index, entry in enumerate(tree.entries("use-cases")):
        at = ("entries", index)
        if entry["id"] not in served:
            yield problem(vocabulary, at, f"no model is for {entry['id']}.", tip="Add it to the use_cases of a model.")
        if entry.get("task") and entry["task"] not in tasks:
            yield problem(vocabulary, (*at, "task"), "no model has this task.", actual=entry["task"])
        for key, known in (("capabilities", set(tree.ids("capabilities"))), ("clients", set(tree.everything.files["client"]))):
            for place, id_ in enumerate(entry.get(key, [])):
                if known and id_ not in known:
                    yield problem(vocabulary, (*at, key, place), f"there is no {id_!r}.", expected=f"one of {', '.join(sorted(known))}")


CHECK = Check("use-cases-are-served", "Every use case has a model.", _check)
