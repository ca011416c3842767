"""The processor: name, vendor, cores, threads, instruction sets."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from setupgen.detect.run import answer
from setupgen.detect.text import clean, pairs, to_int
from setupgen.facts import Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from setupgen.detect.apple import MacReport
    from setupgen.detect.limits import Limits
    from setupgen.detect.run import Runner
    from setupgen.detect.windows import WindowsReport

ARCHITECTURES = {"amd64": "x86_64", "x64": "x86_64", "x86-64": "x86_64", "arm64": "aarch64"}
_VENDORS = {"genuineintel": "intel", "authenticamd": "amd", "hygongenuine": "hygon", "apple": "apple", "qualcomm": "qualcomm", "arm": "arm"}
# Arm's registry of implementers, as the kernel's /proc/cpuinfo prints it.
_IMPLEMENTERS = {
    "0x41": "arm",
    "0x4e": "nvidia",
    "0x51": "qualcomm",
    "0x61": "apple",
    "0x6d": "microsoft",
    "0xc0": "ampere",
    "0x46": "fujitsu",
}
# The kernel's word (or sysctl's, which is lower-cased first) and ours, where they differ.
_FEATURES = {
    **{name: name for name in ("sse4_2", "avx", "avx2", "avx_vnni", "fma", "f16c", "bmi2", "avx512f", "avx512_bf16", "avx512_fp16")},
    **{name: name for name in ("amx_tile", "amx_int8", "amx_bf16", "neon", "i8mm", "bf16", "sve", "sve2", "sme", "dotprod", "vfpv4")},
    "avx512_vnni": "avx512_vnni",
    "avx1.0": "avx",
    "sse4.2": "sse4_2",
    "asimd": "neon",
    "asimdhp": "fp16",
    "asimddp": "dotprod",
    "feat_dotprod": "dotprod",
    "feat_i8mm": "i8mm",
    "feat_bf16": "bf16",
    "feat_fp16": "fp16",
    "feat_sme": "sme",
}


@dataclass(frozen=True, slots=True)
class Cpu:
    """A processor as one source describes it; what that source leaves open is None, empty or unknown."""

    name: str = ""
    vendor: str = ""
    cores: int | None = None
    threads: int | None = None
    features: tuple[str, ...] | Unknown = field(default_factory=lambda: Unknown("not told"))
    architecture: str = ""


def detect_cpu(runner: Runner, mac: MacReport, windows: WindowsReport, limits: Limits) -> dict[str, Any]:
    """The processor, with no more threads than a control group leaves."""
    if runner.platform == "linux":
        cpu = _linux(runner)
    elif runner.platform == "darwin":
        cpu = parse_sysctl(mac.values)
    else:
        cpu = _windows(runner, windows)
    cores = cpu.cores or runner.number("cores")
    threads = cpu.threads or runner.number("threads")
    shown: dict[str, Any] = {
        "name": cpu.name or Unknown("no source names the processor"),
        "vendor": cpu.vendor or Unknown("no source names the vendor"),
        "cores": cores,
        "threads": threads,
        "features": cpu.features if isinstance(cpu.features, Unknown) else sorted(cpu.features),
        "architecture": cpu.architecture or architecture_of(runner.architecture) or Unknown("not told"),
    }
    allowed = [count for count in (limits.threads, runner.number("usable_threads")) if isinstance(count, int)]
    if isinstance(threads, int) and allowed and min(allowed) < threads:
        shown |= {"threads": min(allowed), "host_threads": threads}
        if isinstance(cores, int) and cores > min(allowed):
            shown["cores"] = min(allowed)
    return shown


def architecture_of(machine: str) -> str:
    """One name for each architecture, whatever the system calls it."""
    word = clean(machine).lower()
    return ARCHITECTURES.get(word, word)


def vendor_of(word: str) -> str:
    """A vendor's plain name from ``GenuineIntel`` and the like."""
    low = clean(word).lower()
    return _VENDORS.get(low) or next((name for name in ("intel", "amd", "apple", "qualcomm", "ampere", "arm") if name in low), "")


def features_of(words: str) -> tuple[str, ...]:
    """The instruction sets that matter for inference, out of all flags."""
    return tuple(sorted({_FEATURES[word] for word in words.lower().split() if word in _FEATURES}))


def _linux(runner: Runner) -> Cpu:
    text = runner.read("/proc/cpuinfo")
    cpu = parse_cpuinfo(text) if isinstance(text, str) else Cpu()
    if cpu.name and cpu.cores:
        return cpu
    listed = answer(runner, "lscpu")
    other = parse_lscpu(listed) if isinstance(listed, str) else Cpu()
    features = other.features if isinstance(cpu.features, Unknown) else cpu.features
    return Cpu(cpu.name or other.name, cpu.vendor or other.vendor, cpu.cores or other.cores, cpu.threads or other.threads, features)


def parse_cpuinfo(text: str) -> Cpu:
    """The processor from ``/proc/cpuinfo``: x86, or Arm with its board's name where the kernel gives one."""
    first: dict[str, str] = {}
    threads, places, socket = 0, set(), ""
    for key, value in pairs(text):
        if key == "processor":
            threads += 1
        elif key == "physical id":
            socket = value
        elif key == "core id":
            places.add((socket, value))
        first.setdefault(key, value)
    flags = first.get("flags") or first.get("Features") or ""
    vendor = vendor_of(first.get("vendor_id", "")) or _IMPLEMENTERS.get(first.get("CPU implementer", "").lower(), "")
    return Cpu(
        name=clean(first.get("model name") or first.get("Model") or ""),
        vendor=vendor,
        cores=len(places) or None,
        threads=threads or None,
        features=features_of(flags) if flags else Unknown("/proc/cpuinfo: lists no features"),
    )


def parse_lscpu(text: str) -> Cpu:
    """The processor from ``lscpu``, which knows the names of Arm cores."""
    values: dict[str, str] = {}
    kinds: list[dict[str, str]] = []
    for key, value in pairs(text):
        values.setdefault(key, value)
        if key == "Model name":
            kinds.append({})
        if kinds:
            kinds[-1].setdefault(key, value)
    cores = sum(_cores(kind) for kind in kinds)
    name = clean(values.get("Model name", ""))
    return Cpu(
        name="" if name == "-" else name,
        vendor=vendor_of(values.get("Vendor ID", "")),
        cores=cores or None,
        threads=to_int(values.get("CPU(s)", "")),
        features=features_of(values["Flags"]) if values.get("Flags") else Unknown("lscpu: lists no flags"),
    )


def _cores(kind: Mapping[str, str]) -> int:
    """Cores of one kind: chips with large and small cores are listed kind by kind, some in clusters instead of sockets."""
    groups = to_int(kind.get("Socket(s)", "")) or to_int(kind.get("Cluster(s)", "")) or 1
    return groups * (to_int(kind.get("Core(s) per socket", "")) or to_int(kind.get("Core(s) per cluster", "")) or 0)


def parse_sysctl(values: Mapping[str, str]) -> Cpu:
    """The processor from ``sysctl``; Python may be an Intel build that Rosetta translates, so the kernel is asked what the chip is."""
    arm = values.get("hw.optional.arm64") == "1"
    name = clean(values.get("machdep.cpu.brand_string", ""))
    words = " ".join(key.rsplit(".", 1)[-1] for key, value in values.items() if key.startswith("hw.optional.") and value == "1")
    words += f" {values.get('machdep.cpu.features', '')} {values.get('machdep.cpu.leaf7_features', '')}"
    features = set(features_of(words)) | ({"neon"} if arm else set())
    return Cpu(
        name=name,
        vendor="apple" if arm else vendor_of(values.get("machdep.cpu.vendor") or name),
        cores=to_int(values.get("hw.physicalcpu", "")),
        threads=to_int(values.get("hw.logicalcpu", "")),
        features=tuple(sorted(features)),
        architecture="aarch64" if arm else "",
    )


def _windows(runner: Runner, windows: WindowsReport) -> Cpu:
    features = runner.features()
    name = re.sub(r"\s+", " ", windows.cpu_name)
    return Cpu(
        name=name,
        vendor=vendor_of(windows.cpu_vendor) or vendor_of(name),
        cores=windows.cores,
        threads=windows.threads,
        features=features if isinstance(features, Unknown) else tuple(features),
        architecture=windows.architecture,
    )
