"""One host as the planner sees it: its need and its hardware, looked up in the knowledge base, and the facts that rules read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from setupgen.engine.blessed import blessings
from setupgen.facts import Unknown
from setupgen.knowledge import GIB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from setupgen.facts import Facts, Part
    from setupgen.knowledge import Device, Model, Pack


@dataclass(frozen=True, slots=True)
class Group:
    """Accelerators that can serve one model together: one vendor and one kind of memory."""

    vendor: str
    kind: str
    parts: tuple[Part, ...]
    devices: tuple[Device, ...]

    @property
    def count(self) -> int:
        """How many accelerators there are."""
        return sum(part.count for part in self.parts)

    @property
    def equal(self) -> bool:
        """Whether all are of one kind and size."""
        return len({(part.id, part.memory_bytes) for part in self.parts}) == 1

    @property
    def memory_bytes(self) -> int:
        """Memory of all of them together."""
        return sum(part.memory_bytes * part.count for part in self.parts)


class Host:
    """Facts about one host, joined with the knowledge base. Pure; everything is derived from pack and facts."""

    def __init__(self, pack: Pack, facts: Facts) -> None:
        self.pack = pack
        self.facts = facts
        self.needs = facts.needs
        self.hardware = facts.hardware
        self.use_case: Mapping[str, Any] = pack.vocabulary("use-cases")[facts.needs.use_case]
        self.experience: Mapping[str, Any] = pack.vocabulary("experiences")[facts.needs.experience]
        self.cpu: Device = pack.devices[facts.hardware.cpu]
        self.groups = self._groups()
        self.qualities: dict[Model, float] = {}
        """What `ranking` expects of each model's answers, but for how it is regarded: kept here because many candidates share a model."""

    def _groups(self) -> tuple[Group, ...]:
        """Groups of accelerators, the most useful first; an integrated GPU beside a card of its own is left out."""
        known = [part for part in self.hardware.parts if part.id]
        discrete = [part for part in known if part.kind == "gpu"]
        merged: dict[tuple[str, str], list[Part]] = {}
        for part in sorted(discrete or known, key=lambda part: (-part.memory_bytes, part.id, part.name)):
            merged.setdefault((part.vendor, part.kind), []).append(part)
        groups = [
            Group(vendor, kind, tuple(parts), tuple(self.pack.devices[part.id] for part in parts))
            for (vendor, kind), parts in merged.items()
        ]
        return tuple(
            sorted(groups, key=lambda group: (-group.memory_bytes, -max(item.bandwidth_gb_s for item in group.devices), group.vendor))
        )

    @property
    def group(self) -> Group | None:
        """The group that is used, or none on a plain CPU."""
        return self.groups[0] if self.groups else None

    @property
    def unused_parts(self) -> tuple[Part, ...]:
        """Accelerators that the plan leaves idle because they cannot work together with the others."""
        used = self.group.parts if self.group else ()
        return tuple(part for part in self.hardware.parts if part not in used)

    @property
    def architecture(self) -> str:
        """Of the processor: ``amd64``, ``arm64`` or ``riscv64``; what the machine told, else what its devices are."""
        if self.hardware.architecture:
            return self.hardware.architecture
        devices = (*(self.group.devices if self.group else ()), self.cpu)
        return next((str(device.raw["architecture"]) for device in devices if device.raw.get("architecture")), "amd64")

    @property
    def ram_bandwidth_gb_s(self) -> float:
        """Peak bandwidth of main memory in GB/s: what was measured or declared, else the CPU's own figure."""
        return self.hardware.ram_bandwidth_gb_s or self.cpu.bandwidth_gb_s

    @cached_property
    def divergences(self) -> dict[str, float]:
        """Quantisations to their measured divergence from 16 bits, where there is one."""
        entries = self.pack.vocabulary("quantisations").items()
        return {id_: float(entry["kl_divergence"]) for id_, entry in entries if "kl_divergence" in entry}

    @cached_property
    def blessings(self) -> dict[str, Any]:
        """The blessed setups for this host and need, by id."""
        return blessings(self)

    @cached_property
    def lookup(self) -> Mapping[str, Any]:
        """Facts of the host by the names in the vocabulary of facts; unknown ones are `None`."""
        needs, hardware, group = self.needs, self.hardware, self.group
        first = group.devices[0] if group else self.cpu
        part = group.parts[0] if group else None
        memory = group.memory_bytes if group else hardware.ram_bytes
        smallest = min((part.memory_bytes for part in group.parts), default=0) if group else hardware.ram_bytes
        tools = {f"tools.{name}": _known(value) for name, value in hardware.tools}
        disk = _known(hardware.disk_free_bytes)
        return {
            "needs.use_case": needs.use_case,
            "needs.experience": needs.experience,
            "needs.users": needs.users,
            "needs.context": needs.context,
            "needs.os": needs.os,
            "needs.runtime": needs.runtime,
            "needs.exposure": needs.exposure,
            "needs.privacy": needs.privacy,
            "needs.license": needs.license,
            "needs.offline": needs.offline,
            "needs.tool_calls": bool(self.use_case["tool_calls"]),
            "needs.server": needs.server or None,
            "needs.quant": needs.quant or None,
            "needs.model": needs.model or None,
            "hardware.kind": group.kind if group else "cpu",
            "hardware.vendor": first.vendor,
            "hardware.segment": first.segment,
            "hardware.devices": [part.id for part in (group.parts if group else ())],
            "hardware.device_count": group.count if group else 0,
            "hardware.equal_devices": group.equal if group else True,
            "hardware.capability": (part.capability if part else "") or first.capability or None,
            "hardware.memory_gib": memory / GIB,
            "hardware.device_memory_gib": smallest / GIB,
            "hardware.ram_gib": hardware.ram_bytes / GIB,
            "hardware.bandwidth_gb_s": first.bandwidth_gb_s,
            "hardware.driver": _known(part.driver) if part else None,
            "hardware.disk_free_gib": disk / GIB if isinstance(disk, int) else None,
            "tools.docker": None,
            "tools.nvidia_container_toolkit": None,
            **tools,
        }


def _known(value: Any) -> Any:
    """The value, or `None` where it is unknown."""
    return None if isinstance(value, Unknown) else value
