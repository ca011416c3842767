"""What the checks share: whom to ask, how long to wait, and what earlier checks learned."""

from __future__ import annotations

import math
import secrets
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from setupgen.verify.client import Client, Limits, accepts
from setupgen.verify.dialects import KINDS
from setupgen.verify.results import BROKEN, SKIPPED, UNCLEAR, Result
from setupgen.verify.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from setupgen.verify.answers import Answer
    from setupgen.verify.certificates import Trust
    from setupgen.verify.dialects import Dialect
    from setupgen.verify.promise import Promise, Range
    from setupgen.verify.questions import Question

BAD_REQUEST = 400
LOADING = frozenset({502, 503, 504})
FORBIDDEN = frozenset({401, 403})
LOAD_S = 600
"""A server that loads the model on the first question may take this long for its first byte."""

GUESSED_CHARACTERS = 3.0
"""Characters per token of a text with many numbers, where the server does not count: rather too few, so that nothing is too long."""


@dataclass(frozen=True)
class Options:
    """How to ask.

    Attributes:
        wait_s: how long a server may take to become healthy.
        budget_s: how long reading the long prompt may take.
        addresses: this host's own addresses, to see whether the setup listens on them.
        skip: ids of checks to leave out.
        most_users: the most to ask at once.
        limits: time-outs of ordinary requests.
    """

    wait_s: float = 0
    budget_s: float = 120
    addresses: tuple[str, ...] = ()
    skip: frozenset[str] = frozenset()
    most_users: int = 32
    limits: Limits = field(default_factory=Limits)


@dataclass
class Session:
    """One setup under examination."""

    promise: Promise
    options: Options
    trust: Trust
    client: Client
    seed: str = field(default_factory=lambda: secrets.token_hex(6))
    thinks: bool = False
    characters_per_token: float = 0.0
    frame_tokens: int = 96
    is_calibrated: bool = False
    told_context: int = 0
    told: dict[str, Any] = field(default_factory=dict)
    prefill_tps: float = 0.0
    loaded: bool = False
    dead: str = ""
    measured: dict[str, Any] = field(default_factory=dict)

    def dialect(self, name: str = "") -> Dialect:
        """The dialect of this name, or the one that most checks use."""
        name = name or self.promise.dialect
        return KINDS[name](self.promise.urls[name], self.promise.model, self.promise.server)

    def next_seed(self) -> str:
        """Something that no earlier prompt began with, so that no cache answers."""
        self.seed = secrets.token_hex(6)
        return self.seed

    def limits(self, *, first_byte_s: float = 0, total_s: float = 0) -> Limits:
        """Time-outs that are no shorter than what the plan promises, and long where the model is not loaded yet."""
        given = self.options.limits
        promised = self.promise.speed.get("ttft_s")
        first = max(given.first_byte_s, first_byte_s, 3 * promised.high if promised else 0, 0 if self.loaded else LOAD_S)
        return replace(given, first_byte_s=first, total_s=max(given.total_s + first, total_s))

    def answer_limits(self, max_tokens: int, first_byte_s: float = 0) -> Limits:
        """Time-outs for an answer of so many tokens at a tenth of the promised speed."""
        decode = self.promise.speed.get("decode_tps")
        spent = max_tokens / max(decode.low / 10, 0.5) if decode else 0
        first = self.limits(first_byte_s=first_byte_s)
        return replace(first, total_s=first.first_byte_s + min(max(spent, given_total(first)), 3600))

    def stream(
        self, question: Question, *, dialect: str = "", first_byte_s: float = 0, stop: Callable[[Answer], bool] | None = None
    ) -> Answer:
        """The streamed answer; a server that knows no way to switch thinking off is asked as it is."""
        limits = self.answer_limits(question.max_tokens, first_byte_s)
        try:
            found = self.dialect(dialect).stream(self.client, question, limits, stop=stop)
        except Trouble as trouble:
            if question.thinks or trouble.status != BAD_REQUEST:
                raise
            found = self.dialect(dialect).stream(self.client, replace(question, thinks=True), limits, stop=stop)
        self.loaded = True
        return found

    def tokens_for_thought(self, tokens: int) -> int:
        """Room for an answer, and for the thoughts before it where the model thinks."""
        return min(tokens + (2048 if self.thinks else 0), max(tokens, self.promise.context // 2))

    def characters(self, tokens: int) -> int:
        """Length of a text of so many tokens."""
        return max(0, math.floor(tokens * (self.characters_per_token or GUESSED_CHARACTERS)))

    def failed(self, id_: str, label: str, promised: str, trouble: Trouble, *, fix: str = "", started: float = 0.0) -> Result:
        """A check that a `Trouble` ended, and whether the server still lives after it."""
        text = trouble.text[:1].upper() + trouble.text[1:]
        if trouble.gone and not self.dead and not self.lives():
            self.dead = "the server is gone"
            text += " Since then it does not answer at all: it ended."
        seconds = time.monotonic() - started if started else 0.0
        return Result(id_, label, BROKEN, promised, WORDS.get(trouble.kind, "no answer"), text, fix or FIXES.get(trouble.kind, ""), seconds)

    def lives(self) -> bool:
        """Whether something still takes connections; a proxy does so for a server that ended, so it is asked."""
        if not accepts(self.promise.base.host, self.promise.base.port, self.options.limits.connect_s):
            return False
        try:
            limits = replace(self.options.limits, first_byte_s=10, total_s=15)
            return self.client.get(self.promise.health_url, limits).status not in LOADING
        except Trouble:
            return False


def given_total(limits: Limits) -> float:
    """What remains of the whole time after the first byte."""
    return max(limits.total_s - limits.first_byte_s, 1)


def at_least(value: float, promised: Range | None) -> bool:
    """Whether a rate is as high as was promised."""
    return promised is None or value >= promised.low


def skipped(id_: str, label: str, why: str) -> Result:
    """A check that was not made."""
    return Result(id_, label, SKIPPED, "", "", why)


def unclear(id_: str, label: str, promised: str, measured: str, text: str, fix: str = "", **numbers: Any) -> Result:
    """A check that proves nothing either way."""
    return Result(id_, label, UNCLEAR, promised, measured, text, fix, numbers=numbers)


WORDS = {
    "no-name": "name not known",
    "unreachable": "not reachable",
    "refused": "nothing listens",
    "connect-timeout": "no connection",
    "tls": "no TLS",
    "certificate": "not trusted",
    "silent": "silence",
    "stalled": "stalled",
    "too-slow": "too slow",
    "reset": "broke off",
    "ended-early": "broke off",
    "not-http": "no HTTP",
    "too-big": "no end",
    "status": "refused",
    "redirect": "redirected",
    "html": "an HTML page",
    "not-utf8": "garbage",
    "not-json": "garbage",
    "shape": "another shape",
}
"""What was measured where nothing was, by kind of trouble."""

FIXES = {
    "no-name": "Mend the name, or give the address with --url.",
    "unreachable": "Give the address at which the setup is reached with --url.",
    "refused": "Start it as README.md says, and look at its log: it may have ended.",
    "connect-timeout": "Look at its log and at the firewall between.",
    "tls": "Give the address with the right scheme: --url http://... or https://...",
    "certificate": "Fetch Caddy's root certificate as README.md says, into caddy-root.crt beside it.",
    "silent": "Look at its log: it may be loading, short of memory, or computing on the CPU.",
    "stalled": "Look at its log, and at time-outs and buffering of a proxy between.",
    "too-slow": "Look at its log: it may be computing on the CPU, or serving others.",
    "reset": "Look at the end of its log: it may have run out of memory.",
    "ended-early": "Look at the end of its log: it may have run out of memory; or a proxy between cuts long answers.",
    "not-http": "Something else has this port: see what listens there.",
    "too-big": "Something else may have this port: see what listens there.",
    "status": "Look at its log; its own words are above.",
    "redirect": "Give the address that it redirects to with --url.",
    "html": "A web page has this address, not the API: mend the path or the proxy.",
    "not-utf8": "Something else has this port, or a proxy between changes what the server says.",
    "not-json": "Something else has this port, or a proxy between changes what the server says.",
    "shape": "The server's version may differ from the plan's: compare them.",
}
"""What to do about it."""
