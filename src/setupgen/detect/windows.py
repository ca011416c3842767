"""Windows: one PowerShell script asks CIM and the registry for everything, since each start of PowerShell takes a second or two."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from setupgen.detect.accelerator import VENDORS, Accelerator
from setupgen.detect.memory import Module, channel_of
from setupgen.detect.run import answer
from setupgen.detect.text import entries, json_in, model_name, to_int, word_of
from setupgen.facts import Unknown

if TYPE_CHECKING:
    from setupgen.detect.run import Runner

LIMIT_S = 20.0
SCRIPT = r"""
$ErrorActionPreference = 'SilentlyContinue'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
$class = 'HKLM:\SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}\0*'
@{
  os = @(Get-CimInstance Win32_OperatingSystem | Select-Object Caption, Version, BuildNumber)
  computer = @(Get-CimInstance Win32_ComputerSystem | Select-Object Manufacturer, Model, TotalPhysicalMemory)
  cpu = @(Get-CimInstance Win32_Processor | Select-Object Name, Manufacturer, NumberOfCores, NumberOfLogicalProcessors, Architecture)
  memory = @(Get-CimInstance Win32_PhysicalMemory | Select-Object Capacity, DataWidth, Speed, ConfiguredClockSpeed, DeviceLocator, BankLocator)
  video = @(Get-CimInstance Win32_VideoController | Select-Object Name, PNPDeviceID, DriverVersion, AdapterRAM)
  registry = @(Get-ItemProperty $class | ForEach-Object { @{ DriverDesc = $_.DriverDesc; MatchingDeviceId = $_.MatchingDeviceId;
    MemorySize = $_.'HardwareInformation.qwMemorySize' } })
} | ConvertTo-Json -Depth 4 -Compress
""".strip()
_ARCHITECTURES = {0: "x86", 5: "arm", 9: "x86_64", 12: "aarch64"}
_HARDWARE_ID = re.compile(r"VEN_([0-9A-F]{4})&DEV_([0-9A-F]{4})", re.IGNORECASE)
_INTEGRATED = re.compile(
    r"UHD Graphics|HD Graphics|Iris|Radeon\(TM\) Graphics|Radeon Graphics|Radeon(?:\(TM\))? (?:RX )?Vega \d+ Graphics|Radeon(?:\(TM\))? \d{3,4}[MS]\b"
    r"|Arc\(TM\) Graphics|Arc\(TM\) 1\d0[TV]|Adreno|^Intel\(R\) Graphics$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class WindowsReport:
    """What the script found; empty on other systems."""

    problem: str = ""
    system_name: str | Unknown = field(default_factory=lambda: Unknown("not Windows"))
    system_version: str | Unknown = field(default_factory=lambda: Unknown("not Windows"))
    model: str = ""
    cpu_name: str = ""
    cpu_vendor: str = ""
    cores: int | None = None
    threads: int | None = None
    architecture: str = ""
    memory_bytes: int | None = None
    modules: tuple[Module, ...] = ()
    accelerators: tuple[Accelerator, ...] = field(default=())


def run_powershell(runner: Runner) -> WindowsReport:
    """What PowerShell tells about this machine."""
    output = answer(runner, "powershell", "-NoProfile", "-NonInteractive", "-Command", SCRIPT, limit_s=LIMIT_S)
    return parse_powershell(output) if isinstance(output, str) else _failed(output.reason)


def _failed(reason: str) -> WindowsReport:
    return WindowsReport(problem=reason, system_name="Windows", system_version=Unknown(reason))


def parse_powershell(text: str) -> WindowsReport:
    """The report from the script's JSON."""
    document = json_in(text)
    if not isinstance(document, dict):
        return _failed("powershell: printed no JSON that could be read")
    system = next(iter(entries(document.get("os"))), {})
    computer = next(iter(entries(document.get("computer"))), {})
    processors = entries(document.get("cpu"))
    first = processors[0] if processors else {}
    version = word_of(system, "Version")
    return WindowsReport(
        system_name=word_of(system, "Caption") or "Windows",
        system_version=version or Unknown("Win32_OperatingSystem: has no version"),
        model=model_name(word_of(computer, "Manufacturer"), word_of(computer, "Model")),
        cpu_name=word_of(first, "Name"),
        cpu_vendor=word_of(first, "Manufacturer"),
        cores=sum(to_int(cpu.get("NumberOfCores")) or 0 for cpu in processors) or None,
        threads=sum(to_int(cpu.get("NumberOfLogicalProcessors")) or 0 for cpu in processors) or None,
        architecture=_ARCHITECTURES.get(to_int(first.get("Architecture")) or 0, "") if first else "",
        memory_bytes=to_int(computer.get("TotalPhysicalMemory")),
        modules=tuple(module for module in map(_module, entries(document.get("memory"))) if module),
        accelerators=tuple(parse_video(entries(document.get("video")), entries(document.get("registry")))),
    )


def _module(entry: dict[str, Any]) -> Module | None:
    size = to_int(entry.get("Capacity"))
    if not size:
        return None
    speed = to_int(entry.get("ConfiguredClockSpeed")) or to_int(entry.get("Speed"))
    channel = channel_of(word_of(entry, "BankLocator"), word_of(entry, "DeviceLocator"))
    return Module(size, to_int(entry.get("DataWidth")), speed, channel)


def parse_video(controllers: list[dict[str, Any]], registry: list[dict[str, Any]]) -> list[Accelerator]:
    """Graphics cards; their memory is the registry's, because `AdapterRAM` has 32 bits and stops at 4 GiB."""
    found = []
    for controller in controllers:
        name, device = word_of(controller, "Name"), word_of(controller, "PNPDeviceID")
        match = _HARDWARE_ID.search(device)
        vendor = VENDORS.get(match[1].lower(), "") if match else "qualcomm" if "adreno" in name.lower() else ""
        if not vendor or not name:
            continue
        found.append(
            Accelerator(
                vendor=vendor,
                name=name,
                memory_bytes=_registry_bytes(name, match[0] if match else "", registry),
                unified=bool(_INTEGRATED.search(name)),
                driver=word_of(controller, "DriverVersion") or Unknown("Win32_VideoController: has no driver version"),
                pci_id=f"{match[1]}:{match[2]}".lower() if match else "",
            )
        )
    return found


def _registry_bytes(name: str, hardware_id: str, registry: list[dict[str, Any]]) -> int | Unknown:
    """Memory that the driver wrote down for this device: by hardware id, else by name."""
    by_id = [entry for entry in registry if hardware_id and hardware_id.lower() in word_of(entry, "MatchingDeviceId").lower()]
    by_name = [entry for entry in registry if word_of(entry, "DriverDesc") == name]
    sizes = [size for entry in by_id or by_name if (size := _size(entry.get("MemorySize")))]
    if not sizes:
        return Unknown("the registry has no qwMemorySize for it, and AdapterRAM stops at 4 GiB")
    return sizes[0] if len(set(sizes)) == 1 else Unknown("the registry has several sizes for this device")


def _size(value: Any) -> int | None:
    """A REG_QWORD, or the eight bytes that some drivers write instead."""
    if isinstance(value, list) and 4 <= len(value) <= 8 and all(isinstance(byte, int) and 0 <= byte < 256 for byte in value):  # noqa: PLR2004
        value = int.from_bytes(bytes(value), "little")
    return to_int(value) or None
