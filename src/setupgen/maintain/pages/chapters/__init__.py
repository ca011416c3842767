"""What chapters take in by name besides the shared tables: small tables, sentences with numbers, and pictures; one module per chapter.

A part is named `<module>-<what>`, with hyphens. Every module has `PARTS`, name to function of the pack that yields lines of Markdown.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from setupgen.knowledge import Pack

    Part = Callable[[Pack], Iterator[str]]


def chapter_parts() -> Mapping[str, Part]:
    """Every part of every chapter, by its whole name."""
    found: dict[str, Part] = {}
    for module in sorted(iter_modules(__path__), key=lambda item: item.name):
        parts = import_module(f"{__name__}.{module.name}").PARTS
        found |= {f"{module.name.replace('_', '-')}-{name}": part for name, part in parts.items()}
    return found
