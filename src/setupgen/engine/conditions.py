"""Conditions of the rule language, with three answers: yes (`True`), no (`False`) or unknown (`None`).

A condition is a mapping. Leaves name a fact and one comparison: ``{fact: needs.users, at_least: 8}``. Branches are ``all`` and ``any`` with
a list and ``not`` with one condition. A comparison with an unknown fact is unknown; ``all`` is no as soon as one part is no, ``any`` is
yes as soon as one part is yes. Unknown never counts as satisfied.
"""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any

from setupgen.facts import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Condition = Mapping[str, Any]
    Lookup = Callable[[str], Any]


def holds(condition: Condition, lookup: Lookup) -> bool | None:
    """Whether the condition holds: yes, no or unknown (`None`).

    Args:
        condition: as the schema of rules allows it.
        lookup: gives the value of a dotted fact name; `None` or `Unknown` where nobody knows it.

    Raises:
        ValueError: for a condition that the schema would refuse.
    """
    if "all" in condition:
        return _all(holds(part, lookup) for part in condition["all"])
    if "any" in condition:
        return _any(holds(part, lookup) for part in condition["any"])
    if "not" in condition:
        inner = holds(condition["not"], lookup)
        return None if inner is None else not inner
    operators = [key for key in condition if key != "fact"]
    if "fact" not in condition or len(operators) != 1 or operators[0] not in COMPARISONS:
        message = f"not a condition: {dict(condition)!r}"
        raise ValueError(message)
    value = lookup(condition["fact"])
    known = value is not None and not isinstance(value, Unknown)
    wanted = condition[operators[0]]
    if operators[0] == "exists":
        return known == bool(wanted)
    if not known:
        return None
    try:
        return COMPARISONS[operators[0]](value, wanted)
    except ValueError:  # a text that is no number, such as the gfx target of an AMD card where a compute capability was meant
        return None


def simplified(condition: Condition, lookup: Lookup, is_known: Callable[[str], bool]) -> Condition | bool | None:
    """The condition with every part decided that reads only facts that are settled by now.

    Args:
        condition: the condition.
        lookup: gives the settled facts.
        is_known: whether a fact is settled (it may still be unknown to everybody).

    Returns:
        The answer where all of it is decided, else a condition that gives the same answer as the whole.
    """
    if all(is_known(name) for name in facts_read(condition)):
        return holds(condition, lookup)
    for branch, decisive in (("all", False), ("any", True)):
        if branch in condition:
            parts = [simplified(part, lookup, is_known) for part in condition[branch]]
            if decisive in parts:
                return decisive
            open_parts = [part for part in parts if not isinstance(part, bool)]
            return {branch: [UNKNOWN if part is None else part for part in open_parts]}
    return condition


UNKNOWN: Condition = {"fact": "", "is": ""}
"""A condition that is unknown whatever is looked up: no fact has an empty name."""


def facts_read(condition: Condition) -> Iterator[str]:
    """Every fact name that the condition mentions, in its order."""
    for branch in ("all", "any"):
        for part in condition.get(branch, ()):
            yield from facts_read(part)
    if "not" in condition:
        yield from facts_read(condition["not"])
    if "fact" in condition:
        yield condition["fact"]


def _all(answers: Iterable[bool | None]) -> bool | None:
    unknown = False
    for answer in answers:
        if answer is False:
            return False
        unknown = unknown or answer is None
    return None if unknown else True


def _any(answers: Iterable[bool | None]) -> bool | None:
    unknown = False
    for answer in answers:
        if answer:
            return True
        unknown = unknown or answer is None
    return None if unknown else False


def _number(value: Any) -> float | None:
    """A number, or the number that a version-like text begins with, such as a compute capability; none for a text such as ``gfx1151``."""
    if isinstance(value, (int, float)):
        return float(value)
    match = re.match(r"\d+(?:\.\d+)?", str(value))
    return float(match[0]) if match else None


def _ordered(compare: Callable[[float, float], bool]) -> Callable[[Any, Any], bool]:
    """A comparison of numbers that does not hold for what is no number: AMD's and Apple's capabilities are not of NVIDIA's scale."""

    def compared(value: Any, wanted: Any) -> bool:
        number, bound = _number(value), _number(wanted)
        if bound is None:
            message = f"{wanted!r} is no number"
            raise ValueError(message)
        return number is not None and compare(number, bound)

    return compared


def _contains(value: Any, wanted: Any) -> bool:
    return wanted in value


COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "is": lambda value, wanted: value == wanted,
    "is_not": lambda value, wanted: value != wanted,
    "in": lambda value, wanted: value in wanted,
    "not_in": lambda value, wanted: value not in wanted,
    "at_least": _ordered(operator.ge),
    "at_most": _ordered(operator.le),
    "above": _ordered(operator.gt),
    "below": _ordered(operator.lt),
    "contains": _contains,
    "matches": lambda value, wanted: re.search(wanted, str(value), re.IGNORECASE) is not None,
    "exists": lambda value, wanted: bool(value) == bool(wanted),
}
