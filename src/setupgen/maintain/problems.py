"""What a check has found, and how a check is written down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from setupgen.maintain.load import At, Document, dotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from setupgen.maintain.tree import Tree


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in one file.

    Attributes:
        file, line, path: where; `path` is the dotted key.
        message: what is wrong, in a sentence.
        actual, expected: the value found and the value wanted, where there are such.
        tip: what to do.
        check: name of the check; filled in by the report.
        warning: whether it only warns.
    """

    file: str
    line: int
    path: str
    message: str
    actual: str = ""
    expected: str = ""
    tip: str = ""
    check: str = ""
    warning: bool = False

    @property
    def key(self) -> str:
        """How an exception names this problem: ``file`` or ``file#key``."""
        return f"{self.file}#{self.path}" if self.path else self.file

    def __str__(self) -> str:
        """The problem in one line."""
        place = f"{self.file}:{self.line}" + (f" {self.path}" if self.path else "")
        found = f" Found {self.actual}" + (f", expected {self.expected}." if self.expected else ".") if self.actual else ""
        wanted = f" Expected {self.expected}." if self.expected and not self.actual else ""
        tip = f" {self.tip}" if self.tip else ""
        return f"{place}: {self.message}{found}{wanted}{tip} [{self.check}]"


def problem(
    document: Document, at: At, message: str, *, actual: object = "", expected: object = "", tip: str = "", warning: bool = False
) -> Problem:
    """A problem at a key of a document."""
    return Problem(
        document.name,
        document.line(at),
        dotted(at),
        message,
        actual="" if actual == "" else str(actual),
        expected="" if expected == "" else str(expected),
        tip=tip,
        warning=warning,
    )


@dataclass(frozen=True, slots=True)
class Check:
    """One belief about the knowledge base.

    Attributes:
        name: short, in small letters and dashes.
        description: the belief, as a sentence.
        check: finds what contradicts it.
        exceptions: keys of known offenders (`Problem.key`). One that no longer offends is itself an error, so debt can only shrink.
    """

    name: str
    description: str
    check: Callable[[Tree], Iterable[Problem]]
    exceptions: frozenset[str] = field(default_factory=frozenset)
