"""The files of a fleet: a setup folder for every server, the proxy's folder, and the run book with a script that starts it all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from setupgen.errors import NothingFitsError
from setupgen.render.files import Rendered, render_proxy, render_setup
from setupgen.render.gateways import EVERYWHERE, GATEWAYS, NAMES, gateway_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Raw = Mapping[str, Any]

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Member:
    """One server of a fleet: its folder, the name of its setup, and its plan."""

    folder: str
    name: str
    plan: Raw


def render_fleet(fleet: Raw, members: Iterable[Member], front: Raw, templates: Raw, *, command: str) -> tuple[Rendered, Rendered]:
    """All files of a fleet: those of hosts and proxy, whose keys begin with ``hosts/`` or ``proxy/``, and those beside them.

    Args:
        fleet: the plan of the fleet as JSON.
        members: its servers.
        front: what the proxy's templates read.
        templates: targets by id.
        command: the command line that makes the files again, for their headers.
    """
    parts = Rendered({})
    for member in members:
        _add(parts, member.folder, render_setup(member.plan, templates, command=command, name=member.name))
    _add(parts, "proxy", _front(fleet, front, templates, command))
    if front.get("copies"):
        _add(parts, "balancer", _balancer(fleet, front, templates, command))
    used = sorted({item["host"] for item in fleet["placements"]})
    because = dict.fromkeys(item["because"] for item in fleet["idle"])
    shown = {
        **fleet,
        "places": [_place(item) for item in fleet["placements"]] + _front_places(front),
        "copies": front.get("copies", []),
        "hosts_used": len(used),
        "to_fill": _to_fill(fleet, front),
        "proxy": {**fleet["proxy"], "name": NAMES.get(fleet["proxy"]["id"], fleet["proxy"]["id"])},
        "nodes": sorted({item["host"] for item in fleet["placements"] if item.get("node")}),
        "door": _door(front),
        "idle": [{"hosts": [item["host"] for item in fleet["idle"] if item["because"] == text], "because": text} for text in because],
        "unplaced": [{**item, "label": item["need"].get("model") or item["need"].get("use_case", "")} for item in fleet["unplaced"]],
    }
    plan = {
        "choice": {"role": "fleet", "runtime": "docker", "clients": []},
        "fleet": shown,
        "knowledge": fleet["knowledge"],
        "facts": {"needs": {"os": "linux", "runtime": "docker"}},
    }
    return parts, render_setup(plan, templates, command=command, name=str(fleet["name"]))


def _front_places(front: Raw) -> list[dict[str, str]]:
    """Where the proxy is started: on this machine, or a copy on each of some hosts and the balancer on this machine."""
    here = {"ssh": "local", "how": "compose", "node": ""}
    if not front.get("copies"):
        return [{**here, "host": "proxy", "folder": "proxy"}]
    copies = [{**here, "host": "proxy", "folder": "proxy", "ssh": copy["ssh"]} for copy in front["copies"]]
    return [*copies, {**here, "host": "balancer", "folder": "balancer"}]


def _balancer(fleet: Raw, front: Raw, templates: Raw, command: str) -> Rendered:
    """The folder of what stands before the copies of a proxy."""
    plan = {
        "choice": {"role": "balancer", "runtime": "docker", "clients": [], "balancer": {**front, "name": NAMES[front["id"]]}},
        "knowledge": fleet["knowledge"],
        "facts": {"needs": {"os": "linux", "runtime": "docker"}},
    }
    return render_setup(plan, templates, command=command, name=f"{fleet['name']}-balancer")


def _door(front: Raw) -> dict[str, Any]:
    """Where clients find the fleet: addresses by API, the variable of the key, and one model's own path where the proxy goes by it."""
    if front.get("id") not in GATEWAYS:
        return {"urls": {"ollama": f"http://{front.get('bind')}:{front.get('port')}"}, "key": "", "path": "", "wide": False}
    gateway = gateway_of(front, str(front.get("runtime") or "docker"))
    own = next((model["prefix"] for model in gateway["models"] if model["prefix"]), "")
    wide = front.get("bind") in EVERYWHERE
    return {"urls": gateway["urls"], "key": gateway["key"], "path": f"{gateway['base_url']}{own}/v1" if own else "", "wide": wide}


def _to_fill(fleet: Raw, front: Raw) -> list[str]:
    """Variables of the proxy's `.env` whose values only the user knows: no host's folder makes them."""
    headers = [entry.get("headers") or {} for entry in (*front.get("hosts", ()), *front.get("backends", ()))]
    names = {value["env"] for entry in headers for value in entry.values() if isinstance(value, dict)}
    return sorted(names - set(fleet["secrets"]))


def _front(fleet: Raw, front: Raw, templates: Raw, command: str) -> Rendered:
    """The proxy's folder; where no template writes files for it, what such files must say."""
    bound = {"bind": "0.0.0.0"} if front.get("copies") else {}  # noqa: S104 - another machine's balancer dials it, with a key
    try:
        return render_proxy(
            {**front, **bound, "filled": sorted(fleet["secrets"])},
            templates,
            knowledge=fleet["knowledge"],
            command=command,
            name=f"{fleet['name']}-{front['id']}",
        )
    except NothingFitsError:
        return Rendered({"setupgen.proxy.json": json.dumps(front, ensure_ascii=False, indent=1, sort_keys=True) + "\n"})


def _add(result: Rendered, folder: str, part: Rendered) -> None:
    for path, text in part.files.items():
        result.files[f"{folder}/{path}"] = text
    result.modes.update({f"{folder}/{path}": mode for path, mode in part.modes.items()})
    result.secrets.update({f"{folder}/{path}": names for path, names in part.secrets.items()})


HOW = {"docker": "compose", "podman": "podman", "native": "native", "kubernetes": "kubernetes"}


def _place(item: Raw) -> dict[str, str]:
    """Where a folder goes and how it is started there."""
    hostname = item["ssh"]
    how = "windows" if item["os"] == "windows" and item["runtime"] == "native" else HOW.get(item["runtime"], "native")
    here = hostname in LOOPBACK or how == "kubernetes"
    return {"host": item["host"], "ssh": "local" if here else hostname, "folder": item["folder"], "how": how, "node": item.get("node", "")}
