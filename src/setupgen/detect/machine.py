"""The whole machine as one document: the public JSON of ``setupgen detect``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from setupgen.detect.accelerator import Accelerator
from setupgen.detect.amd import detect_amd
from setupgen.detect.apple import MacReport, run_mac
from setupgen.detect.cpu import detect_cpu
from setupgen.detect.intel import detect_intel
from setupgen.detect.limits import Limits, detect_limits
from setupgen.detect.memory import detect_memory
from setupgen.detect.nvidia import detect_nvidia
from setupgen.detect.pci import PciDevice, detect_pci
from setupgen.detect.run import Host, read_word
from setupgen.detect.system import detect_system
from setupgen.detect.text import model_name, tidy
from setupgen.detect.tools import detect_tools
from setupgen.detect.vulkan import add_vulkan, run_vulkaninfo
from setupgen.detect.windows import WindowsReport, run_powershell
from setupgen.facts import Unknown

if TYPE_CHECKING:
    from setupgen.detect.run import Runner

SCHEMA = 1


def detect(runner: Runner | None = None, *, raw: bool = False) -> dict[str, Any]:
    """The facts of a machine, as the public JSON has them.

    Args:
        runner: the machine; this one by default.
        raw: add what each tool printed.
    """
    machine: Runner = runner or Host()
    mac = run_mac(machine) if machine.platform == "darwin" else MacReport()
    windows = run_powershell(machine) if machine.platform == "win32" else WindowsReport()
    limits = detect_limits(machine) if machine.platform == "linux" else Limits()
    cpu = detect_cpu(machine, mac, windows, limits)
    memory = detect_memory(machine, mac, windows, limits)
    main_memory = memory.get("host_total_bytes", memory["total_bytes"])
    accelerators, problems = detect_accelerators(machine, mac, windows, str(cpu["architecture"]), main_memory)
    document = {
        "schema": SCHEMA,
        "os": detect_system(machine, windows),
        "machine": {"model": _model(machine, mac, windows)},
        "cpu": cpu,
        "memory": memory,
        "accelerators": [accelerator.to_json() for accelerator in accelerators],
        "tools": detect_tools(machine),
        "disk": {"free_bytes": machine.number("disk_free")},
        "notes": [*mac.problems, *([windows.problem] if windows.problem else []), *problems],
    }
    shown: dict[str, Any] = tidy(document)
    return shown | {"raw": machine.raw()} if raw else shown


def detect_accelerators(
    runner: Runner, mac: MacReport, windows: WindowsReport, architecture: str, main_memory: int | Unknown
) -> tuple[list[Accelerator], list[str]]:
    """Every accelerator once, cards with their own memory first; and what stood in the way."""
    problems: list[str] = []
    if runner.platform == "darwin":
        found = list(mac.accelerators)
    elif runner.platform == "win32":
        found = _on_windows(runner, windows, architecture, problems)
    else:
        found = _on_linux(runner, architecture, problems)
    if not found or any(isinstance(accelerator.name, Unknown) for accelerator in found):
        devices = run_vulkaninfo(runner)
        found = add_vulkan(found, devices) if isinstance(devices, list) else found
    finished = [accelerator.finish(main_memory, set_aside_counts=accelerator.vendor == "amd") for accelerator in found]
    return sorted(finished, key=lambda accelerator: accelerator.unified), problems


def _on_linux(runner: Runner, architecture: str, problems: list[str]) -> list[Accelerator]:
    bus = detect_pci(runner)
    on_bus = {vendor: [device for device in bus if device.vendor == vendor] for vendor in ("nvidia", "amd", "intel")}
    nvidia = detect_nvidia(runner, architecture)
    _note(problems, nvidia)
    if isinstance(nvidia, Unknown) or not nvidia:
        reason = nvidia if isinstance(nvidia, Unknown) else Unknown("nvidia-smi: found no device that it can use")
        nvidia = [_without_tool(device, reason) for device in on_bus["nvidia"]]
    else:
        ids = {device.address: device.pci_id for device in bus}
        nvidia = [replace(accelerator, pci_id=ids.get(accelerator.address, "")) for accelerator in nvidia]
    amd, problem = detect_amd(runner, on_bus["amd"])
    _note(problems, problem)
    return [*nvidia, *amd, *detect_intel(runner, on_bus["intel"])]


def _on_windows(runner: Runner, windows: WindowsReport, architecture: str, problems: list[str]) -> list[Accelerator]:
    nvidia = detect_nvidia(runner, architecture)
    _note(problems, nvidia)
    listed = nvidia if isinstance(nvidia, list) else []
    return [*listed, *(accelerator for accelerator in windows.accelerators if accelerator.vendor != "nvidia" or not listed)]


def _without_tool(device: PciDevice, reason: Unknown) -> Accelerator:
    """A card that is on the bus, of which its vendor's tool says nothing."""
    return Accelerator(
        vendor=device.vendor,
        name=device.name or Unknown(f"no tool names PCI device {device.pci_id}"),
        memory_bytes=reason,
        driver=reason,
        driver_name=device.driver,
        capability=reason,
        address=device.address,
        pci_id=device.pci_id,
    )


def _note(problems: list[str], result: list[Accelerator] | Unknown | None) -> None:
    """Keeps why a tool failed; that it is not installed is no problem."""
    if isinstance(result, Unknown) and not result.reason.endswith("not installed"):
        problems.append(result.reason)


def _model(runner: Runner, mac: MacReport, windows: WindowsReport) -> str | Unknown:
    """What the maker calls the machine."""
    model = mac.model or windows.model
    if runner.platform == "linux":
        words = (read_word(runner, f"/sys/class/dmi/id/{name}") for name in ("sys_vendor", "product_name", "board_name"))
        model = model_name(*words) or read_word(runner, "/proc/device-tree/model")
    return model or Unknown("the firmware does not tell")
