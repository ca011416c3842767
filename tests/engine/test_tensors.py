"""Tensors and parameter counts against published numbers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from setupgen.engine.tensors import active_parameter_count, layer_kinds, parameter_count, tensor_groups
from setupgen.knowledge import Architecture

RAW = json.loads((Path(__file__).parent / "data" / "architectures.json").read_text(encoding="utf-8"))
ARCHITECTURES = {name: Architecture.of(raw) for name, raw in RAW.items()}

# Total as counted in the published weights, active as the publishers say; in billions.
PUBLISHED = {
    "llama-3.1-8b": (8.030, 8.030),
    "llama-3.1-70b": (70.554, 70.554),
    "llama-3.2-1b": (1.236, 1.236),
    "llama-3.2-3b": (3.213, 3.213),
    "mistral-small-24b": (23.572, 23.572),
    "qwen2.5-7b": (7.616, 7.616),
    "qwen3-0.6b": (0.596, 0.596),
    "qwen3-8b": (8.191, 8.191),
    "qwen3-32b": (32.762, 32.762),
    "qwen3-30b-a3b": (30.532, 3.3),
    "qwen3-235b-a22b": (235.094, 22.0),
    "gemma-3-27b": (27.009, 27.009),
    "gpt-oss-20b": (20.915, None),
    "gpt-oss-120b": (116.829, None),
    "deepseek-v3": (671.026, 37.0),
    "glm-4.5-air": (106.85, 12.0),
    "phi-4": (14.660, 14.660),
    "granite-4.0-h-small": (32.207, 9.0),
    "nomic-embed-v1.5": (0.137, 0.137),
    "bge-m3": (0.567, 0.567),
    "bge-small-en": (0.0334, 0.0334),
    "olmoe-1b-7b": (6.919, 1.3),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameter_counts_are_the_published_ones(name):
    total, active = PUBLISHED[name]
    assert parameter_count(ARCHITECTURES[name]) == pytest.approx(total * 1e9, rel=0.01)
    if active is not None:
        assert active_parameter_count(ARCHITECTURES[name]) == pytest.approx(active * 1e9, rel=0.13)


def test_layers_for_prediction_are_in_the_file_but_not_in_the_count():
    plain, with_prediction = ARCHITECTURES["qwen3.6-27b"], ARCHITECTURES["qwen3.6-27b-mtp"]
    assert parameter_count(plain) == parameter_count(with_prediction)
    assert sum(group.total_elements for group in tensor_groups(with_prediction)) > sum(
        group.total_elements for group in tensor_groups(plain)
    )


def test_every_layer_has_its_kind():
    kinds = layer_kinds(ARCHITECTURES["gemma-3-27b"])
    assert len(kinds) == 62
    assert [index for index, kind in enumerate(kinds) if kind == "full"] == list(range(5, 62, 6))


def test_kinds_are_spread_evenly_where_no_pattern_is_known():
    raw = dict(RAW["qwen3.6-27b"])
    del raw["pattern"]
    assert layer_kinds(Architecture.of(raw)) == layer_kinds(ARCHITECTURES["qwen3.6-27b"])


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_no_tensor_is_empty_and_layers_exist(name):
    architecture = ARCHITECTURES[name]
    for group in tensor_groups(architecture):
        assert group.elements > 0
        assert max(group.layers) < architecture.layers + architecture.mtp_layers


def test_an_unknown_architecture_is_taken_by_its_attention_kinds():
    raw = RAW["llama-3.1-8b"] | {"type": "something-new"}
    assert parameter_count(Architecture.of(raw)) == parameter_count(ARCHITECTURES["llama-3.1-8b"])


def test_towers_count_where_the_publisher_counts_them():
    raw = RAW["gemma-3-27b"] | {"extra_parameters": 422_000_000}
    assert parameter_count(Architecture.of(raw)) - parameter_count(ARCHITECTURES["gemma-3-27b"]) == 422_000_000
