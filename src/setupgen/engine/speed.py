"""How fast a model answers: a physical model of bytes moved, operations and fixed costs, with a few fitted constants.

One decoded token costs the reading of the active weights and of the cache, a launch cost per layer, and, where part of the weights stays in
main memory, the same on the CPU in series. A prompt costs operations, and reading all touched weights once per chunk. Many users share one
reading of the weights. The constants come from `benchmarks/accuracy/fit.py`, which keeps the measurements it used beside it. Pure; no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from setupgen.engine.speed_constants import CONSTANTS, SPREAD

if TYPE_CHECKING:
    from collections.abc import Mapping

GIGA = 1e9
MICRO = 1e-6
TERA = 1e12

CHUNK_TOKENS = {"llama": 512, "graph": 2048, "mlx": 2048, "eager": 2048}
"""Tokens of a prompt that servers compute at once (llama.cpp's default micro-batch; vLLM's and MLX's default chunk)."""

MANY_USERS = 64
"""Above this a server's settings decide more than the hardware: the range is that of floods of requests."""

PEAK_EXPONENT = 0.8
"""Fast cards reach less of their rate in prompts than slow ones: the reached rate grows with this power."""

SHARPNESS = 3.0
"""Exponent with which reading and unpacking weights overlap: the slower of the two hides most of the other."""

GRAPH_SERVERS = (
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
EAGER_SERVERS = ("transformers", "autoawq")
BATCHING_SERVERS = ("vllm", "sglang", "tensorrt", "trtllm", "lmdeploy", "text-generation-inference", "tgi")

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

USUAL_EXPERT_SHARE = 0.6
"""Part of a mixture's active weights that is routed experts, where nothing better is known."""

WIDE_FORMATS = ("F16", "FP16", "BF16", "F32")
"""Formats that need no unpacking; NVIDIA's matrix units wait for it otherwise."""

USUAL_EXPERTS = (64, 4)

APPLE_MATRIX_UNITS = ("apple10",)
"""Metal GPU families whose cores have matrix units (M5)."""

SHORT_CONVOLUTION = -0.4
"""Launches of a short-convolution layer against those of a plain attention layer, less one."""

FIRST_APPLE = "apple7"
"""Metal GPU family of the M1 chips, which launch work more slowly than later ones."""

K_QUANT_MARKS = ("_K", "IQ", "UD-", "Q5_1")
"""Block formats whose weights take many operations to unpack."""


@dataclass(frozen=True, slots=True)
class Range:
    """A value with the bounds that should hold four of five measurements, and whether it was measured or estimated."""

    low: float
    value: float
    high: float
    basis: str = "estimated"

    def to_json(self) -> dict[str, Any]:
        """As the public JSON writes it, to four significant digits."""
        return {"low": _digits(self.low), "value": _digits(self.value), "high": _digits(self.high), "basis": self.basis}


@dataclass(frozen=True, slots=True)
class SpeedInput:
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


@dataclass(frozen=True, slots=True)
class Speed:
    """Speeds of one setup.

    Attributes:
        decode_tps: tokens per second that one user sees while `parallel` users are answered.
        prefill_tps: prompt tokens per second of one prompt.
        ttft_s: seconds to the first token of a prompt.
        aggregate_tps: tokens per second of all users together.
    """

    decode_tps: Range
    prefill_tps: Range
    ttft_s: Range
    aggregate_tps: Range

    def to_json(self) -> dict[str, Any]:
        """As the public JSON writes it."""
        return {
            "decode_tps": self.decode_tps.to_json(),
            "prefill_tps": self.prefill_tps.to_json(),
            "ttft_s": self.ttft_s.to_json(),
            "aggregate_tps": self.aggregate_tps.to_json(),
        }


def estimate_speed(x: SpeedInput, constants: Mapping[str, float] = CONSTANTS) -> Speed:
    """Speed of this setup, each with a range.

    Args:
        x: the setup.
        constants: the fitted constants; others only while fitting.
    """
    users = max(x.parallel, 1)
    step = decode_seconds(x, users, constants)
    prefill = prefill_tps(x, constants)
    first = constants["first_token_s"] + x.prompt_tokens / prefill + step
    total = users / step
    if x.output_tokens > 0:
        total = users / (step + users * x.prompt_tokens / batched_prefill_tps(x, constants) / x.output_tokens)
    width = spread(x)
    slow = width["prefill"]
    return Speed(
        decode_tps=_range(1 / step, width["decode"]),
        prefill_tps=_range(prefill, slow),
        ttft_s=Range(first / (1 + slow), first, first * (1 + slow)),
        aggregate_tps=_range(total, width["aggregate"] if users > 1 else width["decode"]),
    )


def hardware_class(x: SpeedInput) -> str:
    """The class of device whose constants apply."""
    if x.backend == "cpu":
        return "cpu"
    if x.vendor == "apple" or x.backend == "metal":
        return "apple"
    if x.vendor == "nvidia":
        if x.capability in SHARED_MEMORY or x.segment in {"apu", "embedded", "sbc"}:
            return "unified"
        if _number(x.capability, FIRST_TENSOR_CORES) < FIRST_TENSOR_CORES:
            return "pascal"
        wide = x.segment == "data-center" and x.device_bandwidth_gb_s >= WIDE_MEMORY_GB_S
        return "hbm" if x.capability in STACKED_MEMORY or (not x.capability and wide) else "geforce"
    if x.segment in {"apu", "embedded", "sbc"}:
        return "unified"
    if x.vendor == "intel":
        return "arc"
    return "instinct" if x.segment == "data-center" else "radeon"


def server_class(x: SpeedInput) -> str:
    """How the server launches work: ``graph`` (recorded launches), ``mlx``, ``eager`` or ``llama`` (llama.cpp and what is built on it)."""
    name = x.server.lower()
    if "mlx" in name:
        return "mlx"
    if any(mark in name for mark in EAGER_SERVERS):
        return "eager"
    return "graph" if any(mark in name for mark in GRAPH_SERVERS) else "llama"


def decode_seconds(x: SpeedInput, users: int, c: Mapping[str, float]) -> float:
    """Seconds of one decoding step that gives each of `users` users one token."""
    kind = hardware_class(x)
    share = x.devices if x.split == "tensor" else 1
    cpu_part = _cpu_part(x)
    touched = _touched(x, users)
    bandwidth = x.device_bandwidth_gb_s * GIGA * share
    gain = 1.0 if _is_k_quant(x.quant) else c["simple_gain"]
    reading = touched * (1 - cpu_part) / (c[f"efficiency.{kind}"] * gain * bandwidth)
    operations = 0.0 if kind == "cpu" else c["operations"]
    unpacking = operations * x.active_parameters * (1 - cpu_part) / (fp32_tflops(x) * TERA * share)
    weights = (reading**SHARPNESS + unpacking**SHARPNESS) ** (1 / SHARPNESS)
    weights += (users - 1) * 2 * x.active_parameters * (1 - cpu_part) / (c["batch_efficiency"] * matrix_tflops(x, c) * TERA * share)
    if cpu_part > 0:
        weights += touched * cpu_part / (c["efficiency.cpu"] * max(x.cpu_bandwidth_gb_s, 1.0) * GIGA)
        weights += layers_of(x) * c["offload_layer_us"] * MICRO
    paged = "paged_cache" if server_class(x) == "graph" else "cache"
    cache = users * (x.kv_bytes_per_token * x.depth + x.kv_constant_bytes) / (c[f"efficiency.{paged}"] * bandwidth)
    return weights + cache + fixed_seconds(x, c) + (users - 1) * c["sequence_us"] * MICRO


def fixed_seconds(x: SpeedInput, c: Mapping[str, float]) -> float:
    """Seconds per step that depend on neither bytes nor operations: launches per layer, exchange between devices, sampling."""
    kind = hardware_class(x)
    work = 1.0 + (c["launches.mixture"] if x.is_mixture else 0.0)
    if x.architecture.startswith("gemma"):
        work += c["launches.gemma"]
    layers = layers_of(x)
    short = x.architecture.startswith("lfm")
    work += (SHORT_CONVOLUTION if short else c["launches.recurrent"]) * x.recurrent_layers / layers
    per_layer = c[f"layer_us.{kind}"] * c[f"launch.{server_class(x)}"] * work
    if x.capability == FIRST_APPLE:
        per_layer *= c["launch.apple7"]
    if x.devices > 1:
        per_layer += c["exchange_us"] if x.split == "tensor" else 0.0
    hops = (x.devices - 1) * c["hop_us"] if x.split == "layer" else 0.0
    return (layers * per_layer + hops + c["token_us"]) * MICRO


def prefill_tps(x: SpeedInput, c: Mapping[str, float]) -> float:
    """Prompt tokens per second of one prompt of `prompt_tokens` after `depth` tokens."""
    return 1 / _prompt_token_seconds(x, min(max(x.prompt_tokens, 1), CHUNK_TOKENS[server_class(x)]), c)


def batched_prefill_tps(x: SpeedInput, c: Mapping[str, float]) -> float:
    """Prompt tokens per second when a server fills its chunks with prompts of several users."""
    return 1 / _prompt_token_seconds(x, CHUNK_TOKENS[server_class(x)], c)


def _prompt_token_seconds(x: SpeedInput, chunk: int, c: Mapping[str, float]) -> float:
    """Seconds per prompt token, computed in chunks of this many tokens."""
    tokens = max(x.prompt_tokens, 1)
    chunks = max(tokens / chunk, 1.0)
    rate = matrix_tflops(x, c) * TERA
    if x.quant.upper() in WIDE_FORMATS and hardware_class(x) in {"geforce", "hbm"} and server_class(x) == "llama":
        rate *= c["prefill.wide"]
    if x.is_mixture:
        count, used = _experts(x)
        rate /= 1 + c["prefill.expert_tokens"] * count / (used * chunk)
    share = 1.0
    if x.devices > 1 and x.split == "tensor":
        share = x.devices ** c["prefill.tensor"]
    elif x.devices > 1:
        share = max((x.devices * chunks / (chunks + x.devices - 1)) ** c["prefill.pipeline"], 1.0)
    cpu_part = _cpu_part(x)
    weights = 2 * x.active_parameters / (rate * share)
    attention = (
        x.attention_flops_per_token_per_depth * (x.depth + tokens / 2) / (c["prefill.attention"] * matrix_tflops(x, c) * TERA * share)
    )
    touched = _touched(x, chunk)
    bandwidth = x.device_bandwidth_gb_s * GIGA * share
    reading = touched * (1 - cpu_part) / (c[f"efficiency.{hardware_class(x)}"] * bandwidth) / chunk
    if cpu_part > 0:
        reading += touched * cpu_part / (c["offload_upload_gb_s"] * GIGA) / chunk
    return weights + attention + reading + fixed_seconds(x, c) / chunk


def matrix_tflops(x: SpeedInput, c: Mapping[str, float]) -> float:
    """TFLOPS that a large matrix product really reaches on one device with this server."""
    kind = hardware_class(x)
    if kind in {"hbm", "instinct"}:
        peak = x.device_tflops_fp16 or fp32_tflops(x) * FP16_PER_FP32[kind]
        if server_class(x) == "graph":
            return c["prefill.graph"] * peak * (c["prefill.fp8"] if "FP8" in x.quant.upper() else 1.0)
        return float(c[f"prefill.{kind}"] * peak**0.5)
    peak = fp32_tflops(x)
    if kind == "unified" and x.device_tflops_fp16 > 0:
        peak = x.device_tflops_fp16 / FP16_PER_FP32[kind]
    if kind == "apple" and x.capability in APPLE_MATRIX_UNITS:
        peak *= c["prefill.matrix_units"]
    if kind == "geforce":
        peak = peak**PEAK_EXPONENT
    return c[f"prefill.{kind}"] * peak


def fp32_tflops(x: SpeedInput) -> float:
    """The shader rate of one device: as given, or from the matrix rate, or as usual for the bandwidth."""
    kind = hardware_class(x)
    if kind == "cpu":
        small = SMALL_CORE if x.segment == "sbc" else 1.0
        return x.cpu_cores * TFLOPS_PER_CORE * small if x.cpu_cores > 0 else max(x.device_bandwidth_gb_s, 1.0) * TFLOPS_PER_GB_S[kind]
    if x.device_tflops_fp32 > 0:
        return x.device_tflops_fp32
    if x.device_tflops_fp16 > 0:
        ratio = FP16_PER_FP32[kind]
        if kind == "geforce" and x.segment in {"workstation", "data-center"}:
            ratio *= 2
        return x.device_tflops_fp16 / ratio
    return max(x.device_bandwidth_gb_s, 1.0) * TFLOPS_PER_GB_S[kind]


def layers_of(x: SpeedInput) -> int:
    """Layers of the model; by the usual proportions if unknown."""
    if x.layers > 0:
        return x.layers
    return max(8, round(15.5 * (max(x.active_parameters, 1e7) / GIGA) ** 0.36))


def spread(x: SpeedInput) -> Mapping[str, float]:
    """Half-width of the ranges, as a share of the value, for this kind of setup."""
    kind = hardware_class(x)
    offload = x.cpu_read_bytes_per_token > 0 and x.backend != "cpu"
    name = "offload" if offload else kind
    decode = SPREAD[f"decode.{name}"]
    if x.is_mixture and not offload:
        decode = max(decode, SPREAD["decode.mixture"])
    return {
        "decode": decode,
        "prefill": SPREAD[f"prefill.{name}"],
        "aggregate": SPREAD["aggregate.many" if x.parallel > MANY_USERS else "aggregate.few"],
    }


def _touched(x: SpeedInput, tokens: int) -> float:
    """Bytes of weights that a batch of tokens reads: of a mixture, all experts that any of them uses."""
    read = max(x.read_bytes_per_token, 0.0) + (x.cpu_read_bytes_per_token if x.backend != "cpu" else 0.0)
    if not x.is_mixture or tokens <= 1:
        return read
    count, used = _experts(x)
    routed = x.expert_bytes_per_token or USUAL_EXPERT_SHARE * read
    distinct = count * (1 - (1 - min(used / count, 1.0)) ** tokens) / used
    return read + routed * (distinct - 1)


def _experts(x: SpeedInput) -> tuple[int, int]:
    """Routed experts per layer and how many a token uses; usual numbers where unknown."""
    return (x.experts, x.experts_used) if x.experts > 0 and x.experts_used > 0 else USUAL_EXPERTS


def _cpu_part(x: SpeedInput) -> float:
    """Share of the weights that the CPU computes beside a device."""
    if x.backend == "cpu" or x.cpu_read_bytes_per_token <= 0:
        return 0.0
    return x.cpu_read_bytes_per_token / (x.cpu_read_bytes_per_token + max(x.read_bytes_per_token, 0.0))


def _is_k_quant(quant: str) -> bool:
    name = quant.upper()
    return any(mark in name for mark in K_QUANT_MARKS)


def _number(text: str, otherwise: float) -> float:
    try:
        return float(text)
    except ValueError:
        return otherwise


def _range(value: float, width: float) -> Range:
    return Range(low=value / (1 + width), value=value, high=value * (1 + width))


def _digits(value: float) -> float:
    return float(f"{value:.4g}")
