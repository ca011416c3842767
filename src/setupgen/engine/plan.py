"""The plan: what was chosen, what else was possible, and why. Plain records with `to_json`, in the shape of the public contract.

A plan holds everything that a template needs, already decided: names, versions, ports, paths, flags, sizes. It never holds a secret.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from setupgen.engine.candidates import Candidate
    from setupgen.engine.memory import Memory
    from setupgen.engine.speed import Speed
    from setupgen.facts import Assumption, Facts
    from setupgen.knowledge import Model, Server, Weights


def path_of(alias: str) -> str:
    """The name that clients ask for as one part of a path, for proxies that go by it: ``qwen3:8b`` becomes ``qwen3-8b``."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in alias)


@dataclass(frozen=True, slots=True)
class Decision:
    """One value of the choice, the reason in a sentence, what decided it (rule or formula id) and the sources' addresses."""

    what: str
    value: Any
    because: str
    by: str
    sources: tuple[str, ...] = ()
    facts: tuple[tuple[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As the public JSON writes it."""
        return {
            "what": self.what,
            "value": self.value,
            "because": self.because,
            "by": self.by,
            "sources": list(self.sources),
            "facts": dict(self.facts),
        }


@dataclass(frozen=True, slots=True)
class Rejection:
    """A candidate, or all candidates of one server, model or quantisation, that cannot be used here, and why."""

    model: str
    quant: str
    server: str
    by: tuple[str, ...]
    because: str
    sources: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As the public JSON writes it; an empty name means any."""
        candidate = {"model": self.model, "quant": self.quant, "server": self.server}
        return {
            "candidate": {key: value for key, value in candidate.items() if value},
            "by": list(self.by),
            "because": self.because,
            "sources": list(self.sources),
        }


@dataclass(frozen=True, slots=True)
class Caution:
    """A warning: what may go wrong with this plan, and what to do about it."""

    id: str
    text: str
    sources: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As the public JSON writes it."""
        return {"id": self.id, "text": self.text, "sources": list(self.sources)}


@dataclass(frozen=True)
class Choice:
    """One complete setup.

    Attributes:
        settings: as in the contract: context, parallel, cache types, bind, port, flags, environment, auth ...
        container: what a container needs, or empty for another runtime: image, port inside, volume, health, devices.
        score: parts of the ranking score by name, and their sum under ``total``.
        clients: ids of client programs in order of preference.
        cluster: for Kubernetes, how it runs there (`setupgen.engine.clusters`); else empty.
    """

    model: Model
    weights: Weights
    weights_bytes: int
    source: str
    server: Server
    image: str
    runtime: str
    backend: str
    settings: Mapping[str, Any]
    container: Mapping[str, Any]
    sampling: Mapping[str, float]
    memory: Memory
    speed: Speed
    clients: tuple[str, ...]
    score: Mapping[str, float]
    connection: Mapping[str, Any] = field(default_factory=dict)
    proxy: Mapping[str, Any] | None = None
    evidence: str = ""
    download_bytes: int = 0
    cluster: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As the public JSON writes it."""
        return {
            "model": {
                "id": self.model.id,
                "name": self.model.name,
                "license": self.model.license_id,
                "total_parameters": self.model.total_parameters,
                "active_parameters": self.model.active_parameters,
            },
            "weights": {
                "format": self.weights.format,
                "quant": self.weights.quant,
                "bytes": self.weights_bytes,
                "download_bytes": self.download_bytes,
                "download_seconds_at_100mbit": round(self.download_bytes * 8 / 100_000_000),
                "source": self.source,
                "repository": self.weights.repository,
                "file": self.weights.file,
            },
            "server": {
                "id": self.server.id,
                "name": self.server.name,
                "version": self.server.version,
                "minimum": str(self.server.raw["version"]["minimum"]),
                "image": self.image,
                "api": list(self.server.apis),
                "endpoints": dict(self.server.raw.get("endpoints", {})),
            },
            "proxy": dict(self.proxy) if self.proxy else None,
            "runtime": self.runtime,
            "backend": self.backend,
            "settings": dict(self.settings),
            "container": dict(self.container),
            "connection": dict(self.connection),
            "sampling": dict(self.sampling),
            "memory": self.memory.to_json(),
            "speed": self.speed.to_json(),
            "clients": list(self.clients),
            "score": {key: round(value, 4) for key, value in sorted(self.score.items())},
            "evidence": self.evidence,
            **({"cluster": dict(self.cluster)} if self.cluster else {}),
        }


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another setup worth considering: what it is best at, and what it gives up in a sentence."""

    like: str
    choice: Choice
    tradeoff: str

    def to_json(self) -> dict[str, Any]:
        """As the public JSON writes it: a choice with ``like`` and ``tradeoff`` beside it."""
        return {"like": self.like, "tradeoff": self.tradeoff, **self.choice.to_json()}


@dataclass(frozen=True)
class Plan:
    """The answer to facts: a verdict, the choice and everything that explains it."""

    verdict: str
    facts: Facts
    choice: Choice | None
    alternatives: tuple[Alternative, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    decisions: tuple[Decision, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    warnings: tuple[Caution, ...] = ()
    open_questions: tuple[str, ...] = ()
    hosted: Mapping[str, Any] = field(default_factory=dict)
    knowledge: Mapping[str, str] = field(default_factory=dict)
    would_fit: tuple[str, ...] = ()
    considered: int = 0
    ranked: tuple[tuple[Candidate, Mapping[str, float]], ...] = field(default=(), repr=False, compare=False)
    """Every setup that fits with its score, best first: what explanations read. Not in the JSON."""

    def to_json(self) -> dict[str, Any]:
        """As the public JSON writes it (contract.md, `plan --json`)."""
        return {
            "schema": 1,
            "verdict": self.verdict,
            "facts": self.facts.to_json(),
            "choice": self.choice.to_json() if self.choice else None,
            "alternatives": [alternative.to_json() for alternative in self.alternatives],
            "rejected": [rejection.to_json() for rejection in self.rejected],
            "decisions": [decision.to_json() for decision in self.decisions],
            "assumptions": [assumption.to_json() for assumption in self.assumptions],
            "warnings": [caution.to_json() for caution in self.warnings],
            "open_questions": list(self.open_questions),
            "hosted": dict(self.hosted),
            "would_fit": list(self.would_fit),
            "considered": self.considered,
            "knowledge": dict(self.knowledge),
        }
