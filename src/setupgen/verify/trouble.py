"""What goes wrong between a question and its answer, in one word and one sentence."""

from __future__ import annotations

from setupgen.errors import visible

GONE = frozenset({"refused", "reset", "ended-early", "unreachable"})
"""Kinds after which it is worth asking whether the server still lives."""

LONGEST_EXCERPT = 160


class Trouble(Exception):  # noqa: N818 - a finding, not an error of the program
    """A request that brought no usable answer.

    Attributes:
        kind: `no-name`, `unreachable`, `refused`, `connect-timeout`, `tls`, `certificate`, `silent` (no first byte in time), `stalled` (nothing more
            came in time), `too-slow` (the whole took too long), `reset`, `ended-early`, `not-http`, `too-big`, `status`, `redirect`,
            `html`, `not-utf8`, `not-json`, `shape`.
        text: one sentence for the report.
        status: the HTTP status, or 0.
        detail: the server's own words, or nothing.
    """

    def __init__(self, kind: str, text: str, *, status: int = 0, detail: str = "") -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text
        self.status = status
        self.detail = detail

    @property
    def gone(self) -> bool:
        """Whether the server may have ended."""
        return self.kind in GONE


def excerpt(text: str, limit: int = LONGEST_EXCERPT) -> str:
    """The beginning of what a server said, on one line, with nothing that a terminal would obey."""
    return visible(" ".join(text[: limit * 4].split()), limit)
