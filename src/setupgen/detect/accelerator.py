"""One accelerator, as one or several tools describe it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from setupgen.facts import Unknown

VENDORS = {"10de": "nvidia", "1002": "amd", "8086": "intel", "106b": "apple", "5143": "qualcomm"}


@dataclass(frozen=True, slots=True)
class Accelerator:
    """What is known of one accelerator.

    Attributes:
        name: as tools print it; unknown where none names the device.
        memory_bytes: its own memory; for one that shares main memory, what was set aside for it (`finish` turns it into main memory).
        unified: it shares main memory.
        limit_bytes: what it may use of unified memory, where the machine told; else 0.
        driver_name: kernel driver or driver package.
        capability: CUDA compute capability.
        gfx_target: AMD's name for the instruction set, such as ``gfx1100``.
        address: PCI address, the key by which descriptions of one device are found together.
        pci_id: ``vendor:device``.
        index: the number that the vendor's own tool gives it.
        extra: further keys for the document.
    """

    vendor: str
    name: str | Unknown
    memory_bytes: int | Unknown
    unified: bool = False
    driver: str | Unknown = field(default_factory=lambda: Unknown("not told"))
    driver_name: str = ""
    capability: str | Unknown = field(default_factory=lambda: Unknown("only NVIDIA devices have one"))
    gfx_target: str = ""
    address: str = ""
    pci_id: str = ""
    index: int | None = None
    limit_bytes: int = 0
    extra: tuple[tuple[str, Any], ...] = ()

    def finish(self, main_memory: int | Unknown, *, set_aside_counts: bool) -> Accelerator:
        """The accelerator with main memory as its memory, where it shares it.

        Args:
            main_memory: main memory that the operating system has.
            set_aside_counts: what firmware set aside for the GPU is missing from `main_memory`.
        """
        if not self.unified:
            return self
        own = self.memory_bytes if isinstance(self.memory_bytes, int) and set_aside_counts else 0
        whole = main_memory + own if isinstance(main_memory, int) else main_memory
        limit = self.limit_bytes
        if not limit and isinstance(whole, int) and own * 2 >= whole:
            limit = own
        return replace(self, memory_bytes=whole, limit_bytes=min(limit, whole) if isinstance(whole, int) else limit)

    def to_json(self) -> dict[str, Any]:
        """As the public JSON writes it; the knowledge base's id is filled in by the command line."""
        shown: dict[str, Any] = {
            "id": None,
            "name": self.name if isinstance(self.name, str) else self._placeholder(),
            "vendor": self.vendor,
            "memory_bytes": self.memory_bytes,
            "unified": self.unified,
            "driver": self.driver,
            "compute_capability": self.capability,
        }
        optional = {
            "driver_name": self.driver_name,
            "gfx_target": self.gfx_target,
            "pci_address": self.address,
            "pci_id": self.pci_id,
            "gpu_limit_bytes": self.limit_bytes,
        }
        shown |= {key: value for key, value in optional.items() if value}
        if self.index is not None:
            shown["index"] = self.index
        return shown | dict(self.extra)

    def _placeholder(self) -> str:
        """A name for a device that no tool names: readers of the document count on one."""
        return f"{self.vendor} device {self.pci_id}" if self.pci_id else f"{self.vendor} device"


def known(*values: Any) -> Any:
    """The first value that is known, else the first one's reason."""
    for value in values:
        if not isinstance(value, Unknown) and value not in ("", None, 0):
            return value
    return next((value for value in values if isinstance(value, Unknown)), Unknown("not told"))
