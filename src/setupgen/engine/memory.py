"""The records of a memory estimate: what is asked of a server, the machine it runs on, and what goes where.

`setupgen.engine.placement.place` makes the estimate; `tensors`, `quantisation`, `weights`, `cache` and `compute` hold its parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

GIB = 1024**3
MIB = 1024**2


class Workload(NamedTuple):
    """What a server is asked to hold.

    Attributes:
        context: tokens that each sequence may have.
        parallel: sequences at the same time.
        cache_k, cache_v: storage types of the cache (``f16``, ``bf16``, ``f32``, ``q8_0``, ``q5_1``, ``q5_0``, ``q4_1``, ``q4_0``,
            ``iq4_nl``, ``fp8``).
        ubatch: tokens that are computed at once in prefill.
        flash_attention: whether attention runs without holding the scores.
        unified_kv: whether llama.cpp's sequences share one buffer.
        embeddings: whether the server makes embeddings instead of text.
    """

    context: int
    parallel: int
    cache_k: str = "f16"
    cache_v: str = "f16"
    ubatch: int = 512
    flash_attention: bool = True
    unified_kv: bool = False
    embeddings: bool = False


@dataclass(frozen=True, slots=True)
class Slot:
    """One physical accelerator.

    Attributes:
        name: as people know it.
        capacity_bytes: its memory; for unified memory all of the machine's.
        usable_bytes: what a server may take of it, see `setupgen.engine.compute.usable_bytes`.
        unified: whether it shares main memory.
        bandwidth_gb_s: peak memory bandwidth in GB/s.
    """

    name: str
    capacity_bytes: int
    usable_bytes: int
    unified: bool
    bandwidth_gb_s: float


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as memory sees it: its accelerators, its main memory and the backend that drives them."""

    slots: tuple[Slot, ...]
    ram_bytes: int
    ram_usable_bytes: int
    backend: str
    cpu_name: str = ""

    def __hash__(self) -> int:
        """By a few telling fields: quick, because memory formulas are looked up by machine all the time."""
        return hash((self.ram_bytes, self.ram_usable_bytes, self.backend, len(self.slots)))


class Placement(NamedTuple):
    """Where a model's layers go.

    Attributes:
        kind: ``full`` (all on accelerators), ``layers`` (some layers in main memory), ``experts`` (some layers' experts in main
            memory) or ``cpu``.
        gpu_layers: layers on accelerators, the output head counted as one more where it is there.
        n_cpu_moe: layers whose experts stay in main memory.
        tensor_parallel: cards that share every layer.
        tensor_split: layers per card where layers are split; empty for one card or for tensor parallelism.
        replicas: copies of the model.
    """

    kind: str
    gpu_layers: int = 0
    n_cpu_moe: int = 0
    tensor_parallel: int = 1
    tensor_split: tuple[int, ...] = ()
    replicas: int = 1


class DeviceUse(NamedTuple):
    """What one device holds."""

    name: str
    used_bytes: int
    capacity_bytes: int


class Memory(NamedTuple):
    """A memory estimate.

    Attributes:
        weights_bytes: the model's tensors, wherever they lie; what is stored twice counts once.
        kv_cache_bytes: cache of all sequences, with recurrent states.
        compute_bytes: the devices' working buffers.
        overhead_bytes: everything else: driver contexts, second copies of tensors, main memory's working buffers.
        total_bytes: the sum of these four.
        devices: use per device; main memory for a machine without accelerators.
        host_bytes: everything in main memory.
        fits: ``full``, ``partial``, ``cpu`` or ``no``.
        placement: where the layers go.
    """

    weights_bytes: int
    kv_cache_bytes: int
    compute_bytes: int
    overhead_bytes: int
    total_bytes: int
    devices: tuple[DeviceUse, ...]
    host_bytes: int
    fits: str
    placement: Placement

    def to_json(self) -> dict[str, Any]:
        """As the public JSON writes it."""
        return {
            "weights_bytes": self.weights_bytes,
            "kv_cache_bytes": self.kv_cache_bytes,
            "compute_bytes": self.compute_bytes,
            "overhead_bytes": self.overhead_bytes,
            "total_bytes": self.total_bytes,
            "devices": [
                {"name": device.name, "used_bytes": device.used_bytes, "capacity_bytes": device.capacity_bytes} for device in self.devices
            ],
            "host_bytes": self.host_bytes,
        }
