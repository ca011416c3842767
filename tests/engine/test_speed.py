"""The speed formula: what must hold for any setup, and numbers of well-known ones."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planner import planned

from setupgen.engine.speed import Range, SpeedInput, decode_seconds, estimate_speed, hardware_class, layers_of, of_copies
from setupgen.engine.speed_constants import CONSTANTS, SPREAD

LLAMA_8B = SpeedInput(
    read_bytes_per_token=4.6e9,
    active_parameters=7.5e9,
    layers=32,
    is_mixture=False,
    kv_bytes_per_token=131072,
    kv_constant_bytes=0,
    attention_flops_per_token_per_depth=524288,
    depth=512,
    parallel=1,
    prompt_tokens=1024,
    backend="cuda",
    server="llama.cpp",
    segment="consumer",
    vendor="nvidia",
    capability="8.6",
    device_bandwidth_gb_s=936.2,
    device_tflops_fp16=71.2,
    devices=1,
    split="none",
    cpu_bandwidth_gb_s=80,
    cpu_read_bytes_per_token=0,
    quant="Q4_K_M",
    device_tflops_fp32=35.6,
)
MIXTURE = LLAMA_8B._replace(
    read_bytes_per_token=1.85e9,
    active_parameters=3.0e9,
    layers=48,
    is_mixture=True,
    experts=128,
    experts_used=8,
    expert_bytes_per_token=1.1e9,
    weight_bytes=18.6e9,
)
M4_MAX = LLAMA_8B._replace(
    backend="metal",
    segment="apple",
    vendor="apple",
    capability="apple9",
    device_bandwidth_gb_s=546,
    device_tflops_fp16=0,
    device_tflops_fp32=0,
)
STRIX = LLAMA_8B._replace(
    backend="vulkan",
    segment="apu",
    vendor="amd",
    capability="gfx1151",
    device_bandwidth_gb_s=256,
    device_tflops_fp16=59,
    device_tflops_fp32=0,
)
PLATFORMS = st.sampled_from(
    [
        LLAMA_8B,
        M4_MAX,
        STRIX,
        LLAMA_8B._replace(
            capability="9.0", segment="data-center", device_bandwidth_gb_s=3350, device_tflops_fp16=989, device_tflops_fp32=66.9
        ),
        LLAMA_8B._replace(vendor="amd", backend="rocm", capability="gfx1100", device_bandwidth_gb_s=960),
        LLAMA_8B._replace(vendor="intel", backend="sycl", capability=""),
        LLAMA_8B._replace(backend="cpu", vendor="generic", segment="desktop-cpu", capability="", device_bandwidth_gb_s=80),
    ]
)
SERVERS = st.sampled_from(["llama.cpp", "ollama", "vllm", "mlx-lm"])
SETUPS = st.builds(
    lambda base, server, size, mixture, depth, parallel: base._replace(
        server=server,
        read_bytes_per_token=size * 0.6,
        active_parameters=size,
        is_mixture=mixture,
        experts=64 * mixture,
        experts_used=6 * mixture,
        depth=depth,
        parallel=parallel,
    ),
    PLATFORMS,
    SERVERS,
    st.floats(2e8, 7e10),
    st.booleans(),
    st.integers(0, 200_000),
    st.integers(1, 64),
)


@given(SETUPS, st.floats(1.0, 8.0))
def test_more_bandwidth_is_never_slower(x, factor):
    slow, fast = estimate_speed(x), estimate_speed(x._replace(device_bandwidth_gb_s=x.device_bandwidth_gb_s * factor))
    assert fast.decode_tps.value >= slow.decode_tps.value * 0.999999
    assert fast.prefill_tps.value >= slow.prefill_tps.value * 0.999999


@given(SETUPS, st.integers(0, 200_000))
def test_more_depth_is_never_faster(x, more):
    assert estimate_speed(x._replace(depth=x.depth + more)).decode_tps.value <= estimate_speed(x).decode_tps.value
    assert estimate_speed(x._replace(depth=x.depth + more)).prefill_tps.value <= estimate_speed(x).prefill_tps.value


@given(SETUPS, st.integers(0, 64))
def test_one_user_never_gains_from_company_and_all_never_lose(x, more):
    alone, together = estimate_speed(x), estimate_speed(x._replace(parallel=x.parallel + more))
    assert together.decode_tps.value <= alone.decode_tps.value * 1.000001
    assert together.aggregate_tps.value >= alone.aggregate_tps.value * 0.999999


@given(SETUPS, st.floats(1.0, 8.0))
def test_more_bytes_are_never_faster(x, factor):
    assert (
        estimate_speed(x._replace(read_bytes_per_token=x.read_bytes_per_token * factor)).decode_tps.value
        <= estimate_speed(x).decode_tps.value
    )


@given(SETUPS, st.floats(0, 3e9))
def test_offload_is_slower_than_the_same_bytes_on_the_device(x, bytes_per_token):
    if x.backend == "cpu":
        return
    moved = min(bytes_per_token, x.read_bytes_per_token * 0.9)
    offloaded = x._replace(read_bytes_per_token=x.read_bytes_per_token - moved, cpu_read_bytes_per_token=moved)
    assert estimate_speed(offloaded).decode_tps.value <= estimate_speed(x).decode_tps.value * 1.000001


@given(SETUPS)
def test_ranges_hold_their_value_and_are_finite(x):
    speed = estimate_speed(x)
    for found in (speed.decode_tps, speed.prefill_tps, speed.ttft_s, speed.aggregate_tps):
        assert 0 < found.low < found.value < found.high < math.inf
        assert found.basis == "estimated"


@given(SETUPS, st.integers(1, 100_000))
def test_a_longer_prompt_never_answers_sooner(x, more):
    short, long = estimate_speed(x), estimate_speed(x._replace(prompt_tokens=x.prompt_tokens + more))
    assert long.ttft_s.value >= short.ttft_s.value


@given(SETUPS)
def test_decode_never_beats_the_memory(x):
    read = x.read_bytes_per_token / (x.device_bandwidth_gb_s * 1e9)
    assert decode_seconds(x, 1, CONSTANTS) > read


@pytest.mark.parametrize(
    ("x", "measured"),
    [
        (LLAMA_8B, 111.7),  # XiongjieDai: RTX 3090, Llama 3 8B Q4_K_M
        (LLAMA_8B._replace(read_bytes_per_token=15.0e9, quant="F16"), 46.5),  # the same, F16
        (LLAMA_8B._replace(device_bandwidth_gb_s=1010, device_tflops_fp32=82.6, capability="8.9"), 127.7),  # RTX 4090
        (
            LLAMA_8B._replace(device_bandwidth_gb_s=2040, capability="8.0", segment="data-center", device_tflops_fp32=19.5),
            133.4,
        ),  # A100 SXM
        (M4_MAX, 70.1),  # M4 Max, 8B Q4_K_M
        (
            MIXTURE._replace(device_bandwidth_gb_s=800, vendor="amd", backend="rocm", capability="gfx1100", device_tflops_fp32=51.5),
            150.0,
        ),  # RX 7900 XT
        (
            MIXTURE._replace(**{k: getattr(STRIX, k) for k in ("backend", "segment", "vendor", "capability", "device_bandwidth_gb_s")}),
            78.0,
        ),  # Strix Halo
    ],
)
def test_known_setups_are_within_a_quarter(x, measured):
    assert abs(estimate_speed(x).decode_tps.value / measured - 1) < 0.25


def test_fast_memory_does_not_make_a_data_centre_card_faster_in_proportion():
    card = LLAMA_8B._replace(
        capability="9.0", segment="data-center", device_bandwidth_gb_s=3350, device_tflops_fp16=989, device_tflops_fp32=66.9
    )
    gain = estimate_speed(card).decode_tps.value / estimate_speed(LLAMA_8B).decode_tps.value
    assert 1.0 < gain < 2.2


def test_layer_split_reads_one_card_after_the_other_and_tensor_split_gains():
    one = estimate_speed(LLAMA_8B).decode_tps.value
    assert 0.85 * one < estimate_speed(LLAMA_8B._replace(devices=8, split="layer")).decode_tps.value < one
    assert one < estimate_speed(LLAMA_8B._replace(devices=2, split="tensor", server="vllm")).decode_tps.value < 2.2 * one


def test_users_share_one_reading_of_the_weights_and_a_mixture_shares_less():
    def gain(x):
        return (
            estimate_speed(x._replace(parallel=16, server="vllm")).aggregate_tps.value
            / estimate_speed(x._replace(server="vllm")).aggregate_tps.value
        )

    assert 5 < gain(LLAMA_8B) < 16
    assert gain(MIXTURE) < gain(LLAMA_8B)


def test_copies_add_up_for_all_users_and_change_nothing_for_one():
    one = estimate_speed(LLAMA_8B._replace(parallel=8))
    four = of_copies(one, 4)
    assert four.aggregate_tps.value == pytest.approx(4 * one.aggregate_tps.value)
    assert four.aggregate_tps.low == pytest.approx(4 * one.aggregate_tps.low)
    assert (four.decode_tps, four.ttft_s, four.prefill_tps) == (one.decode_tps, one.ttft_s, one.prefill_tps)
    assert of_copies(one, 1) is one


def test_prompts_of_users_lower_the_aggregate():
    decode_only = LLAMA_8B._replace(parallel=16, server="vllm", prompt_tokens=4000)
    assert (
        estimate_speed(decode_only._replace(output_tokens=200)).aggregate_tps.value < 0.8 * estimate_speed(decode_only).aggregate_tps.value
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "geforce"),
        ({"capability": "6.1"}, "pascal"),
        ({"capability": "8.0", "segment": "data-center"}, "hbm"),
        ({"capability": "8.9", "segment": "data-center"}, "geforce"),
        ({"capability": "", "segment": "data-center", "device_bandwidth_gb_s": 2000.0}, "hbm"),
        ({"capability": "12.1", "segment": "apu"}, "unified"),
        ({"capability": "8.7", "segment": "embedded"}, "unified"),
        ({"vendor": "amd"}, "radeon"),
        ({"vendor": "amd", "segment": "apu"}, "unified"),
        ({"vendor": "amd", "segment": "data-center"}, "instinct"),
        ({"vendor": "intel"}, "arc"),
        ({"vendor": "apple", "segment": "apple"}, "apple"),
        ({"backend": "cpu"}, "cpu"),
    ],
)
def test_devices_fall_into_their_class(changes, expected):
    assert hardware_class(LLAMA_8B._replace(**changes)) == expected


def test_unknown_rates_and_layers_are_filled_in():
    bare = LLAMA_8B._replace(layers=0, device_tflops_fp16=0, device_tflops_fp32=0, capability="")
    assert 20 < layers_of(bare) < 48
    assert estimate_speed(bare).decode_tps.value == pytest.approx(estimate_speed(LLAMA_8B).decode_tps.value, rel=0.2)
    assert 0.4 < estimate_speed(bare).prefill_tps.value / estimate_speed(LLAMA_8B).prefill_tps.value < 3


def test_json_has_the_contract_shape():
    found = estimate_speed(LLAMA_8B).to_json()
    assert list(found) == ["decode_tps", "prefill_tps", "ttft_s", "aggregate_tps"]
    assert set(found["decode_tps"]) == {"low", "value", "high", "basis"}
    assert Range(1.23456, 2.34567, 3.45678, "measured").to_json() == {"low": 1.235, "value": 2.346, "high": 3.457, "basis": "measured"}


def test_constants_are_physical():
    assert all(0.2 < value < 1 for name, value in CONSTANTS.items() if name.startswith("efficiency."))
    assert all(5 < value < 300 for name, value in CONSTANTS.items() if name.startswith("layer_us."))
    assert all(0.05 < value <= 2 for value in SPREAD.values())


def test_copies_side_by_side_add_up_for_all_users_and_for_nobody_alone():
    found = planned(use_case="chat", hardware="4x rtx-3090", os="linux", ram="128G", users=16, server="vllm", model="qwen/qwen3.5-9b")
    choice = found["choice"]
    assert choice["settings"]["replicas"] > 1
    each = choice["speed"]["decode_tps"]["value"]
    assert choice["speed"]["aggregate_tps"]["value"] == pytest.approx(
        each * choice["settings"]["parallel"] * choice["settings"]["replicas"], rel=0.01
    )
