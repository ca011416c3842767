"""Scores: each part moves in the direction that its name promises, and the weights of the experience decide."""

from dataclasses import replace

import pytest
from planner import HAPPY, STORIES, facts, only, pack, planned, setups

from setupgen.engine.candidates import survey
from setupgen.engine.host import Host
from setupgen.engine.ranking import effective_billions, expected_quality, months_since_2024, parts, precision, quality, rank, score
from setupgen.engine.rules import RuleBook
from setupgen.engine.speed import Range

MODELS = pack().models


def field(*models, **stated):
    host = Host(only(*models), facts(**{"use_case": "chat", "hardware": "rtx-3090", "os": "linux", "ram": "64G"} | stated))
    return host, survey(host, RuleBook(pack())).candidates


HOST, CANDIDATES = field("qwen/qwen3-8b", server="llama-cpp", context="16k")
ONE = CANDIDATES[0]


def with_speed(candidate, **changes):
    speed = candidate.estimate.speed
    scaled = {name: Range(value, value, value) for name, value in changes.items()}
    return replace(candidate, estimate=candidate.estimate._replace(speed=speed._replace(**scaled)))


def test_a_mixture_counts_between_its_total_and_its_active_parameters():
    mixture = MODELS["qwen/qwen3-30b-a3b"]
    assert mixture.active_parameters / 1e9 < effective_billions(mixture) < mixture.total_parameters / 1e9
    dense = MODELS["qwen/qwen3-8b"]
    assert effective_billions(dense) == pytest.approx(dense.total_parameters / 1e9)


@pytest.mark.parametrize(("date", "months"), [("2024-01-01", 0), ("2024-03", 2), ("2025-01-31", 12), ("2026", 29), ("2023-12-01", -1)])
def test_months_are_counted_from_dates_as_they_are_published(date, months):
    assert months_since_2024(date) == months


def test_larger_newer_and_better_regarded_models_are_expected_to_answer_better():
    model = MODELS["qwen/qwen3-8b"]
    larger = replace(model, total_parameters=2 * model.total_parameters, active_parameters=2 * model.active_parameters)
    assert expected_quality(larger) > expected_quality(model)
    assert expected_quality(replace(model, released="2026-09")) > expected_quality(model)
    regarded = [quality(HOST, replace(ONE, suitability=suitability)) for suitability in (3, 2, 1, 0)]
    assert regarded == sorted(set(regarded), reverse=True)


def test_fewer_bits_never_cost_less():
    bits = [16, 12, 8.5, 7, 6.5, 5.6, 5, 4.8, 4.4, 4, 3.9, 3.4, 3, 2.7, 2, 1.5, 1]
    costs = [precision(replace(ONE, bits=value, divergence=None)) for value in bits]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] == 0


def test_a_measured_divergence_counts_before_the_bits():
    at = replace(ONE, bits=4.5)
    assert precision(replace(at, divergence=0.07)) < precision(replace(at, divergence=0.03)) < precision(replace(at, divergence=0.001))


def test_measured_divergences_meet_the_curve():
    known = pack().vocabulary("quantisations")
    for id_ in ("Q6_K", "Q5_K_M", "Q4_K_M"):
        entry = known[id_]
        at = replace(ONE, bits=entry["bits_per_weight"])
        assert precision(replace(at, divergence=entry["kl_divergence"])) == pytest.approx(precision(replace(at, divergence=None)), abs=0.01)


def test_a_quantisation_that_the_model_was_trained_in_costs_nothing():
    native = next(model for model in MODELS.values() if model.raw.get("native_quant"))
    made_for = replace(ONE, model=native, bits=4.25, weights=replace(ONE.weights, quant=native.raw["native_quant"]))
    assert precision(made_for) == 0
    assert precision(replace(made_for, weights=replace(ONE.weights, quant="Q4_0"))) < 0


def test_small_models_suffer_more_from_few_bits():
    small = replace(ONE, bits=4.4, model=MODELS["qwen/qwen3-1.7b"])
    assert precision(small) < precision(replace(ONE, bits=4.4))


def test_an_eight_bit_cache_costs_a_little():
    other = replace(ONE, facts={**ONE.facts, "settings.cache_bits": 8})
    assert -0.05 < precision(other) - precision(ONE) < 0


@pytest.mark.parametrize("use_case", sorted(pack().vocabulary("use-cases")))
def test_faster_and_sooner_is_never_worse(use_case):
    host = Host(pack(), facts(use_case=use_case, hardware="rtx-3090"))
    for experience in pack().vocabulary("experiences"):
        asked = Host(pack(), facts(use_case=use_case, experience=experience, hardware="rtx-3090"))
        totals = [score(asked, with_speed(ONE, decode_tps=tps, aggregate_tps=tps))["total"] for tps in (0.5, 2, 8, 30, 100, 400)]
        assert totals == sorted(totals)
        waits = [score(asked, with_speed(ONE, ttft_s=seconds))["total"] for seconds in (0.1, 1, 5, 30, 200, 2000)]
        assert waits == sorted(waits, reverse=True)
    assert parts(host, ONE).keys() >= {"quality", "precision", "speed", "latency", "throughput", "fit", "rules"}


def test_the_total_is_the_sum_of_the_parts():
    found = score(HOST, ONE)
    assert found["total"] == pytest.approx(sum(value for name, value in found.items() if name != "total"))


def test_a_preference_of_a_rule_moves_the_score():
    effect = next(effect for candidate in CANDIDATES for effect in candidate.effects if effect.kind == "prefer")
    without = replace(ONE, effects=())
    liked, disliked = (replace(ONE, effects=(replace(effect, weight=weight),)) for weight in (5, -5))
    assert score(HOST, disliked)["total"] < score(HOST, without)["total"] < score(HOST, liked)["total"]


def test_the_best_comes_first_and_order_does_not_matter():
    ranked = rank(HOST, CANDIDATES)
    totals = [round(points["total"], 9) for _, points in ranked]
    assert totals == sorted(totals, reverse=True)
    assert [item.key for item, _ in rank(HOST, CANDIDATES[::-1])] == [item.key for item, _ in ranked]


def test_equal_scores_are_ordered_by_id():
    twins = [replace(ONE, model=replace(ONE.model, id=name)) for name in ("b/b", "a/a", "c/c")]
    assert [item.model.id for item, _ in rank(HOST, twins)] == ["a/a", "b/b", "c/c"]


def test_quality_wants_better_answers_than_latency():
    asked = {"use_case": "chat", "hardware": "rtx-3090", "ram": "64G", "os": "linux"}
    careful, quick = (planned(**asked, experience=name)["choice"] for name in ("quality", "latency"))
    assert careful["weights"]["bytes"] >= quick["weights"]["bytes"]
    assert careful["speed"]["decode_tps"]["value"] <= quick["speed"]["decode_tps"]["value"]


@pytest.mark.parametrize("story", HAPPY)
def test_nothing_scores_above_the_choice(story):
    found = planned(**STORIES[story])
    assert all(item["score"]["total"] <= found["choice"]["score"]["total"] for item in setups(found))


def test_tables_cost_something_where_they_are_slow():
    tables = replace(ONE, weights=replace(ONE.weights, quant="IQ4_XS"), divergence=0.03)
    on_cpu = replace(tables, deployment=replace(tables.deployment, backend="cpu"))
    assert precision(on_cpu) < precision(tables) == precision(replace(ONE, divergence=0.03))


def test_nobody_is_told_to_wait_minutes_for_the_first_word():
    slow = planned(use_case="coding-agent", hardware="cpu", ram="64G", os="linux")
    assert slow["verdict"] == "hosted"
    assert "first word" in slow["hosted"]["because"]
    assert planned(use_case="coding-agent", hardware="rtx-3090", ram="64G", os="linux")["verdict"] == "self-host"
