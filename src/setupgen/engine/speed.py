"""How fast a model answers: a physical model of bytes moved, operations and fixed costs, with a few fitted constants.

One decoded token costs the reading of the active weights and of the cache, a launch cost per layer, and, where part of the weights stays in
main memory, the same on the CPU in series. A prompt costs operations, and reading all touched weights once per chunk. Many users share one
reading of the weights. The constants come from `benchmarks/accuracy/fit.py`, which keeps the measurements it used beside it. Pure; no I/O.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from setupgen.engine.speed_classes import FP16_PER_FP32, GIGA, SpeedInput, cpu_tflops, fp32_tflops, hardware_class, layers_of, server_class
from setupgen.engine.speed_constants import CONSTANTS, SPREAD

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Range", "Speed", "SpeedInput", "estimate_speed", "hardware_class", "layers_of", "server_class"]

MICRO = 1e-6
TERA = 1e12

CHUNK_TOKENS = {"llama": 512, "graph": 2048, "mlx": 2048, "eager": 2048}
"""Tokens of a prompt that servers compute at once (llama.cpp's default micro-batch; vLLM's and MLX's default chunk)."""

MANY_USERS = 64
"""Above this a server's settings decide more than the hardware: the range is that of floods of requests."""

PEAK_EXPONENT = 0.8
"""Fast cards reach less of their rate in prompts than slow ones: the reached rate grows with this power."""

WITHOUT_MATRIX_CORES = ("gfx900", "gfx906")
"""Instinct cards before CDNA (MI25, MI50, MI60). llama.cpp computes prompts on the matrix cores of later ones since July 2025
(https://github.com/ggml-org/llama.cpp/pull/14624 and 14949)."""

SHARPNESS = 3.0
"""Exponent with which reading and unpacking weights overlap: the slower of the two hides most of the other."""

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


class Range(NamedTuple):
    """A value with the bounds that should hold four of five measurements, and whether it was measured or estimated."""

    low: float
    value: float
    high: float
    basis: str = "estimated"

    def to_json(self) -> dict[str, Any]:
        """As the public JSON writes it, to four significant digits."""
        return {"low": _digits(self.low), "value": _digits(self.value), "high": _digits(self.high), "basis": self.basis}


class Speed(NamedTuple):
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
    return _shipped(x) if constants is CONSTANTS else _estimated(x, constants)


def of_copies(speed: Speed, copies: int) -> Speed:
    """The speed of several copies of a model side by side: each request goes as fast as before, and all together so many times as much."""
    if copies <= 1:
        return speed
    total = speed.aggregate_tps
    return speed._replace(aggregate_tps=total._replace(low=total.low * copies, value=total.value * copies, high=total.high * copies))


@lru_cache(maxsize=65536)
def _shipped(x: SpeedInput) -> Speed:
    return _estimated(x, CONSTANTS)


def _estimated(x: SpeedInput, constants: Mapping[str, float]) -> Speed:
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


def decode_seconds(x: SpeedInput, users: int, c: Mapping[str, float]) -> float:
    """Seconds of one decoding step that gives each of `users` users one token: together, or one after the other where that is quicker."""
    together = _step_seconds(x, users, c)
    return together if users == 1 else min(together, users * _step_seconds(x, 1, c))


def _step_seconds(x: SpeedInput, users: int, c: Mapping[str, float]) -> float:
    """Seconds of one step that is computed for all users at once."""
    kind = hardware_class(x)
    share = x.devices if x.split == "tensor" else 1
    cpu_part = _cpu_part(x)
    touched = _touched(x, users)
    bandwidth = x.device_bandwidth_gb_s * GIGA * share
    gain = 1.0 if _is_k_quant(x.quant) else c["simple_gain"]
    reading = touched * (1 - cpu_part) / (c[f"efficiency.{kind}"] * gain * bandwidth)
    operations = 0.0 if kind == "cpu" else c["operations"]
    unpacking = operations * x.active_parameters * (1 - cpu_part) / (fp32_tflops(x) * TERA * share)
    weights = math.pow(math.pow(reading, SHARPNESS) + math.pow(unpacking, SHARPNESS), 1 / SHARPNESS)
    weights += (users - 1) * 2 * x.active_parameters * (1 - cpu_part) / (c["batch_efficiency"] * matrix_tflops(x, c) * TERA * share)
    if cpu_part > 0:
        weights += touched * cpu_part / (c["efficiency.cpu"] * max(x.cpu_bandwidth_gb_s, 1.0) * GIGA)
        weights += layers_of(x) * c["offload_layer_us"] * MICRO
        weights += (users - 1) * 2 * x.active_parameters * cpu_part / (c["batch_efficiency"] * cpu_tflops(x, x.cpu_bandwidth_gb_s) * TERA)
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
        share = float(x.devices ** c["prefill.tensor"])
    elif x.devices > 1:
        share = max(float((x.devices * chunks / (chunks + x.devices - 1)) ** c["prefill.pipeline"]), 1.0)
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
    if kind in {"hbm", "instinct"} and server_class(x) == "graph":
        peak = x.device_tflops_fp16 or fp32_tflops(x) * FP16_PER_FP32[kind]
        return c["prefill.graph"] * peak * (c["prefill.fp8"] if "FP8" in x.quant.upper() else 1.0)
    if kind == "hbm":
        return c["prefill.hbm"] * math.sqrt(x.device_tflops_fp16 or fp32_tflops(x) * FP16_PER_FP32[kind])
    if kind == "instinct" and x.capability not in WITHOUT_MATRIX_CORES:
        return c["prefill.cdna"] * math.pow(x.device_tflops_fp16 or fp32_tflops(x) * FP16_PER_FP32[kind], PEAK_EXPONENT)
    if kind == "instinct":
        return c["prefill.instinct"] * math.sqrt(fp32_tflops(x))
    if kind == "geforce" or (kind == "unified" and x.vendor == "nvidia"):
        return c["prefill.geforce"] * math.pow(fp32_tflops(x), PEAK_EXPONENT)
    units = c["prefill.matrix_units"] if kind == "apple" and x.capability in APPLE_MATRIX_UNITS else 1.0
    return c[f"prefill.{kind}"] * fp32_tflops(x) * units


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


def _range(value: float, width: float) -> Range:
    return Range(low=value / (1 + width), value=value, high=value * (1 + width))


def _digits(value: float) -> float:
    return float(f"{value:.4g}")
