"""Finds and loads the compiled knowledge base."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from setupgen.errors import UsageError

if TYPE_CHECKING:
    from setupgen.knowledge import Pack

PACK = Path(__file__).resolve().parent.parent / "_data" / "pack.json"


def load_pack() -> Pack:
    """The knowledge base that came with this installation.

    Raises:
        UsageError: if the installation lacks it, with the command that makes it.
    """
    from setupgen.knowledge import Pack

    try:
        text = PACK.read_text(encoding="utf-8")
    except OSError as error:
        message = f"the compiled knowledge base cannot be read ({error.strerror})."
        raise UsageError(message, place=str(PACK), hint="In a source tree run `make pack`; otherwise install setupgen again.") from error
    return Pack.from_json(text)
