"""What writing would do to each file, in one word, as a table and as a diff. Reads, never writes."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from setupgen.output import dotenv

CREATE, UPDATE, UNCHANGED, EDITED, FOREIGN, BLOCKED = "create", "update", "unchanged", "edited", "foreign", "blocked"
OVERWRITE, REMOVE, LEFT = "overwrite", "remove", "left"

MEANING = {
    CREATE: "is new",
    UPDATE: "was made by setupgen and not edited: it is replaced",
    UNCHANGED: "already says what it should",
    EDITED: "was made by setupgen and edited since",
    FOREIGN: "was not made by setupgen",
    BLOCKED: "cannot be written",
    OVERWRITE: "is replaced although somebody else's text is in it",
    REMOVE: "is no longer part of the setup and was not edited: it is removed",
    LEFT: "is no longer part of the setup, but was edited or holds secrets: it is left alone",
}
# Words that stop everything; `blocked` stops it even with permission to overwrite.
REFUSED = (EDITED, FOREIGN, BLOCKED)


@dataclass(frozen=True, slots=True)
class Change:
    """One file of a setup and what writing does to it.

    Attributes:
        path: relative to the setup's directory.
        word: one of the words of this module.
        old: what stands there now, or `None`.
        new: what is to stand there, or `None` for a file to remove or leave.
        mode: permission bits.
        secret: whether its values must not be shown.
        reason: more about a blocked file.
    """

    path: str
    word: str
    old: bytes | None = None
    new: bytes | None = None
    mode: int = 0o644
    secret: bool = False
    reason: str = ""


def table(changes: list[Change]) -> str:
    """One line per file: the word and the path."""
    width = max((len(change.word) for change in changes), default=0)
    return "".join(f"{change.word:<{width}}  {change.path}\n" for change in changes)


def diff(changes: list[Change]) -> str:
    """A unified diff from what stands there to what would; values of secret files are not shown."""
    parts: list[str] = []
    for change in changes:
        if change.word in {UNCHANGED, LEFT, BLOCKED} or change.old == change.new:
            continue
        before = "/dev/null" if change.old is None else f"a/{change.path}"
        after = "/dev/null" if change.new is None else f"b/{change.path}"
        lines = difflib.unified_diff(_lines(change.old, change), _lines(change.new, change), before, after)
        parts += [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines]
    return "".join(parts)


def _lines(content: bytes | None, change: Change) -> list[str]:
    text = (content or b"").decode("utf-8", "replace")
    return (dotenv.without_values(text) if change.secret else text).splitlines(keepends=True)
