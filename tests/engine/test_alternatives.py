"""Alternatives: other setups that fit, each with a true sentence about what it gains and gives up."""

import pytest
from planner import HAPPY, STORIES, facts, pack, planned, setups, tradeoffs

from setupgen.engine.alternatives import alternatives
from setupgen.engine.host import Host
from setupgen.engine.suitability import LICENSES
from setupgen.knowledge import GIB

LIKES = {"best-quality", "fastest", "smallest", "least-effort", "next-best"}


def used_gib(setup):
    return sum(device["used_bytes"] for device in setup["memory"]["devices"]) / GIB


@pytest.mark.parametrize("story", HAPPY)
def test_each_alternative_fits_and_is_another_setup(story):
    found = planned(**STORIES[story], count=6)
    names = [(item["model"]["id"], item["weights"]["quant"], item["server"]["id"], item["backend"]) for item in setups(found)]
    assert len(set(names)) == len(names)
    for other in found["alternatives"]:
        assert other["like"] in LIKES
        assert all(device["used_bytes"] <= device["capacity_bytes"] for device in other["memory"]["devices"])
        assert pack().models[other["model"]["id"]].license_class in LICENSES[STORIES[story].get("license", "any")]
        assert other.keys() >= found["choice"].keys(), "an alternative is as complete as the choice"


@pytest.mark.parametrize("story", HAPPY)
def test_each_sentence_is_true(story):
    found = planned(**STORIES[story], count=6)
    choice = found["choice"]
    for other in found["alternatives"]:
        sentence = other["tradeoff"]
        assert not sentence[0].islower() or sentence.startswith(("vLLM", "llama.cpp"))
        assert sentence.endswith(".")
        for unit, new, old, loss in tradeoffs(sentence):
            pair = (
                (other["speed"]["decode_tps"]["value"], choice["speed"]["decode_tps"]["value"])
                if unit == "tokens/s"
                else (used_gib(other), used_gib(choice))
            )
            for text, number in zip((new, old), pair, strict=True):
                assert float(text) == pytest.approx(number, abs=0.051 if "." in text else 0.51)
            assert new != old
            worse = pair[0] < pair[1] if unit == "tokens/s" else pair[0] > pair[1]
            assert loss is None or worse is loss
        named = f"{other['server']['name']} instead of {choice['server']['name']}"
        assert (named in sentence) == (other["server"]["id"] != choice["server"]["id"])


@pytest.mark.parametrize("story", HAPPY)
def test_each_label_is_earned(story):
    found = planned(**STORIES[story], count=6)
    choice = found["choice"]
    for other in found["alternatives"]:
        if other["like"] == "fastest":
            assert other["speed"]["decode_tps"]["value"] > choice["speed"]["decode_tps"]["value"]
        if other["like"] == "smallest":
            assert other["memory"]["total_bytes"] < choice["memory"]["total_bytes"]
        if other["like"] == "best-quality":
            assert "etter answers" in other["tradeoff"] or "weaker" not in other["tradeoff"].lower()
        if other["like"] == "least-effort":
            assert other["server"]["id"] == "ollama"


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_there_are_as_many_as_asked_for(count):
    found = planned(**STORIES["coder"], count=count)
    assert len(found["alternatives"]) == count
    assert found["choice"] == planned(**STORIES["coder"])["choice"]
    assert found["alternatives"] == planned(**STORIES["coder"], count=5)["alternatives"][:count]


def test_insisting_leaves_only_what_was_insisted_on():
    for other in planned(use_case="chat", hardware="rtx-4090", os="linux", ram="64G", server="vllm", count=5)["alternatives"]:
        assert other["server"]["id"] == "vllm"
    for other in planned(use_case="chat", hardware="rtx-4090", os="linux", ram="64G", model="qwen3-8b", count=5)["alternatives"]:
        assert other["model"]["id"] == "qwen/qwen3-8b"
    for other in planned(use_case="chat", hardware="rtx-4090", os="linux", ram="64G", quant="Q8_0", count=5)["alternatives"]:
        assert other["weights"]["quant"] == "Q8_0"


def test_of_nothing_there_are_no_alternatives():
    assert alternatives(Host(pack(), facts(hardware="rtx-3090")), [], 3) == ()
    assert planned(**STORIES["nothing"])["alternatives"] == []
