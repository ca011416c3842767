"""Macs: ``sysctl`` for the chip and ``system_profiler`` for its graphics."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from setupgen.detect.accelerator import Accelerator
from setupgen.detect.run import answer
from setupgen.detect.text import MIB, clean, entries, json_in, pairs, to_bytes, to_int, word_of
from setupgen.facts import Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from setupgen.detect.run import Runner

LIMIT_S = 15.0
SYSCTL_NAMES = (
    "machdep.cpu.brand_string",
    "machdep.cpu.vendor",
    "machdep.cpu.features",
    "machdep.cpu.leaf7_features",
    "hw.physicalcpu",
    "hw.logicalcpu",
    "hw.memsize",
    "hw.model",
    "hw.optional.arm64",
    "hw.optional.neon",
    "hw.optional.arm.FEAT_DotProd",
    "hw.optional.arm.FEAT_I8MM",
    "hw.optional.arm.FEAT_BF16",
    "hw.optional.arm.FEAT_FP16",
    "hw.optional.arm.FEAT_SME",
    "iogpu.wired_limit_mb",
)
_VENDORS = ("apple", "amd", "intel", "nvidia")


@dataclass(frozen=True, slots=True)
class MacReport:
    """What a Mac tells about itself; empty on other systems."""

    problems: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    model: str = ""
    accelerators: tuple[Accelerator, ...] = ()


def run_mac(runner: Runner) -> MacReport:
    """What ``sysctl`` and ``system_profiler`` tell; `mini` leaves serial numbers out."""
    values, displays = run_sysctl(runner), run_system_profiler(runner)
    problems = tuple(item.reason for item in (values, displays) if isinstance(item, Unknown))
    known_values = {} if isinstance(values, Unknown) else values
    if isinstance(displays, Unknown):
        found = _by_chip(known_values)
        return MacReport(problems, known_values, clean(known_values.get("hw.model", "")), found)
    model, entries_found = displays
    return MacReport(problems, known_values, model or clean(known_values.get("hw.model", "")), parse_displays(entries_found, known_values))


def run_sysctl(runner: Runner) -> dict[str, str] | Unknown:
    """The values that this Mac's kernel knows: `sysctl` prints those and fails because of the others."""
    output = runner.run("sysctl", *SYSCTL_NAMES)
    if isinstance(output, Unknown):
        return output
    return parse_sysctl_lines(output.stdout) or Unknown(f"sysctl: printed nothing that could be read ({output.complaint})")


def parse_sysctl_lines(text: str) -> dict[str, str]:
    """The wanted names and their values."""
    return {key: clean(value, 2000) for key, value in pairs(text) if key in SYSCTL_NAMES}


def run_system_profiler(runner: Runner) -> tuple[str, list[dict[str, Any]]] | Unknown:
    """The machine's model and its graphics."""
    command = ("system_profiler", "-json", "-detailLevel", "mini", "SPHardwareDataType", "SPDisplaysDataType")
    output = answer(runner, *command, limit_s=LIMIT_S)
    return parse_system_profiler(output) if isinstance(output, str) else output


def parse_system_profiler(text: str) -> tuple[str, list[dict[str, Any]]] | Unknown:
    """The machine's model and its list of graphics, from JSON."""
    document = json_in(text)
    if not isinstance(document, dict):
        return Unknown("system_profiler: printed no JSON that could be read")
    hardware = next(iter(entries(document.get("SPHardwareDataType"))), {})
    model = word_of(hardware, "machine_name")
    number = word_of(hardware, "machine_model")
    return (f"{model} ({number})" if model and number else model or number), entries(document.get("SPDisplaysDataType"))


def parse_displays(displays: list[dict[str, Any]], values: Mapping[str, str]) -> tuple[Accelerator, ...]:
    """Graphics chips: Apple's and Intel's share main memory, others have their own."""
    found = []
    for entry in displays:
        name = word_of(entry, "sppci_model", "_name")
        word = f"{word_of(entry, 'spdisplays_vendor')} {name}".lower()
        vendor = next((vendor for vendor in _VENDORS if vendor in word), "amd" if "radeon" in word else "")
        if not name or not vendor or entry.get("sppci_device_type", "spdisplays_gpu") not in ("spdisplays_gpu", ""):
            continue
        own, shared = to_bytes(word_of(entry, "spdisplays_vram")), to_bytes(word_of(entry, "spdisplays_vram_shared"))
        unified = vendor in ("apple", "intel") or bool(shared)
        cores = to_int(word_of(entry, "sppci_cores"))
        found.append(
            Accelerator(
                vendor=vendor,
                name=name,
                memory_bytes=Unknown("shares main memory") if unified else own or Unknown("system_profiler: tells no memory for it"),
                unified=unified,
                driver=Unknown("macOS has no separate graphics driver"),
                limit_bytes=_wired_limit(values) if vendor == "apple" else shared or 0,
                extra=(("gpu_cores", cores),) if cores else (),
            )
        )
    return tuple(found)


def _by_chip(values: Mapping[str, str]) -> tuple[Accelerator, ...]:
    """Apple's chips all have a GPU, so the chip's name is enough when `system_profiler` fails."""
    if values.get("hw.optional.arm64") != "1":
        return ()
    name = clean(values.get("machdep.cpu.brand_string", ""))
    memory = Unknown("shares main memory")
    driver = Unknown("macOS has no separate graphics driver")
    limit = _wired_limit(values)
    return (Accelerator("apple", name or Unknown("sysctl: names no chip"), memory, unified=True, driver=driver, limit_bytes=limit),)


def _wired_limit(values: Mapping[str, str]) -> int:
    """What somebody allowed the GPU to hold; 0 is the system's own rule, which macOS does not publish as a number."""
    match = re.fullmatch(r"\d{1,9}", values.get("iogpu.wired_limit_mb", ""))
    return int(match[0]) * MIB if match else 0
