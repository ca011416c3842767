"""Which proxy stands in front of a fleet, and what its file must say about the hosts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from setupgen.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from setupgen.engine.fleet.placed import Placed
    from setupgen.engine.fleet.records import FleetHost, Inventory
    from setupgen.knowledge import Pack

SHOWN = 4

OPEN = ("olla", "litellm", "nginx")
"""Proxies for mixed servers, in order of preference."""

ASKS_FOR_KEYS = ("litellm", "nginx")
"""Proxies that ask callers for a key."""

TIMEOUT_S = 600
"""Seconds that a proxy waits for an answer: a long prompt on a slow host takes minutes. A judgement."""

MOST_WORKERS = 64
SPARE_WORKERS = 2
"""HOPS' workers beyond the slots of all hosts: one is always busy with a list of models or a refused request. A judgement."""

PLAIN_PORTS = {"nginx": 8088}
"""Ports of proxies whose own is that of TLS, which a fleet's proxy does not speak."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def choose_front(pack: Pack, inventory: Inventory) -> tuple[str, str]:
    """The id of the proxy and the reason in a sentence.

    Raises:
        UsageError: where no proxy can do what the inventory wants.
    """
    servers = {need.facts.needs.server for need in inventory.needs} - {""}
    if inventory.proxy != "auto":
        return inventory.proxy, _asked(pack, inventory)
    shaky = [host.name for host in inventory.hosts if not host.steady]
    near = any(is_loopback(host) for host in inventory.hosts)
    if inventory.clients == ("ollama",) and not shaky and inventory.expose == "local" and servers <= {"ollama"} and not near:
        return "hops", "All clients speak Ollama's API and every host is there at all hours: HOPS needs nothing but a list of hosts."
    wanted = ASKS_FOR_KEYS if inventory.expose == "lan" or inventory.proxy_hosts else OPEN
    able = [id_ for id_ in wanted if id_ in pack.servers and servers <= set(pack.servers[id_].raw.get("fronts", ()))]
    if not able:
        raise UsageError(
            f"no proxy stands in front of {', '.join(sorted(servers))}.",
            place="needs",
            hint="Leave the server of a need out, or name a proxy.",
        )
    reasons = []
    if inventory.clients and inventory.clients != ("ollama",):
        reasons.append("clients speak the OpenAI or Anthropic API, which HOPS does not have")
    elif not inventory.clients:
        reasons.append("nobody said that all clients speak Ollama's API, the only one that HOPS has")
    if shaky:
        reasons.append(f"{few(shaky)} may vanish, and HOPS stops at a host that is gone")
    if inventory.proxy_hosts and inventory.expose != "lan":
        reasons.append("its copies answer on the network, so they must ask for a key")
    if inventory.expose == "lan":
        reasons.append("others on the network reach it, so it must ask them for a key")
    name = pack.servers[able[0]].name
    does = {
        "olla": "takes dead hosts out of the pool, sends failed requests on to another one, and stands in front of unlike servers",
        "litellm": "asks callers for keys, tries another host when one fails, and stands in front of unlike servers",
        "nginx": "asks callers for a key and stands in front of any server that speaks HTTP",
    }[able[0]]
    return able[0], f"{name} {does}; {'; '.join(reasons)}." if reasons else f"{name} {does}."


def few(names: list[str]) -> str:
    """Some names, and how many more there are."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _asked(pack: Pack, inventory: Inventory) -> str:
    server = pack.servers.get(inventory.proxy)
    name = server.name if server else inventory.proxy
    if inventory.proxy == "hops":
        return (
            "As you asked. HOPS speaks Ollama's API only, without /v1, so that every host runs Ollama; it sends a request to any host that"
            " has the model, and does not start while one host is dead."
        )
    return f"As you asked: {name}."


def servers_behind(pack: Pack, front: str) -> set[str]:
    """Inference servers that a proxy can stand in front of."""
    return {id_ for id_ in pack.servers[front].raw.get("fronts", ()) if id_ in pack.servers and pack.servers[id_].kind == "inference"}


def is_loopback(host: FleetHost) -> bool:
    """Whether the host is the machine of the proxy itself."""
    return host.hostname in LOOPBACK or host.hostname.startswith("127.")


def variable(name: str, ending: str) -> str:
    """A name for a host's key in the proxy's `.env`."""
    return re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_").rjust(1, "_") + "_" + ending


def front_of(pack: Pack, inventory: Inventory, front: tuple[str, str], placed: Iterable[Placed]) -> dict[str, Any]:
    """What the proxy's templates read (`choice.proxy`)."""
    members = sorted(placed, key=lambda item: item.name)
    server = pack.servers[front[0]]
    slots = sum(item.choice.settings["parallel"] for item in members)
    wide = inventory.expose == "lan"
    keyed = wide or bool(inventory.proxy_hosts) or bool(server.raw.get("api_key", {}).get("required"))
    made: dict[str, Any] = {
        "id": server.id,
        "version": server.version,
        "image": next((str(backend["image"]) for backend in server.backends.values() if backend.get("image")), ""),
        "because": front[1],
        "bind": "0.0.0.0" if wide else "127.0.0.1",  # noqa: S104 - asked for, and then with a key
        "port": inventory.proxy_port or _port(server.id, server.port, members, inventory.proxy_hosts),
        "tls": False,
        "auth": {"kind": "api-key", "env": "SETUPGEN_API_KEY"} if keyed else {"kind": "none"},
        "workers": min(slots + SPARE_WORKERS, MOST_WORKERS),
    }
    if front[0] == "hops":
        return made | {"hosts": [_hops_host(item) for item in members]}
    return made | {"backends": [_backend(item) for item in members]}


def _port(id_: str, usual: int, members: Iterable[Placed], on: Iterable[str] = ()) -> int:
    """The port of a proxy: no other server on its machine, or on the hosts of its copies, may have it."""
    taken = set()
    for item in members:
        if is_loopback(item.host) or item.host.name in on:
            taken |= {item.choice.settings["port"], urlsplit(item.url).port}
    port = PLAIN_PORTS.get(id_, usual)
    while port in taken:
        port += 1
    return port


def _hops_host(item: Placed) -> dict[str, Any]:
    headers = dict(item.host.headers)
    if item.key_name:
        headers.setdefault("Authorization", {"env": item.header_variable})
    return {"id": item.name, "host": item.url, **({"headers": headers} if headers else {}), "timeout": TIMEOUT_S}


def _backend(item: Placed) -> dict[str, Any]:
    choice, needs = item.choice, item.need.facts.needs
    own = item.own_header is not None
    capabilities = choice.model.capabilities
    return {
        "name": item.name,
        "url": item.url,
        "server": choice.server.id,
        "apis": list(choice.server.apis),
        "health": str(choice.server.raw.get("endpoints", {}).get("health", "/")),
        "headers": dict(item.host.headers),
        "key_env": None if own or not item.key_name else item.key_variable,
        "slots": choice.settings["parallel"],
        "preemptible": not item.host.steady,
        "timeout_s": TIMEOUT_S,
        "models": [
            {
                "name": choice.settings["alias"],
                "alias": item.alias,
                "context": choice.settings["context"],
                "task": TASKS.get(item.task, "chat"),
                "tools": bool(choice.settings.get("tool_calls")),
                "vision": "vision" in capabilities and needs.use_case == "vision",
                **({"fill_in_the_middle": True} if needs.use_case == "code-completion" else {}),
            }
        ],
    }


TASKS = {"text-generation": "chat", "embedding": "embedding", "rerank": "rerank", "speech-to-text": "speech"}


def secrets_of(placed: Iterable[Placed]) -> dict[str, dict[str, str]]:
    """Which value of the proxy's `.env` comes from which host's: by name there, the file, the name in it and what is put before the value."""
    found: dict[str, dict[str, str]] = {}
    for item in placed:
        if not item.key_name:
            continue
        source = {"file": f"{item.folder}/.env", "name": item.key_name}
        if isinstance(item.own_header, dict):
            found[item.own_header["env"]] = {**source, "before": "Bearer "}
        found.setdefault(item.header_variable, {**source, "before": "Bearer "})
        found.setdefault(item.key_variable, {**source, "before": ""})
    return dict(sorted(found.items()))
