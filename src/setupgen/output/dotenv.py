"""The `.env` file: secrets are made once and kept, and what the user wrote stays as it is."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)")
_HEADER = ("# Made by setupgen ", "# Make it again: ")
_SECRET_BYTES = 32


def merge(rendered: str, existing: str | None, make: Iterable[str]) -> str:
    """The text of `.env`: what exists, with empty values filled and missing names added.

    Args:
        rendered: the file as a template makes it: comments, and names with a value or none.
        existing: what stands there now, or `None`.
        make: names whose value is a secret to make where there is none.
    """
    wanted = dict(make_values(rendered, make))
    if existing is None:
        return "".join(f"{_filled(line, wanted)}\n" for line in rendered.splitlines())
    header = [line for line in rendered.splitlines() if line.startswith(_HEADER)]
    kept = [_filled(line, wanted) for line in existing.splitlines() if not line.startswith(_HEADER)]
    present = {match[1] for line in kept if (match := _LINE.match(line))}
    added = [
        line
        for comment, line in _entries(rendered)
        if (match := _LINE.match(line)) and match[1] not in present
        for line in ("", *comment, line)
    ]
    lines = [*header, *kept, *(_filled(line, wanted) for line in added)]
    return "".join(f"{line}\n" for line in lines)


def make_values(rendered: str, make: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each name of the rendered file with the value it gets where the user gave none."""
    secret = set(make)
    for line in rendered.splitlines():
        if match := _LINE.match(line):
            yield match[1], match[2] or (secrets.token_urlsafe(_SECRET_BYTES) if match[1] in secret else "")


def without_values(text: str) -> str:
    """The text for showing: names stay, values do not."""
    return "".join(f"{_hidden(line)}\n" for line in text.splitlines())


def _hidden(line: str) -> str:
    if line.startswith("#") or not line.strip():
        return line
    match = _LINE.match(line)
    return f"{match[1]}={'…' if match[2] else ''}" if match else "…"


def _filled(line: str, wanted: dict[str, str]) -> str:
    match = _LINE.match(line)
    if not match or match[2].strip() or not wanted.get(match[1]):
        return line
    return f"{match[1]}={wanted[match[1]]}"


def _entries(rendered: str) -> Iterator[tuple[list[str], str]]:
    """Each line with a name, and the comment lines right above it."""
    comment: list[str] = []
    for line in rendered.splitlines():
        if line.startswith("#"):
            comment = [] if line.startswith(_HEADER) else [*comment, line]
        elif _LINE.match(line):
            yield comment, line
            comment = []
        else:
            comment = []
