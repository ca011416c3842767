"""Hosts of an inventory that are nodes of a Kubernetes cluster: what may be said of one, as it differs from a host that ssh reaches."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from setupgen.errors import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from setupgen.engine.fleet.records import FleetHost

    Wrong = Callable[[tuple[str | int, ...], str, str], None]

RUNTIME = "kubernetes"
FIRST_PORT, LAST_PORT = 30_000, 32_767
"""Ports that a cluster gives to Services of the kind NodePort unless it was told others; each is taken once in a whole cluster
(source k8s-node-port)."""

LONGEST = 40
"""Letters of a host's name: objects are named after it, with a number and an ending, and may have 63."""

_LABEL = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
_NODE = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


def node_of(at: tuple[str | int, ...], raw: Mapping[str, Any], wrong: Wrong) -> str:
    """The name of a host's node, or nothing where it is none; what is wrong is told."""
    if raw.get("runtime") != RUNTIME:
        if "node" in raw:
            wrong((*at, "node"), "a node is a host of a Kubernetes cluster.", f"Add runtime: {RUNTIME}, or leave node out.")
        return ""
    name, node = raw.get("name"), raw.get("node", raw.get("name"))
    if isinstance(name, str) and not (_LABEL.fullmatch(name) and len(name) <= LONGEST):
        hint = "Give it another name, and its own as node: NAME."
        text = f"objects of Kubernetes are named after this host: small letters, digits and dashes, at most {LONGEST}; {shorten(repr(name))} is not."
        wrong((*at, "name"), text, hint)
    elif not isinstance(node, str) or not _NODE.fullmatch(node):
        wrong((*at, "node"), f"{shorten(repr(node))} is not the name of a node.", "`kubectl get nodes` lists them.")
        return ""
    if raw.get("os") not in {None, "linux"}:
        wrong((*at, "os"), "nodes that serve models run Linux.", "Leave os out.")
    return str(node)


def check_addresses(hosts: Iterable[tuple[int, FleetHost]], wrong: Wrong) -> None:
    """What the proxy dials of nodes: plain HTTP at a port of a Service, each once in the cluster."""
    seen: dict[int, str] = {}
    for index, host in hosts:
        at = ("hosts", index, "address")
        if not host.node:
            continue
        port = host.port
        if host.tls or host.hostname in {"localhost", "127.0.0.1", "::1"}:
            wrong(at, f"the proxy reaches a node over HTTP at the node's address on the network, not at {shorten(repr(host.address))}.", "")
        elif port and not FIRST_PORT <= port <= LAST_PORT:
            text = f"a node answers at a port from {FIRST_PORT} to {LAST_PORT}, not at {port}."
            wrong(at, text, "Leave the port out: each server gets one.")
        elif port in seen and port:
            wrong(at, f"port {port} is taken in the whole cluster by {seen[port]}.", "Leave the port out: each server gets one.")
        seen.setdefault(port, host.name)
