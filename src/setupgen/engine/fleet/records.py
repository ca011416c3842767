"""What an inventory says: hosts, needs and the proxy. Frozen records; the file is read elsewhere and checked in `intake`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from setupgen.facts import Facts

PROXIES = ("hops", "olla", "litellm", "nginx", "llama-swap", "kubernetes", "auto")
LINKS = ("wifi", "100m", "gigabit", "2.5g", "5g", "10g", "25g", "100g")
CLIENT_APIS = ("ollama", "openai", "anthropic")


@dataclass(frozen=True)
class FleetHost:
    """One host of an inventory.

    Attributes:
        name: unique; also the name of its folder.
        address: what the proxy dials, with scheme; the port may be missing.
        kind: number of the hardware kind: hosts with equal facts share one.
        headers: header name to text, or to ``{"env": NAME}``.
        tags: free words that needs may ask for.
        availability: hours such as ``08:00-18:00``; empty for always.
        preemptible: may be taken away at any moment.
        usd_per_hour: what it costs while it runs.
        link: how it is connected, one of `LINKS`; empty where unknown.
        place: file and line, for messages.
        node: the node of a Kubernetes cluster that it is; empty where it is none.
    """

    name: str
    address: str
    kind: int
    headers: Mapping[str, Any] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()
    availability: str = ""
    preemptible: bool = False
    usd_per_hour: float = 0.0
    link: str = ""
    place: str = ""
    node: str = ""

    @property
    def steady(self) -> bool:
        """Whether it is there at any hour and stays."""
        return not self.preemptible and not self.availability

    @property
    def tls(self) -> bool:
        """Whether the proxy speaks TLS to it."""
        return self.address.lower().startswith("https://")

    @property
    def hostname(self) -> str:
        """Name or number of the host in its address."""
        return urlsplit(self.address).hostname or ""

    @property
    def port(self) -> int:
        """The port in its address, or 0."""
        return urlsplit(self.address).port or 0

    def at_port(self, port: int) -> str:
        """The address with this port."""
        parts = urlsplit(self.address)
        name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{name}:{port}{parts.path.rstrip('/')}"


@dataclass(frozen=True)
class FleetNeed:
    """One need of an inventory.

    Attributes:
        id: number in the inventory, from 0.
        facts: the need as facts, without a host: os, runtime and hardware are filled in by kind.
        replicas: copies that are asked for, on different hosts as far as there are any; 0 where it is left to the planner.
        weight: how much it counts against other needs.
        tags: only hosts that have all of them.
        stated: what the inventory says, for reports.
        place: file and line, for messages.
    """

    id: int
    facts: Facts
    replicas: int = 0
    weight: float = 1.0
    tags: frozenset[str] = frozenset()
    stated: Mapping[str, Any] = field(default_factory=dict)
    place: str = ""

    @property
    def users(self) -> int:
        """People or agents at the same time."""
        return self.facts.needs.users

    @property
    def label(self) -> str:
        """How a report calls it."""
        needs = self.facts.needs
        return needs.model or needs.use_case


@dataclass(frozen=True)
class Inventory:
    """A checked inventory.

    Attributes:
        hosts: in the order of the file.
        kinds: facts of each kind of host; the need in them is a placeholder.
        needs: in the order of the file.
        proxy: one of `PROXIES`.
        clients: APIs that clients speak, of `CLIENT_APIS`; empty where nobody said.
        expose: ``local``: the proxy answers on its own machine; ``lan``: on the network, with a key.
        name: of the fleet.
        proxy_port: where the proxy answers; 0 for its usual port.
        proxy_hosts: names of hosts that each run a copy of the proxy, behind a balancer; empty for one on the machine that starts the fleet.
    """

    hosts: tuple[FleetHost, ...]
    kinds: tuple[Facts, ...]
    needs: tuple[FleetNeed, ...]
    proxy: str = "auto"
    clients: tuple[str, ...] = ()
    expose: str = "local"
    name: str = "fleet"
    proxy_port: int = 0
    proxy_hosts: tuple[str, ...] = ()

    def without(self, name: str) -> Inventory:
        """The inventory without one host."""
        return replace(self, hosts=tuple(host for host in self.hosts if host.name != name))
