"""What the speed formula is told of a setup, and the class of device and of server whose constants apply to it."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

GIGA = 1e9

GRAPH_SERVERS = (
    "graph",
    "vllm",
    "sglang",
    "tensorrt",
    "trtllm",
    "lmdeploy",
    "exllama",
    "tabby",
    "mlc",
    "text-generation-inference",
    "tgi",
    "lemonade-npu",
)

EAGER_SERVERS = ("eager", "transformers", "autoawq")

STACKED_MEMORY = ("7.0", "8.0", "9.0", "10.0", "10.3")
"""CUDA capabilities of cards with stacked memory (V100, A100, H100, B200): fast memory, slow single-stream kernels."""

SHARED_MEMORY = ("7.2", "8.7", "11.0", "12.1", "5.3", "6.2")
"""CUDA capabilities of chips that share main memory (Jetson, GB10)."""

WIDE_MEMORY_GB_S = 1400.0

FIRST_TENSOR_CORES = 7.0

TFLOPS_PER_GB_S = {
    "geforce": 0.06,
    "hbm": 0.02,
    "pascal": 0.025,
    "radeon": 0.06,
    "instinct": 0.015,
    "unified": 0.11,
    "apple": 0.031,
    "arc": 0.035,
    "cpu": 0.01,
}
"""Usual fp32 TFLOPS per GB/s of memory bandwidth in each class, for devices whose rate is unknown."""

TFLOPS_PER_CORE = 0.14
"""What one core of a desktop or server CPU reaches with llama.cpp's kernels (measured: 0.13 to 0.15 for 4-bit weights)."""

SMALL_CORE = 0.35

FP16_PER_FP32 = {
    "geforce": 2.0,
    "hbm": 15.0,
    "pascal": 1.0,
    "radeon": 2.0,
    "instinct": 8.0,
    "unified": 2.0,
    "apple": 1.0,
    "arc": 4.0,
    "cpu": 1.0,
}
"""Usual ratio of the dense matrix rate to fp32."""


class SpeedInput(NamedTuple):
    """What the physics needs to know.

    Attributes:
        read_bytes_per_token: bytes of weights that decoding one token reads from the memory of the devices (the active part of a mixture).
        active_parameters: parameters that take part in one token.
        layers: layers of the model; 0 if unknown.
        kv_bytes_per_token: cache bytes read for each token of depth (layers that see the whole context).
        kv_constant_bytes: cache bytes read whatever the depth: sliding windows at the depth, recurrent state.
        attention_flops_per_token_per_depth: operations of one new token for each token before it.
        depth: tokens in the cache before the one that is decoded, or before the prompt.
        parallel: users that are answered at the same time.
        prompt_tokens: length of a new prompt.
        backend: ``cuda``, ``rocm``, ``vulkan``, ``metal``, ``sycl`` or ``cpu``.
        segment, vendor, capability: of the device, as in the knowledge base.
        device_bandwidth_gb_s: peak bandwidth of one device; for backend ``cpu`` that of main memory.
        device_tflops_fp16: dense fp16 matrix rate of one device; 0 if unknown.
        split: ``none``, ``layer`` (one device after the other) or ``tensor`` (all devices share every layer).
        cpu_read_bytes_per_token: bytes of weights per token that lie in main memory beside a device and are computed by the CPU.
        quant: id of the quantisation.
        device_tflops_fp32: shader rate of one device; 0 if unknown.
        architecture: llama.cpp's name of the architecture; tells models with more launches per layer.
        recurrent_layers: layers with a recurrent state (delta nets, Mamba).
        weight_bytes: all weights of the model; 0 if unknown.
        expert_bytes_per_token: the part of `read_bytes_per_token` that is routed experts; 0 if unknown.
        experts, experts_used: routed experts per layer, and how many a token uses.
        cpu_cores: cores of the CPU; 0 if unknown.
        output_tokens: length of an answer. If above 0 then the aggregate is that of full service, prompts included; else of decoding alone.
    """

    read_bytes_per_token: float
    active_parameters: float
    layers: int
    is_mixture: bool
    kv_bytes_per_token: float
    kv_constant_bytes: float
    attention_flops_per_token_per_depth: float
    depth: int
    parallel: int
    prompt_tokens: int
    backend: str
    server: str
    segment: str
    vendor: str
    capability: str
    device_bandwidth_gb_s: float
    device_tflops_fp16: float
    devices: int
    split: str
    cpu_bandwidth_gb_s: float
    cpu_read_bytes_per_token: float
    quant: str
    device_tflops_fp32: float = 0.0
    architecture: str = ""
    recurrent_layers: int = 0
    weight_bytes: float = 0.0
    expert_bytes_per_token: float = 0.0
    experts: int = 0
    experts_used: int = 0
    output_tokens: int = 0
    cpu_cores: int = 0


def hardware_class(x: SpeedInput) -> str:
    """The class of device whose constants apply."""
    return _class_of_device(x.backend, x.vendor, x.capability, x.segment, x.device_bandwidth_gb_s >= WIDE_MEMORY_GB_S)


@lru_cache(maxsize=1024)
def _class_of_device(backend: str, vendor: str, capability: str, segment: str, wide: bool) -> str:
    if backend == "cpu":
        return "cpu"
    if vendor == "apple" or backend == "metal":
        return "apple"
    if vendor == "nvidia":
        if capability in SHARED_MEMORY or segment in {"apu", "embedded", "sbc"}:
            return "unified"
        if _number(capability, FIRST_TENSOR_CORES) < FIRST_TENSOR_CORES:
            return "pascal"
        stacked = capability in STACKED_MEMORY or (not capability and segment == "data-center" and wide)
        return "hbm" if stacked else "geforce"
    if segment in {"apu", "embedded", "sbc"}:
        return "unified"
    if vendor == "intel":
        return "arc"
    return "instinct" if segment == "data-center" else "radeon"


def server_class(x: SpeedInput) -> str:
    """How the server launches work: ``graph`` (recorded launches), ``mlx``, ``eager`` or ``llama`` (llama.cpp and what is built on it)."""
    return class_of_server(x.server)


@lru_cache(maxsize=256)
def class_of_server(server: str) -> str:
    """The class of a server's name, see `server_class`; the name of a class is of that class."""
    name = server.lower()
    if "mlx" in name:
        return "mlx"
    if any(mark in name for mark in EAGER_SERVERS):
        return "eager"
    return "graph" if any(mark in name for mark in GRAPH_SERVERS) else "llama"


def fp32_tflops(x: SpeedInput) -> float:
    """The shader rate of one device: as given, or from the matrix rate, or as usual for the bandwidth."""
    kind = hardware_class(x)
    if kind == "cpu":
        return cpu_tflops(x, x.device_bandwidth_gb_s)
    if x.device_tflops_fp32 > 0:
        return x.device_tflops_fp32
    if x.device_tflops_fp16 > 0:
        ratio = FP16_PER_FP32[kind]
        if kind == "geforce" and x.segment in {"workstation", "data-center"}:
            ratio *= 2
        return x.device_tflops_fp16 / ratio
    return max(x.device_bandwidth_gb_s, 1.0) * TFLOPS_PER_GB_S[kind]


def cpu_tflops(x: SpeedInput, bandwidth_gb_s: float) -> float:
    """What the CPU reaches: by its cores, or as usual for its memory bandwidth."""
    if x.cpu_cores > 0:
        return x.cpu_cores * TFLOPS_PER_CORE * (SMALL_CORE if x.segment == "sbc" else 1.0)
    return max(bandwidth_gb_s, 1.0) * TFLOPS_PER_GB_S["cpu"]


def layers_of(x: SpeedInput) -> int:
    """Layers of the model; by the usual proportions if unknown."""
    if x.layers > 0:
        return x.layers
    return max(8, round(15.5 * math.pow(max(x.active_parameters, 1e7) / GIGA, 0.36)))


def _number(text: str, otherwise: float) -> float:
    try:
        return float(text)
    except ValueError:
        return otherwise
