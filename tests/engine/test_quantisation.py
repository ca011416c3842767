"""Sizes of quantised models against llama.cpp's own and against published files."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from statistics import median

import pytest

from setupgen.engine.quantisation import QUANTISATIONS, check, group_bytes, is_gguf
from setupgen.engine.tensors import parameter_count, tensor_groups
from setupgen.errors import UnknownNameError
from setupgen.knowledge import Architecture

DATA = Path(__file__).parent / "data"
ARCHITECTURES = {name: Architecture.of(raw) for name, raw in json.loads((DATA / "architectures.json").read_text(encoding="utf-8")).items()}
ROWS = list(csv.DictReader((DATA / "gguf_tensor_bytes.csv").read_text(encoding="utf-8").splitlines()))


def size(name: str, quant: str, weight_format: str = "gguf") -> int:
    return sum(map(sum, group_bytes(ARCHITECTURES[name], quant, weight_format)))


def test_gguf_sizes_are_those_of_the_quantiser():
    errors = [abs(size(row["model"], row["quant"]) / int(row["tensor_bytes"]) - 1) for row in ROWS]
    assert len(errors) == 375
    assert median(errors) == 0
    assert max(errors) < 0.0005
    assert errors.count(0) >= 340


# Files as published, in bytes; each is larger than its tensors by its tokenizer (6 to 13 MB).
@pytest.mark.parametrize(
    ("name", "quant", "published"),
    [
        ("llama-3.1-8b", "Q4_K_M", 4_920_739_232),
        ("qwen3-8b", "Q4_K_M", 5_027_783_488),
        ("qwen3-14b", "Q4_K_M", 9_001_752_960),
        ("mistral-small-24b", "Q4_K_M", 14_333_915_264),
        ("gpt-oss-20b", "MXFP4", 12_109_566_560),
        ("nomic-embed-v1.5", "F16", 274_290_560),
        ("qwen3-30b-a3b", "UD-Q4_K_XL", 17_709_692_928),
    ],
)
def test_published_files(name, quant, published):
    assert size(name, quant) == pytest.approx(published, rel=0.006)


@pytest.mark.parametrize(
    ("name", "quant", "weight_format", "bits"),
    [
        ("qwen3-32b", "BF16", "safetensors", 16),
        ("qwen3-32b", "FP8", "safetensors", 8.4),  # embedding and head stay in 16 bits
        ("qwen3-32b", "AWQ-INT4", "safetensors", 4.7),
        ("qwen3-32b", "GPTQ-INT4", "safetensors", 4.7),
        ("qwen3-32b", "NVFP4", "safetensors", 5.0),
        ("qwen3-32b", "INT8", "safetensors", 8.4),
        ("gpt-oss-120b", "MXFP4", "safetensors", 4.5),  # only experts: 65.2 GB published
        ("qwen3-32b", "MLX-4bit", "mlx", 4.5),
        ("qwen3-32b", "MLX-8bit", "mlx", 8.5),
        ("qwen3-32b", "MLX-bf16", "mlx", 16),
    ],
)
def test_bits_per_weight_of_other_formats(name, quant, weight_format, bits):
    found = 8 * size(name, quant, weight_format) / parameter_count(ARCHITECTURES[name])
    assert found == pytest.approx(bits, rel=0.015)


def test_one_id_two_formats():
    assert size("gpt-oss-20b", "MXFP4", "gguf") < size("gpt-oss-20b", "MXFP4", "safetensors")
    assert is_gguf("MXFP4")
    assert not is_gguf("MXFP4", "safetensors")


@pytest.mark.parametrize("quant", QUANTISATIONS)
def test_every_id_gives_a_size_for_every_architecture(quant):
    for architecture in ARCHITECTURES.values():
        sizes = group_bytes(architecture, quant)
        assert len(sizes) == len(tensor_groups(architecture))
        assert all(size > 0 for group in sizes for size in group)


def test_smaller_quantisations_are_smaller():
    order = ["Q2_K", "Q3_K_S", "Q3_K_M", "IQ4_XS", "Q4_0", "Q4_K_S", "Q4_K_M", "Q5_K_S", "Q5_K_M", "Q6_K", "Q8_0", "BF16"]
    sizes = [size("llama-3.1-70b", quant) for quant in order]
    assert sizes == sorted(sizes)


def test_an_unknown_id_is_refused_with_the_nearest():
    with pytest.raises(UnknownNameError) as caught:
        check("Q4_K_X", "gguf")
    assert "Q4_K_M" in caught.value.suggestions
    with pytest.raises(UnknownNameError):
        check("AWQ-INT4", "gguf")
