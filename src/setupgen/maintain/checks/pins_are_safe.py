"""The pinned version has every fix that we know of, is not older than the oldest allowed one, and is what the images are tagged with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from setupgen.maintain.problems import Check, Problem, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.maintain.load import Document
    from setupgen.maintain.tree import Tree

_NUMBERED = re.compile(r"[a-z]?[0-9]+(\.[0-9]+)*")


def _check(tree: Tree) -> Iterator[Problem]:
    for document in tree.files["server"].values():
        version = document.data["version"]
        pinned, minimum = version["pinned"], version["minimum"]
        if older(pinned, minimum):
            yield problem(document, ("version", "pinned"), "older than the minimum.", actual=pinned, expected=f"{minimum} or newer")
        for index, weakness in enumerate(document.data.get("security", [])):
            for name in ("pinned", "minimum"):
                if weakness["fixed_in"] and older(version[name], weakness["fixed_in"]):
                    message = f"{weakness['id']} is fixed only in {weakness['fixed_in']}."
                    tip = f"Raise version.{name}."
                    yield problem(document, ("security", index), message, actual=f"{name} {version[name]}", tip=tip)
        yield from _images(document, pinned)


def older(version: str, other: str) -> bool:
    """Whether a version comes before another; versions that are no numbers, such as commits, are never older."""
    if not (_NUMBERED.fullmatch(version) and _NUMBERED.fullmatch(other)):
        return False
    return _numbers(version) < _numbers(other)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"[0-9]+", version)]


def _images(document: Document, pinned: str) -> Iterator[Problem]:
    backends: dict[str, Any] = document.data.get("backends", {})
    for backend, facts in backends.items():
        for key in ("image", "image_cuda12", "image_cuda13"):
            if key in facts and pinned not in facts[key].rpartition(":")[2]:
                tip = "Images are named with the pinned version, never with latest."
                yield problem(
                    document, ("backends", backend, key), "not of the pinned version.", actual=facts[key], expected=pinned, tip=tip
                )


CHECK = Check("pins-are-safe", "Pinned versions have known fixes, and images are of them.", _check)
