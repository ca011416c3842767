"""Facts grow old: past the first limit of their kind they are a warning, past the second an error. The limits are data."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from setupgen.maintain.problems import Check, Problem, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.maintain.load import At, Document
    from setupgen.maintain.tree import Tree

_TIP = "Compare the file with its sources, then set the date."


def _check(tree: Tree) -> Iterator[Problem]:
    from setupgen.maintain.report import today

    yield from find(tree, today())


def find(tree: Tree, now: dt.date) -> Iterator[Problem]:
    """What is too old, or from the future, on the day `now`."""
    limits = {entry["id"]: (entry["warn_days"], entry["error_days"]) for entry in tree.entries("age-limits")}
    for kind, _, document in tree.documents():
        if kind in limits and isinstance(document.data.get("reviewed"), str):
            yield from _age(document, ("reviewed",), document.data["reviewed"], limits[kind], now)
    for document, index, rule in tree.rules():
        if "rules" in limits:
            yield from _age(document, ("rules", index, "reviewed"), rule["reviewed"], limits["rules"], now)
    for document, index, source in tree.sources():
        yield from _age(document, ("sources", index, "retrieved"), source["retrieved"], None, now)


def _age(document: Document, at: At, written: str, limits: tuple[int, int] | None, now: dt.date) -> Iterator[Problem]:
    try:
        day = dt.date.fromisoformat(written)
    except ValueError:
        yield problem(document, at, "there is no such day.", actual=written, expected="a day as YYYY-MM-DD")
        return
    age = (now - day).days
    if age < 0:
        yield problem(document, at, "the date lies in the future.", actual=written, expected=f"{now} or earlier", tip="Mend the date.")
    elif limits and age > limits[1]:
        yield problem(document, at, f"reviewed {age} days ago.", expected=f"at most {limits[1]} days", tip=_TIP)
    elif limits and age > limits[0]:
        yield problem(document, at, f"reviewed {age} days ago.", expected=f"at most {limits[0]} days", tip=_TIP, warning=True)


CHECK = Check("review-ages", "Files were reviewed within the limits of knowledge/vocabulary/age-limits.yaml.", _check)
