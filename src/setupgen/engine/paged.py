"""Memory of servers that hold the whole model on accelerators: vLLM and SGLang, MLX, and plain ones.

vLLM claims a share of each card and gives what weights and activations leave to the cache. SGLang's share holds weights and cache alone, and
activations and graphs lie in the rest. The claim is what a device shows as used, while the estimate's parts are the need. Main memory that
these servers' own processes take is not counted: it is not published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from setupgen.engine import compute
from setupgen.engine.cache import mlx_bytes, pad, paged_bytes
from setupgen.engine.memory import GIB, MIB, DeviceUse, Memory, Placement
from setupgen.engine.weights import weight_bytes

if TYPE_CHECKING:
    from setupgen.engine.memory import Machine, Slot, Workload
    from setupgen.knowledge import Architecture

CLAIM_SHARE = 0.92
"""vLLM's default share of a card (`--gpu-memory-utilization`), https://docs.vllm.ai/en/latest/."""

_LARGE_CARD = 70 * GIB  # from here vLLM's server computes 8,192 tokens at once instead of 2,048
_LARGE_BATCH = 8192
_BATCH = 2048
_FP8_BLOCK = 128

# SGLang's own choices by a card's MiB (https://github.com/sgl-project/sglang/blob/v0.5.21/python/sglang/srt/arg_groups/memory_hook.py): tokens
# computed at once, and sequences in its graphs on fewer than four cards and on more.
_SGLANG_STEPS = ((20, 2048, 8, 8), (35, 4096, 48, 160), (60, 4096, 32, 160), (160, 8192, 256, 512), (1 << 20, 16384, 512, 512))
_SGLANG_PREFILL_GRAPHS = {2048: 43, 4096: 51, 8192: 59, 16384: 75}
"""Sizes that it records for prefill up to so many tokens."""
_SGLANG_LARGE_CARD = 60 * GIB
_SGLANG_LEAST_ON_LARGE = 10 * GIB
_MANY_CARDS = 4
_SIZES = (1, 2, 4, 8, 16, 32)


CLAIMING = ("claiming", "static")
"""Families that claim a share of each card and can share layers between cards."""


class Options(NamedTuple):
    """What is asked of the placement; see `setupgen.engine.placement.place`."""

    family: str
    kind: str | None
    tensor_parallel: int
    replicas: int
    claim_share: float
    projector_bytes: int = 0


class _Need(NamedTuple):
    """What one copy of the model takes on each of its cards."""

    weights: int
    cache: int
    activations: int
    other: int

    @property
    def total(self) -> int:
        return sum(self)


def tensor_parallel_sizes(architecture: Architecture, quant: str, cards: int) -> tuple[int, ...]:
    """Numbers of cards that can share every layer: powers of two that divide the heads (key/value heads may be repeated instead)."""
    return tuple(size for size in _SIZES if size == 1 or (size <= cards and _divides(architecture, quant, size)))


def _divides(architecture: Architecture, quant: str, size: int) -> bool:
    for group in architecture.attention:
        if group.heads % size:
            return False
        if group.kv_heads and group.kv_heads % size and size % group.kv_heads:
            return False
        if group.state_heads % size:
            return False
    if quant == "FP8":
        experts = architecture.experts
        width = experts.size if experts is not None else architecture.feed_forward
        return width % (size * _FP8_BLOCK) == 0  # scales cover blocks of 128 that cannot be cut
    return True


def estimate(
    architecture: Architecture, quant: str, weight_format: str, *, machine: Machine, workload: Workload, options: Options
) -> Memory:
    """The memory of a model that lies wholly on accelerators (or in main memory, where a plain server has none)."""
    if not machine.slots or options.kind == "cpu":
        return _in_main_memory(architecture, quant, weight_format, machine=machine, workload=workload, fits=options.family == "plain")
    cards = len(machine.slots)
    capacity = machine.slots[0].capacity_bytes
    equal = all(slot.capacity_bytes == capacity for slot in machine.slots)
    replicas = max(1, options.replicas)
    allowed = tensor_parallel_sizes(architecture, quant, max(1, cards // replicas)) if equal and options.family in CLAIMING else (1,)
    sizes = (options.tensor_parallel,) if options.tensor_parallel else tuple(reversed(allowed))
    weights = weight_bytes(architecture, quant, weight_format).total
    first = None
    for size in sizes:
        need = _need(architecture, weights, machine=machine, workload=workload, options=options, cards=size)
        found = _memory(machine, weights, need, size=size, replicas=replicas, options=options)
        if found.fits != "no" and size in allowed:
            return found
        first = first or found
    assert first is not None  # noqa: S101 - one card is always allowed
    return first if first.fits == "no" else first._replace(fits="no")


def sglang_chunk(capacity: int) -> int:
    """Tokens that SGLang computes at once in prefill on a card of this size."""
    return next(chunk for below, chunk, _, _ in _SGLANG_STEPS if capacity < below * GIB)


def sglang_share(capacity: int, cards: int, *, pictures: bool = False, latent: bool = False) -> float:
    """The share of a card for weights and cache that SGLang works out where nobody gives one (`--mem-fraction-static`), rounded down.

    Args:
        capacity: memory of one card.
        cards: how many it runs on.
        pictures: whether the model's towers are loaded, for which it leaves more.
        latent: whether attention is of the latent kind, whose prefill graphs take more.
    """
    visible = _visible(capacity)
    _, chunk, few, many = next(step for step in _SGLANG_STEPS if capacity < step[0] * GIB)
    graphs = (few if cards < _MANY_CARDS else many) * 2 + (1536 if latent else _SGLANG_PREFILL_GRAPHS[chunk] * 8)
    reserve = int((512 + 1.5 * chunk + cards * 128 + graphs) * MIB)
    if visible > _SGLANG_LARGE_CARD:
        reserve = max(reserve, _SGLANG_LEAST_ON_LARGE)
    share = max(visible - reserve, 0) / visible
    return int((share * 0.85 if pictures else share) * 100) / 100


def _visible(capacity: int, backend: str = "") -> int:
    """What the driver reports of a card."""
    if backend == "sycl":
        return int(capacity * compute.XPU_VISIBLE_SHARE)
    return capacity - max(compute.DRIVER_BYTES, int(capacity * compute.DRIVER_SHARE))


def claim_bytes(capacity: int, usable: int, share: float, backend: str = "") -> int:
    """What vLLM takes of a card: its share of what the driver reports, never more than is usable."""
    return min(int(_visible(capacity, backend) * share), usable)


def _need(architecture: Architecture, weights: int, *, machine: Machine, workload: Workload, options: Options, cards: int) -> _Need:
    extra = options.projector_bytes  # towers are small and repeated on every card
    if options.family == "mlx":
        tokens = min(compute.MLX_PREFILL_TOKENS, pad(workload.context))
        activations = compute.activation_bytes(architecture, tokens, workload.parallel)
        return _Need(weights, mlx_bytes(architecture, workload), activations, compute.context_bytes(machine.backend) + extra)
    cache = paged_bytes(architecture, workload)
    heads = [group.kv_heads or (1 if group.kind == "latent" else cards) for group in architecture.attention]
    parts = min(cards, min(heads, default=cards))  # key/value heads beyond that are repeated
    if options.family == "plain":
        activations = compute.activation_bytes(architecture, min(_BATCH, workload.ubatch * workload.parallel), workload.parallel)
        return _Need(-(-weights // cards), -(-cache // parts), activations, compute.context_bytes(machine.backend) + extra)
    if options.family == "static":
        batch = sglang_chunk(machine.slots[0].capacity_bytes)
    else:
        batch = _LARGE_BATCH if machine.slots[0].capacity_bytes >= _LARGE_CARD else _BATCH
    activations = compute.activation_bytes(architecture, batch, compute.VLLM_SEQUENCES)
    outside = compute.VLLM_OUTSIDE_BYTES_XPU if machine.backend == "sycl" else compute.VLLM_OUTSIDE_BYTES
    other = extra + outside + compute.VLLM_GRAPH_BYTES + (compute.VLLM_COLLECTIVE_BYTES if cards > 1 else 0)
    return _Need(-(-weights // cards), -(-cache // parts), activations, other)


def _memory(machine: Machine, weights: int, need: _Need, *, size: int, replicas: int, options: Options) -> Memory:
    """The estimate for `replicas` copies on `size` cards each."""
    busy = min(size * replicas, len(machine.slots))
    order = sorted(range(len(machine.slots)), key=lambda index: (-machine.slots[index].usable_bytes, index))
    chosen = frozenset(order[:busy])
    devices = []
    fits = busy == size * replicas
    for index, slot in enumerate(machine.slots):
        if index not in chosen:
            devices.append(DeviceUse(slot.name, 0, slot.capacity_bytes))
            continue
        usable = min(slot.usable_bytes, machine.ram_usable_bytes) if slot.unified else slot.usable_bytes
        if options.family == "static":
            used, enough = _static(slot, usable, need, options)
        else:
            claimed = claim_bytes(slot.capacity_bytes, usable, options.claim_share, machine.backend) if options.family == "claiming" else 0
            used, enough = max(claimed, need.total), need.total <= (claimed or usable)
        fits = fits and enough
        devices.append(DeviceUse(slot.name, used, slot.capacity_bytes))
    unified = machine.slots[0].unified
    if unified:
        fits = fits and sum(device.used_bytes for device in devices) <= machine.ram_usable_bytes
    number = size * replicas
    total = need.total * number
    cache, activations = need.cache * number, need.activations * number
    return Memory(
        weights_bytes=weights * replicas,
        kv_cache_bytes=cache,
        compute_bytes=activations,
        overhead_bytes=total - weights * replicas - cache - activations,
        total_bytes=total,
        devices=tuple(devices),
        host_bytes=0,
        fits="full" if fits else "no",
        placement=Placement("full", gpu_layers=0, tensor_parallel=size, replicas=replicas),
    )


def _static(slot: Slot, usable: int, need: _Need, options: Options) -> tuple[int, bool]:
    """SGLang's use of a card, and whether it is enough: its share of what is free at the start must hold weights, towers and cache.

    Activations, graphs and what lies outside PyTorch share the rest.
    """
    outside = need.other - options.projector_bytes
    pool = int((_visible(slot.capacity_bytes) - compute.VLLM_OUTSIDE_BYTES) * options.claim_share)
    used = pool + need.activations + outside
    return min(used, slot.capacity_bytes), need.weights + need.cache + options.projector_bytes <= pool and used <= usable


def _in_main_memory(
    architecture: Architecture, quant: str, weight_format: str, *, machine: Machine, workload: Workload, fits: bool
) -> Memory:
    weights = weight_bytes(architecture, quant, weight_format).total
    cache = paged_bytes(architecture, workload)
    activations = compute.activation_bytes(architecture, min(_BATCH, workload.ubatch * workload.parallel), workload.parallel)
    total = weights + cache + activations
    return Memory(
        weights_bytes=weights,
        kv_cache_bytes=cache,
        compute_bytes=activations,
        overhead_bytes=0,
        total_bytes=total,
        devices=(DeviceUse(machine.cpu_name or "main memory", total, machine.ram_bytes),),
        host_bytes=total,
        fits="cpu" if fits and total <= machine.ram_usable_bytes else "no",
        placement=Placement("cpu"),
    )
