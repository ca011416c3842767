"""An answer in no dialect: what was said, which tools were called, and when each part came."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

MARKS = (
    "<tool_call",
    "<function",
    "<|tool_call",
    "[tool_calls]",
    "<tools>",
    "<|python_tag|>",
    "functools[",
    "to=functions.",
    "<|tool▁call",
)
"""What models write where they mean to call a tool; whoever reads it as text sits before a server that did not parse it."""


PIECES_PER_READ = 4


@dataclass
class Call:
    """One call of a tool; the arguments are JSON text, as they came."""

    name: str = ""
    arguments: str = ""

    def parsed(self) -> Any:
        """The arguments, or nothing where they are no JSON."""
        try:
            return json.loads(self.arguments or "{}")
        except (ValueError, RecursionError):
            return None


@dataclass
class Answer:
    """What came.

    Attributes:
        text: the answer itself; `reasoning` what the model thought before it.
        finish: why it ended, in the server's word; empty where it did not end.
        prompt_tokens: tokens that the server read, by its own account; 0 where it does not say.
        answer_tokens: tokens that it wrote, by its own account.
        arrivals: seconds from the start of the request at which a part came; `reads` counts the pieces in which they came.
        ended: the stream came to its proper end.
    """

    text: str = ""
    reasoning: str = ""
    calls: list[Call] = field(default_factory=list)
    model: str = ""
    finish: str = ""
    prompt_tokens: int = 0
    answer_tokens: int = 0
    cached_tokens: int = 0
    arrivals: list[float] = field(default_factory=list)
    reads: set[int] = field(default_factory=set)
    seconds: float = 0.0
    ended: bool = False
    error: str = ""

    @property
    def said(self) -> str:
        """Everything that was written, thoughts too."""
        return f"{self.reasoning}\n{self.text}"

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all was written."""
        return not (self.text or self.reasoning or self.calls)

    @property
    def tokens(self) -> int:
        """Tokens that were written: as counted by the server, or one for each part."""
        return self.answer_tokens or len(self.arrivals)

    @property
    def first_s(self) -> float:
        """When the first part came."""
        return self.arrivals[0] if self.arrivals else self.seconds

    @property
    def decode_tps(self) -> float:
        """Tokens per second after the first; 0 where too little came to tell."""
        spent = self.arrivals[-1] - self.arrivals[0] if self.arrivals else 0.0
        return (self.tokens - 1) / spent if spent > 0 and self.tokens > 1 else 0.0

    @property
    def is_spread(self) -> bool:
        """Whether the parts came one by one, so that the time between them is the server's and not a buffer's or this machine's."""
        return PIECES_PER_READ * len(self.reads) >= len(self.arrivals)

    def call_in_text(self) -> str:
        """The part of the text that is a tool call which nobody parsed, or nothing."""
        lower = self.text.lower()
        for mark in MARKS:
            if (at := lower.find(mark)) >= 0:
                return self.text[at:]
        start = self.text.find("{")
        if start < 0:
            return ""
        try:
            found, _ = json.JSONDecoder().raw_decode(self.text[start:])
        except (ValueError, RecursionError):
            return ""
        names = {"name", "function", "tool", "tool_name"}
        inside = {"arguments", "parameters", "args", "input", "place"}
        is_call = isinstance(found, dict) and bool(names & set(found)) and bool(inside & set(found))
        return self.text[start:] if is_call else ""
