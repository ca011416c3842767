"""The speed formula against the published measurements kept beside the benchmark: bars that a wrong formula would miss."""

import csv
import statistics
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.accuracy import end_to_end  # noqa: E402
from benchmarks.accuracy.calibrate import judge, quantile  # noqa: E402
from benchmarks.accuracy.fit import FIXED, START, fit  # noqa: E402
from benchmarks.accuracy.names import DATA, DIMENSIONS_UNKNOWN, SAME_MODEL  # noqa: E402
from benchmarks.accuracy.rows import load, pack, row_of  # noqa: E402
from benchmarks.accuracy.run import report  # noqa: E402

from setupgen.engine.speed import prefill_tps, spread  # noqa: E402
from setupgen.engine.speed_constants import CONSTANTS  # noqa: E402

CLASSES = (
    "NVIDIA consumer",
    "NVIDIA workstation",
    "NVIDIA data centre",
    "AMD",
    "Apple",
    "unified",
    "CPU",
    "dense",
    "mixture",
    "several cards",
)


@pytest.fixture(scope="module")
def rows():
    return load()


@pytest.fixture(scope="module")
def judged(rows):
    return judge(rows, CONSTANTS)


def test_decode_errors_of_gold_rows_keep_the_bars(judged):
    errors = [abs(one.error) for one in judged if not one.row.total]
    assert len(errors) > 450
    assert statistics.median(errors) <= 0.10
    assert quantile(errors, 0.9) <= 0.30


@pytest.mark.parametrize("name", CLASSES)
def test_no_class_of_hardware_or_model_is_worse_than_the_bar(judged, name):
    errors = [abs(one.error) for one in judged if name in one.row.groups]
    assert len(errors) >= 20
    assert statistics.median(errors) <= 0.18


def test_prompt_errors_keep_the_bar(judged):
    errors = [abs(one.prompt_error) for one in judged if one.prompt]
    assert len(errors) > 100
    assert statistics.median(errors) <= 0.25


@pytest.mark.parametrize(
    ("device", "model", "published"),
    [
        ({}, {"model": "Qwen3-8B", "params_b": "8.19"}, 5839),  # https://github.com/ggml-org/llama.cpp/discussions/14640
        ({}, {"model": "Qwen2.5-1.5B", "params_b": "1.54"}, 27057),  # https://github.com/ggml-org/llama.cpp/pull/19806
        (
            {"capability": "gfx950", "device_bandwidth_gb_s": 8000.0, "device_tflops_fp16": 2517.0, "device_tflops_fp32": 0.0},
            {"model": "Qwen2.5-1.5B", "params_b": "1.54"},
            40013,  # MI355X, https://github.com/ggml-org/llama.cpp/pull/21570
        ),
    ],
)
def test_prompts_on_matrix_cores_of_instinct_are_near_what_was_published(device, model, published):
    """They are too few to be rows: one small model would move what a launch costs on every device."""
    blank = dict.fromkeys(("active_params_b", "weights_gib", "prefill_tps", "trust", "gold", "source_url", "note"), "")
    row = row_of(
        blank
        | {"id": "x", "hardware": "Instinct MI300X 192GB", "n_devices": "1", "backend": "rocm", "server": "llama.cpp", "quant": "Q4_K_M"}
        | {"context_or_depth": "pp512/tg128", "batch": "1", "decode_tps": "1", "kind": "baseline", "source": "x"}
        | model
    )
    assert abs(prefill_tps(row.x._replace(**device), CONSTANTS) / published - 1) < 0.25


def test_service_of_many_users_is_near(judged):
    assert statistics.median(abs(one.error) for one in judged if one.row.total) <= 0.30


def test_ranges_hold_four_of_five_measurements_and_are_not_wide(judged):
    single = [one for one in judged if not one.row.total]
    widths = [spread(one.row.x)["decode"] for one in single]
    inside = [1 / (1 + width) <= one.decode / one.row.decode <= 1 + width for one, width in zip(single, widths, strict=True)]
    assert sum(inside) / len(inside) >= 0.80
    assert statistics.median((1 + width - 1 / (1 + width)) / 2 for width in widths) <= 0.25


def test_constants_fitted_without_three_common_devices_predict_them(rows):
    unseen = {"GeForce RTX 4090", "Radeon RX 7900 XT", "Apple M4 Max"}
    constants = fit([row for row in rows if row.family not in unseen], CONSTANTS)
    errors = [abs(one.error) for one in judge([row for row in rows if row.family in unseen and not row.total], constants)]
    assert len(errors) > 80
    assert statistics.median(errors) <= 0.15


def test_every_used_measurement_names_its_source(rows):
    with (DATA / "speed.csv").open(encoding="utf-8", newline="") as file:
        raw = {row["id"]: row for row in csv.DictReader(file)}
    assert all(raw[row.id]["source_url"].startswith("https://") or row.source == "cpu_speed" for row in rows)


def test_every_model_in_the_table_names_its_source_and_agrees_with_the_knowledge_base():
    with (DATA / "models.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert all(row["source_url"].startswith("https://") for row in table)
    assert set(SAME_MODEL.values()) <= {row["name"] for row in table}
    known = {name.rpartition("/")[2]: model.architecture for name, model in pack().models.items()}
    shared = [row for row in table if row["name"] in known]
    assert len(shared) >= 20
    for row in shared:
        architecture = known[row["name"]]
        experts = architecture.experts
        assert int(row["layers"]) == architecture.layers, row["name"]
        assert int(row["hidden"]) == architecture.hidden, row["name"]
        assert int(row["experts"]) == (experts.count if experts else 0), row["name"]
        assert int(row["recurrent"]) == (recurrent.layers if (recurrent := architecture.group("recurrent")) else 0), row["name"]


def test_a_model_without_dimensions_is_judged_by_parameters_times_bits(judged):
    generic = [one for one in judged if one.row.doubt == DIMENSIONS_UNKNOWN]
    assert len(generic) >= 4
    assert all(abs(one.error) <= 0.25 for one in generic)


def test_the_estimator_of_the_command_agrees_with_the_benchmark_and_keeps_the_bars():
    outcomes, _ = end_to_end.run(pack())
    resident = [one for one in outcomes if one.placement in {"full", "cpu"}]
    assert len(resident) >= 80
    assert statistics.median(abs(one.difference) for one in resident) <= 0.01
    assert quantile([abs(one.difference) for one in resident], 0.9) <= 0.03
    errors = [abs(one.error) for one in outcomes]
    assert statistics.median(errors) <= 0.10
    assert quantile(errors, 0.9) <= 0.30


def test_constants_are_few_against_measurements_and_judged_ones_say_why(rows):
    assert set(CONSTANTS) == set(START)
    assert len(rows) >= 10 * (len(START) - len(FIXED))
    written = (ROOT / "src/setupgen/engine/speed_constants.py").read_text(encoding="utf-8")
    assert written.count("# kept: ") == len(FIXED)
    assert all(CONSTANTS[name] == START[name] for name in FIXED)


def test_the_report_shows_classes_worst_rows_and_peers(rows):
    text = report(rows)
    for part in (*CLASSES, "under load", "offload", "The worst 20 rows", "guess at the cause", "whichllm", "End to end"):
        assert part in text
