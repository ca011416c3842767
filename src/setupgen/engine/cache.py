"""How large the key-value cache and the recurrent states are, by attention kind and by server.

llama.cpp's rules are those of its `src/llama-kv-cache*.cpp` and `src/llama-memory-recurrent.cpp`: whole blocks of 256 cells, sliding
layers that hold the window of every sequence plus one micro-batch, states in 32 bits per sequence whatever the cache type.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from setupgen.engine.tensors import layer_kinds
from setupgen.errors import UnknownNameError

if TYPE_CHECKING:
    from setupgen.engine.memory import Workload
    from setupgen.knowledge import Architecture, AttentionGroup

PAD = 256
"""llama.cpp rounds cells up to this."""

VLLM_BLOCK = 16
"""Tokens per block of vLLM's paged cache."""

VLLM_BATCHED_TOKENS = 2048
"""Tokens that vLLM computes at once by default; a sliding layer of a sequence in prefill holds them beside its window."""

# Elements and bytes per block of a cache type.
CACHE_TYPES: dict[str, tuple[int, int]] = {
    "f32": (1, 4),
    "f16": (1, 2),
    "bf16": (1, 2),
    "auto": (1, 2),
    "fp8": (1, 1),
    "fp8_e4m3": (1, 1),
    "fp8_e5m2": (1, 1),
    "q8_0": (32, 34),
    "q5_1": (32, 24),
    "q5_0": (32, 22),
    "q4_1": (32, 20),
    "q4_0": (32, 18),
    "iq4_nl": (32, 18),
}

_STATE_BYTES = 4


def pad(number: int) -> int:
    """`number` rounded up to whole blocks of cells."""
    return -(-number // PAD) * PAD


def row_bytes(elements: int, cache_type: str) -> int:
    """Bytes of a row of the cache."""
    block = CACHE_TYPES.get(cache_type)
    if block is None:
        raise UnknownNameError("cache type", cache_type, CACHE_TYPES)
    return -(-elements // block[0]) * block[1]


def is_quantised(cache_type: str) -> bool:
    """Whether a cache type stores blocks with a scale."""
    return CACHE_TYPES.get(cache_type, (1, 2))[0] > 1


@lru_cache(maxsize=8192)
def streams_and_cells(workload: Workload) -> tuple[int, int]:
    """llama.cpp's number of streams and cells in each: one for all sequences, or one per sequence."""
    total = pad(workload.context * workload.parallel)
    if workload.unified_kv or workload.parallel == 1:
        return 1, total
    return workload.parallel, pad(total // workload.parallel)


def micro_batch(workload: Workload) -> int:
    """Tokens computed at once: never more than the context holds."""
    return max(1, min(workload.ubatch, pad(workload.context * workload.parallel)))


def window_cells(window: int, workload: Workload) -> int:
    """llama.cpp's cells per stream of a sliding layer."""
    _, cells = streams_and_cells(workload)
    sequences = workload.parallel if workload.unified_kv else 1
    return pad(min(cells, window * sequences + micro_batch(workload)))


def kv_bytes_per_token(architecture: Architecture, cache_k: str = "f16", cache_v: str = "f16") -> int:
    """Bytes that one token adds while no window is full: all layers with a cache; states do not grow."""
    return sum(_row(group, cache_k, cache_v) * group.cached_layers for group in architecture.attention)


def growing_bytes_per_token(architecture: Architecture, cache_k: str = "f16", cache_v: str = "f16") -> int:
    """Bytes that one token adds once windows are full."""
    groups = (group for group in architecture.attention if group.kind != "sliding")
    return sum(_row(group, cache_k, cache_v) * group.cached_layers for group in groups)


def state_bytes(group: AttentionGroup, hidden: int) -> int:
    """Recurrent state of one layer for one sequence."""
    if group.variant == "short-conv":
        return (group.conv_kernel - 1) * (group.inner_size or hidden) * _STATE_BYTES
    convolution = max(group.conv_kernel - 1, 0) * (group.inner_size + 2 * group.groups * group.state_size)
    return (convolution + group.state_size * group.inner_size) * _STATE_BYTES


def recurrent_bytes(architecture: Architecture, sequences: int) -> int:
    """Recurrent states of all layers and sequences."""
    group = architecture.group("recurrent")
    return 0 if group is None else sequences * group.layers * state_bytes(group, architecture.hidden)


@lru_cache(maxsize=16384)
def cache_per_layer(architecture: Architecture, workload: Workload) -> tuple[int, ...]:
    """llama.cpp's bytes of cache and state in every layer."""
    if architecture.encoder:
        return (0,) * architecture.layers
    sizes = {group.kind: _layer_bytes(architecture, group, workload) for group in architecture.attention}
    left = {group.kind: group.cached_layers for group in architecture.attention}
    result = []
    for kind in layer_kinds(architecture):
        owns = left.get(kind, 0) > 0
        left[kind] = left.get(kind, 0) - 1
        result.append(sizes.get(kind, 0) if owns else 0)
    return tuple(result)


@lru_cache(maxsize=16384)
def llama_cpp_bytes(architecture: Architecture, workload: Workload) -> int:
    """llama.cpp's cache of all layers and sequences, with states. Ollama's is the same, never unified."""
    return sum(cache_per_layer(architecture, workload))


@lru_cache(maxsize=16384)
def paged_bytes(architecture: Architecture, workload: Workload) -> int:
    """The need of vLLM for all sequences at their full length: whole blocks, windows for sliding layers, states per sequence."""
    if architecture.encoder:
        return 0
    total = recurrent_bytes(architecture, workload.parallel)
    tokens = -(-workload.context // VLLM_BLOCK) * VLLM_BLOCK
    for group in architecture.attention:
        row = _row(group, workload.cache_k, workload.cache_v) * group.cached_layers
        held = tokens * workload.parallel
        if group.kind == "sliding":
            window = (-(-group.window // VLLM_BLOCK) + 1) * VLLM_BLOCK
            held = min(held, window * workload.parallel + VLLM_BATCHED_TOKENS)
        total += held * row
    return total


@lru_cache(maxsize=16384)
def mlx_bytes(architecture: Architecture, workload: Workload) -> int:
    """MLX's need: caches grow in steps of 256 tokens, sliding layers turn around in their window."""
    if architecture.encoder:
        return 0
    total = recurrent_bytes(architecture, workload.parallel)
    for group in architecture.attention:
        tokens = pad(workload.context)
        if group.kind == "sliding":
            tokens = min(tokens, pad(group.window))
        total += tokens * workload.parallel * _row(group, workload.cache_k, workload.cache_v) * group.cached_layers
    return total


def _row(group: AttentionGroup, cache_k: str, cache_v: str) -> int:
    """Bytes of one token in one layer."""
    if group.kind == "latent":
        return row_bytes(group.kv_lora_rank + group.rope_dim, cache_k)
    if group.kind == "recurrent":
        return 0
    return row_bytes(group.kv_heads * group.head_dim, cache_k) + row_bytes(group.kv_heads * (group.value_dim or group.head_dim), cache_v)


def _layer_bytes(architecture: Architecture, group: AttentionGroup, workload: Workload) -> int:
    """llama.cpp's bytes of one layer that owns a cache or a state."""
    if group.kind == "recurrent":
        return workload.parallel * state_bytes(group, architecture.hidden)
    streams, cells = streams_and_cells(workload)
    if group.kind == "sliding" and group.window:
        cells = window_cells(group.window, workload)
    row = _row(group, workload.cache_k, workload.cache_v)
    if not workload.flash_attention and group.kind != "latent":
        # Without flash attention values lie transposed, as wide as in the widest layer.
        widest = max(other.kv_heads * (other.value_dim or other.head_dim) for other in architecture.attention)
        row = row_bytes(group.kv_heads * group.head_dim, workload.cache_k) + row_bytes(widest, workload.cache_v)
    return streams * cells * row
