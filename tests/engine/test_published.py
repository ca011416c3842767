"""What published scores add to the expectation from size and date."""

from typing import ClassVar

import pytest

from case_tools import pack
from setupgen.engine.intake import Answers, facts_of
from setupgen.engine.planning import plan
from setupgen.engine.published import DOUBT, LARGEST_LEAD, LEAST_MODELS, comparable, expected_score, lead, scale_of, scales
from setupgen.engine.ranking import expected_quality


def score(benchmark, value, harness="publisher's table"):
    return {"benchmark": benchmark, "value": value, "harness": harness, "source": "s"}


class Known:
    """A model with scores, and a pack with one line: 50 % at an expectation of 0.5, log-odds 2 per unit."""

    scales: ClassVar = {"swe": {"intercept": -1.0, "slope": 2.0, "models": 9}}
    raw: dict

    def __init__(self, *scores):
        self.raw = {"scores": list(scores)}

    def vocabulary(self, name):
        assert name == "benchmarks"
        return {"swe": {"use_cases": ["coding-agent"]}, "chatty": {"use_cases": ["chat"]}}


def lead_of(*scores, expected=0.5, use_case="coding-agent"):
    known = Known(*scores)
    return lead(known, known, use_case, expected)


def test_a_score_on_the_line_adds_nothing():
    assert lead_of(score("swe", 50)) == pytest.approx(0)
    assert expected_score(Known.scales["swe"], 0.5) == pytest.approx(50)


def test_one_score_counts_a_third_and_more_scores_count_more():
    one, two = lead_of(score("swe", 60)), lead_of(score("swe", 60), score("swe", 60))
    assert 0 < one < two < LARGEST_LEAD
    assert one * (1 + DOUBT) == pytest.approx(two * (2 + DOUBT) / 2)


def test_a_higher_score_is_never_worse_and_a_lead_has_a_limit():
    leads = [lead_of(score("swe", value)) for value in (0, 1, 20, 50, 80, 99, 100)]
    assert leads == sorted(leads)
    assert leads[-1] == pytest.approx(LARGEST_LEAD / (1 + DOUBT))
    assert leads[0] == pytest.approx(-LARGEST_LEAD / (1 + DOUBT))


def test_scores_of_other_harnesses_benchmarks_and_use_cases_do_not_count():
    assert lead_of(score("swe", 90, harness="Artificial Analysis")) == 0
    assert lead_of(score("swe", 90, harness="publisher's table, of the hosted Model-Max")) == 0
    assert lead_of(score("chatty", 90), score("unheard-of", 90)) == 0
    assert lead_of(score("swe", 90), use_case="chat") == 0
    assert lead_of() == 0


def test_scores_of_one_third_party_are_their_own_scale():
    assert scale_of(score("bfcl-v4", 1, "Berkeley leaderboard, live")) == scale_of(score("bfcl-v4", 2, "Berkeley leaderboard"))
    assert scale_of(score("bfcl-v4", 1, "Berkeley leaderboard")) != scale_of(score("bfcl-v4", 1))


def test_a_line_needs_enough_models_that_size_and_date_explain():
    rising = [("swe", index / 10, 20 + 7 * index) for index in range(LEAST_MODELS)]
    found = scales(rising)["swe"]
    assert found["models"] == LEAST_MODELS
    assert found["slope"] > 0
    assert scales(reversed(rising)) == scales(rising)
    assert not scales(rising[1:])
    assert not scales([("swe", index / 10, 90 - 7 * index) for index in range(LEAST_MODELS)])
    assert not scales([("swe", 0.5, 20 + index) for index in range(LEAST_MODELS)])


def test_the_line_of_the_base_is_what_its_models_say():
    known = pack()
    points = [
        (scale_of(entry), expected_quality(model), float(entry["value"]))
        for model in known.models.values()
        for entry in model.raw.get("scores", ())
    ]
    assert {key: dict(value) for key, value in known.scales.items()} == scales(points)
    assert known.scales["swe-bench-verified"]["models"] >= 20


def test_a_plan_tells_the_scores_or_that_there_are_none():
    def quality_of(use_case, model):
        answers = Answers()
        answers.update({"use_case": use_case, "hardware": "2x rtx-3090", "ram": "64G", "model": model}, source="test")
        (found,) = (item for item in plan(pack(), facts_of(pack(), answers)).decisions if item.what == "model.quality")
        return found

    told = quality_of("coding-agent", "qwen/qwen3.6-27b")
    assert "SWE-bench Verified 77.2 (publisher's table" in told.because
    assert told.sources
    assert told.value > expected_quality(pack().models["qwen/qwen3.6-27b"])
    silent = quality_of("creative-writing", "qwen/qwen3.6-27b")
    assert "no published score" in silent.because
    assert silent.value == pytest.approx(expected_quality(pack().models["qwen/qwen3.6-27b"]), abs=0.001)


def test_every_benchmark_of_the_vocabulary_has_a_score_and_a_known_use_case():
    known = pack()
    published = {entry["benchmark"] for model in known.models.values() for entry in model.raw.get("scores", ())}
    for id_, entry in known.vocabulary("benchmarks").items():
        assert id_ in published
        assert set(entry["use_cases"]) <= set(known.vocabulary("use-cases"))
    assert any(list(comparable(known, model, "chat")) for model in known.models.values())
