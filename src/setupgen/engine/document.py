"""Checks that a detection document has the shape of the contract (`detect --json`), so that a wrong type is told and never guessed around.

Keys may be absent, null or ``{"unknown": reason}``; keys that the contract does not name may hold anything.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from setupgen.errors import UsageError, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Path = tuple[str | int, ...]

TEXT, FLAG, WHOLE, NUMBER = "text", "true or false", "a whole number of at least 0", "a number of at least 0"
TEXTS, OBJECT, OBJECTS = "a list of texts", "an object", "a list of objects"
LARGEST = 10**18

ACCELERATOR: Mapping[str, Any] = {
    "id": TEXT, "name": TEXT, "vendor": TEXT, "memory_bytes": WHOLE, "unified": FLAG, "driver": TEXT, "compute_capability": TEXT,
    "driver_name": TEXT, "gfx_target": TEXT, "gpu_limit_bytes": WHOLE,
}  # fmt: skip
SHAPE: Mapping[str, Any] = {
    "os": {"family": TEXT, "name": TEXT, "version": TEXT, "wsl": FLAG, "container": FLAG},
    "cpu": {"name": TEXT, "vendor": TEXT, "cores": WHOLE, "threads": WHOLE, "features": TEXTS, "architecture": TEXT},
    "memory": {"total_bytes": WHOLE, "available_bytes": WHOLE, "bandwidth_gb_s": NUMBER},
    "accelerators": [ACCELERATOR],
    "tools": TEXT,
    "disk": {"free_bytes": WHOLE},
    "notes": TEXTS,
}
"""What each key holds; a text in the place of an object stands for an object with any keys and such values."""


def check_document(document: Mapping[str, Any], place: Callable[[Path], str]) -> None:
    """Refuses a document of another shape.

    Args:
        document: what was read.
        place: words for the place of a key, such as ``facts.json, line 3, memory.total_bytes``.

    Raises:
        UsageError: with the place, the value and what was expected.
    """
    if document.get("schema") != 1 or document.get("schema") is True:
        raise _wrong(place(("schema",)), document.get("schema"), "1, as `setupgen detect --json` writes it")
    for key, shape in SHAPE.items():
        _check((key,), document.get(key), shape, place)
    for index, accelerator in enumerate(document.get("accelerators") or ()):
        if not isinstance(accelerator.get("name"), str):
            raise _wrong(place(("accelerators", index, "name")), accelerator.get("name"), TEXT)


def dotted(path: Path) -> str:
    """A key as people write it: ``accelerators[0].name``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{shorten(part)}" for part in path)
    return text.removeprefix(".")


def _check(path: Path, value: Any, shape: Any, place: Callable[[Path], str]) -> None:
    if value is None:
        return
    if isinstance(shape, list):
        if not isinstance(value, list):
            raise _wrong(place(path), value, OBJECTS)
        for index, item in enumerate(value):
            if not isinstance(item, dict):
                raise _wrong(place((*path, index)), item, OBJECT)
            _check((*path, index), item, shape[0], place)
    elif isinstance(shape, dict) or path == ("tools",):
        if not isinstance(value, dict):
            raise _wrong(place(path), value, OBJECT)
        inner = shape if isinstance(shape, dict) else dict.fromkeys(value, shape)
        for key, kind in inner.items():
            _check((*path, key), value.get(key), kind, place)
    elif isinstance(value, dict) and "unknown" in value:
        if not isinstance(value["unknown"], str):
            raise _wrong(place((*path, "unknown")), value["unknown"], "the reason as text")
    elif not _is(value, shape):
        raise _wrong(place(path), value, shape)


def _is(value: Any, kind: str) -> bool:
    if kind == TEXT:
        return isinstance(value, str)
    if kind == FLAG:
        return isinstance(value, bool)
    if kind == TEXTS:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if isinstance(value, bool) or not isinstance(value, int if kind == WHOLE else (int, float)):
        return False
    return 0 <= value <= LARGEST and (isinstance(value, int) or math.isfinite(value))


def _wrong(place: str, value: Any, expected: str) -> UsageError:
    shown = "absent" if value is None else shorten(repr(value)[:200])
    return UsageError(f"it is {shown}, expected {expected}.", place=place, hint="`setupgen detect --json` writes such a file.")
