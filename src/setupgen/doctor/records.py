"""What doctor reads out of a setup, and what it finds in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from setupgen.knowledge import Pack

ERROR, WARNING, NOTE = "error", "warning", "note"
SEVERITIES = (ERROR, WARNING, NOTE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: a file relative to what was examined, or a part of the host, and a line from 1 or 0 for none."""

    file: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Value:
    """A word of a setup, and where it stands."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Port:
    """A published port: the address on the host, empty for all of them, and both port numbers as written."""

    address: str
    published: str
    target: str
    place: Place


@dataclass(slots=True)
class Launch:
    """One server as somebody starts it.

    Attributes:
        server: id in the knowledge base.
        origin: ``compose``, ``run`` (docker run), ``unit``, ``script``, ``environment``, ``modelfile`` or ``container`` (a running one).
        name: the service, or the program.
        place: where it begins.
        image: the image, or empty where no container is used.
        flags: options by the name that the knowledge base gives them, with values; the last of an option wins.
        words: options as they are written.
        arguments: words that belong to no option.
        environment: variables of the server.
        ports: what a container publishes.
        service: the compose service, or the same shape made from `docker run`.
        lines: a path in `service` to its line.
    """

    server: str
    origin: str
    name: str
    place: Place
    image: str = ""
    flags: dict[str, Value] = field(default_factory=dict)
    words: list[Value] = field(default_factory=list)
    arguments: list[Value] = field(default_factory=list)
    environment: dict[str, Value] = field(default_factory=dict)
    ports: list[Port] = field(default_factory=list)
    service: dict[str, Any] = field(default_factory=dict)
    lines: dict[tuple[Any, ...], int] = field(default_factory=dict)

    @property
    def container(self) -> bool:
        """Whether it runs in a container."""
        return self.origin in {"compose", "run", "container"}

    @property
    def host_network(self) -> bool:
        """Whether a container shares the host's network."""
        return str(self.service.get("network_mode", "")) == "host"

    def flag(self, *names: str) -> Value | None:
        """The value of the first of these options that is given."""
        return next((self.flags[name] for name in names if name in self.flags), None)

    def at(self, *path: Any) -> Place:
        """The place of a part of the service, or of the service itself."""
        return Place(self.place.file, self.lines.get(path, self.place.line))


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is or will go wrong: what it is here, where, why it matters and what to do."""

    id: str
    severity: str
    what: str
    place: Place
    why: str
    fix: str
    sources: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The finding as a plain dictionary."""
        where = {"file": self.place.file, "line": self.place.line or None}
        return {
            "id": self.id,
            "severity": self.severity,
            "what": self.what,
            "where": where,
            "why": self.why,
            "fix": self.fix,
            "sources": list(self.sources),
        }


@dataclass(slots=True)
class Case:
    """All that checks may look at.

    Attributes:
        pack: the knowledge base.
        launches: the servers that were found.
        facts: what `setupgen detect` says about this host, or nothing where it is not to be asked.
        plan: the plan beside the files, or nothing.
        texts: relative path to text of what was read.
        agents: whether coding agents use the servers.
    """

    pack: Pack
    launches: list[Launch] = field(default_factory=list)
    facts: Mapping[str, Any] = field(default_factory=dict)
    plan: Mapping[str, Any] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    agents: bool = False

    @property
    def family(self) -> str:
        """The operating system of this host: ``linux``, ``macos``, ``windows``, or empty where it was not asked."""
        return str(self.facts.get("os", {}).get("family", ""))

    @property
    def accelerators(self) -> list[Mapping[str, Any]]:
        """The accelerators of this host."""
        return list(self.facts.get("accelerators", ()))

    def accelerators_of(self, vendor: str) -> list[Mapping[str, Any]]:
        """Those of one vendor."""
        return [accelerator for accelerator in self.accelerators if accelerator.get("vendor") == vendor]

    def has_tool(self, name: str) -> bool | None:
        """Whether a tool is installed, or nothing where nobody knows."""
        found = self.facts.get("tools", {}).get(name)
        if isinstance(found, str):
            return True
        return False if found == {"unknown": "not installed"} else None
