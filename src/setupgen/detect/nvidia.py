"""NVIDIA: ``nvidia-smi``, its MIG instances, and Jetson boards, which may lack it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from setupgen.detect.accelerator import Accelerator
from setupgen.detect.run import DRIVER_LIMIT_S, answer, read_word
from setupgen.detect.text import MIB, clean, glimpse, is_absent, pci_address, to_int
from setupgen.facts import Unknown

if TYPE_CHECKING:
    from setupgen.detect.run import Runner

FIELDS = ("index", "name", "memory.total", "driver_version", "pci.bus_id", "compute_cap", "mig.mode.current")
OLD_FIELDS = FIELDS[:5]  # what drivers knew before 2021
# Chips whose GPU shares main memory: DGX Spark's, and what the Jetson modules' GPUs are called.
_UNIFIED = re.compile(r"\b(?:GB10|N1X?|Orin|Thor|Xavier|Tegra|nvgpu)\b", re.IGNORECASE)
_LIST_GPU = re.compile(r"^GPU (\d{1,4}): ", re.MULTILINE)
_LIST_INSTANCE = re.compile(r"^\s+MIG (\S+)\s+Device\s+(\d{1,4}):")
_TABLE_INSTANCE = re.compile(r"^\|\s*(\d{1,4})\s+\d+\s+\d+\s+(\d{1,4})\s*\|[^/\n]*/\s*(\d{1,9})MiB", re.MULTILINE)
_L4T = re.compile(r"R(\d+) \(release\), REVISION: ([\d.]+)")
# Compute capability of the chips that Jetson modules are built on, as NVIDIA's list of CUDA GPUs has them.
_TEGRA_CAPABILITY = {"tegra210": "5.3", "tegra186": "6.2", "tegra194": "7.2", "tegra234": "8.7", "tegra264": "11.0"}


def detect_nvidia(runner: Runner, architecture: str) -> list[Accelerator] | Unknown:
    """All NVIDIA devices that programs on this host can use, or why they are not known."""
    jetson = detect_jetson(runner) if runner.platform == "linux" else None
    found = run_nvidia_smi(runner, architecture)
    return [_with_board(jetson, found)] if jetson else found


def _with_board(jetson: Accelerator, found: list[Accelerator] | Unknown) -> Accelerator:
    """The board's name and chip, with the driver that ``nvidia-smi`` tells where it does."""
    if isinstance(found, list) and len(found) == 1 and isinstance(found[0].driver, str):
        return replace(jetson, driver=found[0].driver, driver_name="nvidia", index=found[0].index)
    return jetson


def run_nvidia_smi(runner: Runner, architecture: str) -> list[Accelerator] | Unknown:
    """What ``nvidia-smi`` lists; drivers from before 2021 do not know all the fields."""
    fields: tuple[str, ...] = FIELDS
    output = runner.run("nvidia-smi", f"--query-gpu={','.join(FIELDS)}", "--format=csv,noheader,nounits", limit_s=DRIVER_LIMIT_S)
    if not isinstance(output, Unknown) and output.exit != 0 and "not a valid field" in output.stdout + output.stderr:
        fields = OLD_FIELDS
        output = runner.run("nvidia-smi", f"--query-gpu={','.join(OLD_FIELDS)}", "--format=csv,noheader,nounits", limit_s=DRIVER_LIMIT_S)
    if isinstance(output, Unknown):
        return output
    if "No devices were found" in output.stdout + output.stderr:
        return []
    if output.exit != 0:
        return Unknown(f"nvidia-smi: failed with exit status {output.exit}: {output.complaint or 'it printed nothing'}")
    found = parse_nvidia_smi(output.stdout, fields, architecture)
    if isinstance(found, Unknown) or not any(("mig", True) in accelerator.extra for accelerator in found):
        return found
    listing, table = (answer(runner, "nvidia-smi", *words, limit_s=DRIVER_LIMIT_S) for words in (("-L",), ()))
    return split_instances(found, listing if isinstance(listing, str) else "", table if isinstance(table, str) else "")


def parse_nvidia_smi(text: str, fields: tuple[str, ...], architecture: str) -> list[Accelerator] | Unknown:
    """The devices in the CSV of ``nvidia-smi --query-gpu``; rows that are no rows are left out."""
    found = []
    for line in text.splitlines()[:256]:
        row = line.split(",")  # no value is quoted
        values = dict(zip(fields, map(clean, row), strict=False))
        index = to_int(values.get("index", ""))
        if len(row) != len(fields) or index is None or is_absent(values["name"]):
            continue
        found.append(_accelerator(values, index, architecture))
    return found or Unknown(f"nvidia-smi: printed nothing that could be read ({glimpse(text)})")


def _accelerator(values: dict[str, str], index: int, architecture: str) -> Accelerator:
    name, memory_mib, capability = values["name"], to_int(values["memory.total"]), values.get("compute_cap", "")
    # A card with memory of its own always has a size; an Arm chip without one shares main memory (GB10, Jetson and their successors).
    unified = not memory_mib and (architecture == "aarch64" or bool(_UNIFIED.search(name)))
    driver = values["driver_version"]
    return Accelerator(
        vendor="nvidia",
        name=name,
        memory_bytes=memory_mib * MIB if memory_mib else Unknown(f"nvidia-smi: prints {values['memory.total'] or 'nothing'} for it"),
        unified=unified,
        driver=Unknown("nvidia-smi: prints no driver version") if is_absent(driver) else driver,
        driver_name="nvidia",
        capability=capability if re.fullmatch(r"\d+\.\d+", capability) else Unknown("nvidia-smi: does not tell"),
        address=pci_address(values["pci.bus_id"]),
        index=index,
        extra=(("mig", True),) if values.get("mig.mode.current") == "Enabled" else (),
    )


def split_instances(devices: list[Accelerator], listing: str, table: str) -> list[Accelerator]:
    """Each MIG instance as an accelerator of its own, in place of the card it is cut from.

    Args:
        devices: the cards.
        listing: what ``nvidia-smi -L`` prints: the instances' profiles.
        table: what ``nvidia-smi`` prints: the instances' memory.
    """
    profiles = parse_listing(listing)
    sizes = {(int(gpu), int(device)): int(mib) * MIB for gpu, device, mib in _TABLE_INSTANCE.findall(table)}
    found = []
    for card in devices:
        if ("mig", True) not in card.extra:
            found.append(card)
            continue
        instances = {device: profile for (gpu, device), profile in profiles.items() if gpu == card.index}
        if not instances:
            found.append(replace(card, memory_bytes=Unknown("MIG mode is on, and no instance was found"), extra=(("mig", True),)))
        for device, profile in sorted(instances.items()):
            size = sizes.get((card.index or 0, device), Unknown("nvidia-smi: its table has no memory for this MIG instance"))
            extra = (("mig_profile", profile), ("mig_device", device), ("parent_name", card.name))
            found.append(replace(card, name=f"{card.name} MIG {profile}", memory_bytes=size, extra=extra))
    return found


def parse_listing(text: str) -> dict[tuple[int, int], str]:
    """MIG profiles by card and device number, from ``nvidia-smi -L``."""
    profiles, gpu = {}, -1
    for line in text.splitlines():
        if match := _LIST_GPU.match(line):
            gpu = int(match[1])
        elif (match := _LIST_INSTANCE.match(line)) and gpu >= 0:
            profiles[gpu, int(match[2])] = clean(match[1], 40)
    return profiles


def detect_jetson(runner: Runner) -> Accelerator | None:
    """The GPU of a Jetson board: the board's name tells the module, and so the knowledge base."""
    model, release = read_word(runner, "/proc/device-tree/model"), read_word(runner, "/etc/nv_tegra_release")
    chips = runner.read("/proc/device-tree/compatible")
    compatible = chips.replace("\0", " ") if isinstance(chips, str) else ""
    chip = next((name for name in _TEGRA_CAPABILITY if name in compatible), "")
    if not (chip or release or "jetson" in model.lower()):
        return None
    return Accelerator(
        vendor="nvidia",
        name=model or Unknown("/proc/device-tree/model: not there"),
        memory_bytes=Unknown("shares main memory"),
        unified=True,
        driver=parse_l4t(release),
        driver_name="l4t",
        capability=_TEGRA_CAPABILITY.get(chip) or Unknown("no known Tegra chip in /proc/device-tree/compatible"),
    )


def parse_l4t(text: str) -> str | Unknown:
    """The release of Jetson Linux, from ``/etc/nv_tegra_release``."""
    match = _L4T.search(text)
    return f"{match[1]}.{match[2]}" if match else Unknown("/etc/nv_tegra_release: names no release")
