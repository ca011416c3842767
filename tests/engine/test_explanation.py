"""Why this and why not that: sections from the trace, for whatever is asked about."""

import pytest
from planner import STORIES, facts, pack, planned

from setupgen.engine.explanation import MAXIMUM_REASONS, explain
from setupgen.engine.planning import plan
from setupgen.errors import UnknownNameError


@pytest.fixture(scope="module")
def coder():
    return plan(pack(), facts(**STORIES["coder"]))


@pytest.fixture(scope="module")
def nothing():
    return plan(pack(), facts(**STORIES["nothing"]))


def titles(sections):
    return [section["title"] for section in sections]


def test_without_a_subject_the_whole_story_is_told(coder):
    sections = explain(pack(), coder, "")
    assert len(sections) == len(coder.decisions) + len(coder.alternatives)
    assert titles(sections)[0] == f"model: {coder.choice.model.id}"
    for alternative in coder.alternatives:
        assert any(alternative.choice.model.name in title and alternative.like in title for title in titles(sections))


def test_every_section_has_sentences_and_no_source_twice(coder, nothing):
    for result in (coder, nothing):
        for subject in ("", "vllm", "gpt-oss-20b", "Q4_K_M", *pack().rules):
            for section in explain(pack(), result, subject):
                assert section["title"]
                assert section["sentences"]
                assert all(sentence.strip() for sentence in section["sentences"])
                assert len(set(section["sources"])) == len(section["sources"])
                assert all(url.startswith(("http://", "https://")) for url in section["sources"])


def test_the_model_that_was_chosen(coder):
    for name in (coder.choice.model.id, coder.choice.model.name, coder.choice.model.id.split("/")[1].upper()):
        sections = explain(pack(), coder, name)
        assert sections[0]["title"] == f"{coder.choice.model.name} was chosen"
        assert sections[0]["sentences"] == [item.because for item in coder.decisions if item.what == "model"]


def test_a_model_that_is_an_alternative(coder):
    other = coder.alternatives[0]
    sections = explain(pack(), coder, other.choice.model.id)
    assert f"{other.choice.model.name} is an alternative ({other.like})" in titles(sections)
    assert [other.tradeoff] in [section["sentences"] for section in sections]


def test_a_model_that_was_rejected(coder):
    sections = explain(pack(), coder, "deepseek-v3.2")
    assert titles(sections) == ["Why not DeepSeek-V3.2"]
    assert 1 <= len(sections[0]["sentences"]) <= MAXIMUM_REASONS


def test_a_model_that_would_work(coder):
    shown = {coder.choice.model.id} | {item.choice.model.id for item in coder.alternatives}
    refused = {item.model for item in coder.rejected}
    fitting = sorted(set(pack().models) - shown - refused)
    for id_ in fitting:
        assert titles(explain(pack(), coder, id_)) == [f"{pack().models[id_].name} would work"]
    every = plan(pack(), facts(use_case="chat", hardware="h100-sxm", os="linux", ram="256G"), count=0)
    working = sorted(set(pack().models) - {item.model for item in every.rejected} - {every.choice.model.id})
    assert working
    assert titles(explain(pack(), every, working[0])) == [f"{pack().models[working[0]].name} would work"]


def test_servers_and_quantisations(coder):
    assert f"{coder.choice.server.name} was chosen" in titles(explain(pack(), coder, "llama.cpp"))
    assert f"{coder.choice.weights.quant} was chosen" in titles(explain(pack(), coder, coder.choice.weights.quant.lower()))
    sections = explain(pack(), plan(pack(), facts(use_case="chat", hardware="Apple M2 Max 64GB")), "vllm")
    assert titles(sections) == ["Why not vLLM"]
    assert sections[0]["sentences"] == ["vLLM does not run on macos."]


@pytest.mark.parametrize(
    ("rule", "effect"),
    [("creativity-needs-min-p", "Here it did not decide anything."), ("attribution-header-off", "Here it gave a warning.")],
)
def test_a_rule_and_what_it_did_here(coder, rule, effect):
    (section,) = explain(pack(), coder, rule)
    assert section["title"] == f"Rule {rule}"
    assert section["sentences"] == [pack().rules[rule]["because"], effect]
    assert section["sources"]


def test_a_rule_that_ruled_something_out(coder):
    id_ = next(by for item in coder.rejected for by in item.by if by in pack().rules)
    (section,) = explain(pack(), coder, id_)
    assert "ruled out" in section["sentences"][1]


def test_a_rule_that_set_something():
    (section,) = explain(pack(), plan(pack(), facts(**STORIES["radeon"])), "creativity-needs-min-p")
    assert section["sentences"][1] == "Here it decided a setting."


@pytest.mark.parametrize("subject", ["context", "settings.context", "Settings_Context", "bind", "offload"])
def test_a_setting_by_its_long_or_short_name(coder, subject):
    sections = explain(pack(), coder, subject)
    assert len(sections) == 1
    assert sections[0]["title"].startswith("settings.")


def test_why_nothing_fits(nothing):
    sections = explain(pack(), nothing, "")
    assert sections[-1]["title"] == "Nothing fits"
    assert sections[-1]["sentences"] == list(nothing.would_fit)


@pytest.mark.parametrize("subject", ["qwen-99", "  ", "\N{PILE OF POO}", "x" * 5000])
def test_an_unknown_subject_is_refused_shortly(coder, subject):
    with pytest.raises(UnknownNameError) as refused:
        explain(pack(), coder, subject)
    assert len(str(refused.value)) < 1000


def test_a_near_name_is_suggested(coder):
    with pytest.raises(UnknownNameError, match=r"Did you mean .*[Qq]wen3.8[Bb]"):
        explain(pack(), coder, "qwen3-8bb")
    assert planned(**STORIES["coder"])["choice"]
