"""The page of hard inputs: what it says that the engine answers, checked against what is known of hardware, files and measurements."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import pytest

from setupgen.knowledge import GIB
from setupgen.maintain.pages.chapters import rivals

ROOT = Path(__file__).parents[2]

# GiB, GB/s and cards, from the makers' data sheets; the name that the device is taken for.
HARDWARE = {
    "h100": ("NVIDIA H100 80GB HBM3", 80, 3350, 1),
    "a100": ("NVIDIA A100-SXM4", 80, 2039, 1),
    "strix-halo": ("AMD Ryzen AI Max+ 395", 128, 256, 1),
    "mi300x": ("AMD Instinct MI300X", 192, 5300, 1),
    "laptop": ("NVIDIA GeForce RTX 4060 Laptop GPU", 8, 256, 1),
    "two-4090": ("NVIDIA GeForce RTX 4090", 48, 1008, 2),
    "gb10": ("NVIDIA GB10", 128, 273, 1),
}

# GiB of the 16-bit cache by the models' configurations: 2 x layers x heads x size x 2 bytes x tokens, windows and states as such.
CACHES = {
    "meta/llama-3.1-8b": 4.0,
    "qwen/qwen3-8b": 4.5,
    "openai/gpt-oss-20b": 3.0,
    "google/gemma-3-27b": 10.41,
    "qwen/qwen3.5-27b": 16.0,
    "deepseek/deepseek-v3.1": 10.72,
}


@pytest.fixture(scope="module")
def answers(pack):
    return {id_: rivals.setup(pack, input_) for id_, (_, input_, _) in rivals.CHOICES.items()}


def test_every_row_is_held():
    assert set(rivals.DEVICES) == set(HARDWARE)
    assert {model for model, _, _ in rivals.CACHES} == set(CACHES)


@pytest.mark.parametrize("id_", HARDWARE)
def test_a_name_is_taken_for_what_it_is(pack, id_):
    name, gib, bandwidth, count = HARDWARE[id_]
    found = rivals.device(pack, rivals.DEVICES[id_][0])
    assert found
    assert found.values == {"name": name, "count": count, "gib": gib, "gb_s": bandwidth}


@pytest.mark.parametrize(("model", "context"), [(model, context) for model, context, _ in rivals.CACHES])
def test_the_cache_follows_from_the_configuration(pack, model, context):
    for size in rivals.cache_sizes(pack, model, context):
        assert size / GIB == pytest.approx(CACHES[model], rel=0.08)


def test_weights_are_from_files_that_a_known_server_reads(answers):
    assert answers["card"].values["format"] == "gguf"
    assert answers["mac"].values["backend"] == "metal"
    assert answers["mac"].values["format"] in {"gguf", "mlx"}


def test_what_does_not_fit_is_refused_with_a_reason(answers):
    found = answers["mac-large"]
    assert not found.values["fits"]
    assert "59.0 GiB" in found.words
    assert "48.0 GiB" in found.words


def test_large_machines_get_large_models_and_small_ones_no_toys(answers):
    assert answers["two-6000"].values["parameters"] > 60e9
    assert answers["two-6000"].values["total"] <= 192 * GIB
    assert answers["small-laptop"].values["parameters"] > 3e9
    assert answers["two-4090"].values["parameters"] > 14e9


def test_memory_holds_the_weights(answers):
    for id_ in ("oss-20b", "halo-q8", "too-tight", "card"):
        assert answers[id_].values["total"] > answers[id_].values["weights"], id_
    assert answers["halo-q8"].values["total"] > 30 * GIB


def test_a_split_has_the_speed_of_a_split(answers):
    """Its experts lie in main memory, so the card's bandwidth does not count for them."""
    assert answers["too-tight"].values["placed"] == "partial"
    assert answers["too-tight"].values["tps"] < 60


def test_sixteen_bits_are_not_loaded_where_they_do_not_fit(answers):
    found = answers["one-shard"].values
    assert found["fits"]
    assert found["quant"] not in {"BF16", "F16"}
    assert found["total"] < 24 * GIB


def test_plan_and_estimate_say_the_same(pack):
    plan_tps, estimate_tps = rivals.agreement(pack)
    assert plan_tps > 0
    assert plan_tps == estimate_tps


def test_speeds_are_nearer_to_measurements_than_the_others(pack):
    found = rivals.speed_errors(pack)
    assert len(found) == len(rivals.SPEEDS)
    ours = [abs(error) for error, _, _ in found.values()]
    assert median(ours) < 0.2
    for other in range(3):
        assert median(ours) < median(abs(errors[other]) for _, errors, _ in found.values())
    assert sum(inside for _, _, inside in found.values()) / len(found) >= 0.6


def test_what_others_said_has_a_version_or_a_thread():
    for theirs in [one for *_, rows in (*rivals.DEVICES.values(), *rivals.CHOICES.values()) for one in rows]:
        assert theirs.issue or theirs.who in rivals.VERSIONS
        assert theirs.who in rivals.THREADS
