"""Cache sizes: byte for byte per token, and against what llama.cpp allocated."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from setupgen.engine.cache import (
    cache_per_layer,
    growing_bytes_per_token,
    kv_bytes_per_token,
    llama_cpp_bytes,
    mlx_bytes,
    paged_bytes,
    recurrent_bytes,
    streams_and_cells,
)
from setupgen.engine.memory import MIB, Workload
from setupgen.errors import UnknownNameError
from setupgen.knowledge import Architecture

DATA = Path(__file__).parent / "data"
ARCHITECTURES = {name: Architecture.of(raw) for name, raw in json.loads((DATA / "architectures.json").read_text(encoding="utf-8")).items()}
ROWS = list(csv.DictReader((DATA / "llamacpp_memory.csv").read_text(encoding="utf-8").splitlines()))


def workload_of(row: dict[str, str]) -> Workload:
    """The workload of a measured row; its context is for all sequences together."""
    parallel = int(row["parallel"])
    cache_k, cache_v = row["cache"].split("/")
    return Workload(
        int(row["context"]) // parallel,
        parallel,
        cache_k,
        cache_v,
        ubatch=int(row["ubatch"]),
        flash_attention=row["flash_attention"] == "1",
        unified_kv=row["unified"] == "1",
        embeddings=row["embeddings"] == "1",
    )


def test_cache_is_what_the_server_allocated():
    errors = [abs(llama_cpp_bytes(ARCHITECTURES[row["model"]], workload_of(row)) / MIB - float(row["cache_mib"])) for row in ROWS]
    assert len(errors) > 400
    assert max(errors) < 0.02


# From the models' configuration files: layers x (key + value width) x 2 bytes.
@pytest.mark.parametrize(
    ("name", "f16"),
    [
        ("llama-3.1-8b", 32 * 2 * 8 * 128 * 2),
        ("qwen2.5-7b", 28 * 2 * 4 * 128 * 2),
        ("qwen3-30b-a3b", 48 * 2 * 4 * 128 * 2),
        ("gpt-oss-20b", 24 * 2 * 8 * 64 * 2),
        ("gemma-3-27b", 62 * 2 * 16 * 128 * 2),
        ("qwen3.6-27b", 65536),  # 64 KiB: 16 of 64 layers
        ("deepseek-v3", 61 * (512 + 64) * 2),
        ("glm-4.7-flash", 47 * (512 + 64) * 2),
        ("gemma-4-e4b", (20 * 2 * 2 * 256 + 4 * 2 * 2 * 512) * 2),  # 24 of 42 layers own a cache
        ("gemma-4-31b", (50 * 2 * 16 * 256 + 10 * 2 * 4 * 512) * 2),
        ("bge-small-en", 12 * 2 * 12 * 32 * 2),
    ],
)
def test_bytes_per_token(name, f16):
    architecture = ARCHITECTURES[name]
    assert kv_bytes_per_token(architecture) == f16
    assert kv_bytes_per_token(architecture, "q8_0", "q8_0") == f16 * 34 // 64
    assert kv_bytes_per_token(architecture, "q4_0", "q4_0") == f16 * 18 // 64
    assert kv_bytes_per_token(architecture, "fp8", "fp8") == f16 // 2
    assert kv_bytes_per_token(architecture, "f32", "f32") == f16 * 2


def test_full_windows_do_not_grow():
    assert growing_bytes_per_token(ARCHITECTURES["gpt-oss-20b"]) == 12 * 2 * 8 * 64 * 2
    assert growing_bytes_per_token(ARCHITECTURES["llama-3.1-8b"]) == kv_bytes_per_token(ARCHITECTURES["llama-3.1-8b"])


def test_states_are_per_sequence():
    architecture = ARCHITECTURES["qwen3.6-27b"]
    assert recurrent_bytes(architecture, 1) / MIB == pytest.approx(149.625, abs=0.01)
    assert recurrent_bytes(architecture, 4) / MIB == pytest.approx(598.5, abs=0.01)


def test_layers_sum_to_the_whole():
    workload = Workload(8192, 2, "q8_0", "q8_0")
    for architecture in ARCHITECTURES.values():
        layers = cache_per_layer(architecture, workload)
        assert len(layers) == architecture.layers
        assert sum(layers) == llama_cpp_bytes(architecture, workload)


def test_layers_that_reuse_a_cache_have_none():
    layers = cache_per_layer(ARCHITECTURES["gemma-4-e4b"], Workload(8192, 1))
    assert all(layers[:24])
    assert not any(layers[24:])


def test_streams():
    assert streams_and_cells(Workload(4000, 1)) == (1, 4096)
    assert streams_and_cells(Workload(4096, 3)) == (3, 4096)
    assert streams_and_cells(Workload(4096, 3, unified_kv=True)) == (1, 12288)


def test_encoders_have_no_cache():
    for size in (llama_cpp_bytes, paged_bytes, mlx_bytes):
        assert size(ARCHITECTURES["bge-m3"], Workload(8192, 4)) == 0


def test_paged_caches_hold_whole_blocks():
    architecture = ARCHITECTURES["llama-3.1-8b"]
    assert paged_bytes(architecture, Workload(4100, 2)) == 2 * 4112 * kv_bytes_per_token(architecture)


@pytest.mark.parametrize("size", [paged_bytes, mlx_bytes, llama_cpp_bytes])
def test_windows_save_memory(size):
    architecture = ARCHITECTURES["gemma-3-27b"]
    workload = Workload(131072, 1)
    assert size(architecture, workload) < 0.25 * 131072 * kv_bytes_per_token(architecture)
    assert size(architecture, workload) > 131072 * growing_bytes_per_token(architecture)


def test_an_unknown_cache_type_is_refused():
    with pytest.raises(UnknownNameError, match="q9_0"):
        kv_bytes_per_token(ARCHITECTURES["llama-3.1-8b"], "q9_0")
