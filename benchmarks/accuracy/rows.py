"""Turns published measurements (speed.csv) into inputs of the speed formula and the numbers to compare with."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.accuracy.names import DATA, DIMENSIONS_UNKNOWN, FIRST_DENSE, bits_of, device_of, generic_model, model_of

from setupgen.engine.quantisation import QUANTISATIONS
from setupgen.engine.speed import SpeedInput
from setupgen.engine.weights import weight_bytes
from setupgen.errors import UnknownNameError
from setupgen.knowledge import Architecture, Pack

PACK = Path(__file__).parents[2] / "src" / "setupgen" / "_data" / "pack.jsonl"
GIB = 2**30

K_EMBEDDING_BITS = 6.57
MXFP4_BITS = 4.25
IN_PACK = {
    "llama-3-8b": "llama-3.1-8b",
    "qwen3.5-27b": "qwen3.6-27b",
    "qwen3.5-35b-a3b": "qwen3.6-35b-a3b",
}
"""Models whose dimensions the knowledge base has under another name."""

SAME_QUANT = {
    "F16": "BF16",
    "FP16": "BF16",
    "NOT STATED": "Q4_K_M",
    "AWQ": "AWQ-INT4",
    "AWQ INT4": "AWQ-INT4",
    "MLX 4BIT": "MLX-4bit",
    "MLX 8BIT": "MLX-8bit",
}
DEFAULT_BACKEND = {"nvidia": "cuda", "amd": "rocm", "apple": "metal", "intel": "vulkan", "generic": "cpu"}
NOT_OURS = ("transformers", "autoawq")
FLOOD_SLOTS = 1024


@dataclass(frozen=True)
class Row:
    """One measurement: the input, what was measured, and what is needed to group and to judge it."""

    id: str
    x: SpeedInput
    decode: float
    prefill: float
    total: bool
    family: str
    source: str
    kind: str
    groups: frozenset[str]
    text: str
    doubt: str

    @property
    def model(self) -> str:
        """The model, whatever its quantisation."""
        return self.x.architecture


@dataclass(frozen=True)
class Sizes:
    """Bytes and parameters of a model in a quantisation."""

    active: float
    read: float
    experts_read: float
    total: float


@cache
def _architecture(name: str) -> Architecture | None:
    """The model's dimensions from the compiled knowledge base, if that is built and has it."""
    if not PACK.is_file():
        return None
    base = pack()
    for known in (name, IN_PACK.get(name, name)):
        try:
            return base.model(known).architecture
        except UnknownNameError:
            continue
    return None


@cache
def pack() -> Pack:
    return Pack.from_text(PACK.read_text(encoding="utf-8"))


def sizes_of(model, quant: str, weights_gib: str, active_b: str) -> Sizes:
    """What a token reads: by the formula of the engine for models of the knowledge base, else from sizes and bits per weight.

    A published file size corrects the computed one.
    """
    if not model["layers"]:
        return _generic_sizes(model, quant, weights_gib, active_b)
    rough = _rough_sizes(model, quant, weights_gib, active_b)
    architecture = _architecture(model["name"])
    plain = quant.upper().replace(" (UNSLOTH)", "")
    name = SAME_QUANT.get(plain, plain)
    if "gpt-oss" in model["name"]:
        name = "MXFP4" if plain in {"MXFP4", "NOT STATED"} else ""
    if architecture is None or name not in QUANTISATIONS:
        return rough
    exact = weight_bytes(architecture, name)
    scale = rough.total / exact.total if weights_gib else 1.0
    share = architecture.experts.used / architecture.experts.count if architecture.experts else 0.0
    return Sizes(rough.active, exact.read_per_token * scale, exact.experts * share * scale, exact.total * scale)


def _generic_sizes(model, quant: str, weights_gib: str, active_b: str) -> Sizes:
    """Parameters times bits per weight."""
    parameters = model["total_b"] * 1e9
    total = float(weights_gib) * GIB if weights_gib else parameters * bits_of(quant) / 8
    active = float(active_b or model["total_b"]) * 1e9
    return Sizes(active=active, read=total * active / parameters, experts_read=0.0, total=total)


def _rough_sizes(model, quant: str, weights_gib: str, active_b: str) -> Sizes:
    total = model["total_b"] * 1e9
    embedding = model["vocab"] * model["hidden"]
    skipped = 0.0 if model["tied"] else embedding
    experts = used = 0.0
    if model["experts"]:
        share = model["used"] / model["experts"]
        mixers = model["full"] + model["sliding"] + model["recurrent"]
        holders = (model["layers"] - mixers or model["layers"]) - FIRST_DENSE.get(model["name"], 0)
        experts = holders * model["experts"] * model["matrices"] * model["hidden"] * model["expert_size"]
        if not experts:
            experts = (total - float(active_b) * 1e9) / (1 - share)
        used = experts * share
    bits = bits_of(quant)
    expert_bits = bits
    rest = total - experts
    if "gpt-oss" in model["name"]:
        expert_bits = MXFP4_BITS
        rest_bytes = (float(weights_gib) * GIB - experts * expert_bits / 8) if weights_gib else rest * 8.5 / 8
    elif weights_gib:
        size = float(weights_gib) * GIB
        expert_bits = size * 8 / total
        rest_bytes = rest * expert_bits / 8
    else:
        rest_bytes = rest * bits / 8
        if model["tied"] and 3 < bits < 6 and "_k" in quant.lower():
            rest_bytes += embedding * (K_EMBEDDING_BITS - bits) / 8
    return Sizes(
        active=rest + used,
        read=rest_bytes * (rest - skipped) / rest + used * expert_bits / 8,
        experts_read=used * expert_bits / 8,
        total=rest_bytes + experts * expert_bits / 8,
    )


def cache_of(model, depth: int) -> tuple[float, float, float]:
    """Cache bytes per token of depth, bytes whatever the depth (at this depth), and attention operations per token of depth."""
    width = 2 * 2 * model["kv_heads"] * model["head_dim"]
    if model["latent"]:
        per_token = model["layers"] * model["latent"] * 2
        operations = 2 * model["layers"] * model["heads"] * (2 * model["latent"] - 64)
        return per_token, 0.0, operations
    full = 2 * 2 * model["full_kv_heads"] * model["full_head_dim"] or width
    head = model["full_head_dim"] or model["head_dim"]
    state = model["recurrent"] * model["hidden"] * 128 * 4 * 1.0 if model["recurrent"] and "lfm" not in model["name"] else 0.0
    window = model["sliding"] * width * min(depth, model["window"])
    return model["full"] * full, state + window, 2 * model["full"] * model["heads"] * head * 2


def depth_of(row) -> tuple[int, int, int]:
    """Mean depth while decoding, prompt tokens and output tokens, as far as the row tells."""
    text = row["context_or_depth"]
    if found := re.match(r"pp(\d+) / tg(\d+)", text):
        return int(found.group(2)) // 2, int(found.group(1)), 0
    if found := re.match(r"pp(\d+), ?/?tg ?(\d+)|pp(\d+)/tg(\d+)", text):
        numbers = [int(part) for part in found.groups() if part]
        return numbers[1] // 2, numbers[0], 0
    if found := re.search(r"(?:mean in )?(\d+) ?(?:in)? / (?:out )?(\d+)", text):
        prompt, out = int(found.group(1)), int(found.group(2))
        return prompt + out // 2, prompt, out
    if found := re.search(r"(\d+)K tokens", text):
        return int(found.group(1)) * 1000, int(found.group(1)) * 1000, 0
    if found := re.match(r"(\d+)(?: prompt|/\d+ out)?$|^(\d+) in/(\d+) out", text):
        return int(found.group(1) or found.group(2)), 512, 0
    if found := re.search(r"~([\d.]+) out|(\d+) tokens out", text):
        return 30 + int(float(found.group(1) or found.group(2))) // 2, 30, 0
    return 150, 512, 0


def with_projector(row) -> bool:
    """Whether the size of the file includes the vision projector, which decoding does not read: LM Studio's totals of Gemma 3."""
    return row["server"].startswith("LM Studio") and bool(re.match(r"gemma-3-(4|12|27)b", row["model"].lower()))


def users_of(row) -> int:
    """Requests at once; floods of hundreds fill the server's slots."""
    if row["batch"].isdigit():
        return int(row["batch"])
    found = re.search(r"(\d+)", row["batch"])
    return min(int(found.group(1)), FLOOD_SLOTS) if found else 1


def room_of(row, sizes: Sizes, bytes_per_user: float, devices: int) -> int:
    """Users whose cache fits beside the weights, with nine tenths of the memory in use."""
    memory = re.search(r"(\d+)\s*GB", row["hardware"])
    if not memory or bytes_per_user <= 0:
        return FLOOD_SLOTS
    return max(1, int((0.9 * float(memory.group(1)) * GIB * devices - sizes.total) / bytes_per_user))


def groups_of(device, model, row, users: int) -> frozenset[str]:
    """The classes under which the tables list a row."""
    vendor, segment = device["vendor"], device["segment"]
    groups = {"mixture" if row["active_params_b"] or model["experts"] else "dense"}
    if row["backend"] == "cpu":
        groups.add("CPU")
    elif vendor == "apple":
        groups.add("Apple")
    elif segment in {"apu", "embedded"}:
        groups.add("unified")
    elif vendor == "nvidia":
        groups.add(
            "NVIDIA data centre" if segment == "data-center" else "NVIDIA workstation" if segment == "workstation" else "NVIDIA consumer"
        )
    else:
        groups.add("AMD" if vendor == "amd" else "Intel")
    if users > 1:
        groups = {"under load"}
    if row["kind"] == "offload":
        groups.add("offload")
    if row["kind"] == "multi_gpu":
        groups.add("several cards")
    return frozenset(groups)


def doubt_of(row, device, sizes: Sizes) -> str:
    """Why a row may not be what it says, from the row alone."""
    if any(name in row["server"].lower() for name in NOT_OURS):
        return "server without optimised kernels, which is never proposed"
    if row["quant"] == "not stated":
        return "quantisation not stated; taken as 4 bits"
    memory = re.search(r"(\d+)\s*GB", row["hardware"])
    if (
        row["kind"] != "offload"
        and memory
        and device["vendor"] in {"nvidia", "amd"}
        and sizes.total > 0.92 * float(memory.group(1)) * GIB * max(int(row["n_devices"]), 1)
    ):
        return "barely fits or spills into main memory"
    if "Q1_0" in row["quant"] or "Q2_0" in row["quant"]:
        return "experimental one- or two-bit format of a fork"
    if "rocWMMA" in row["note"]:
        return "rocWMMA build, slow with prompts"
    if "b3891" in row["note"]:
        return "before matrix cores of this device were used for prompts (llama.cpp of 2024)"
    if row["source"] == "xiongjiedai":
        return "llama.cpp of 2024"
    return ""


def row_of(row: dict[str, str]) -> Row | None:
    """The measurement, or nothing where the device is not in the tables."""
    model, device = model_of(row["model"]) or generic_model(row), device_of(row["hardware"])
    if model is None or device is None or not row["decode_tps"]:
        return None
    sizes = sizes_of(model, row["quant"], "" if with_projector(row) else row["weights_gib"], row["active_params_b"])
    depth, prompt, out = depth_of(row)
    per_token, constant, operations = cache_of(model, depth)
    devices = int(row["n_devices"] or 1)
    users = min(users_of(row), room_of(row, sizes, per_token * (prompt + out) + constant, devices))
    backend = row["backend"] if row["backend"] in {"cuda", "rocm", "vulkan", "metal", "sycl", "cpu"} else DEFAULT_BACKEND[device["vendor"]]
    tensor = any(name in row["server"] for name in ("vllm", "sglang", "tensorrt", "trtllm"))
    cpu_bandwidth, cpu_read = 0.0, 0.0
    if row["kind"] == "offload":
        cpu_bandwidth, cpu_read = _offload(row, model, sizes)
        if not cpu_read:
            return None
    x = SpeedInput(
        read_bytes_per_token=sizes.read - cpu_read,
        active_parameters=sizes.active,
        layers=int(model["layers"]),
        is_mixture=bool(model["experts"]) or (not model["layers"] and bool(row["active_params_b"])),
        kv_bytes_per_token=per_token,
        kv_constant_bytes=constant,
        attention_flops_per_token_per_depth=operations,
        depth=depth,
        parallel=users,
        prompt_tokens=prompt,
        backend=backend,
        server=row["server"],
        segment=device["segment"],
        vendor=device["vendor"],
        capability=device["capability"],
        device_bandwidth_gb_s=float(device["bandwidth_gb_s"]),
        device_tflops_fp16=float(device["fp16_tflops"] or 0),
        devices=devices,
        split="none" if devices == 1 else "tensor" if tensor else "layer",
        cpu_bandwidth_gb_s=cpu_bandwidth,
        cpu_read_bytes_per_token=cpu_read,
        quant="Q4_K_M" if row["quant"] == "not stated" and "gpt-oss" not in model["name"] else row["quant"],
        device_tflops_fp32=float(device["fp32_tflops"] or 0),
        architecture=str(model["name"]),
        recurrent_layers=int(model["recurrent"]),
        weight_bytes=sizes.total,
        expert_bytes_per_token=sizes.experts_read,
        experts=int(model["experts"]),
        experts_used=int(model["used"]),
        cpu_cores=int(device["cores"] or 0) if backend == "cpu" else 0,
        output_tokens=out if users_of(row) > 1 else 0,
    )
    return Row(
        id=row["id"],
        x=x,
        decode=float(row["decode_tps"]),
        prefill=float(row["prefill_tps"] or 0),
        total=users_of(row) > 1,
        family=device["label"],
        source=row["source"],
        kind=row["kind"],
        groups=groups_of(device, model, row, users_of(row)),
        text=f"{row['hardware']}{' x' + row['n_devices'] if devices > 1 else ''}, {row['model']} {row['quant']}, {row['server']} {backend}",
        doubt=doubt_of(row, device, sizes) if model["layers"] else DIMENSIONS_UNKNOWN,
    )


HOST_BANDWIDTH = (("7965WX", 300.0), ("6454S", 307.0), ("9654", 460.8))
"""Peak GB/s of main memory of the hosts of offload rows: channels x rate, or what the row's author measured (225) divided by 0.75."""


def _offload(row, model, sizes: Sizes) -> tuple[float, float]:
    """Bandwidth of main memory and bytes read from it, for rows that keep all routed experts there on a known host."""
    if "exps=CPU" not in row["note"] and row["server"] != "ktransformers" and not (row["note"] == "hybrid" and "7965WX" in row["hardware"]):
        return 0.0, 0.0
    for mark, bandwidth in HOST_BANDWIDTH:
        if mark in row["hardware"] and model["experts"]:
            return bandwidth * (2 if row["hardware"].startswith("2x") else 1), sizes.experts_read
    return 0.0, 0.0


def load(path: Path | None = None, *, gold_only: bool = False) -> list[Row]:
    """All usable measurements of a file with the columns of data/speed.csv."""
    with (path or DATA / "speed.csv").open(encoding="utf-8", newline="") as file:
        raw = [row for row in csv.DictReader(file) if row["gold"] == "1" or not gold_only]
    return [found for row in raw if (found := row_of(row))]
