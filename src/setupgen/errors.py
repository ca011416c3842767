"""The errors that a user may meet.

Each says what is wrong, where, what was expected and what to do next. The command line maps them to exit codes in one place
(`setupgen.cli.main`); no other module knows exit codes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from setupgen.names import plain

if TYPE_CHECKING:
    from collections.abc import Iterable


class SetupgenError(Exception):
    """A problem in what the user gave, said in one message.

    Args:
        message: what is wrong.
        place: where, such as ``facts.json, line 3, memory.total_bytes``.
        hint: what to do next.
    """

    def __init__(self, message: str, *, place: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.hint = hint

    def __str__(self) -> str:
        """One line: place, message and hint."""
        text = f"{self.place}: {self.message}" if self.place else self.message
        return f"{text} {self.hint}" if self.hint else text


class UsageError(SetupgenError):
    """Wrong usage or unusable input (exit code 2)."""


class ManyErrors(UsageError):  # noqa: N818 - it holds errors
    """Several problems of one input, all told at once (exit code 2).

    Attributes:
        errors: the problems in the order in which they were found.
    """

    def __init__(self, errors: Iterable[UsageError]) -> None:
        self.errors = list(errors)
        first = self.errors[0]
        super().__init__(first.message, place=first.place, hint=first.hint)

    def __str__(self) -> str:
        """One line per problem."""
        return "\n".join(str(error) for error in self.errors)


LISTED = ("model", "device", "server", "client", "rule", "question", "source", "vocabulary")
"""Kinds of names that are too many for a message: `setupgen kb list` shows them."""


FEW = 40
"""Names that a message may list."""


class UnknownNameError(UsageError):
    """A name that the knowledge base does not have (exit code 2).

    Attributes:
        suggestions: the nearest known names, best first.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], *, place: str = "") -> None:
        names = sorted(known)
        self.suggestions = nearest(name, names)
        if self.suggestions:
            hint = f"Did you mean {', '.join(self.suggestions)}?"
        elif len(names) <= FEW and kind not in LISTED:
            hint = f"Known are {', '.join(names)}."
        else:
            hint = f"`setupgen kb list {kind if kind in LISTED else 'KIND'}` shows what is known."
        super().__init__(f"unknown {kind} {shorten(name)!r}.", place=place, hint=hint)


class RefusedError(SetupgenError):
    """Writing would lose something of the user's (exit code 3)."""


class NothingFitsError(SetupgenError):
    """What was asked for cannot be done on this hardware (exit code 1)."""


def shorten(text: str, limit: int = 80) -> str:
    """The text, cut to `limit` characters so that a message stays readable."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def shorten_path(path: str, limit: int = 80) -> str:
    """The path, cut to `limit` characters at its beginning: its end says which file is meant. A NUL is shown."""
    shown = path.replace("\0", "\N{SYMBOL FOR NULL}")
    if len(shown) <= limit:
        return shown
    end = shown[1 - limit :]
    whole = end.find("/", 0, -1)
    return "…" + (end[whole:] if whole >= 0 else end)


def visible(text: str, limit: int = 200) -> str:
    """The text with what cannot be seen spelled out, cut to `limit` characters."""
    beginning = text[: limit + 1]
    return shorten("".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in beginning), limit)


TELLING_DIGITS = 3
"""Digits from which a number in a name is a model number."""


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Up to `count` known names that look most like `name`, best first; case and punctuation do not matter."""
    from difflib import get_close_matches  # noqa: PLC0415 - only those who mistype wait for it

    by_plain: dict[str, str] = {}
    for candidate in sorted(known):
        by_plain.setdefault(plain(candidate), candidate)
    wanted = plain(name[:200])
    starts = [by_plain[key] for key in by_plain if wanted and (wanted in key or key in wanted)]
    numbers = {number for number in re.findall(r"[0-9]+", wanted) if len(number) >= TELLING_DIGITS}
    alike = [key for key in by_plain if any(number in key for number in numbers)]  # a model number says more than the words around it
    close = [by_plain[key] for pool in (alike, by_plain) for key in get_close_matches(wanted, pool, n=count, cutoff=0.55)]
    merged = dict.fromkeys([*close, *sorted(starts, key=lambda item: abs(len(item) - len(name)))])
    return list(merged)[:count]
