"""Where a model goes on a machine, and whether it fits: the one door to memory estimates.

`place` knows four families of servers: llama.cpp and what is built on it (layers and experts may stay in main memory), servers that claim
a share of each card (vLLM and, by another rule, SGLang), MLX, and servers that take what they need (embedding servers and the like).
"""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

from setupgen.engine import compute, paged
from setupgen.engine.cache import cache_per_layer
from setupgen.engine.memory import DeviceUse, Machine, Memory, Placement, Slot, Workload
from setupgen.engine.tensors import mtp_tensors
from setupgen.engine.weights import WeightBytes, weight_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from setupgen.knowledge import Architecture

__all__ = ["DeviceUse", "Machine", "Memory", "Placement", "Slot", "Workload", "family", "place"]

_LLAMA_CPP = frozenset(
    {
        "llama.cpp",
        "llama-cpp",
        "llama-server",
        "ollama",
        "llama-swap",
        "lm-studio",
        "koboldcpp",
        "llamafile",
        "ramalama",
        "localai",
        "lemonade",
    }
)
TIED_TWICE = frozenset({"gemma3n", "gemma4"})
"""Architectures that hold a tied embedding twice on a plain CPU too; the others only where a device has the head."""

_CLAIMING = {"vllm": "claiming", "sglang": "static"}
_NOT_UNIFIED = frozenset({"ollama"})


def family(server_kind: str, weight_format: str) -> str:
    """The memory family of a server, the weights' format decides for unknown names.

    ``llama.cpp``; ``claiming``, whose share holds everything (vLLM); ``static``, whose share holds weights and cache only (SGLang); ``mlx``; ``plain``.
    """
    if server_kind in _LLAMA_CPP:
        return "mlx" if weight_format == "mlx" else "llama.cpp"
    if server_kind in _CLAIMING:
        return _CLAIMING[server_kind]
    if "mlx" in server_kind or weight_format == "mlx":
        return "mlx"
    return "llama.cpp" if weight_format == "gguf" else "plain"


def place(
    architecture: Architecture,
    quant: str,
    weight_format: str,
    server_kind: str,
    machine: Machine,
    workload: Workload,
    *,
    kind: str | None = None,
    tensor_parallel: int = 0,
    replicas: int = 1,
    claim_share: float = paged.CLAIM_SHARE,
    cache_ram_bytes: int = 0,
    projector_bytes: int = 0,
) -> Memory:
    """The memory that a model takes on a machine, in the best placement or in the one asked for.

    Args:
        architecture: the model.
        quant: id of its quantisation.
        weight_format: ``gguf``, ``safetensors`` or ``mlx``.
        server_kind: id or name of the server.
        machine: accelerators and main memory.
        workload: context, sequences and cache types, of each copy where there are several.
        kind: insist on ``full``, ``experts``, ``layers`` or ``cpu``; by default the first of these that fits.
        tensor_parallel: cards that share every layer, for servers that can; 0 for as many of the machine's as can.
        replicas: copies of the model, each with its own cards, for servers that claim memory.
        claim_share: share of a card that such a server claims.
        cache_ram_bytes: llama.cpp's prompt cache in main memory.
        projector_bytes: vision and other towers that `weight_bytes` does not count; llama.cpp puts them on the first card.

    Returns:
        The estimate. Where nothing fits, `fits` is ``no`` and the numbers are those of the placement that was asked for, or of the full one.
    """
    which = family(server_kind, weight_format)
    if which != "llama.cpp":
        return _paged(
            architecture,
            quant,
            weight_format,
            machine,
            workload,
            paged.Options(which, kind, tensor_parallel, replicas, claim_share, projector_bytes),
        )
    if server_kind in _NOT_UNIFIED and workload.unified_kv:
        workload = workload._replace(unified_kv=False)
    return _layered(architecture, quant, weight_format, machine, workload, (kind, cache_ram_bytes, projector_bytes))


@lru_cache(maxsize=65536)
def _paged(
    architecture: Architecture, quant: str, weight_format: str, machine: Machine, workload: Workload, options: paged.Options
) -> Memory:
    return paged.estimate(architecture, quant, weight_format, machine=machine, workload=workload, options=options)


@lru_cache(maxsize=65536)
def _layered(
    architecture: Architecture, quant: str, weight_format: str, machine: Machine, workload: Workload, options: tuple[str | None, int, int]
) -> Memory:
    """llama.cpp and what is built on it; servers that differ in nothing here share the answer."""
    kind, host_extra, first_extra = options
    parts = _Parts(architecture, quant, weight_format, workload)
    return _Planner(architecture, parts, machine, workload, host_extra=host_extra, first_extra=first_extra).best(kind)


@lru_cache(maxsize=8192)
def _weight_sums(architecture: Architecture, quant: str, weight_format: str) -> tuple[WeightBytes, tuple[int, ...], tuple[int, ...]]:
    """A model's weights, and the running sums of its layers and of their experts from the first layer."""
    weights = weight_bytes(architecture, quant, weight_format)
    return weights, (0, *accumulate(weights.per_layer)), (0, *accumulate(weights.experts_per_layer))


@lru_cache(maxsize=16384)
def _cache_sums(architecture: Architecture, workload: Workload) -> tuple[int, ...]:
    """The running sums of the layers' caches."""
    return (0, *accumulate(cache_per_layer(architecture, workload)))


class _Parts:
    """Sizes of a model under a workload, with running sums from the first layer.

    Attributes:
        weights: the model's weights.
        weight_sums, cache_sums, expert_sums: of layers.
        head: output and small tensors, on the device that has the last layer.
        hidden_layers: layers for multi-token prediction: counted by llama.cpp, not loaded.
        layers: how many are loaded.
    """

    __slots__ = ("cache_sums", "expert_sums", "head", "hidden_layers", "layers", "weight_sums", "weights")

    def __init__(self, architecture: Architecture, quant: str, weight_format: str, workload: Workload) -> None:
        self.weights, self.weight_sums, self.expert_sums = _weight_sums(architecture, quant, weight_format)
        self.cache_sums = _cache_sums(architecture, workload)
        self.head = self.weights.output + self.weights.small
        self.hidden_layers = mtp_tensors(architecture)
        self.layers = len(self.weights.per_layer)

    def blocks(self, start: int, end: int) -> int:
        """Weights and cache of the layers from `start` to before `end`."""
        return self.weight_sums[end] - self.weight_sums[start] + self.cache_sums[end] - self.cache_sums[start]

    def block_sums(self) -> list[int]:
        """The running sums of weights and cache together."""
        return [a + b for a, b in zip(self.weight_sums, self.cache_sums, strict=True)]

    def loads(self, start: int, moved: int) -> list[int]:
        """Weights and cache of each layer from `start`, without the experts of the first `moved` layers."""
        off = self.weights.experts_per_layer
        return [self.blocks(index, index + 1) - (off[index] if index < moved else 0) for index in range(start, self.layers)]


class _Planner:
    """llama.cpp on one machine."""

    __slots__ = ("_buffers", "architecture", "cache_bytes", "context", "first_extra", "host_extra", "machine", "parts", "slots", "workload")

    def __init__(
        self, architecture: Architecture, parts: _Parts, machine: Machine, workload: Workload, *, host_extra: int, first_extra: int
    ) -> None:
        self.architecture = architecture
        self.machine = machine
        self.slots = machine.slots
        self.workload = workload
        self.parts = parts
        self.context = compute.context_bytes(machine.backend)
        self.cache_bytes = parts.cache_sums[-1]
        self._buffers: dict[bool, int] = {}
        self.host_extra = host_extra + compute.output_bytes(architecture, workload)
        self.first_extra = first_extra

    def best(self, kind: str | None) -> Memory:
        """The first placement that fits, or the one asked for."""
        if not self.slots:
            return self.cpu()
        if kind is not None:
            return self.asked(kind)
        full = self.full()
        if full.fits != "no":
            return full
        if self.architecture.experts is not None:
            found = self.experts()
            if found is not None:
                return found
        found = self.layers()
        if found is not None:
            return found
        cpu = self.cpu()
        return cpu if cpu.fits != "no" else full

    def asked(self, kind: str) -> Memory:
        """A placement of this kind."""
        if kind == "cpu":
            return self.cpu()
        if kind == "experts" and self.architecture.experts is not None:
            found = self.experts()
        elif kind == "layers":
            found = self.layers()
        else:
            return self.full()
        return found if found is not None else _refused(self.full())

    def full(self) -> Memory:
        """All layers on accelerators: on as few as hold them."""
        order = sorted(range(len(self.slots)), key=lambda index: (-self.slots[index].usable_bytes, index))
        for count in range(1, len(order) + 1):
            chosen = sorted(order[:count])
            shares = self.share(0, 0, chosen, pipeline=count > 1)
            if shares is not None:
                memory = self.memory("full", 0, 0, chosen, shares)
                if memory.fits != "no" or count == len(order):
                    return memory
        chosen = sorted(order)
        shares = _even(self.parts.layers, len(chosen))
        return _refused(self.memory("full", 0, 0, chosen, shares))

    def experts(self) -> Memory | None:
        """All layers on accelerators, but as few layers' experts as possible in main memory."""
        parts = self.parts
        layers = parts.layers
        chosen = list(range(len(self.slots)))
        spare = sum(max(0, self.free(position, chosen, experts=True)) for position in range(len(chosen))) - parts.head
        first_dense = self.architecture.experts.first_dense if self.architecture.experts else 0
        least = bisect_left(parts.expert_sums, max(parts.blocks(0, layers) - spare, 1))
        for moved in range(max(least, first_dense + 1), layers + 1):
            shares = self.share(0, moved, chosen, experts=True)
            if shares is not None:
                return _fitting(self.memory("experts", 0, moved, chosen, shares))
        for start in range(1, layers):  # not even that: the first layers stay in main memory altogether
            shares = self.share(start, layers, chosen, experts=True)
            if shares is not None:
                return _fitting(self.memory("experts", start, layers, chosen, shares))
        return None

    def layers(self) -> Memory | None:
        """As many of the last layers as fit on accelerators."""
        chosen = list(range(len(self.slots)))
        spare = sum(max(0, self.free(position, chosen)) for position in range(len(chosen))) - self.parts.head
        sums = self.parts.block_sums()
        for start in range(max(bisect_left(sums, sums[-1] - spare), 1), self.parts.layers):
            shares = self.share(start, 0, chosen)
            if shares is not None:
                return _fitting(self.memory("layers", start, 0, chosen, shares))
        return None

    def cpu(self) -> Memory:
        """Everything in main memory."""
        weights = self.parts.weights
        buffers = compute.cpu_bytes(self.architecture, self.workload)
        extra = self.host_extra + self.first_extra
        if self.architecture.type in TIED_TWICE and weights.tied:
            extra += weights.output
        total = weights.total + self.cache_bytes + buffers + extra
        name = self.machine.cpu_name or "main memory"
        return Memory(
            weights_bytes=weights.total,
            kv_cache_bytes=self.cache_bytes,
            compute_bytes=buffers,
            overhead_bytes=extra,
            total_bytes=total,
            devices=(DeviceUse(name, total, self.machine.ram_bytes),),
            host_bytes=total,
            fits="cpu" if total <= self.machine.ram_usable_bytes else "no",
            placement=Placement("cpu"),
        )

    def fixed(self, position: int, chosen: list[int], *, pipeline: bool = False, experts: bool = False) -> int:
        """What a chosen card holds besides layers and head."""
        if pipeline:
            first, later, _ = compute.pipeline_bytes(self.architecture, self.workload)
            buffers = first if position == 0 else later
        else:
            buffers = self.buffers(experts=experts)
        return buffers + self.context + (self.first_extra if chosen[position] == 0 else 0)

    def buffers(self, *, experts: bool) -> int:
        """A card's compute buffer; with experts in main memory as much as llama.cpp's own fit reserves, since some are copied to it."""
        if experts not in self._buffers:
            size = compute.device_bytes(self.architecture, self.workload)
            self._buffers[experts] = max(size, compute.logits_bytes(self.architecture, self.workload)) if experts else size
        return self._buffers[experts]

    def free(self, position: int, chosen: list[int], *, pipeline: bool = False, experts: bool = False) -> int:
        """What a chosen card has for layers and head."""
        return self.slots[chosen[position]].usable_bytes - self.fixed(position, chosen, pipeline=pipeline, experts=experts)

    def share(self, start: int, moved: int, chosen: list[int], *, pipeline: bool = False, experts: bool = False) -> tuple[int, ...] | None:
        """How many of the layers from `start` each chosen card takes, in proportion to its room; None if they do not fit."""
        parts = self.parts
        rooms = [self.free(position, chosen, pipeline=pipeline, experts=experts) for position in range(len(chosen))]
        need = self.size(start, parts.layers, moved) + parts.head + self.single_copy()
        if need > sum(rooms):
            return None
        if len(chosen) == 1:
            return (parts.layers - start,)
        loads = parts.loads(start, moved)
        for scale in (need / max(sum(max(room, 0) for room in rooms), 1), 1.0):
            shares = self.fill(loads, [int(room * scale) for room in rooms], rooms)
            if shares is not None:
                return shares
        return None

    def size(self, start: int, end: int, moved: int) -> int:
        """Weights and cache of layers on accelerators, without the experts of the first `moved` layers."""
        size = self.parts.blocks(start, end)
        if start < moved:
            size -= self.parts.expert_sums[min(end, moved)] - self.parts.expert_sums[start]
        return size

    def fill(self, loads: Sequence[int], goals: list[int], rooms: list[int]) -> tuple[int, ...] | None:
        """Layers in order, each card up to its goal; the last one takes the rest and the head."""
        shares = []
        start = 0
        for position, goal in enumerate(goals[:-1]):
            used, count = 0, 0
            while start + count < len(loads):
                more = used + loads[start + count]
                if more > rooms[position] or (more > goal and more - goal > goal - used):
                    break
                used, count = more, count + 1
            shares.append(count)
            start += count
        if sum(loads[start:]) + self.parts.head + self.single_copy() > rooms[-1]:
            return None
        return (*shares, len(loads) - start)

    def single_copy(self) -> int:
        """Token embeddings where device and host memory are one: they lie on the device's side, and once even if tied."""
        if not self.slots[0].unified:
            return 0
        weights = self.parts.weights
        return weights.token_embedding - (weights.output if weights.tied else 0)

    def memory(self, kind: str, start: int, moved: int, chosen: list[int], shares: tuple[int, ...]) -> Memory:
        """The estimate for layers from `start` on accelerators, `moved` layers' experts in main memory."""
        parts, weights = self.parts, self.parts.weights
        pipeline = kind == "full" and len(chosen) > 1
        used = [0] * len(self.slots)
        compute_total = 0
        layer = start
        for position, index in enumerate(chosen):
            fixed = self.fixed(position, chosen, pipeline=pipeline, experts=kind == "experts")
            compute_total += fixed - self.context - (self.first_extra if index == 0 else 0)
            used[index] = self.size(layer, layer + shares[position], moved) + fixed
            layer += shares[position]
        used[chosen[-1]] += parts.head + self.single_copy()
        if pipeline:
            buffers = compute.pipeline_bytes(self.architecture, self.workload)[2]
        elif kind != "full":
            buffers = compute.cpu_bytes(self.architecture, self.workload)
        else:
            buffers = compute.host_bytes(self.architecture, self.workload)
        unified = self.slots[0].unified
        experts = parts.expert_sums[moved] - parts.expert_sums[start] if moved > start else 0
        host = buffers + self.host_extra + parts.blocks(0, start) + experts + (0 if unified else weights.token_embedding)
        total = sum(used) + host
        fits = all(use <= slot.usable_bytes for use, slot in zip(used, self.slots, strict=True))
        fits = fits and (total if unified else host) <= self.machine.ram_usable_bytes
        extra = parts.hidden_layers
        split = tuple(shares[chosen.index(index)] if index in chosen else 0 for index in range(len(self.slots)))
        if len(split) > 1:
            split = tuple(count + (extra + 1 if index == chosen[-1] else 0) for index, count in enumerate(split))
        return Memory(
            weights_bytes=weights.total,
            kv_cache_bytes=self.cache_bytes,
            compute_bytes=compute_total,
            overhead_bytes=total - weights.total - self.cache_bytes - compute_total,
            total_bytes=total,
            devices=tuple(DeviceUse(slot.name, use, slot.capacity_bytes) for slot, use in zip(self.slots, used, strict=True)),
            host_bytes=host,
            fits=("full" if kind == "full" else "partial") if fits else "no",
            placement=Placement(
                kind,
                gpu_layers=self.architecture.layers - start + extra + 1,
                n_cpu_moe=moved,
                tensor_split=split if len(split) > 1 else (),
            ),
        )


def _fitting(memory: Memory) -> Memory | None:
    """The estimate if it fits."""
    return memory if memory.fits != "no" else None


def _refused(memory: Memory) -> Memory:
    """The same numbers, said not to fit."""
    if memory.fits == "no":
        return memory
    return memory._replace(fits="no")


def _even(layers: int, cards: int) -> tuple[int, ...]:
    """Layers divided evenly."""
    return tuple(layers * (card + 1) // cards - layers * card // cards for card in range(cards))
