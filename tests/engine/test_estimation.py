"""Numbers alone: one row of arguments, the same estimator as plans, and one message for what cannot be done."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planner import pack

from setupgen.engine.estimation import KEYS, RowEstimator, weights_of
from setupgen.errors import SetupgenError, UnknownNameError, UsageError

ROW = {"model": "Qwen3-8B", "quant": "Q4_K_M", "server": "llama.cpp", "hardware": ["RTX 3090"], "ram": "64G"}


@pytest.fixture(scope="module")
def rows():
    return RowEstimator(pack())


def test_a_row_gives_the_document_of_the_contract(rows):
    found = rows.row(ROW)
    assert found.keys() >= {"schema", "model", "quant", "server", "hardware", "context", "parallel", "memory", "fits", "speed"}
    assert (found["model"], found["quant"], found["server"], found["backend"]) == ("qwen/qwen3-8b", "Q4_K_M", "llama-cpp", "cuda")
    assert (found["context"], found["parallel"], found["depth"], found["fits"]) == (4096, 1, 0, "full")
    assert found["hardware"] == ["NVIDIA GeForce RTX 3090"]
    memory = found["memory"]
    parts = sum(memory[key] for key in ("weights_bytes", "kv_cache_bytes", "compute_bytes", "overhead_bytes"))
    assert parts == pytest.approx(memory["total_bytes"], rel=0.01)


def test_absent_and_null_keys_take_defaults(rows):
    assert rows.row({**ROW, "context": None, "depth": None, "parallel": None, "cache_type": None, "backend": None}) == rows.row(ROW)
    assert rows.row({"model": "Qwen3-8B", "quant": "Q4_K_M"})["backend"] == "cpu"


def test_names_are_read_as_people_write_them(rows):
    assert rows.row({**ROW, "model": "qwen/qwen3-8b", "quant": "q4_k_m", "server": "llama-server", "hardware": "rtx-3090"}) == rows.row(ROW)


@pytest.mark.parametrize("context", [32768, " 32768", "32k", "32K"])
def test_sizes_of_contexts(rows, context):
    assert rows.row({**ROW, "context": context})["context"] == 32768


def test_more_context_and_more_slots_take_more_cache(rows):
    sizes = [
        rows.row({**ROW, "context": context, "parallel": slots})["memory"]["kv_cache_bytes"]
        for context, slots in ((4096, 1), (8192, 1), (8192, 2))
    ]
    assert sizes == sorted(set(sizes))
    assert sizes[2] == 2 * sizes[1] == 4 * sizes[0]


def test_a_smaller_cache_type_takes_less_and_two_may_differ(rows):
    full, both, mixed = (
        rows.row({**ROW, "context": "32k", "cache_type": kind})["memory"]["kv_cache_bytes"] for kind in ("f16", "q8_0", "q8_0/q4_0")
    )
    assert mixed < both < full


def test_a_deeper_cache_is_slower(rows):
    speeds = [rows.row({**ROW, "context": "32k", "depth": depth})["speed"]["decode_tps"]["value"] for depth in (0, 8192, 30000)]
    assert speeds == sorted(speeds, reverse=True)


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({}, "full"),
        ({"hardware": "rtx-3050", "quant": "BF16", "server": "ollama"}, "partial"),
        ({"hardware": "cpu"}, "cpu"),
        ({"model": "deepseek-v3.2", "quant": "FP8", "server": "vllm"}, "no"),
    ],
)
def test_how_it_fits_is_said_and_numbers_are_given_all_the_same(rows, change, fits):
    found = rows.row({**ROW, **change})
    assert found["fits"] == fits
    assert found["memory"]["total_bytes"] > 0


def test_a_backend_may_be_chosen(rows):
    assert rows.row({**ROW, "backend": "cpu"})["fits"] == "cpu"
    assert rows.row({**ROW, "backend": "vulkan"})["backend"] == "vulkan"


def test_a_quantisation_that_nobody_publishes_is_made_by_oneself():
    model = pack().model("qwen3-8b")
    assert "IQ3_XXS" not in {weights.quant for weights in model.weights}
    made = weights_of(pack(), model, "IQ3_XXS", None, "")
    assert (made.format, made.quant, made.repository) == ("gguf", "IQ3_XXS", "")


def test_the_servers_format_decides_between_two():
    model = pack().model("qwen3-8b")
    for server in ("llama-cpp", "vllm"):
        record = pack().servers[server]
        for quant in {weights.quant for weights in model.weights if weights.format in record.formats}:
            assert weights_of(pack(), model, quant, record, "").format in record.formats


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": None}, "model is missing"),
        ({"quant": 4}, "quant is missing"),
        ({"model": "gpt-9"}, "unknown model 'gpt-9'"),
        ({"quant": "Q9_X"}, "unknown quantisation 'Q9_X'"),
        ({"server": "triton"}, "unknown server 'triton'"),
        ({"server": "vllm"}, "vLLM does not read Q4_K_M"),
        ({"backend": "opencl"}, "unknown backend 'opencl'"),
        ({"backend": "cuda", "hardware": "cpu"}, "cuda needs an accelerator"),
        ({"backend": "metal"}, "does not run metal"),
        ({"hardware": 7}, "hardware is 7, expected a list of names"),
        ({"hardware": ["x9000"]}, "unknown device 'x9000'"),
        ({"context": 0}, "context is 0, expected 1 to"),
        ({"context": "many"}, "context is 'many'"),
        ({"context": 10**9}, "context is 1000000000, expected 1 to"),
        ({"depth": -1}, "depth is '-1'"),
        ({"parallel": True}, "parallel is 'true'"),
        ({"parallel": 1.5}, "parallel is '1.5'"),
        ({"cache_type": "q9"}, "unknown cache type 'q9'"),
        ({"cache_type": "f16/f16/f16"}, "expected one type or two with a slash"),
        ({"ram": "lots"}, "'lots' is not a size"),
        ({"users": 4}, "unknown key 'users'"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_place(rows, change, message):
    with pytest.raises(UsageError) as refused:
        rows.row({**ROW, **change}, "rows.jsonl, line 3")
    assert message in str(refused.value)
    assert refused.value.place == "rows.jsonl, line 3"


def test_only_an_object_is_a_row(rows):
    with pytest.raises(UsageError, match="expected a JSON object"):
        rows.row(["Qwen3-8B"], "rows.jsonl, line 1")
    with pytest.raises(UnknownNameError, match="Did you mean context"):
        rows.row({**ROW, "contex": 1})


scraps = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.lists(st.text(max_size=5), max_size=2)


@settings(deadline=None, max_examples=300)
@given(change=st.dictionaries(st.sampled_from(sorted(KEYS)), scraps, max_size=3))
def test_no_row_ends_in_anything_but_numbers_or_one_message(change):
    try:
        found = RowEstimator(pack()).row({**ROW, **change})
    except SetupgenError as error:
        assert len(str(error)) < 1000  # noqa: PT017 - either is right
    else:
        assert found["memory"]["total_bytes"] > 0
