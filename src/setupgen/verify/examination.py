"""All checks of one setup, in the order in which each builds on those before it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from setupgen.verify import check_access, check_answers, check_context, check_speed, check_vectors
from setupgen.verify.certificates import trust
from setupgen.verify.client import Client
from setupgen.verify.promise import SPEECH, TEXT, VECTORS
from setupgen.verify.results import BROKEN, KEPT, Result, counts
from setupgen.verify.session import FIXES, WORDS, Session, skipped
from setupgen.verify.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from setupgen.verify.certificates import Trust
    from setupgen.verify.promise import Promise
    from setupgen.verify.session import Options

EVERY = (TEXT, VECTORS, SPEECH)


@dataclass(frozen=True, slots=True)
class Step:
    """A check that can be left out by its id; it may yield several results. `wanted` says whether a plan promises what it asks for."""

    id: str
    label: str
    check: Callable[[Session], Iterator[Result]]
    tasks: tuple[str, ...] = (TEXT,)
    wanted: Callable[[Promise], bool] = lambda _: True


STEPS = (
    Step("health", "Health", check_access.health, EVERY),
    Step("certificate", "TLS", check_access.certificate, EVERY, lambda promise: promise.base.tls or bool(promise.proxy)),
    Step("key", "Key", check_access.key, EVERY, lambda promise: bool(promise.key)),
    Step("exposure", "Reach", check_access.exposure, EVERY),
    Step("model", "Model", check_access.models, EVERY),
    Step("chat", "Chat", check_answers.chat),
    Step("loaded", "On the accelerator", check_access.loaded, wanted=lambda promise: promise.server == "ollama"),
    Step("streaming", "Streaming", check_answers.streaming),
    Step("speed", "Speed", check_speed.speed),
    Step("tools", "Tool call", check_answers.tools, wanted=lambda promise: promise.tools),
    Step("structured", "JSON schema", check_answers.structured),
    Step("picture", "Picture", check_answers.picture, wanted=lambda promise: promise.vision),
    Step("embeddings", "Embeddings", check_vectors.vectors, (VECTORS,)),
    Step("reading", "Reading", check_vectors.reading, (VECTORS,)),
    Step("context", "Longest text", check_vectors.length, (VECTORS,)),
    Step("ranking", "Ranking", check_vectors.ranking, (VECTORS,), lambda promise: bool(promise.rerank_url)),
    Step("transcription", "Transcription", check_vectors.speech, (SPEECH,)),
    Step("users", "Users at once", check_speed.users, wanted=lambda promise: promise.users > 1),
    Step("users", "Users at once", check_vectors.at_once, (VECTORS,), lambda promise: promise.users > 1),
    Step("context", "Context", check_context.context),
)
IDS = tuple(dict.fromkeys(step.id for step in STEPS))


class Watcher(Protocol):
    """Who wants to know how far it is."""

    def begin(self, place: str, steps: int) -> None:
        """A setup is looked at, in so many steps."""

    def step(self, place: str, label: str) -> None:
        """A check begins."""

    def end(self, place: str) -> None:
        """The setup is done."""


@dataclass(frozen=True)
class Examination:
    """What was found.

    Attributes:
        promise: what was promised.
        results: of every check, in order.
        measured: numbers for a measurement, by name with unit.
        told: what the server says of its model: `context`, `parameters`, `bytes`, `digest`, as far as it does.
    """

    promise: Promise
    results: Sequence[Result]
    measured: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """`broken` where a promise is broken, else `kept`."""
        return BROKEN if any(result.status == BROKEN for result in self.results) else KEPT

    def to_json(self) -> dict[str, Any]:
        """As the public JSON writes it; without the key, whatever a server may have repeated."""
        choice = self.promise.plan["choice"]
        return {
            "url": str(self.promise.base),
            "verdict": self.verdict,
            "setup": {
                "model": choice.get("model", {}).get("id", ""),
                "asked_as": self.promise.model,
                "quant": choice.get("weights", {}).get("quant", ""),
                "server": self.promise.server,
                "version": str(choice["server"].get("version") or ""),
                "use_case": self.promise.use_case,
                "context": self.promise.context,
                "users": self.promise.users,
            },
            "checks": [result.to_json() for result in self.results],
            "counts": counts(self.results),
        }


def examine(promise: Promise, options: Options, watcher: Watcher | None = None, place: str = "") -> Examination:
    """Asks the running setup, and says of every promise whether it is kept.

    Args:
        promise: what the plan says.
        options: how to ask.
        watcher: is told how far it is.
        place: how the watcher calls this setup.
    """
    steps = [step for step in STEPS if promise.task in step.tasks and step.id not in options.skip and step.wanted(promise)]
    if watcher:
        watcher.begin(place, len(steps))
    try:
        found = _trusted(promise, options)
    except Trouble as trouble:
        results = [_unreachable(trouble), *(skipped(step.id, step.label, "the server is not up") for step in steps if step.id != "health")]
        if watcher:
            watcher.end(place)
        return Examination(promise, [_without(promise.secrets, result) for result in results])
    may_send = found.proven or (promise.base.is_loopback and promise.exposure != "internet")
    client = Client(promise.key, found.context, options.limits, promise.headers) if may_send else Client("", found.context, options.limits)
    session = Session(promise, options, found, client)
    results = []
    for step in steps:
        if watcher:
            watcher.step(place, step.label)
        if session.dead:
            results.append(skipped(step.id, step.label, session.dead))
            continue
        results += list(step.check(session))
    if watcher:
        watcher.end(place)
    return Examination(promise, [_without(promise.secrets, result) for result in results], session.measured, session.told)


def _trusted(promise: Promise, options: Options) -> Trust:
    """How the certificate was checked, once something answers.

    Raises:
        Trouble: where nothing does within the time that the user gives.
    """
    until = time.monotonic() + options.wait_s
    while True:
        try:
            return trust(promise.base, promise.folder)
        except Trouble as trouble:
            if not trouble.gone or time.monotonic() >= until:
                raise
            time.sleep(min(check_access.POLL_S, max(until - time.monotonic(), 0)))


def _unreachable(trouble: Trouble) -> Result:
    text = trouble.text[:1].upper() + trouble.text[1:]
    return Result("health", "Health", BROKEN, "up", WORDS.get(trouble.kind, "no answer"), text, FIXES.get(trouble.kind, ""))


def _without(secrets: Sequence[str], result: Result) -> Result:
    """The result without any secret, should a server have repeated one."""
    for secret in secrets:
        texts = {name: getattr(result, name).replace(secret, "[key]") for name in ("label", "promised", "measured", "text", "fix")}
        result = replace(result, **texts)
    return result
