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
    from collections.abc import Callable, Iterator, Mapping

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
    return made_ready(condition).answer(lookup)


def _number(value: Any) -> float | None:
    """A number, or the number that a version-like text begins with, such as a compute capability; none for a text such as ``gfx1151``."""
    if isinstance(value, (int, float)):
        return float(value)
    match = re.match(r"\d+(?:\.\d+)?", str(value))
    return float(match[0]) if match else None


def _ordered(compare: Callable[[float, float], bool]) -> Callable[[Any, Any], bool]:
    """A comparison of numbers that does not hold for what is no number: AMD's and Apple's capabilities are not of NVIDIA's scale."""

    def compared(value: Any, wanted: Any) -> bool:
        number = value if type(value) in NUMBERS else _number(value)
        bound = wanted if type(wanted) in NUMBERS else _number(wanted)
        if bound is None:
            message = f"{wanted!r} is no number"
            raise ValueError(message)
        return number is not None and compare(number, bound)

    return compared


NUMBERS = frozenset({int, float})


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


class Test:
    """A condition made ready to be asked many times: `answer` is what `holds` says, and `narrowed` settles some of its facts.

    Attributes:
        facts: every fact that it reads.
    """

    __slots__ = ("answer", "fact", "facts", "kind", "parts", "wanted")

    answer: Callable[[Lookup], bool | None]
    """Whether it holds, by what looks facts up: yes, no or unknown."""

    def __init__(self, kind: str, parts: tuple[Test, ...] = (), fact: str = "", wanted: Any = None) -> None:
        self.kind = kind
        self.parts = parts
        self.fact = fact
        self.wanted = wanted
        own = (fact,) if kind in COMPARISONS else ()
        self.facts: tuple[str, ...] = (*own, *(name for part in parts for name in part.facts))
        if kind == "exists":
            self.answer = _existing(fact, bool(wanted))
        elif kind in COMPARISONS:
            self.answer = _comparing(fact, COMPARISONS[kind], wanted)
        elif kind == "not":
            self.answer = _denying(parts[0].answer)
        else:
            self.answer = _never_known if kind == "unknown" else _joining(tuple(part.answer for part in parts), decisive=kind == "any")

    def narrowed(self, lookup: Lookup, is_known: Callable[[str], bool]) -> Test | bool | None:
        """The test with every part decided that reads only facts that are settled by now.

        Args:
            lookup: gives the settled facts.
            is_known: whether a fact is settled (it may still be unknown to everybody).

        Returns:
            The answer where all of it is decided, else a test that gives the same answer as the whole.
        """
        settled = [is_known(name) for name in self.facts]
        if all(settled):
            return self.answer(lookup)
        if self.kind not in {"all", "any"} or not any(settled):
            return self
        decisive = self.kind == "any"
        parts: list[Test] = []
        for part in self.parts:
            found = part.narrowed(lookup, is_known)
            if found is decisive:
                return decisive
            if found is None:
                parts.append(UNKNOWN)
            elif not isinstance(found, bool):
                parts.append(found)
        return Test(self.kind, tuple(parts))


def _existing(fact: str, wanted: bool) -> Callable[[Lookup], bool | None]:
    def answer(lookup: Lookup) -> bool | None:
        value = lookup(fact)
        return (value is not None and not isinstance(value, Unknown)) == wanted

    return answer


def _comparing(fact: str, compare: Callable[[Any, Any], bool], wanted: Any) -> Callable[[Lookup], bool | None]:
    def answer(lookup: Lookup) -> bool | None:
        value = lookup(fact)
        if value is None or isinstance(value, Unknown):
            return None
        try:
            return compare(value, wanted)
        except ValueError:  # a text that is no number, such as the gfx target of an AMD card where a compute capability was meant
            return None

    return answer


def _denying(inner: Callable[[Lookup], bool | None]) -> Callable[[Lookup], bool | None]:
    def answer(lookup: Lookup) -> bool | None:
        found = inner(lookup)
        return None if found is None else not found

    return answer


def _joining(parts: tuple[Callable[[Lookup], bool | None], ...], *, decisive: bool) -> Callable[[Lookup], bool | None]:
    otherwise = not decisive

    def answer(lookup: Lookup) -> bool | None:
        result: bool | None = otherwise
        for part in parts:
            found = part(lookup)
            if found is decisive:
                return decisive
            if found is None:
                result = None
        return result

    return answer


def _never_known(_: Lookup) -> bool | None:
    return None


UNKNOWN = Test("unknown")
"""A test that is unknown whatever is looked up."""


def made_ready(condition: Condition) -> Test:
    """The condition as a test.

    Raises:
        ValueError: for a condition that the schema would refuse.
    """
    for branch in ("all", "any"):
        if branch in condition:
            return Test(branch, tuple(made_ready(part) for part in condition[branch]))
    if "not" in condition:
        return Test("not", (made_ready(condition["not"]),))
    operators = [key for key in condition if key != "fact"]
    if "fact" not in condition or len(operators) != 1 or operators[0] not in COMPARISONS:
        message = f"not a condition: {dict(condition)!r}"
        raise ValueError(message)
    return Test(operators[0], (), condition["fact"], condition[operators[0]])


def facts_read(condition: Condition) -> Iterator[str]:
    """Every fact name that the condition mentions, in its order."""
    for branch in ("all", "any"):
        for part in condition.get(branch, ()):
            yield from facts_read(part)
    if "not" in condition:
        yield from facts_read(condition["not"])
    if "fact" in condition:
        yield condition["fact"]
