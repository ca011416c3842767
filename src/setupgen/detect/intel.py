"""Intel: graphics in the processor, which share main memory, and Arc or data-centre cards, which have their own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from setupgen.detect.accelerator import Accelerator, known
from setupgen.detect.pci import DEVICES
from setupgen.detect.run import answer, read_word
from setupgen.detect.text import clean, entries, json_in, pci_address, to_int, word_of
from setupgen.facts import Unknown

if TYPE_CHECKING:
    from setupgen.detect.pci import PciDevice
    from setupgen.detect.run import Runner

INTEGRATED_ADDRESS = "0000:00:02.0"
_GENERIC = re.compile(r"^Intel\(R\) Graphics(?: \[0x[0-9a-f]+\])?$")


@dataclass(frozen=True, slots=True)
class ToolEntry:
    """One device as ``xpu-smi`` or ``clinfo`` describes it."""

    name: str
    address: str
    memory_bytes: int | None


def detect_intel(runner: Runner, devices: list[PciDevice]) -> list[Accelerator]:
    """All Intel devices on the bus; tools are only asked where there is a card."""
    cards = [device for device in devices if device.address != INTEGRATED_ADDRESS]
    tools = _run_tools(runner) if cards else {}
    kernel = read_word(runner, "/proc/sys/kernel/osrelease")
    found = []
    for device in devices:
        entry = tools.get(device.address, ToolEntry("", "", None))
        unified = device.address == INTEGRATED_ADDRESS
        own = entry.memory_bytes or _kernel_memory(runner, device.address)
        name = entry.name if entry.name and not _GENERIC.match(entry.name) else ""
        found.append(
            Accelerator(
                vendor="intel",
                name=known(name, device.name, entry.name, Unknown(f"no tool names PCI device {device.pci_id}")),
                memory_bytes=Unknown("shares main memory") if unified else own or Unknown(_no_memory(device.driver)),
                unified=unified,
                driver=kernel if device.driver and kernel else Unknown("no driver is bound"),
                driver_name=device.driver,
                address=device.address,
                pci_id=device.pci_id,
            )
        )
    return found


def _no_memory(driver: str) -> str:
    return f"the {driver} driver does not tell; xpu-smi or clinfo would" if driver else "no driver is bound"


def _kernel_memory(runner: Runner, address: str) -> int | None:
    """Memory of a card by the kernel: the xe driver tells for each tile, some builds of i915 for the whole card."""
    folder = f"{DEVICES}/{address}"
    tiles = [to_int(read_word(runner, path)) or 0 for path in runner.paths(f"{folder}/tile*/physical_vram_size_bytes")]
    if sum(tiles):
        return sum(tiles)
    return next((size for path in runner.paths(f"{folder}/drm/card*/lmem_total_bytes") if (size := to_int(read_word(runner, path)))), None)


def _run_tools(runner: Runner) -> dict[str, ToolEntry]:
    """Cards by address, from the first tool that knows their memory."""
    for command, parse in ((("xpu-smi", "discovery", "-j"), parse_xpu_smi), (("clinfo",), parse_clinfo)):
        output = answer(runner, *command)
        found = parse(output) if isinstance(output, str) else []
        if found:
            return {entry.address: entry for entry in found if entry.address}
    return {}


def parse_xpu_smi(text: str) -> list[ToolEntry]:
    """Devices from ``xpu-smi discovery -j``."""
    document = json_in(text)
    devices = document.get("device_list") if isinstance(document, dict) else None
    return [
        ToolEntry(
            word_of(entry, "device_name"),
            pci_address(word_of(entry, "pci_bdf_address")),
            to_int(word_of(entry, "memory_physical_size_byte")),
        )
        for entry in entries(devices)
    ]


def parse_clinfo(text: str) -> list[ToolEntry]:
    """Intel's devices from ``clinfo``: columns of a property and its value, a new device at each ``Device Name``."""
    found: list[dict[str, str]] = []
    for line in text.splitlines():
        match = re.match(r"\s{0,4}(Device Name|Device Vendor|Device PCI bus info \(KHR\)|Global memory size)\s{2,}(.+)", line)
        if not match:
            continue
        if match[1] == "Device Name":
            found.append({})
        if found:
            found[-1].setdefault(match[1], clean(match[2]))
    return [
        ToolEntry(
            name=device.get("Device Name", ""),
            address=pci_address(device.get("Device PCI bus info (KHR)", "").removeprefix("PCI-E, ")),
            memory_bytes=to_int(device.get("Global memory size", "").partition(" ")[0]),
        )
        for device in found
        if "Intel" in device.get("Device Vendor", "Intel") + device.get("Device Name", "")
    ]
