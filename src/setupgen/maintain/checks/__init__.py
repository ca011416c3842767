"""One file per belief about the knowledge base; each holds a `CHECK`. A new file here is a new check, nothing else is to be changed."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from setupgen.maintain.problems import Check


def all_checks() -> list[Check]:
    """Every check of this folder, in order of file name."""
    modules = sorted(module.name for module in iter_modules(__path__))
    return [cast("Check", import_module(f"{__name__}.{name}").CHECK) for name in modules]
