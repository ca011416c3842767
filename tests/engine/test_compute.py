"""Working buffers: the cases that the formulas were made for, and usable memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from setupgen.engine.compute import (
    activation_bytes,
    context_bytes,
    cpu_bytes,
    device_bytes,
    host_bytes,
    logits_bytes,
    pipeline_bytes,
    usable_bytes,
    usable_ram_bytes,
)
from setupgen.engine.memory import GIB, MIB, Workload
from setupgen.knowledge import Architecture

DATA = Path(__file__).parent / "data"
ARCHITECTURES = {name: Architecture.of(raw) for name, raw in json.loads((DATA / "architectures.json").read_text(encoding="utf-8")).items()}


# MiB that llama.cpp reserved; flash attention on unless said otherwise.
@pytest.mark.parametrize(
    ("name", "workload", "mebibytes"),
    [
        ("llama-3.1-70b", Workload(4096, 1), 220.0),
        ("llama-3.1-70b", Workload(131072, 1, "q8_0", "q8_0"), 328.1),
        ("gemma-3-12b", Workload(32768, 1, ubatch=2048), 592.1),
        ("qwen3-235b-a22b", Workload(4096, 1, ubatch=2048), 688.0),
        ("qwen3.6-27b", Workload(4096, 1, "q8_0", "q8_0"), 126.3),
        ("deepseek-v3", Workload(4096, 1, "q8_0", "q8_0"), 382.0),
        ("gpt-oss-120b", Workload(131072, 1, ubatch=2048), 868.1),
        ("llama-3.1-8b", Workload(4096, 1, flash_attention=False), 300.0),
        ("llama-3.1-8b", Workload(131072, 1, flash_attention=False), 8484.0),
        ("deepseek-v3", Workload(131072, 1, flash_attention=False), 33402.0),
        ("nomic-embed-v1.5", Workload(2048, 1, embeddings=True), 21.5),
        ("bge-m3", Workload(8192, 1, ubatch=8192, embeddings=True), 320.0),
        ("qwen3-embedding-0.6b", Workload(32768, 1, ubatch=8192, embeddings=True), 5283.8),
    ],
)
def test_device_buffer(name, workload, mebibytes):
    assert device_bytes(ARCHITECTURES[name], workload) / MIB == pytest.approx(mebibytes, abs=0.15)


def test_buffers_in_main_memory():
    architecture = ARCHITECTURES["llama-3.1-70b"]
    assert host_bytes(architecture, Workload(4096, 1)) / MIB == pytest.approx(36.0, abs=0.1)
    assert cpu_bytes(architecture, Workload(4096, 1)) / MIB == pytest.approx(236.0, abs=0.1)


def test_two_cards_keep_four_copies_of_the_masks():
    first, later, host = pipeline_bytes(ARCHITECTURES["llama-3.1-70b"], Workload(32768, 1))
    assert [round(size / MIB) for size in (first, later, host)] == [408, 472, 208]


def test_the_buffer_grows_with_the_micro_batch_and_never_beyond_the_context():
    architecture = ARCHITECTURES["llama-3.1-8b"]
    assert device_bytes(architecture, Workload(512, 1, ubatch=2048)) == device_bytes(architecture, Workload(512, 1, ubatch=512))
    assert device_bytes(architecture, Workload(8192, 1, ubatch=2048)) == 4 * device_bytes(architecture, Workload(8192, 1))


def test_logits_of_a_micro_batch():
    assert logits_bytes(ARCHITECTURES["gpt-oss-20b"], Workload(4096, 1)) / MIB == pytest.approx(398.4, abs=0.1)


def test_activations_of_other_servers_grow_with_tokens():
    small, large = (activation_bytes(ARCHITECTURES["llama-3.1-8b"], tokens, 256) for tokens in (2048, 8192))
    assert 0.3 * GIB < small < large < 1.6 * GIB


# What is left must not be more than the drivers report as their cards' whole memory.
@pytest.mark.parametrize(
    ("nominal", "reported"),
    [(24 * GIB, 24080 * MIB), (16 * GIB, 15841 * MIB), (96 * GIB, 97247 * MIB), (80 * GIB, int(79.22 * GIB))],
)
def test_usable_memory_of_cards(nominal, reported):
    assert 0.93 * nominal < usable_bytes(nominal) < reported


def test_usable_memory_elsewhere():
    assert usable_bytes(64 * GIB, unified=True, gpu_share=0.75) == 48 * GIB
    assert usable_bytes(24 * GIB) - usable_bytes(24 * GIB, wsl=True) == 1_300_000_000
    assert usable_bytes(256 * MIB) == 0
    assert usable_ram_bytes(8 * GIB) == 6 * GIB
    assert usable_ram_bytes(16 * GIB) == 12 * GIB
    assert usable_ram_bytes(512 * GIB) == 496 * GIB
    assert usable_ram_bytes(0) == 0


def test_every_backend_has_a_context():
    assert context_bytes("cpu") == 0
    assert context_bytes("something-new") == context_bytes("cuda") > context_bytes("vulkan") > context_bytes("metal") > 0
