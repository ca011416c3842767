"""Vulkan: names devices that nothing else names, and finds those that only a Vulkan driver knows."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from setupgen.detect.accelerator import VENDORS, Accelerator
from setupgen.detect.run import answer
from setupgen.detect.text import clean, pairs
from setupgen.facts import Unknown

if TYPE_CHECKING:
    from setupgen.detect.run import Runner

_HEX = re.compile(r"0x([0-9a-fA-F]{4,8})")
_CHIP = re.compile(r" \((?:RADV|G1[3-9])[^()]*\)$")
_TRANSLATED = re.compile(r"^Microsoft Direct3D12 \((.+)\)$")  # what WSL makes of a card that has no Linux driver


@dataclass(frozen=True, slots=True)
class VulkanDevice:
    """A graphics device in ``vulkaninfo --summary``."""

    name: str
    vendor: str
    pci_id: str
    unified: bool
    driver: str
    driver_name: str


def run_vulkaninfo(runner: Runner) -> list[VulkanDevice] | Unknown:
    """What Vulkan drivers offer."""
    output = answer(runner, "vulkaninfo", "--summary")
    return parse_vulkaninfo(output) if isinstance(output, str) else output


def parse_vulkaninfo(text: str) -> list[VulkanDevice] | Unknown:
    """Real devices in the summary, each once: two drivers for one card list it twice, and processors are no accelerators."""
    blocks = re.split(r"^GPU\d+:\s*$", text, flags=re.MULTILINE)[1:]
    devices = [device for device in map(_device, blocks) if device]
    if not blocks:
        return Unknown("vulkaninfo: printed no devices that could be read")
    kept: list[VulkanDevice] = []
    for pci_id in dict.fromkeys(device.pci_id for device in devices):
        same = [device for device in devices if device.pci_id == pci_id]
        counts = Counter(device.driver_name for device in same)
        most = max(counts, key=lambda name: counts[name])
        kept += [device for device in same if device.driver_name == most]
    return kept


def _device(block: str) -> VulkanDevice | None:
    values = {key: value for key, value in pairs(block, "=") if value}
    kind, name = values.get("deviceType", ""), clean(values.get("deviceName", ""))
    vendor_id, device_id = (_HEX.search(values.get(key, "")) for key in ("vendorID", "deviceID"))
    if not name or not kind.endswith(("INTEGRATED_GPU", "DISCRETE_GPU")):
        return None
    vendor = VENDORS.get(vendor_id[1].lower(), "") if vendor_id else ""
    vendor = vendor or ("apple" if name.startswith("Apple M") else "")
    if not vendor:
        return None
    pci_id = f"{vendor_id[1]}:{device_id[1]}".lower() if vendor_id and device_id else name
    driver = clean(values.get("driverInfo") or values.get("driverVersion", ""))
    name = _CHIP.sub("", _TRANSLATED.sub(r"\1", name))
    return VulkanDevice(name, vendor, pci_id, kind.endswith("INTEGRATED_GPU"), driver, clean(values.get("driverName", "")))


def add_vulkan(found: list[Accelerator], devices: list[VulkanDevice]) -> list[Accelerator]:
    """The accelerators with missing names filled in, and with devices of vendors of which nothing else was found."""
    by_id = {device.pci_id: device for device in devices}
    named = []
    for accelerator in found:
        device = by_id.get(accelerator.pci_id)
        named.append(replace(accelerator, name=device.name) if device and isinstance(accelerator.name, Unknown) else accelerator)
    vendors = {accelerator.vendor for accelerator in found}
    return named + [_accelerator(device) for device in devices if device.vendor not in vendors]


def _accelerator(device: VulkanDevice) -> Accelerator:
    return Accelerator(
        vendor=device.vendor,
        name=device.name,
        memory_bytes=Unknown("only vulkaninfo knows this device, and its summary has no memory"),
        unified=device.unified,
        driver=device.driver or Unknown("vulkaninfo: prints no driver"),
        driver_name=device.driver_name,
        pci_id=device.pci_id if ":" in device.pci_id else "",
    )
