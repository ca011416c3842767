"""AMD: the kernel's files first (they need no ROCm), names and targets from ``amd-smi``, ``rocm-smi`` or the list of libdrm."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from setupgen.detect.accelerator import Accelerator, known
from setupgen.detect.pci import DEVICES
from setupgen.detect.run import DRIVER_LIMIT_S, answer, read_word
from setupgen.detect.text import MIB, clean, entries, is_absent, json_in, pairs, pci_address, to_int, word_of
from setupgen.facts import Unknown

if TYPE_CHECKING:
    from setupgen.detect.pci import PciDevice
    from setupgen.detect.run import Runner

MARKETING_NAMES = "/usr/share/libdrm/amdgpu.ids"
TOPOLOGY = "/sys/class/kfd/kfd/topology/nodes"
# Device ids of graphics inside a processor, by the PCI ID list: Raven Ridge to Strix Halo.
_INTEGRATED_IDS = frozenset(
    {
        *("15d8", "15dd", "15e7", "1636", "1638", "163f", "164c", "164d", "164e", "164f", "1681", "1506", "15bf", "15c8"),
        *("1900", "1901", "1902", "13c0", "150e", "1114", "1586", "1309", "130f", "1315", "9874", "98e4"),
    }
)
_INTEGRATED_NAME = re.compile(r"Radeon(?:\(TM\))? (?:Vega \d+ |\d{3,4}[MS]? )?Graphics")


@dataclass(frozen=True, slots=True)
class ToolEntry:
    """One device as ``amd-smi`` or ``rocm-smi`` describes it; what is left out is empty or None."""

    name: str = ""
    address: str = ""
    device_id: str = ""
    memory_bytes: int | None = None
    gtt_bytes: int | None = None
    gfx_target: str = ""
    driver: str = ""
    index: int | None = None


def detect_amd(runner: Runner, devices: list[PciDevice]) -> tuple[list[Accelerator], Unknown | None]:
    """All AMD devices, and what went wrong with the tools that list them."""
    tool = run_amd_smi(runner)
    if isinstance(tool, Unknown):
        other = run_rocm_smi(runner)
        tool = other if not isinstance(other, Unknown) or tool.reason.endswith("not installed") else tool
    problem = tool if isinstance(tool, Unknown) else None
    tool_entries = [] if isinstance(tool, Unknown) else tool
    if not devices:
        return [_from_tool(entry) for entry in tool_entries], problem
    targets = run_topology(runner)
    names = _marketing_names(runner, devices)
    driver = read_word(runner, "/sys/module/amdgpu/version") or read_word(runner, "/proc/sys/kernel/osrelease")
    found = [
        _from_bus(
            runner,
            device,
            _match(device, devices, tool_entries),
            target=targets.get(device.address, ""),
            listed=names.get(f"{device.pci_id}:{device.revision}", ""),
            driver=driver,
        )
        for device in devices
    ]
    return found, problem


def _match(device: PciDevice, devices: list[PciDevice], tool_entries: list[ToolEntry]) -> ToolEntry:
    """The tool's entry for this device: by address, else by a device id that only one device here has."""
    for entry in tool_entries:
        if entry.address and entry.address == device.address:
            return entry
    same = [other for other in devices if other.pci_id == device.pci_id]
    matching = [entry for entry in tool_entries if not entry.address and entry.device_id == device.pci_id.partition(":")[2]]
    return matching[0] if len(same) == len(matching) == 1 else ToolEntry()


def _from_bus(runner: Runner, device: PciDevice, entry: ToolEntry, *, target: str, listed: str, driver: str) -> Accelerator:
    """A device on the bus, by the kernel's files, with what a tool and libdrm's list add to it."""
    folder = f"{DEVICES}/{device.address}"
    own = to_int(read_word(runner, f"{folder}/mem_info_vram_total")) or entry.memory_bytes
    gtt = to_int(read_word(runner, f"{folder}/mem_info_gtt_total")) or entry.gtt_bytes or 0
    product = read_word(runner, f"{folder}/product_name")
    name = known(_exact(entry.name), listed, _exact(product), entry.name, device.name, Unknown(f"no tool names PCI device {device.pci_id}"))
    missing = "the amdgpu driver does not tell" if device.driver == "amdgpu" else f"its driver is {device.driver or 'missing'}, not amdgpu"
    unified = is_integrated(device.pci_id, f"{name} {device.name}" if isinstance(name, str) else device.name)
    return Accelerator(
        vendor="amd",
        name=name,
        memory_bytes=own or Unknown(missing),
        unified=unified,
        driver=known(entry.driver, driver, Unknown("the kernel's version is not told")) if device.driver else Unknown("no driver is bound"),
        driver_name=device.driver,
        gfx_target=entry.gfx_target or target,
        address=device.address,
        pci_id=device.pci_id,
        index=entry.index,
        limit_bytes=max(own or 0, gtt) if unified else 0,
    )


def _from_tool(entry: ToolEntry) -> Accelerator:
    """A device of which only a tool tells (a container without the kernel's files)."""
    unified = is_integrated(f"1002:{entry.device_id}", entry.name)
    return Accelerator(
        vendor="amd",
        name=entry.name or Unknown("the tool does not name it"),
        memory_bytes=entry.memory_bytes or Unknown("the tool tells no memory for it"),
        unified=unified,
        driver=entry.driver or Unknown("the tool tells no driver version"),
        driver_name="amdgpu",
        gfx_target=entry.gfx_target,
        address=entry.address,
        pci_id=f"1002:{entry.device_id}" if entry.device_id else "",
        index=entry.index,
        limit_bytes=max(entry.memory_bytes or 0, entry.gtt_bytes or 0) if unified else 0,
    )


def _exact(name: str) -> str:
    """The name, unless it stands for several products (``RX 7900 XT/7900 XTX``, ``Radeon Graphics / Radeon 8060S``)."""
    return "" if "/" in name or name.startswith("0x") else name


def is_integrated(pci_id: str, name: str) -> bool:
    """Whether the GPU is part of a processor and shares main memory."""
    return pci_id.partition(":")[2] in _INTEGRATED_IDS or bool(_INTEGRATED_NAME.search(name))


def run_amd_smi(runner: Runner) -> list[ToolEntry] | Unknown:
    """What ``amd-smi`` lists."""
    output = answer(runner, "amd-smi", "static", "--asic", "--bus", "--vram", "--driver", "--json", limit_s=DRIVER_LIMIT_S)
    return parse_amd_smi(output) if isinstance(output, str) else output


def parse_amd_smi(text: str) -> list[ToolEntry] | Unknown:
    """Devices from ``amd-smi static --json``; its ``MB`` are 1024 x 1024 bytes."""
    document = json_in(text)
    found = []
    for entry in entries(document.get("gpu_data") if isinstance(document, dict) and "gpu_data" in document else document):
        parts = {key: value if isinstance(value, dict) else {} for key, value in entry.items()}
        asic, driver = parts.get("asic", {}), parts.get("driver", {})
        if not asic:
            continue
        found.append(
            ToolEntry(
                name=word_of(asic, "market_name"),
                address=pci_address(word_of(parts.get("bus", {}), "bdf")),
                device_id=_hex_id(word_of(asic, "device_id")),
                memory_bytes=_amount(parts.get("vram", {}).get("size")),
                gfx_target=_target(word_of(asic, "target_graphics_version")),
                driver=_driver_version(word_of(driver, "version", "driver_version")),
                index=to_int(entry.get("gpu", "")),
            )
        )
    return found or Unknown("amd-smi: printed no JSON that could be read")


def _amount(value: Any) -> int | None:
    """Bytes of ``{"value": 196592, "unit": "MB"}`` or of a bare number of megabytes."""
    if isinstance(value, dict):
        number = to_int(value.get("value"))
        factor = {"B": 1, "KB": 1024, "MB": MIB, "GB": 1024 * MIB}.get(str(value.get("unit")).upper(), 0)
        return number * factor if number and factor else None
    number = to_int(str(value).removesuffix("MB").strip()) if value is not None else None
    return number * MIB if number else None


def run_rocm_smi(runner: Runner) -> list[ToolEntry] | Unknown:
    """What ``rocm-smi`` lists."""
    command = ("rocm-smi", "--showproductname", "--showmeminfo", "vram", "gtt", "--showbus", "--showdriverversion", "--json")
    output = answer(runner, *command, limit_s=DRIVER_LIMIT_S)
    return parse_rocm_smi(output) if isinstance(output, str) else output


def parse_rocm_smi(text: str) -> list[ToolEntry] | Unknown:
    """Devices from ``rocm-smi --json``; the case of its keys changed with the years."""
    document = json_in(text)
    cards = {key: value for key, value in document.items() if isinstance(value, dict)} if isinstance(document, dict) else {}
    system = {str(key).lower(): value for key, value in cards.get("system", {}).items()}
    found = []
    for key, card in cards.items():
        index = re.fullmatch(r"card(\d{1,3})", key)
        if not index:
            continue
        values = {str(name).lower(): value for name, value in card.items()}
        series, device_name = word_of(values, "card series"), word_of(values, "device name")
        found.append(
            ToolEntry(
                name=known(_exact(series), _exact(device_name), series, device_name, ""),
                address=pci_address(word_of(values, "pci bus")),
                device_id=_hex_id(word_of(values, "card model", "device id")),
                memory_bytes=to_int(word_of(values, "vram total memory (b)")),
                gtt_bytes=to_int(word_of(values, "gtt total memory (b)")),
                gfx_target=_target(word_of(values, "gfx version")),
                driver=_driver_version(word_of(system, "driver version")),
                index=int(index[1]),
            )
        )
    found.sort(key=lambda entry: entry.index or 0)
    return found or Unknown("rocm-smi: printed no JSON that could be read")


def _hex_id(word: str) -> str:
    match = re.fullmatch(r"0x([0-9a-fA-F]{4})", word)
    return match[1].lower() if match else ""


def _target(word: str) -> str:
    match = re.match(r"gfx[0-9a-f]{3,5}\b", word)
    return match[0] if match else ""


def _driver_version(word: str) -> str:
    """The driver's version; the in-tree driver has none of its own, and ``Linuxversion ...`` is no number."""
    return word if re.match(r"\d", word) else ""


def run_topology(runner: Runner) -> dict[str, str]:
    """Instruction-set targets by PCI address, from the kernel's compute driver."""
    found = {}
    for path in runner.paths(f"{TOPOLOGY}/*/properties"):
        text = runner.read(path)
        node = parse_node(text) if isinstance(text, str) else None
        if node:
            found[node[0]] = node[1]
    return found


def parse_node(text: str) -> tuple[str, str] | None:
    """PCI address and target of a compute node; None for a processor's node."""
    values = {key: to_int(value) for key, value in pairs(text, " ")}
    version, place = values.get("gfx_target_version"), values.get("location_id")
    if not version or place is None:
        return None
    address = f"{values.get('domain') or 0:04x}:{place >> 8 & 0xFF:02x}:{place >> 3 & 0x1F:02x}.{place & 7}"
    return address, f"gfx{version // 10000}{version // 100 % 100:x}{version % 100:x}"


def _marketing_names(runner: Runner, devices: list[PciDevice]) -> dict[str, str]:
    text = runner.read(MARKETING_NAMES, keep=False)
    return parse_marketing_names(text, {device.pci_id for device in devices}) if isinstance(text, str) else {}


def parse_marketing_names(text: str, wanted: set[str]) -> dict[str, str]:
    """Names by ``vendor:device:revision`` from libdrm's ``amdgpu.ids``."""
    names = {}
    for line in text.splitlines():
        words = [word.strip() for word in line.split(",", 2)]
        if len(words) == 3 and f"1002:{words[0].lower()}" in wanted and not is_absent(words[2]):  # noqa: PLR2004
            names[f"1002:{words[0].lower()}:{words[1].lower()}"] = clean(words[2])
    return names
