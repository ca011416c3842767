"""Working memory beside weights and cache: llama.cpp's compute buffers, other servers' activations, drivers' shares.

The formulas for llama.cpp describe what release 0.5.0-dev (commit 0c1e570) reserved for 23 models; they are exact for most and at worst
some 120 MiB too high (GLM 4.5 Air with a micro-batch of 2048). `u` below is the micro-batch, floats are 4 bytes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from setupgen.engine.cache import is_quantised, micro_batch, streams_and_cells, window_cells
from setupgen.engine.memory import GIB, MIB

if TYPE_CHECKING:
    from setupgen.engine.memory import Workload
    from setupgen.knowledge import Architecture

_FLOAT = 4
_HALF = 2

# Architectures whose graph is done with the queries before the feed-forward part begins.
_FORGOTTEN_QUERIES = frozenset(
    {"phi3", "qwen35", "qwen35moe", "qwen3next", "granitehybrid", "lfm2", "lfm2moe", "nemotron_h", "nemotron_h_moe"}
)

# Architectures whose graph keeps the queries with a quantised cache as without.
_KEPT_QUERIES = frozenset({"olmo2", "qwen3vl", "qwen3vlmoe"})

# Qwen3-VL's vision tower feeds three more rows per token into the first layers; llama.cpp keeps room for them without pictures, too.
_DEEPSTACK = frozenset({"qwen3vl", "qwen3vlmoe"})
_DEEPSTACK_ROWS = 3

# Gemma 3n's four parallel streams and what they are mixed with, in rows: covers what the real program reserved for E2B and E4B.
_ALTERNATE_ROWS = 6

# What a process takes on a device besides its buffers.
# cuda: the column "unaccounted" for RTX 4090s in https://github.com/ggml-org/llama.cpp/pull/15860 (451 and 456 MiB). The context alone is
#   107 MiB on an RTX 4060 Ti and 555 MiB on an RTX PRO 6000 (https://github.com/ggml-org/llama.cpp/pull/23604).
# rocm: 105.45 GiB of buffers against 107.35 GiB counted on four cards, https://github.com/tmac1973/llama-toolchest/pull/163.
# vulkan: 17 MiB on an RX 9060 XT, https://github.com/ggml-org/llama.cpp/pull/20858; with room for drivers that take more.
# metal: llama.cpp b8110 logs 0 MiB unaccounted on an Apple M5 (published notes, address not recorded); with room for command buffers.
# sycl: nothing published was found; as for CUDA.
CONTEXT_BYTES: dict[str, int] = {
    "cuda": 453 * MIB,
    "rocm": 486 * MIB,
    "vulkan": 128 * MIB,
    "metal": 64 * MIB,
    "sycl": 453 * MIB,
    "cpu": 0,
}

# What a driver keeps of a card's nominal memory: CUDA reports 24,080 MiB on an RTX 4090 and 97,247 on an RTX PRO 6000, 15,841 on an
# RTX 5060 Ti (the llama.cpp logs named above), vLLM 79.22 GiB on an H100 (https://github.com/vllm-project/vllm/pull/10511).
DRIVER_BYTES = 544 * MIB
DRIVER_SHARE = 0.011

MARGIN_BYTES = 256 * MIB
"""Left free on a card for what nobody predicts: a desktop, fragments. llama.cpp's own fit leaves 1 GiB, its context included."""

WSL_BYTES = 1_300_000_000
"""Memory of a card that WSL 2 cannot see: about 1.3 GB.

https://github.com/noonghunna/club-3090/blob/4a29ab57d42a1d587de1042fa5dfd9535f94a063/docs/FAQ.md
"""

# vLLM (https://github.com/vllm-project/vllm): what it takes besides weights, cache and activations. Graphs: 0.36 GiB estimated in
# https://github.com/gpustack/runner/pull/251. Outside PyTorch: 0.16 GiB in https://github.com/vllm-project/vllm/pull/12126 and up to
# 1.79 GiB in /pull/10511, which grew by the same again with two cards.
VLLM_GRAPH_BYTES = 384 * MIB
VLLM_OUTSIDE_BYTES = 512 * MIB
# On an Arc Pro B60 (https://github.com/epsilonagentx/intel_arc_gpu_llm, vllm_openai_xpu, 0.29.0): 1.03 GiB outside PyTorch, and a driver
# that reports 22.71 of the card's 24 GiB.
VLLM_OUTSIDE_BYTES_XPU = 1055 * MIB
XPU_VISIBLE_SHARE = 0.946
VLLM_COLLECTIVE_BYTES = 512 * MIB
VLLM_SEQUENCES = 256

MLX_PREFILL_TOKENS = 2048
"""Tokens that MLX LM computes at once in prefill by default."""


def usable_bytes(capacity: int, *, unified: bool = False, gpu_share: float = 1.0, wsl: bool = False) -> int:
    """What one server may take of an accelerator: less the driver's part and a margin; of unified memory the GPU's share."""
    if unified:
        return int(capacity * gpu_share)
    hidden = max(DRIVER_BYTES, int(capacity * DRIVER_SHARE)) + (WSL_BYTES if wsl else 0)
    return max(0, capacity - hidden - MARGIN_BYTES)


def usable_ram_bytes(ram: int) -> int:
    """What a server may take of main memory; the rest stays with the system and the user's programs.

    A quarter of the first 16 GiB and a tenth of the rest, at most 16 GiB: 2 GiB of 8, 4 of 16, 8.8 of 64.
    """
    return max(0, ram - min(min(ram, 16 * GIB) // 4 + max(0, ram - 16 * GIB) // 10, 16 * GIB))


def context_bytes(backend: str) -> int:
    """What a process takes on a device of this backend besides its buffers."""
    return CONTEXT_BYTES.get(backend, CONTEXT_BYTES["cuda"])


@lru_cache(maxsize=16384)
def mask_bytes(architecture: Architecture, workload: Workload) -> int:
    """llama.cpp's attention masks: one half float per cell and token of the micro-batch."""
    batch = _batch(architecture, workload)
    if architecture.encoder:
        return batch * batch * _HALF
    _, cells = streams_and_cells(workload)
    sliding = architecture.group("sliding")
    if sliding is not None and sliding.window:
        cells += window_cells(sliding.window, workload)
    return cells * batch * _HALF


@lru_cache(maxsize=16384)
def device_bytes(architecture: Architecture, workload: Workload) -> int:
    """llama.cpp's compute buffer on the device that has all layers."""
    batch = _batch(architecture, workload)
    if architecture.encoder:
        widths = 3 if architecture.gated_feed_forward else 1
        floats = widths * architecture.feed_forward + 2 * architecture.hidden
        return mask_bytes(architecture, workload) + batch * _FLOAT * floats
    size = mask_bytes(architecture, workload) + batch * _FLOAT * _activations(architecture, workload)
    if is_quantised(workload.cache_k):  # one rotation matrix per kind of layer
        size += sum(group.head_dim**2 * _FLOAT for group in architecture.attention if group.kind in {"full", "sliding"})
    if not workload.flash_attention:
        size = max(size, _scores_bytes(architecture, workload))
    if workload.embeddings:
        size = max(size, mask_bytes(architecture, workload) + logits_bytes(architecture, workload))
    return size


def logits_bytes(architecture: Architecture, workload: Workload) -> int:
    """Logits of a whole micro-batch, as embedding servers and llama.cpp's own fit reserve them."""
    return micro_batch(workload) * _FLOAT * (architecture.vocab + architecture.hidden)


@lru_cache(maxsize=16384)
def host_bytes(architecture: Architecture, workload: Workload) -> int:
    """llama.cpp's buffer in main memory beside a device that has all layers."""
    width = 3 if architecture.type == "bert" else 2
    masks = 1 if workload.flash_attention else 2  # in 32 bits without flash attention
    return masks * mask_bytes(architecture, workload) + _batch(architecture, workload) * _FLOAT * width * architecture.hidden


@lru_cache(maxsize=16384)
def cpu_bytes(architecture: Architecture, workload: Workload) -> int:
    """llama.cpp's buffer in main memory where the processor computes layers."""
    widths = 2 if architecture.group("latent") is not None else 1
    if architecture.type in _DEEPSTACK:
        widths += _DEEPSTACK_ROWS
    own = _batch(architecture, workload) * _FLOAT * widths * architecture.hidden
    return device_bytes(architecture, workload) + (0 if workload.embeddings and not architecture.encoder else own)


@lru_cache(maxsize=16384)
def pipeline_bytes(architecture: Architecture, workload: Workload) -> tuple[int, int, int]:
    """llama.cpp's buffers with whole layers split over cards: first card, every later card, main memory; masks in four copies."""
    mask = mask_bytes(architecture, workload)
    row = _batch(architecture, workload) * _FLOAT * architecture.hidden
    acts = device_bytes(architecture, workload) - mask
    return 4 * mask + acts + 4 * row, 4 * mask + acts + 8 * row, 4 * mask + 5 * row


def output_bytes(architecture: Architecture, workload: Workload) -> int:
    """llama.cpp's buffer of logits (or embeddings) for one token of every sequence, in main memory."""
    return workload.parallel * architecture.vocab * _FLOAT


@lru_cache(maxsize=16384)
def activation_bytes(architecture: Architecture, tokens: int, sequences: int) -> int:
    """Peak activations of servers that compute in 16 bits: the widest layer for `tokens`, logits and sampling for `sequences`."""
    experts = architecture.experts
    dense = 3 * architecture.feed_forward
    mixed = experts.used * (2 * experts.size + architecture.hidden) if experts is not None else 0
    wide = max(dense, mixed) + 4 * architecture.hidden
    sampling = 0 if architecture.encoder else sequences * architecture.vocab * 10  # logits in 16 and 32 bits and their probabilities
    return tokens * wide * _HALF + sampling


def _batch(architecture: Architecture, workload: Workload) -> int:
    """Tokens computed at once; an encoder sees no more than one input."""
    if architecture.encoder:
        return max(1, min(workload.ubatch, workload.context * workload.parallel))
    return micro_batch(workload)


@lru_cache(maxsize=8192)
def _activations(architecture: Architecture, workload: Workload) -> int:
    """Floats per token that live at once in llama.cpp's graph."""
    hidden = architecture.hidden
    queries = _queries(architecture, workload)
    widest = 0
    if architecture.feed_forward:
        widest = (3 if architecture.gated_feed_forward else 2) * architecture.feed_forward + 2 * hidden + queries
    experts = architecture.experts
    if experts is not None:
        inner, outer = experts.used * experts.size, experts.used * hidden
        mixed = 3 * inner + (outer if outer > 2 * inner else 0) + 2 * hidden + queries
        if experts.shared and architecture.type not in {"glm4moe", "gemma4"}:
            mixed += hidden
        widest = max(widest, mixed)
    latent = architecture.group("latent")
    if latent is not None:
        compressed = latent.kv_lora_rank + latent.rope_dim
        widest = max(widest, 3 * hidden + latent.heads * (2 * compressed + latent.nope_dim + latent.rope_dim))
    widest = max(widest, _scan(architecture, workload))
    if architecture.type in _DEEPSTACK:
        widest += _DEEPSTACK_ROWS * hidden
    if architecture.type == "gemma3n":
        widest += _ALTERNATE_ROWS * hidden
    elif architecture.per_layer_embedding:
        widest += queries
    return widest + architecture.per_layer_embedding * architecture.layers


def _scan(architecture: Architecture, workload: Workload) -> int:
    """Floats per token of a Mamba 2 layer: its projection, three copies around the convolution, the outputs, and every sequence's state."""
    group = architecture.group("recurrent")
    if group is None or group.variant != "mamba2":
        return 0
    mixed = group.inner_size + 2 * group.groups * group.state_size
    states = group.inner_size * group.state_size * workload.parallel // _batch(architecture, workload)
    return 2 * group.inner_size + 4 * mixed + group.state_heads + states


def _queries(architecture: Architecture, workload: Workload) -> int:
    """Width of the queries where they outlive the feed-forward part."""
    group = architecture.group("full") or architecture.group("sliding")
    if group is None or architecture.type in _FORGOTTEN_QUERIES:
        return 0
    width = group.heads * group.head_dim
    if is_quantised(workload.cache_k) and width <= architecture.hidden and architecture.type not in _KEPT_QUERIES:
        return 0 if width == architecture.hidden else 2 * width
    return width


def _scores_bytes(architecture: Architecture, workload: Workload) -> int:
    """The buffer without flash attention: masks in 32 bits and the scores of all heads."""
    batch = micro_batch(workload)
    _, cells = streams_and_cells(workload)
    mask = 2 * mask_bytes(architecture, workload)
    widest = 0
    for group in architecture.attention:
        if group.kind == "latent":
            widest = max(widest, group.heads * cells + _activations(architecture, workload))
        elif group.heads:
            held = window_cells(group.window, workload) if group.kind == "sliding" and group.window else cells
            width = (group.heads + group.kv_heads) * group.head_dim
            widest = max(widest, group.heads * held + 2 * architecture.hidden + 2 * width)
    return mask + batch * _FLOAT * widest
