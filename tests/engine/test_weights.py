"""How weights divide over layers and what a token reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from setupgen.engine.memory import MIB
from setupgen.engine.weights import TOKENISER_BYTES, download_bytes, host_read_per_token, weight_bytes
from setupgen.knowledge import Architecture, Weights

RAW = json.loads((Path(__file__).parent / "data" / "architectures.json").read_text(encoding="utf-8"))
ARCHITECTURES = {name: Architecture.of(raw) for name, raw in RAW.items()}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_parts_add_up(name):
    sizes = weight_bytes(ARCHITECTURES[name], "Q4_K_M")
    own_output = 0 if sizes.tied else sizes.output
    assert sizes.total == sizes.token_embedding + own_output + sizes.small + sizes.layers
    assert sizes.file_bytes >= sizes.total
    assert sizes.experts <= sizes.layers
    assert 0 < sizes.read_per_token <= sizes.total


# Bytes that decoding one token reads, in GB, as computed for CPU benchmarks of these very files.
@pytest.mark.parametrize(
    ("name", "quant", "gigabytes"),
    [
        ("qwen3-0.6b", "Q4_K_M", 0.39),
        ("llama-3.2-1b", "Q8_0", 1.31),
        ("granite-3.1-1b-a400m", "Q4_K_M", 0.27),
        ("olmoe-1b-7b", "Q4_K_M", 0.74),
        ("qwen3-4b", "Q4_K_M", 2.49),
        ("llama-3.1-8b", "Q4_K_M", 4.62),
        ("llama-3.1-8b", "Q8_0", 7.97),
    ],
)
def test_read_per_token(name, quant, gigabytes):
    assert weight_bytes(ARCHITECTURES[name], quant).read_per_token / 1e9 == pytest.approx(gigabytes, abs=0.006)


# What `--cpu-moe` leaves on the device, in MiB, as llama.cpp reports it.
@pytest.mark.parametrize(
    ("name", "quant", "mebibytes"),
    [
        ("qwen3-30b-a3b", "Q4_K_M", 784),
        ("gpt-oss-20b", "MXFP4", 1242),
        ("gpt-oss-120b", "MXFP4", 1608),
        ("glm-4.5-air", "Q4_K_M", 3879),
        ("deepseek-v3", "Q4_K_M", 9522),
    ],
)
def test_without_experts(name, quant, mebibytes):
    sizes = weight_bytes(ARCHITECTURES[name], quant, "gguf")
    assert (sizes.total - sizes.token_embedding - sizes.experts) / MIB == pytest.approx(mebibytes, abs=1)


def test_per_layer_embeddings_stay_in_main_memory():
    sizes = weight_bytes(ARCHITECTURES["gemma-4-e4b"], "Q4_K_M")
    assert sizes.token_embedding / MIB == pytest.approx(2730, abs=1)
    assert (sizes.layers + sizes.small + sizes.output) / MIB == pytest.approx(2921, abs=1)


def test_layers_for_prediction_are_downloaded_but_not_loaded():
    sizes = weight_bytes(ARCHITECTURES["qwen3.6-27b-mtp"], "Q4_K_M")
    assert sizes.total / MIB == pytest.approx(15770.3, abs=0.1)
    assert sizes.file_bytes == 16_799_719_424


def test_a_published_size_goes_before_the_formula():
    architecture = ARCHITECTURES["llama-3.1-8b"]
    known = Weights(format="gguf", quant="Q4_K_M", repository="x/y", published_bytes=4_920_739_232)
    unknown = Weights(format="gguf", quant="Q4_K_M", repository="x/y")
    assert download_bytes(architecture, known) == 4_920_739_232
    assert download_bytes(architecture, unknown) == weight_bytes(architecture, "Q4_K_M").file_bytes + TOKENISER_BYTES
    assert download_bytes(architecture, unknown) == pytest.approx(4_920_739_232, rel=0.001)


def test_towers_are_loaded_by_servers_that_read_the_original_weights():
    architecture = Architecture.of(RAW["gemma-3-27b"] | {"extra_parameters": 400_000_000})
    assert weight_bytes(architecture, "BF16", "safetensors").small > 800_000_000
    assert weight_bytes(architecture, "BF16", "gguf").small < 800_000_000


def test_what_main_memory_is_asked_for_per_token():
    architecture = ARCHITECTURES["gpt-oss-120b"]
    sizes = weight_bytes(architecture, "MXFP4", "gguf")
    everything = host_read_per_token(architecture, "MXFP4", "gguf", gpu_layers=0)
    experts = host_read_per_token(architecture, "MXFP4", "gguf", gpu_layers=37, n_cpu_moe=36)
    assert host_read_per_token(architecture, "MXFP4", "gguf", gpu_layers=37) == 0
    assert experts == pytest.approx(sizes.experts * 4 / 128, rel=0.001)
    assert experts < everything < sizes.read_per_token
