"""Servers that hold the whole model on accelerators."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from setupgen.engine.compute import usable_bytes, usable_ram_bytes
from setupgen.engine.memory import GIB, Machine, Memory, Slot, Workload
from setupgen.engine.paged import claim_bytes, sglang_chunk, sglang_share, tensor_parallel_sizes
from setupgen.engine.placement import place
from setupgen.knowledge import Architecture

DATA = Path(__file__).parent / "data"
ARCHITECTURES = {name: Architecture.of(raw) for name, raw in json.loads((DATA / "architectures.json").read_text(encoding="utf-8")).items()}


def cards(gib: int, count: int = 1) -> Machine:
    slot = Slot("card", gib * GIB, usable_bytes(gib * GIB), unified=False, bandwidth_gb_s=900)
    return Machine((slot,) * count, 128 * GIB, usable_ram_bytes(128 * GIB), "cuda")


def vllm(name: str, quant: str, machine: Machine, workload: Workload, **options) -> Memory:
    return place(ARCHITECTURES[name], quant, "safetensors", "vllm", machine, workload, **options)


def test_the_claim_is_what_the_card_shows():
    memory = vllm("qwen3-8b", "FP8", cards(24), Workload(16384, 4))
    assert memory.fits == "full"
    assert memory.devices[0].used_bytes == claim_bytes(24 * GIB, usable_bytes(24 * GIB), 0.92)
    assert memory.total_bytes <= memory.devices[0].used_bytes


@pytest.mark.parametrize(
    ("gib", "count", "chunk", "share"),
    [
        # Worked out by hand from the program's rule: 512 + 1.5 x tokens + 128 x cards + graphs, in MiB, of what the driver reports.
        (16, 1, 2048, 0.74),
        (24, 1, 4096, 0.69),
        (24, 4, 4096, 0.67),
        (48, 1, 4096, 0.85),
        (80, 1, 8192, 0.82),
        (141, 8, 8192, 0.89),
        (192, 1, 16384, 0.86),
    ],
)
def test_sglang_leaves_room_for_what_it_computes(gib, count, chunk, share):
    assert sglang_chunk(gib * GIB) == chunk
    assert sglang_share(gib * GIB, count) == share
    assert sglang_share(gib * GIB, count, pictures=True) < sglang_share(gib * GIB, count)


def test_the_share_of_sglang_holds_weights_and_cache_alone():
    share = sglang_share(24 * GIB, 1)
    memory = place(ARCHITECTURES["qwen3-8b"], "FP8", "safetensors", "sglang", cards(24), Workload(8192, 4), claim_share=share)
    assert memory.fits == "full"
    pool = memory.devices[0].used_bytes - (memory.total_bytes - memory.weights_bytes - memory.kv_cache_bytes)
    assert memory.weights_bytes + memory.kv_cache_bytes <= pool < 24 * GIB * share
    tight = (memory.weights_bytes + memory.kv_cache_bytes) / (24 * GIB)
    assert place(ARCHITECTURES["qwen3-8b"], "FP8", "safetensors", "sglang", cards(24), Workload(8192, 4), claim_share=tight).fits == "no"


def test_a_share_of_sglang_that_leaves_no_room_is_refused():
    assert place(ARCHITECTURES["qwen3-8b"], "FP8", "safetensors", "sglang", cards(24), Workload(4096, 1), claim_share=0.99).fits == "no"


def test_the_need_must_fit_into_the_claim():
    assert vllm("qwen3-32b", "AWQ-INT4", cards(24), Workload(4096, 1)).fits == "full"
    assert vllm("qwen3-32b", "AWQ-INT4", cards(24), Workload(32768, 8)).fits == "no"
    assert vllm("qwen3-32b", "BF16", cards(24), Workload(4096, 1)).fits == "no"
    assert vllm("qwen3-8b", "FP8", cards(24), Workload(16384, 4), claim_share=0.5).fits == "no"


def test_a_claim_of_an_h100_is_near_the_servers_own():
    """vLLM reported 71.29 GiB for a share of 0.90 of an H100."""
    assert claim_bytes(80 * GIB, usable_bytes(80 * GIB), 0.9) / GIB == pytest.approx(71.29, rel=0.005)


@pytest.mark.parametrize(
    ("name", "quant", "sizes"),
    [
        ("llama-3.1-70b", "BF16", (1, 2, 4, 8)),
        ("qwen2.5-7b", "BF16", (1, 2, 4)),  # 28 heads
        ("phi-4", "BF16", (1, 2)),  # 40 heads, 10 of them for keys
        ("gemma-4-12b", "BF16", (1, 2, 4, 8)),  # one key/value head in full layers is repeated
        ("qwen3-235b-a22b", "FP8", (1, 2, 4)),  # experts of 1536 in blocks of 128
        ("qwen3-30b-a3b", "FP8", (1, 2)),
    ],
)
def test_sizes_of_tensor_parallelism(name, quant, sizes):
    assert tensor_parallel_sizes(ARCHITECTURES[name], quant, 8) == sizes


def test_cards_share_layers():
    memory = vllm("qwen3-32b", "AWQ-INT4", cards(16, 2), Workload(8192, 1))
    assert (memory.fits, memory.placement.tensor_parallel) == ("full", 2)
    assert vllm("qwen3-32b", "AWQ-INT4", cards(16), Workload(8192, 1)).fits == "no"
    assert vllm("qwen2.5-7b", "BF16", cards(24, 8), Workload(8192, 1)).placement.tensor_parallel == 4


def test_latent_caches_are_on_every_card():
    one = vllm("glm-4.7-flash", "FP8", cards(80), Workload(131072, 4))
    two = vllm("glm-4.7-flash", "FP8", cards(80, 2), Workload(131072, 4))
    assert two.placement.tensor_parallel == 2
    assert two.kv_cache_bytes == 2 * one.kv_cache_bytes


def test_replicas():
    memory = vllm("qwen3-8b", "FP8", cards(24, 2), Workload(8192, 4), replicas=2)
    assert (memory.fits, memory.placement.replicas, memory.placement.tensor_parallel) == ("full", 2, 1)
    assert memory.devices[0].used_bytes == memory.devices[1].used_bytes > 0
    one = vllm("qwen3-8b", "FP8", cards(24), Workload(8192, 4))
    assert memory.kv_cache_bytes == 2 * one.kv_cache_bytes
    assert memory.weights_bytes == 2 * one.weights_bytes
    assert memory.total_bytes == 2 * one.total_bytes


def test_unequal_cards_are_not_shared():
    machine = Machine((cards(8).slots[0], cards(24).slots[0]), 64 * GIB, 56 * GIB, "cuda")
    memory = vllm("qwen3-8b", "FP8", machine, Workload(8192, 1))
    assert (memory.fits, memory.placement.tensor_parallel, memory.devices[0].used_bytes) == ("full", 1, 0)


def test_a_size_that_does_not_divide_the_heads_is_refused():
    assert vllm("qwen2.5-7b", "BF16", cards(24, 8), Workload(8192, 1), tensor_parallel=8).fits == "no"


def test_no_accelerator():
    machine = Machine((), 64 * GIB, 56 * GIB, "cpu")
    assert vllm("qwen3-8b", "FP8", machine, Workload(8192, 1)).fits == "no"
    embedder = place(
        ARCHITECTURES["bge-m3"], "BF16", "safetensors", "text-embeddings-inference", machine, Workload(8192, 1, embeddings=True)
    )
    assert (embedder.fits, embedder.host_bytes) == ("cpu", embedder.total_bytes)


def test_mlx_takes_the_gpus_share_of_unified_memory():
    slot = Slot("Mac", 64 * GIB, 48 * GIB, unified=True, bandwidth_gb_s=400)
    machine = Machine((slot,), 64 * GIB, usable_ram_bytes(64 * GIB), "metal")
    fits = place(ARCHITECTURES["qwen3-30b-a3b"], "MLX-4bit", "mlx", "mlx-lm", machine, Workload(32768, 1))
    assert fits.fits == "full"
    assert fits.devices[0].used_bytes == fits.total_bytes
    assert place(ARCHITECTURES["llama-3.1-70b"], "MLX-8bit", "mlx", "mlx-lm", machine, Workload(8192, 1)).fits == "no"


def test_vllm_claims_its_share_of_what_intels_driver_reports():
    """On an Arc Pro B60 0.80 was a cap of 18.17 GiB, of the 22.71 GiB that its driver reports (see compute.py)."""
    assert claim_bytes(24 * GIB, 24 * GIB, 0.80, "sycl") / GIB == pytest.approx(18.17, abs=0.01)
    assert claim_bytes(24 * GIB, 24 * GIB, 0.80, "sycl") < claim_bytes(24 * GIB, 24 * GIB, 0.80, "cuda")
