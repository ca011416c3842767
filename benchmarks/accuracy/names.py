"""Finds the model, the device and the bits per weight behind the names that measurements give."""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data"

SAME_MODEL = {
    "deepseek-r1/v3 (671b)": "deepseek-r1",
    "llama-7b": "llama-2-7b",
    "llama-13b": "llama-2-13b",
    "phi-3.5-mini (3.8b)": "phi-3.5-mini",
    "phi-4-reasoning": "phi-4",
    "qwq-32b": "qwen2.5-32b",
    "qwen3-coder-next (80b-a3b)": "qwen3-coder-next",
    "qwen3-vl-30b-a3b-instruct": "qwen3-30b-a3b",
    "nemotron-cascade-2-30b-a3b": "nemotron-3-nano-30b-a3b",
    "magistral-small-24b": "mistral-small-24b",
    "devstral-small-2-24b": "mistral-small-24b",
    "deepseek-r1-distill-qwen-1.5b": "deepseek-r1-distill-qwen-1.5b",
}

RENAMES = (
    (r"-(it|chat|instruct)\b.*$", ""),
    (r"-\d{4}$", ""),
    (r"^meta-llama-3", "llama-3"),
    (r"llama-3\.(x|1|3)-", "llama-3-"),
    (r"qwen3-coder-30b", "qwen3-30b"),
    (r"qwen3\.[68]-", "qwen3.5-"),
    (r"deepseek-r1-distill-llama", "llama-3"),
    (r"deepseek-r1-distill-qwen", "qwen2.5"),
    (r"deepseek-r1-0528-qwen3", "qwen3"),
    (r"mistral-7b-v0\.1", "mistral-7b"),
    (r"llama-4-scout-17b-16e", "llama-4-scout"),
)

BITS = {
    "q4_k_m": 4.87, "q4_k_s": 4.6, "q5_k_m": 5.7, "ud-q4_k_xl": 4.9, "q4_0": 4.6, "q8": 8.5, "q6_k": 6.57, "f16": 16.0, "fp16": 16.0, "bf16": 16.0,
    "fp8": 8.2, "int8": 8.2, "mxfp4": 4.25, "int4": 4.5, "4bit": 4.5, "awq": 4.5, "mlx 4bit": 4.5, "mlx 8bit": 8.5, "mlx mxfp4": 4.25, "mlx4bit": 4.5,
    "mlx8bit": 8.5, "nvfp4": 4.5, "q3_k_l": 4.2, "q3_k_m": 3.95, "ud-q3_k_xl": 3.9, "ud-q6_k_xl": 6.7, "iq4_xs": 4.4, "q2_k": 2.8, "ud-q2_k_xl": 2.7,
    "iq2_xs": 2.6, "not stated": 4.87, "q1_0": 1.15, "q2_0": 2.13, "gptq": 4.3, "q4": 4.6, "": 4.87,
}  # fmt: skip

FIRST_DENSE = {"deepseek-r1": 3, "deepseek-coder-v2-lite": 1, "glm-4.5-air": 1, "glm-4.6": 3, "glm-4.7-flash": 1}
"""First layers without experts, from the sources in models.csv."""

GENERIC = dict.fromkeys(
    [
        "layers",
        "full",
        "sliding",
        "window",
        "recurrent",
        "heads",
        "kv_heads",
        "head_dim",
        "hidden",
        "vocab",
        "tied",
        "experts",
        "used",
        "expert_size",
        "shared_size",
        "latent",
        "full_kv_heads",
        "full_head_dim",
    ],
    0.0,
)
"""Dimensions of a model of which only parameters are known: the formula then takes usual proportions, and the cache counts as nothing."""

DIMENSIONS_UNKNOWN = "dimensions of the model without a source"


@cache
def _table(name: str) -> tuple[dict[str, str], ...]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def model_of(name: str) -> dict[str, float | str] | None:
    """The row of models.csv for a model as the measurement names it."""
    key = name.lower()
    if key in SAME_MODEL:
        key = SAME_MODEL[key]
    else:
        for pattern, new in RENAMES:
            key = re.sub(pattern, new, key)
    for row in _table("models.csv"):
        if row["name"] == key:
            return {k: (v if k in {"name", "source_url"} else float(v or 0)) for k, v in row.items()}
    return None


def generic_model(row: dict[str, str]) -> dict[str, float | str] | None:
    """A model of which the measurement only tells the parameters."""
    if not row["params_b"]:
        return None
    return {**GENERIC, "name": row["model"].lower(), "total_b": float(row["params_b"])}


def device_of(name: str) -> dict[str, str] | None:
    """The row of devices.csv whose label begins the name; the longest wins."""
    for row in sorted(_table("devices.csv"), key=lambda row: -len(row["label"])):
        if name.startswith(row["label"]) or f"+ {row['label']}" in name:
            return row
    return None


def bits_of(quant: str) -> float:
    """Bits per weight of a quantisation, head and embedding included."""
    name = quant.lower().strip()
    if found := re.search(r"([\d.]+)bpw", name):
        return float(found.group(1)) + 0.2
    return next(bits for mark, bits in sorted(BITS.items(), key=lambda item: -len(item[0])) if mark in name)
