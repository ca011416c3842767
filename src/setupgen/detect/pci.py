"""The PCI bus: which graphics devices are plugged in, whatever tools and drivers are missing (Linux)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from setupgen.detect.accelerator import VENDORS
from setupgen.detect.run import answer
from setupgen.detect.text import clean, pairs, pci_address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from setupgen.detect.run import Runner

DEVICES = "/sys/bus/pci/devices"
NAME_LISTS = ("/usr/share/hwdata/pci.ids", "/usr/share/misc/pci.ids")
_LSPCI = re.compile(r"^(\S+) [^\[\n]*\[([0-9a-f]{4})\]: (.*) \[([0-9a-f]{4}):([0-9a-f]{4})\](?: \(rev ([0-9a-f]{2})\))?", re.MULTILINE)
_MAKERS = ("NVIDIA Corporation ", "Advanced Micro Devices, Inc. [AMD/ATI] ", "Advanced Micro Devices, Inc. [AMD] ", "Intel Corporation ")
# ATI's chips on server boards: they draw a console and compute nothing.
_CONSOLES = re.compile(r"ES1000|Rage XL|RV100|RN50", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PciDevice:
    """A display controller or compute accelerator on the bus.

    Attributes:
        name: as the PCI ID list has it, without the maker; empty where no list names it.
        driver: kernel driver that is bound to it, or empty.
        revision: two hex digits, or empty.
    """

    address: str
    vendor: str
    pci_id: str
    name: str = ""
    driver: str = ""
    revision: str = ""


def detect_pci(runner: Runner) -> list[PciDevice]:
    """Graphics devices of vendors that matter for inference, by address."""
    listed = answer(runner, "lspci", "-Dnn")
    named = {device.address: device for device in parse_lspci(listed)} if isinstance(listed, str) else {}
    found = []
    for path in runner.paths(f"{DEVICES}/*/uevent"):
        text = runner.read(path, keep=False)
        device = parse_uevent(text, path.split("/")[-2]) if isinstance(text, str) else None
        if device:
            runner.read(path)  # for the raw output: other devices on the bus are nobody's business
            other = named.get(device.address)
            revision = runner.read(f"{DEVICES}/{device.address}/revision")
            revision = revision.strip().removeprefix("0x")[:2].lower() if isinstance(revision, str) else other.revision if other else ""
            name = other.name if other else ""
            found.append(PciDevice(device.address, device.vendor, device.pci_id, name, device.driver, revision))
    found = found or list(named.values())
    return [device for device in _named(runner, found) if not _CONSOLES.search(device.name)]


def _named(runner: Runner, devices: list[PciDevice]) -> list[PciDevice]:
    """The devices with names from the PCI ID list, where ``lspci`` gave none."""
    missing = {device.pci_id for device in devices if not device.name}
    texts = (runner.read(path, keep=False) for path in NAME_LISTS) if missing else ()
    text = next((text for text in texts if isinstance(text, str)), "")
    names = parse_pci_ids(text, missing) if text else {}
    return [
        PciDevice(device.address, device.vendor, device.pci_id, device.name or names.get(device.pci_id, ""), device.driver, device.revision)
        for device in devices
    ]


def matters(device_class: int, vendor: str) -> bool:
    """Whether a device of this class (base class and subclass) and vendor can be an accelerator.

    Display controllers are 03xx. Processing accelerators (1200) are AMD's Instinct cards, but Intel's neural units too.
    """
    return vendor in VENDORS and (device_class >> 8 == 0x03 or (device_class == 0x1200 and VENDORS[vendor] in {"amd", "nvidia"}))  # noqa: PLR2004


def parse_uevent(text: str, address: str) -> PciDevice | None:
    """A device from the kernel's ``uevent`` file; None where it is no accelerator."""
    values = dict(pairs(text, "="))
    vendor, _, device = values.get("PCI_ID", "").lower().partition(":")
    try:
        device_class = int(values.get("PCI_CLASS", ""), 16) >> 8
    except ValueError:
        return None
    address = pci_address(values.get("PCI_SLOT_NAME", address))
    if not address or not device or not matters(device_class, vendor) or values.get("DRIVER") == "vfio-pci":
        return None
    return PciDevice(address, VENDORS[vendor], f"{vendor}:{device}", driver=clean(values.get("DRIVER", ""), 40))


def parse_lspci(text: str) -> list[PciDevice]:
    """Graphics devices from ``lspci -Dnn``."""
    found = []
    for address, device_class, name, vendor, device, revision in _LSPCI.findall(text):
        full = pci_address(address)
        if full and matters(int(device_class, 16), vendor):
            found.append(PciDevice(full, VENDORS[vendor], f"{vendor}:{device}", name=_without_maker(name), revision=revision))
    return found


def _without_maker(name: str) -> str:
    word = clean(name)
    for maker in _MAKERS:
        word = word.removeprefix(maker)
    return "" if re.fullmatch(r"Device [0-9a-f]{4}|Device", word) else word


def parse_pci_ids(text: str, wanted: Iterable[str]) -> dict[str, str]:
    """Names of the wanted ``vendor:device`` ids in a PCI ID list."""
    names, vendor, wanted = {}, "", set(wanted)
    for line in text.splitlines():
        if line[:1] not in ("\t", "#", ""):
            vendor = line[:4]
        elif line.startswith("\t") and not line.startswith("\t\t") and f"{vendor}:{line[1:5]}" in wanted:
            names[f"{vendor}:{line[1:5]}"] = clean(line[5:])
    return names
