"""What a form offers: hardware, servers and usual machines by the names that answers take. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from setupgen.engine.hardware import resolve_device
from setupgen.errors import SetupgenError
from setupgen.knowledge import GIB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.facts import Hardware, Part
    from setupgen.knowledge import Device, Pack

KINDS = {"gpu": "graphics card", "unified": "unified memory", "cpu": "processor"}
CARDLESS = "cpu"
"""What answers call a machine without an accelerator."""

USUAL = 8
"""Usual machines that are offered before anybody searches."""

SLICE = 0.12
"""Share of a card's memory that a driver may keep for itself; where more is missing, it is only a slice of the card. A judgement."""


def questions(pack: Pack) -> list[dict[str, Any]]:
    """The questions in order, with their choices written out; of the ways to start a server those that setups are written for."""
    found = []
    for id_, question in sorted(pack.questions.items(), key=lambda item: (item[1]["order"], item[0])):
        choices = question.get("choices")
        if "choices_from" in question:
            entries = pack.vocabulary(question["choices_from"]).values()
            choices = [{"value": item["id"], "label": item["label"], "description": item["description"]} for item in entries]
        if choices and question["sets"] == "needs.runtime":
            choices = [item for item in choices if item["value"] in runtimes(pack)]
        found.append({**question, "id": id_, "choices": choices})
    return found


def runtimes(pack: Pack) -> set[str]:
    """Ways to start a server that setups are written for."""
    return {runtime for server in pack.servers.values() if server.kind == "inference" and server.launch for runtime in server.runtimes}


def hardware(pack: Pack) -> list[dict[str, str]]:
    """Every device in every size, and every rented instance: the name an answer takes, the label, the kind, other names to find it by."""
    found = [option for device in pack.devices.values() for option in _options(pack, device)]
    instances = [
        {"value": id_, "label": raw["name"], "kind": "rented machine", "other": " ".join(raw.get("aliases", ()))}
        for id_, raw in pack.instances.items()
    ]
    order = [*KINDS.values()]
    return sorted(found, key=lambda item: order.index(item["kind"])) + instances


def _options(pack: Pack, device: Device) -> Iterator[dict[str, str]]:
    short = device.id.partition("/")[2]
    name = short if _leads_to(pack, short, device) else device.id
    other = " ".join(dict.fromkeys((device.id, *device.aliases)))
    sizes = device.memory_options if len(device.memory_options) > 1 else ()
    for size in sizes or (0,):
        told = f"{size / GIB:g} GB" if size else ""
        sold = f", {device.memory_options[0] / GIB:g} GB" if device.memory_options and not size else ""
        value = f"{name} {size / GIB:g}GB" if size else name
        label = device.name if size and device.name.endswith(told) else f"{device.name}, {told}" if size else f"{device.name}{sold}"
        yield {"value": value, "label": label, "kind": KINDS[device.kind], "other": other}


def _leads_to(pack: Pack, name: str, device: Device) -> bool:
    """Whether this name alone means this device and no size or count of another."""
    resolved = _resolved(pack, name)
    if resolved is None:
        return False
    found, memory, count = resolved
    return found.id == device.id and count == 1 and (memory is None or memory in device.memory_options)


def _resolved(pack: Pack, name: str) -> tuple[Device, int | None, int] | None:
    try:
        return resolve_device(pack, name)
    except SetupgenError:
        return None


def common(pack: Pack) -> list[dict[str, Any]]:
    """Machines that people run models on: those with the most setups that were seen running, one device each."""
    counts: dict[str, int] = {}
    for raw in pack.setups.values():
        if raw.get("count", 1) == 1 and len(raw["devices"]) == 1:
            counts[raw["devices"][0]] = counts.get(raw["devices"][0], 0) + 1
    usual = [id_ for id_ in sorted(counts, key=lambda id_: (-counts[id_], id_)) if pack.devices[id_].segment != "data-center"][:USUAL]
    found = []
    for id_ in usual:
        *_, largest = _options(pack, pack.devices[id_])
        found.append({"value": largest["value"], "label": largest["label"]})
    return [*found, *_bare(pack)]


def _bare(pack: Pack) -> Iterator[dict[str, str]]:
    """A desktop without an accelerator, by the name that answers take for it."""
    resolved = _resolved(pack, CARDLESS)
    if resolved:
        options = list(_options(pack, resolved[0]))
        yield {"value": options[0]["value"], "label": "No graphics card"}


def servers(pack: Pack) -> list[dict[str, str]]:
    """Inference servers that setups can be written for."""
    return [{"value": id_, "label": server.name} for id_, server in pack.servers.items() if server.kind == "inference" and server.launch]


def named(pack: Pack, machine: Hardware) -> dict[str, Any]:
    """The answers that name hardware which was detected, for a link: what has a name that anybody may use, in the size nearest to what was found."""
    parts = [f"{part.count}x {name}" if part.count > 1 else name for part in machine.parts if (name := _name(pack, part))]
    cpu = machine.cpu_name if machine.cpu_name and _resolved(pack, machine.cpu_name) else "cpu"
    return {"hardware": parts or [cpu], "ram": f"{max(round(machine.ram_bytes / GIB), 1)}G"}


def _name(pack: Pack, part: Part) -> str:
    """What this part is called in answers; empty for one that is unknown, or a slice of a card."""
    device = pack.devices.get(part.id)
    if device is None:
        return ""
    options = list(_options(pack, device))
    if len(options) == 1 and not device.memory_options:
        return options[0]["value"]
    sizes = [abs(size - part.memory_bytes) / size for size in device.memory_options]
    if device.kind == "gpu" and min(sizes) > SLICE:
        return ""
    return options[sizes.index(min(sizes))]["value"]
