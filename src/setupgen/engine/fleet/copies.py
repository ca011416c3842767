"""Copies of a fleet's proxy on hosts of the fleet, behind a balancer: one of them may end while the other answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from setupgen.engine.fleet.fronts import ASKS_FOR_KEYS, is_loopback
from setupgen.errors import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from setupgen.engine.fleet.records import FleetHost, Inventory

    Wrong = Callable[[tuple[str | int, ...], str, str], None]

FEWEST, MOST = 2, 4
"""Copies of a proxy. A judgement: two survive the loss of one, and more than a few are no fleet but a service."""

WAYS = ("docker", "")
"""How a host runs programs if it is to run a copy; empty where the host's hardware decides, which is Docker on Linux."""


def copies_of(data: Mapping[str, Any], proxy: str, hosts: Sequence[FleetHost], wrong: Wrong) -> tuple[str, ...]:
    """The hosts that run a copy each; what is wrong with them is told."""
    at: tuple[str | int, ...] = ("proxy_hosts",)
    names = data.get("proxy_hosts")
    if names is None:
        return ()
    if not isinstance(names, list) or not FEWEST <= len(names) <= MOST or not all(isinstance(name, str) for name in names):
        wrong(
            at,
            f"proxy_hosts must be a list of two to {MOST} names of hosts.",
            "Leave it out for one proxy, on the machine that starts the fleet.",
        )
        return ()
    known = {host.name: host for host in hosts}
    raw = {entry["name"]: entry for entry in data["hosts"] if isinstance(entry, dict) and isinstance(entry.get("name"), str)}
    for name in names:
        host = known.get(name)
        if names.count(name) > 1:
            wrong(at, f"{shorten(repr(name))} comes twice.", "Each copy has a host of its own.")
            break
        if name not in raw:
            wrong(at, f"no host is called {shorten(repr(name))}.", "Name hosts of this inventory.")
        elif host and (host.node or raw[name].get("runtime", "") not in WAYS or raw[name].get("os", "linux") != "linux"):
            wrong(at, f"{name} cannot run a copy: it needs Linux with Docker.", "Name another host.")
        elif host and host.preemptible:
            wrong(at, f"{name} may be taken away at any moment.", "Name a host that stays.")
    if proxy not in {*ASKS_FOR_KEYS, "auto"}:
        wrong(at, f"{proxy} asks callers for no key, and copies answer on the network.", f"Choose {' or '.join(ASKS_FOR_KEYS)}.")
    if near := next((host for host in hosts if is_loopback(host)), None):
        wrong(at, f"copies on other machines cannot reach {near.name} at {near.address}.", "Give it its address on the network.")
    return tuple(names)


def with_copies(inventory: Inventory, front: Mapping[str, Any]) -> dict[str, Any]:
    """What the templates of a proxy and its balancer read: where each copy answers."""
    if not inventory.proxy_hosts:
        return dict(front)
    hosts = {host.name: host for host in inventory.hosts}
    copies = [
        {"host": name, "ssh": hosts[name].hostname, "address": _address(hosts[name].hostname, front["port"])}
        for name in inventory.proxy_hosts
    ]
    return {**front, "copies": copies}


def _address(hostname: str, port: int) -> str:
    return f"[{hostname}]:{port}" if ":" in hostname else f"{hostname}:{port}"
