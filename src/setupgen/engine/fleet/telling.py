"""What a page shows of a fleet, in words and shares: numbers are worded here once, so that a page computes no advice. Pure."""

from __future__ import annotations

import re
import shlex
from itertools import groupby
from typing import TYPE_CHECKING, Any

from setupgen.engine.fleet.fronts import few
from setupgen.engine.glance import BRIM, COMFORTABLE
from setupgen.words import figure, gib, people

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from setupgen.engine.fleet.records import FleetHost, Inventory
    from setupgen.facts import Facts
    from setupgen.knowledge import Pack

    Json = Mapping[str, Any]

MOST_HOSTS = 200
"""Hosts of the table; the document has them all."""

MOST_BOXES = 24
"""Boxes of the picture; hosts that are alike share one."""

FEW = 2
"""Hosts that a box of the picture names all."""

_OUTSIDE = re.compile(r"[^A-Za-z0-9_.-]+")


def told_fleet(pack: Pack, inventory: Inventory, document: Json) -> dict[str, Any]:
    """Everything of a fleet's plan that is told at a glance.

    Args:
        pack: the knowledge base.
        inventory: what was asked for.
        document: the plan as JSON.
    """
    hosts = [_host(pack, inventory, host, document) for host in inventory.hosts]
    title = _title(document, hosts)
    sentence = document["proxy"]["because"]
    return {
        "title": title,
        "sentence": sentence,
        "verdict": "nothing-fits" if document["verdict"] == "nothing-fits" else "hosted" if document["unplaced"] else "self-host",
        "proxy": _proxy(pack, document),
        "hosts": hosts[:MOST_HOSTS],
        "more_hosts": max(len(hosts) - MOST_HOSTS, 0),
        "needs": [_need(item) for item in document["capacity"]],
        "unplaced": [{"label": _label(item["need"]), "text": item["because"]} for item in document["unplaced"]],
        "idle": [{"label": few(names), "text": because} for names, because in _idle(document)],
        "advice": [item["text"] for item in document["advice"]],
        "warnings": [{"text": item["text"], "sources": item["sources"]} for item in document["warnings"]],
        "picture": _picture(hosts),
        "announcement": f"{title}. {sentence}",
    }


def fleet_command(file: str) -> str:
    """The command line that writes the files of an inventory, into a folder named for it."""
    return shlex.join(["setupgen", "fleet", file, "-o", folder_of(file)])


def folder_of(file: str) -> str:
    """The folder for the fleet of an inventory: the file's name without its ending."""
    stem = re.sub(r"\.(ya?ml|json)$", "", file.replace("\\", "/").rsplit("/", 1)[-1], flags=re.IGNORECASE)
    return _OUTSIDE.sub("-", stem).strip("-.") or "fleet"


def _title(document: Json, hosts: list[dict[str, Any]]) -> str:
    if not document["placements"]:
        return "Nothing fits"
    working = sum(bool(host["servers"]) for host in hosts)
    needs, missed = len(document["capacity"]), len(document["unplaced"])
    met = f"all {needs} needs" if not missed and needs > 1 else "the need" if not missed else f"{needs - missed} of {needs} needs"
    return f"{working} of {len(hosts)} hosts serve {met}"


def _proxy(pack: Pack, document: Json) -> dict[str, str] | None:
    front = document["proxy"]
    if "port" not in front:
        return None
    server = pack.servers.get(front["id"])
    scheme = "https" if front["tls"] else "http"
    return {
        "name": server.name if server else front["id"],
        "address": f"{scheme}://{front['bind']}:{front['port']}",
        "key": "asks for a key" if front["auth"]["kind"] != "none" else "asks for no key",
    }


def _host(pack: Pack, inventory: Inventory, host: FleetHost, document: Json) -> dict[str, Any]:
    """A host with its servers."""
    mine = [item for item in document["placements"] if item["host"] == host.name]
    notes = [f"there {host.availability}"] if host.availability else []
    notes += ["may be taken away"] if host.preemptible else []
    notes += [f"link: {host.link}"] if host.link else []
    return {
        "name": host.name,
        "address": host.address,
        "hardware": _hardware(inventory.kinds[host.kind]),
        "notes": notes,
        "servers": [_server(pack, item) for item in mine],
        "because": next((item["because"] for item in document["idle"] if item["host"] == host.name), ""),
    }


def _hardware(facts: Facts) -> str:
    parts = facts.hardware.parts
    names = [f"{part.count}x {part.name}" if part.count > 1 else part.name for part in parts]
    return f"{' and '.join(names) or facts.hardware.cpu_name}, {gib(facts.hardware.ram_bytes)} of main memory"


def _server(pack: Pack, item: Json) -> dict[str, Any]:
    """A server: what it is called, how full its memory is, and how fast it writes."""
    devices = item["memory"]["devices"]
    used, capacity = (sum(device[key] for device in devices) for key in ("used_bytes", "capacity_bytes"))
    fullest = max((device["used_bytes"] / max(device["capacity_bytes"], 1) for device in devices), default=0)
    rate, unit = item["decode_tps"], "tokens/s"
    if item["task"] == "embedding" or not rate["value"]:
        rate, unit = item["prefill_tps"], "tokens/s read"
    program = pack.servers[item["server"]].name
    model = pack.models.get(item["model"])
    return {
        "name": item["name"],
        "alias": item["alias"],
        "model": f"{model.name if model else item['model']} {item['quant']}",
        "program": program,
        "address": item["address"],
        "folder": item["folder"],
        "users": people(item["users"]) if item["users"] else "stands by",
        "speed": f"{figure(rate['value'])} {unit}",
        "range": f"{figure(rate['low'])} to {figure(rate['high'])}",
        "percent": round(min(used / max(capacity, 1), 1) * 100, 1),
        "level": "comfortable" if fullest < COMFORTABLE else "full" if fullest < BRIM else "brim",
        "memory": f"{gib(used)} of {gib(capacity)}",
        "because": item["because"],
    }


def _need(item: Json) -> dict[str, str]:
    rate = item["aggregate_tps"]
    unit = "tokens/s read" if item["task"] == "embedding" else "tokens/s"
    lost = f"{figure(item['without_largest_host_tps'])} {unit} are left" if item["survives_one_host"] else "nobody serves it"
    return {
        "label": item["label"],
        "alias": item["alias"] or "",
        "users": f"{item['users_served']:,} of {item['users']:,}",
        "copies": f"{item['replicas']} on {item['hosts']} host{'s'[: item['hosts'] != 1]}" if item["replicas"] else "none",
        "speed": f"{figure(rate['value'])} {unit}" if item["replicas"] else "",
        "lost": lost if item["replicas"] else "",
    }


def _label(need: Json) -> str:
    return str(need.get("model") or need.get("use_case") or "")


def _idle(document: Json) -> Iterator[tuple[list[str], str]]:
    """Idle hosts by what is said of them."""
    because = {
        item["because"]: [other["host"] for other in document["idle"] if other["because"] == item["because"]] for item in document["idle"]
    }
    yield from ((names, text) for text, names in because.items())


def _picture(hosts: list[dict[str, Any]]) -> dict[str, Any]:
    """Boxes for hosts at work; neighbours that hold the same share one."""

    def content(host: dict[str, Any]) -> tuple[str, ...]:
        return (host["hardware"], *(f"{server['model']} on {server['program']}" for server in host["servers"]))

    boxes = []
    for (hardware, *lines), group in groupby((host for host in hosts if host["servers"]), key=content):
        alike = list(group)
        vanishes = any(note.startswith(("there ", "may ")) for host in alike for note in host["notes"])
        boxes.append(
            {"label": _names([host["name"] for host in alike]), "hardware": hardware.split(",")[0], "lines": lines, "vanishes": vanishes}
        )
    idle = sum(not host["servers"] for host in hosts)
    return {"boxes": boxes[:MOST_BOXES], "more": max(len(boxes) - MOST_BOXES, 0), "idle": idle}


def _names(names: list[str]) -> str:
    return " and ".join(names) if len(names) <= FEW else f"{names[0]} to {names[-1]} ({len(names)} alike)"
