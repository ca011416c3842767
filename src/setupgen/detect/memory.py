"""Main memory: how much, how much of it is free, and how fast where that can be known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from setupgen.detect.run import answer
from setupgen.detect.text import clean, pairs, to_bytes, to_int
from setupgen.facts import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from setupgen.detect.apple import MacReport
    from setupgen.detect.limits import Limits
    from setupgen.detect.run import Runner
    from setupgen.detect.windows import WindowsReport

_CHANNEL = re.compile(
    r"DIMM[ _-]?P\d+[ _-]?([A-Z])|CHANNEL[ _-]?([A-Z])|CHANNEL[ _-]?(\d+)|DIMM[ _-]?([A-Z])[ _-]?\d?|^([A-Z])\d$", re.IGNORECASE
)
_SOCKET = re.compile(r"(?:CONTROLLER|NODE|CPU|PROC|P|MC)[ _-]?(\d+)", re.IGNORECASE)
_SLOWEST_GB_S, _FASTEST_GB_S = 2.0, 4000.0


@dataclass(frozen=True, slots=True)
class Module:
    """One memory module as the firmware describes it."""

    size_bytes: int
    width_bits: int | None
    transfers_mt_s: int | None
    channel: str


def detect_memory(runner: Runner, mac: MacReport, windows: WindowsReport, limits: Limits) -> dict[str, Any]:
    """Main memory, with no more of it than a control group leaves."""
    total, available = _amounts(runner, mac, windows)
    shown: dict[str, Any] = {"total_bytes": total, "available_bytes": available, "bandwidth_gb_s": _bandwidth(runner, windows)}
    limit = limits.memory_bytes
    if limit and isinstance(total, int) and limit < total:
        shown |= {"total_bytes": limit, "host_total_bytes": total}
        free = max(0, limit - (limits.memory_used_bytes or 0))
        shown["available_bytes"] = min(free, available) if isinstance(available, int) else free
    return shown


def _amounts(runner: Runner, mac: MacReport, windows: WindowsReport) -> tuple[int | Unknown, int | Unknown]:
    total, available = runner.number("memory_total"), runner.number("memory_available")
    if runner.platform == "linux":
        text = runner.read("/proc/meminfo")
        if isinstance(text, str):
            told = parse_meminfo(text)
            return told[0] or total, told[1] or available
    elif runner.platform == "darwin":
        return to_int(mac.values.get("hw.memsize", "")) or total, available
    elif windows.memory_bytes:
        return windows.memory_bytes, available
    return total, available


def parse_meminfo(text: str) -> tuple[int | None, int | None]:
    """Total and available bytes from ``/proc/meminfo``."""
    values = dict(pairs(text))
    return to_bytes(values.get("MemTotal", "")), to_bytes(values.get("MemAvailable", ""))


def _bandwidth(runner: Runner, windows: WindowsReport) -> float | Unknown:
    if runner.platform == "darwin":
        return Unknown("macOS does not tell; the knowledge base has it for each chip")
    if runner.platform == "win32":
        return peak_bandwidth(windows.modules) if windows.modules else Unknown("Win32_PhysicalMemory: lists no modules")
    return run_dmidecode(runner)


def run_dmidecode(runner: Runner) -> float | Unknown:
    """Peak bandwidth by the firmware's tables, which only root may read."""
    tables = runner.paths("/sys/firmware/dmi/tables/DMI")
    output = answer(runner, "dmidecode", "-t", "memory")
    if isinstance(output, str):
        return peak_bandwidth(parse_dmidecode(output))
    if not tables:
        return Unknown("the firmware has no table of memory modules")
    return Unknown("dmidecode: needs root") if "ermission" in output.reason else output


def parse_dmidecode(text: str) -> list[Module]:
    """The modules that are installed, from ``dmidecode -t memory``."""
    modules = []
    for block in re.split(r"\n\s*\n", text):
        if not re.search(r"^\s*Memory Device\s*$", block, re.MULTILINE):
            continue
        values: dict[str, str] = {}
        for key, value in pairs(block):
            values.setdefault(key, value)
        size = to_bytes(values.get("Size", ""))
        if size:
            speeds = (_leading(values.get(key, "")) for key in ("Configured Memory Speed", "Configured Clock Speed", "Speed"))
            speed = next((speed for speed in speeds if speed), None)
            channel = channel_of(values.get("Bank Locator", ""), values.get("Locator", ""))
            modules.append(Module(size, _leading(values.get("Data Width", "")), speed, channel))
    return modules


def _leading(text: str) -> int | None:
    return to_int(text.partition(" ")[0])


def channel_of(bank: str, slot: str) -> str:
    """The memory channel that a slot's labels name, with its socket or controller; empty where they name none."""
    labels = [clean(bank), clean(slot)]
    channel = next((match for match in map(_CHANNEL.search, labels) if match), None)
    if not channel:
        return ""
    letter = next(group for group in channel.groups() if group)
    socket = "/".join(match[1] for match in (_SOCKET.search(label) for label in labels) if match)
    return f"{socket}:{letter.upper()}"


def peak_bandwidth(modules: Iterable[Module]) -> float | Unknown:
    """Peak rate in GB/s: modules that share a channel take turns, so each channel counts once."""
    modules = list(modules)
    if not modules:
        return Unknown("the firmware lists no memory modules")
    if any(not module.transfers_mt_s or not module.width_bits for module in modules):
        return Unknown("the firmware does not tell the modules' speed and width")
    if len(modules) > 1 and any(not module.channel for module in modules):
        return Unknown("the firmware does not tell which modules share a channel")
    slowest = min(module.transfers_mt_s or 0 for module in modules)
    widths = {module.channel: module.width_bits or 0 for module in modules}
    rate = sum(widths.values()) / 8 * slowest / 1000
    if not _SLOWEST_GB_S <= rate <= _FASTEST_GB_S:
        return Unknown(f"the firmware's figures give {rate:.0f} GB/s, which cannot be")
    return round(rate, 1)
