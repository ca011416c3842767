"""Rules have unique ids, override what exists, do not contradict each other, and compare numbers with numbers."""

from __future__ import annotations

import json
import math
from itertools import combinations
from typing import TYPE_CHECKING, Any

from setupgen.maintain.problems import Check, Problem, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.maintain.load import Document
    from setupgen.maintain.tree import Tree

Found = tuple["Document", int, dict[str, Any]]


def _check(tree: Tree) -> Iterator[Problem]:
    rules = list(tree.rules())
    first: dict[str, str] = {}
    for document, index, rule in rules:
        at = ("rules", index, "id")
        if rule["id"] in first:
            yield problem(document, at, f"the id {rule['id']!r} comes twice; first in {first[rule['id']]}.", tip="Rename one.")
        first.setdefault(rule["id"], document.place(at))
    for document, index, rule in rules:
        if rule.get("overrides") and rule["overrides"] not in first:
            yield problem(document, ("rules", index, "overrides"), f"there is no rule {rule['overrides']!r}.", tip="Mend the id.")
    yield from _contradictions(rules)


def _contradictions(rules: list[Found]) -> Iterator[Problem]:
    for one, other in combinations(rules, 2):
        shared = {key for key, value in _settings(one[2]).items() if _settings(other[2]).get(key, value) != value}
        overridden = one[2].get("overrides") == other[2]["id"] or other[2].get("overrides") == one[2]["id"]
        if shared and not overridden and not exclusive(one[2]["when"], other[2]["when"]):
            document, index, rule = other
            message = f"{rule['id']} and {one[2]['id']} may set {', '.join(sorted(shared))} to different values for the same facts."
            tip = "Let their conditions exclude each other, or let one say overrides: <id>."
            yield problem(document, ("rules", index, "then"), message, tip=tip)


def exclusive(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two conditions can be seen to exclude each other: both demand different values of one fact, or numbers that do not meet."""
    first, second = demands(one), demands(other)
    if any(not (first[fact] & second[fact]) for fact in set(first) & set(second)):
        return True
    here, there = bounds(one), bounds(other)
    return any(here[fact][0] > there[fact][1] or there[fact][0] > here[fact][1] for fact in set(here) & set(there))


def bounds(condition: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Per fact, the smallest and the largest number that the condition lets through, where it says so by ``at_least`` or ``at_most``."""
    if "all" in condition:
        found: dict[str, tuple[float, float]] = {}
        for part in condition["all"]:
            for fact, (low, high) in bounds(part).items():
                before = found.get(fact, (-math.inf, math.inf))
                found[fact] = (max(before[0], low), min(before[1], high))
        return found
    limits = (condition.get("at_least", -math.inf), condition.get("at_most", math.inf))
    if limits != (-math.inf, math.inf) and all(isinstance(limit, (int, float)) for limit in limits):
        return {condition["fact"]: limits}
    return {}


def demands(condition: dict[str, Any]) -> dict[str, set[str]]:
    """Per fact, the values that satisfy the condition, as JSON, where it says so by ``is`` or ``in``."""
    if "all" in condition:
        found: dict[str, set[str]] = {}
        for part in condition["all"]:
            for fact, values in demands(part).items():
                found[fact] = found[fact] & values if fact in found else values
        return found
    if "is" in condition:
        return {condition["fact"]: {json.dumps(condition["is"])}}
    if "in" in condition:
        return {condition["fact"]: {json.dumps(value) for value in condition["in"]}}
    return {}


def _settings(rule: dict[str, Any]) -> dict[str, Any]:
    return {key: value for effect in rule["then"] for key, value in effect.get("set", {}).items()}


CHECK = Check("rules-are-sound", "Rules have unique ids and do not contradict each other.", _check)
