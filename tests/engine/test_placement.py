"""Placements: totals against what llama.cpp allocated, choices against what its own fit chose, and what must hold everywhere."""

from __future__ import annotations

import csv
import itertools
import json
from pathlib import Path
from statistics import median
from timeit import timeit

import pytest

from setupgen.engine import placement
from setupgen.engine.compute import MARGIN_BYTES, context_bytes, output_bytes, usable_bytes, usable_ram_bytes
from setupgen.engine.memory import GIB, MIB, Machine, Memory, Slot, Workload
from setupgen.engine.placement import family, place
from setupgen.engine.weights import weight_bytes
from setupgen.knowledge import Architecture

DATA = Path(__file__).parent / "data"
ARCHITECTURES = {name: Architecture.of(raw) for name, raw in json.loads((DATA / "architectures.json").read_text(encoding="utf-8")).items()}
ENDLESS = 10**15


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((DATA / name).read_text(encoding="utf-8").splitlines()))


def cards(gib: float, count: int = 1, *, ram: int = 64, backend: str = "cuda") -> Machine:
    size = round(gib * GIB)
    slot = Slot(f"{gib} GiB card", size, usable_bytes(size), unified=False, bandwidth_gb_s=900)
    return Machine((slot,) * count, ram * GIB, usable_ram_bytes(ram * GIB), backend)


def mac(gib: int, share: float = 0.75) -> Machine:
    slot = Slot("Mac", gib * GIB, usable_bytes(gib * GIB, unified=True, gpu_share=share), unified=True, bandwidth_gb_s=400)
    return Machine((slot,), gib * GIB, usable_ram_bytes(gib * GIB), "metal")


def cpu(gib: int) -> Machine:
    return Machine((), gib * GIB, usable_ram_bytes(gib * GIB), "cpu", "Processor")


def gguf(name: str, machine: Machine, workload: Workload, quant: str = "", **options) -> Memory:
    quant = quant or ("MXFP4" if "gpt-oss" in name else "Q4_K_M")
    return place(ARCHITECTURES[name], quant, "gguf", "llama.cpp", machine, workload, **options)


def measured(row: dict[str, str]) -> tuple[Workload, Machine]:
    parallel, count = int(row["parallel"]), int(row["cards"])
    cache_k, cache_v = row["cache"].split("/")
    workload = Workload(
        int(row["context"]) // parallel, parallel, cache_k, cache_v, int(row["ubatch"]), row["flash_attention"] == "1",
        row["unified"] == "1", row["embeddings"] == "1",
    )  # fmt: skip
    size = ENDLESS
    if count > 1:  # so small that both cards are needed
        size = round(float(row["device_mib"]) * 0.75 * MIB)
    slots = (Slot("card", size, size, unified=False, bandwidth_gb_s=900),) * count
    return workload, Machine(slots, ENDLESS, ENDLESS, "vulkan" if count else "cpu")


def test_totals_are_what_the_server_allocated():
    errors = []
    for row in rows("llamacpp_memory.csv"):
        workload, machine = measured(row)
        architecture = ARCHITECTURES[row["model"]]
        memory = place(architecture, row["quant"], "gguf", "llama.cpp", machine, workload)
        assert memory.fits == ("full" if machine.slots else "cpu"), row
        ours = memory.total_bytes - len(machine.slots) * context_bytes(machine.backend) - output_bytes(architecture, workload)
        theirs = float(row["device_mib"]) + float(row["host_mib"])
        errors.append(abs(ours / MIB / theirs - 1))
        if machine.slots:
            used = sum(device.used_bytes - context_bytes(machine.backend) for device in memory.devices)
            assert used / MIB == pytest.approx(float(row["device_mib"]), rel=0.01), row
    assert median(errors) < 0.0005
    assert max(errors) < 0.01


def test_never_over_and_no_more_left_than_llama_cpps_own_fit():
    """Our choice fits the card, and puts at least as much on it as `llama-fit-params` did, but for a part of one layer."""
    left = []
    for row in rows("fit_vram.csv"):
        free = int(row["free_mib"]) * MIB
        slot = Slot("card", free, free - MARGIN_BYTES, unified=False, bandwidth_gb_s=900)
        machine = Machine((slot,), ENDLESS, ENDLESS, "cuda")
        architecture = ARCHITECTURES[row["model"]]
        workload = Workload(int(row["context"]), 1, row["cache"], row["cache"])
        memory = place(architecture, row["quant"], "gguf", "llama.cpp", machine, workload)
        layers, kept_back = int(row["gpu_layers"]), int(row["cpu_overrides"])
        if layers == -1 and not kept_back:
            assert memory.fits == "full", row
        else:
            assert memory.fits in {"full", "partial"}, row
            assert memory.placement.gpu_layers >= layers, row
        if memory.placement.kind == "experts" and kept_back:
            in_main_memory = architecture.layers + architecture.mtp_layers + 1 - layers + kept_back
            first_dense = architecture.experts.first_dense if architecture.experts else 0
            assert memory.placement.n_cpu_moe <= in_main_memory + first_dense, row
        assert memory.devices[0].used_bytes <= free, row
        if memory.fits == "partial":
            left.append(1 - memory.devices[0].used_bytes / free)
    assert median(left) < 0.08


WORKLOADS = [Workload(4096, 1), Workload(32768, 4, "q8_0", "q8_0"), Workload(131072, 2, ubatch=2048), Workload(8192, 3, unified_kv=True)]
MACHINES = [cards(8), cards(24), cards(24, 2), cards(80, 4, ram=512), mac(16, 0.67), mac(128), cpu(16), cpu(256), cards(24, ram=8)]
WAYS = [("Q4_K_M", "gguf", "llama.cpp"), ("Q8_0", "gguf", "ollama"), ("AWQ-INT4", "safetensors", "vllm"), ("MLX-4bit", "mlx", "mlx-lm")]


@pytest.mark.parametrize("machine", MACHINES, ids=range(len(MACHINES)))
def test_what_must_hold_everywhere(machine):
    for name, workload, (quant, weight_format, server) in itertools.product(ARCHITECTURES, WORKLOADS, WAYS):
        memory = place(ARCHITECTURES[name], quant, weight_format, server, machine, workload)
        parts = memory.weights_bytes + memory.kv_cache_bytes + memory.compute_bytes + memory.overhead_bytes
        assert memory.total_bytes == parts
        assert min(memory.weights_bytes, memory.compute_bytes, memory.overhead_bytes + 1, memory.kv_cache_bytes + 1) > 0
        assert len(memory.devices) == max(1, len(machine.slots) if memory.placement.kind != "cpu" else 1)
        assert memory.weights_bytes == weight_bytes(ARCHITECTURES[name], quant, weight_format).total
        if memory.fits != "no":
            for device, slot in zip(memory.devices, machine.slots, strict=False):
                if memory.placement.kind != "cpu":
                    assert device.used_bytes <= slot.usable_bytes <= device.capacity_bytes
            assert memory.host_bytes <= machine.ram_usable_bytes
            assert memory.fits == {"full": "full", "layers": "partial", "experts": "partial", "cpu": "cpu"}[memory.placement.kind]
        if machine.slots and all(slot.unified for slot in machine.slots) and memory.fits != "no":
            assert memory.total_bytes <= machine.ram_usable_bytes
        if len(memory.placement.tensor_split) > 1:
            assert sum(memory.placement.tensor_split) == memory.placement.gpu_layers


# Cards of 24 GB, 24,105 MiB of them free, float16 cache: what llama.cpp's own fit found.
@pytest.mark.parametrize(
    ("name", "context"),
    [
        ("llama-3.1-8b", 131072),
        ("phi-4", 16384),
        ("gpt-oss-20b", 131072),
        ("gemma-4-26b-a4b", 262144),
        ("qwen3.6-35b-a3b", 134144),
        ("qwen3.6-27b", 117248),
        ("gemma-3-27b", 78848),
        ("mistral-small-24b", 60416),
        ("qwen3-30b-a3b", 55808),
        ("gemma-4-31b", 45056),
        ("qwen3-32b", 17152),
    ],
)
def test_contexts_that_fit_24_gb(name, context):
    assert gguf(name, cards(24), Workload(context, 1)).fits == "full"
    assert gguf(name, cards(24), Workload(context * 4, 1)).fits != "full" or context >= 131072 or name == "phi-4"


def test_offload_by_experts_before_layers():
    memory = gguf("gpt-oss-120b", cards(24), Workload(32768, 1))
    assert (memory.fits, memory.placement.kind) == ("partial", "experts")
    assert memory.placement.gpu_layers == 37
    assert 0 < memory.placement.n_cpu_moe < 36
    fewer = gguf("gpt-oss-120b", cards(48), Workload(32768, 1))
    assert fewer.placement.n_cpu_moe < memory.placement.n_cpu_moe


def test_experts_and_layers_together_where_the_rest_is_too_large():
    memory = gguf("qwen3-235b-a22b", cards(6, ram=256), Workload(32768, 1))
    assert memory.placement.kind == "experts"
    assert memory.placement.n_cpu_moe == 94
    assert 1 < memory.placement.gpu_layers < 95


def test_dense_models_offload_layers():
    memory = gguf("llama-3.1-70b", cards(24), Workload(8192, 1))
    assert (memory.fits, memory.placement.kind, memory.placement.n_cpu_moe) == ("partial", "layers", 0)
    assert 40 <= memory.placement.gpu_layers <= 46


def test_two_cards():
    memory = gguf("llama-3.1-70b", cards(24, 2), Workload(14848, 1))
    assert memory.fits == "full"
    assert memory.placement.tensor_split == (41, 40)


def test_one_card_of_two_is_enough():
    memory = gguf("qwen3-8b", cards(24, 2), Workload(8192, 1))
    assert memory.placement.tensor_split == (37, 0)
    assert memory.devices[1].used_bytes == 0


def test_unequal_cards_take_what_they_can():
    small, large = cards(8).slots[0], cards(24).slots[0]
    memory = gguf("qwen3-32b", Machine((small, large), 64 * GIB, 56 * GIB, "cuda"), Workload(32768, 1))
    assert memory.fits == "full"
    assert 0 < memory.placement.tensor_split[0] < memory.placement.tensor_split[1]


def test_processor_only():
    memory = gguf("qwen3-4b", cpu(8), Workload(8192, 1))
    assert memory.fits == "cpu"
    assert memory.devices[0].name == "Processor"
    assert memory.devices[0].used_bytes == memory.host_bytes == memory.total_bytes
    assert gguf("qwen3-32b", cpu(8), Workload(8192, 1)).fits == "no"


def test_too_large_is_said_with_numbers():
    memory = gguf("deepseek-v3", cards(24), Workload(4096, 1))
    assert memory.fits == "no"
    assert memory.devices[0].used_bytes > memory.devices[0].capacity_bytes
    assert memory.weights_bytes > 400e9


@pytest.mark.parametrize("kind", ["full", "layers", "experts", "cpu"])
def test_a_kind_that_is_asked_for_is_kept_or_refused(kind):
    memory = gguf("qwen3-30b-a3b", cards(24), Workload(8192, 1), kind=kind)
    assert memory.placement.kind == kind
    assert memory.fits != "no"
    assert gguf("deepseek-v3", cards(24), Workload(8192, 1), kind=kind).fits == "no"


def test_unified_memory_holds_weights_once():
    memory = gguf("gemma-3-12b", mac(32), Workload(8192, 1))
    assert memory.fits == "full"
    assert memory.devices[0].used_bytes < memory.weights_bytes + memory.kv_cache_bytes + memory.compute_bytes + 100 * MIB
    on_card = gguf("gemma-3-12b", cards(24), Workload(8192, 1))
    assert on_card.host_bytes > 787 * MIB  # the tied embedding lies there a second time


def test_host_memory_counts_the_prompt_cache_and_the_projector_goes_to_the_card():
    plain = gguf("gemma-3-12b", cards(24), Workload(8192, 1))
    more = gguf("gemma-3-12b", cards(24), Workload(8192, 1), cache_ram_bytes=GIB, projector_bytes=800 * MIB)
    assert more.host_bytes - plain.host_bytes == GIB
    assert more.devices[0].used_bytes - plain.devices[0].used_bytes == 800 * MIB
    assert more.weights_bytes == plain.weights_bytes


def test_ollama_never_shares_one_buffer():
    shared = place(ARCHITECTURES["qwen3-8b"], "Q4_K_M", "gguf", "ollama", cards(24), Workload(8192, 3, unified_kv=True))
    own = place(ARCHITECTURES["qwen3-8b"], "Q4_K_M", "gguf", "ollama", cards(24), Workload(8192, 3))
    assert shared == own


@pytest.mark.parametrize(
    ("server", "weight_format", "expected"),
    [
        ("llama-cpp", "gguf", "llama.cpp"),
        ("ollama", "gguf", "llama.cpp"),
        ("vllm", "safetensors", "claiming"),
        ("sglang", "safetensors", "static"),
        ("mlx-lm", "mlx", "mlx"),
        ("lm-studio", "mlx", "mlx"),
        ("something-new", "gguf", "llama.cpp"),
        ("text-embeddings-inference", "safetensors", "plain"),
    ],
)
def test_families(server, weight_format, expected):
    assert family(server, weight_format) == expected


def test_fast_enough_for_thousands():
    machine = cards(24)
    workload = Workload(32768, 1, "q8_0", "q8_0")

    def once():
        placement._layered.cache_clear()
        for name in ("qwen3-30b-a3b", "llama-3.1-70b", "gpt-oss-120b", "gemma-3-27b"):
            gguf(name, machine, workload)

    once()
    per_estimate = min(timeit(once, number=25) for _ in range(4)) / 100
    assert per_estimate < 0.001  # 50 microseconds on a quiet machine
