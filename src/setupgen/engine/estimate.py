"""The one estimator: memory and speed of a model, quantisation and server on given hardware. Plan, `estimate`, page and fleet use it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from setupgen.engine.cache import growing_bytes_per_token, recurrent_bytes
from setupgen.engine.compute import usable_bytes, usable_ram_bytes
from setupgen.engine.measured import Runs, runs_on, with_measurements
from setupgen.engine.memory import Machine, Memory, Slot, Workload
from setupgen.engine.placement import place
from setupgen.engine.speed import Speed, SpeedInput, estimate_speed, of_copies
from setupgen.engine.speed_classes import class_of_server
from setupgen.engine.weights import host_read_per_token, weight_bytes

if TYPE_CHECKING:
    from setupgen.engine.host import Group, Host
    from setupgen.engine.memory import Placement
    from setupgen.knowledge import Architecture, Device, Model, Weights


class Estimate(NamedTuple):
    """Memory and speed of one way to run a model."""

    memory: Memory
    speed: Speed


@dataclass(frozen=True, slots=True)
class Site:
    """Where a server would run: a machine for the memory formula, and what the speed formula needs of its devices.

    Attributes:
        machine: accelerators, main memory and backend.
        device: the slowest accelerator used, or the CPU.
        bandwidth_gb_s: peak bandwidth of that device's memory.
        fp16_tflops: its dense 16-bit rate; 0 where unknown.
        ram_bandwidth_gb_s: peak bandwidth of main memory.
        runs: measurements on these devices; none where only estimates are wanted.
    """

    machine: Machine
    device: Device
    bandwidth_gb_s: float
    fp16_tflops: float
    ram_bandwidth_gb_s: float
    runs: Runs = Runs({})  # noqa: RUF009 - frozen, and the same for all


def site(host: Host, backend: str, *, cards: int = 0, measured: bool = True) -> Site:
    """The site of a server on this host.

    Args:
        host: the host.
        backend: what drives the accelerators; ``cpu`` leaves them idle.
        cards: how many accelerators to use, the largest first; 0 for all.
        measured: whether measurements in the knowledge base count.
    """
    measurements = host.pack.measurements if measured else {}
    group = host.group if backend != "cpu" else None
    hardware = host.hardware
    ram_usable = usable_ram_bytes(hardware.ram_bytes)
    if group is None:
        machine = Machine((), hardware.ram_bytes, ram_usable, "cpu", host.hardware.cpu_name)
        bandwidth = host.ram_bandwidth_gb_s
        runs = runs_on(measurements, (host.cpu.id,), "cpu")
        return Site(machine, host.cpu, bandwidth, host.cpu.compute.get("fp16", 0.0), bandwidth, runs)
    slots, used = _slots(host, group, cards)
    machine = Machine(slots, hardware.ram_bytes, ram_usable, backend, host.hardware.cpu_name)
    slowest = min(used, key=lambda item: (item[1], item[0].id))
    runs = runs_on(measurements, tuple(device.id for device, _, _ in used), backend)
    return Site(machine, slowest[0], slowest[1], slowest[2], bandwidth_of_ram(host, group), runs)


def bandwidth_of_ram(host: Host, group: Group) -> float:
    """Bandwidth of main memory: the accelerator's own where memory is unified."""
    if group.kind == "unified":
        part, device = group.parts[0], group.devices[0]
        return device.at_memory(part.memory_bytes)[0]
    return host.ram_bandwidth_gb_s


def _slots(host: Host, group: Group, cards: int) -> tuple[tuple[Slot, ...], list[tuple[Device, float, float]]]:
    slots: list[Slot] = []
    used: list[tuple[Device, float, float]] = []
    pairs = sorted(zip(group.parts, group.devices, strict=True), key=lambda pair: (-pair[0].memory_bytes, pair[0].id))
    for part, device in pairs:
        bandwidth, compute = device.at_memory(part.memory_bytes)
        share = min(part.gpu_limit_bytes / part.memory_bytes, 1.0) if part.gpu_limit_bytes else device.gpu_share_at(part.memory_bytes)
        unified = part.kind == "unified"
        usable = usable_bytes(part.memory_bytes, unified=unified, gpu_share=share if unified else 1.0, wsl=host.needs.os == "wsl")
        for _ in range(part.count):
            if cards and len(slots) == cards:
                return tuple(slots), used
            slots.append(Slot(part.name, part.memory_bytes, usable, part.kind == "unified", bandwidth))
            used.append((device, bandwidth, compute.get("fp16", 0.0)))
    return tuple(slots), used


def estimate(
    where: Site,
    model: Model,
    weights: Weights,
    server: str,
    workload: Workload,
    *,
    prompt_tokens: int,
    depth: int,
    kind: str | None = None,
) -> Estimate:
    """Memory and speed of this model on this site.

    Args:
        where: the site.
        model: the model.
        weights: the quantisation.
        server: id of the server.
        workload: context, slots and cache types.
        prompt_tokens: tokens of the prompt that the time to first token is for.
        depth: tokens in the cache when the decode speed is taken.
        kind: insist on a placement kind; `None` for the best.
    """
    memory = place(model.architecture, weights.quant, weights.format, server, where.machine, workload, kind=kind)
    return Estimate(memory, speed_of(where, model, weights, server, workload, memory, prompt_tokens=prompt_tokens, depth=depth))


def speed_of(
    where: Site,
    model: Model,
    weights: Weights,
    server: str,
    workload: Workload,
    memory: Memory,
    *,
    prompt_tokens: int,
    depth: int,
) -> Speed:
    """The speed that follows from a placement; the arguments are those of `estimate`."""
    architecture = model.architecture
    sizes = weight_bytes(architecture, weights.quant, weights.format)
    placement = memory.placement
    on_cpu = placement.kind == "cpu"
    in_ram = _read_from_ram(architecture, weights, placement)
    growing = growing_bytes_per_token(architecture, workload.cache_k, workload.cache_v)
    device = where.device
    recurrent = architecture.group("recurrent")
    experts = architecture.experts
    x = SpeedInput(
        read_bytes_per_token=max(sizes.read_per_token - in_ram, 1.0),
        active_parameters=float(model.active_parameters),
        layers=architecture.layers,
        is_mixture=model.is_mixture,
        kv_bytes_per_token=growing,
        kv_constant_bytes=float(_constant_cache(architecture, workload, depth)),
        attention_flops_per_token_per_depth=attention_flops(architecture),
        depth=depth,
        parallel=workload.parallel,
        prompt_tokens=prompt_tokens,
        backend="cpu" if on_cpu else where.machine.backend,
        server=class_of_server(server),  # all that counts, so that servers of one class share the answer
        segment=device.segment,
        vendor=device.vendor,
        capability=device.capability,
        device_bandwidth_gb_s=where.ram_bandwidth_gb_s if on_cpu else _bandwidth(where, memory),
        device_tflops_fp16=0.0 if on_cpu else where.fp16_tflops,
        devices=1 if on_cpu else max(1, sum(device.used_bytes > 0 for device in memory.devices)) // placement.replicas or 1,
        split="tensor" if placement.tensor_parallel > 1 else "layer" if len(placement.tensor_split) > 1 else "none",
        cpu_bandwidth_gb_s=where.ram_bandwidth_gb_s,
        cpu_read_bytes_per_token=float(in_ram),
        quant=weights.quant,
        device_tflops_fp32=device.compute.get("fp32", 0.0),
        architecture=architecture.type,
        recurrent_layers=recurrent.layers if recurrent else 0,
        weight_bytes=float(sizes.total),
        expert_bytes_per_token=float(sizes.experts * experts.used // experts.count) if experts else 0.0,
        experts=experts.count if experts else 0,
        experts_used=experts.used if experts else 0,
        cpu_cores=device.cores if on_cpu else 0,
    )
    speed = of_copies(estimate_speed(x), placement.replicas)
    if not where.runs.by_setup or placement.kind not in {"full", "cpu"} or placement.replicas > 1:
        return speed
    count = sum(device.used_bytes > 0 for device in memory.devices) or 1
    return with_measurements(where.runs, x, (count, model.id, weights.quant), speed)


def _bandwidth(where: Site, memory: Memory) -> float:
    """Bandwidth of the devices that hold something: with layers split, each reads its share at its own pace, one after the other."""
    shares = [
        (device.used_bytes, slot.bandwidth_gb_s)
        for device, slot in zip(memory.devices, where.machine.slots, strict=False)
        if device.used_bytes > 0
    ]
    if not shares:
        return where.bandwidth_gb_s
    if memory.placement.tensor_parallel > 1:
        return min(bandwidth for _, bandwidth in shares)
    return sum(size for size, _ in shares) / sum(size / bandwidth for size, bandwidth in shares)


def _read_from_ram(architecture: Architecture, weights: Weights, placement: Placement) -> int:
    """Bytes of weights that one token reads from main memory because part of the model stays there."""
    if placement.kind not in {"layers", "experts"}:
        return 0
    return host_read_per_token(architecture, weights.quant, weights.format, gpu_layers=placement.gpu_layers, n_cpu_moe=placement.n_cpu_moe)


@lru_cache(maxsize=4096)
def attention_flops(architecture: Architecture) -> float:
    """Operations per token for each token of depth, over layers that see the whole context."""
    total = 0
    for group in architecture.attention:
        if group.kind == "full":
            total += 2 * group.layers * group.heads * (group.head_dim + (group.value_dim or group.head_dim))
        elif group.kind == "latent":
            total += 2 * group.layers * group.heads * (2 * group.kv_lora_rank + group.rope_dim)
    return float(total)


@lru_cache(maxsize=8192)
def _constant_cache(architecture: Architecture, workload: Workload, depth: int) -> int:
    """Bytes of cache that one sequence reads for a token however deep it is: full windows and states."""
    total = recurrent_bytes(architecture, 1)
    group = architecture.group("sliding")
    if group is not None:
        per_token = (group.head_dim + (group.value_dim or group.head_dim)) * group.kv_heads * group.cached_layers * 2
        total += per_token * min(group.window, workload.context, depth)
    return total


__all__ = ["Estimate", "Site", "attention_flops", "estimate", "site", "speed_of"]
