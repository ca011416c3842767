"""Whether buying is the honest answer, with dated offers and a break-even that can be counted on."""

from math import isfinite

import pytest
from planner import HAPPY, STORIES, pack, planned

PRICES = ("input_per_mtok_usd", "output_per_mtok_usd")


def hosted(**stated):
    return planned(**stated)["hosted"]


@pytest.mark.parametrize("story", sorted(STORIES))
def test_offers_are_dated_sourced_and_the_same_model_comes_first(story):
    found = planned(**STORIES[story])
    offers, model = found["hosted"]["offers"], found["choice"]["model"]["id"] if found["choice"] else ""
    known = {(provider, offer["name"]): offer for provider, raw in pack().hosted.items() for offer in raw["offers"]}
    keys = []
    for offer in offers:
        record = known[offer["provider"], offer["model"]]
        assert all(offer[key] == record[key] >= 0 for key in PRICES)
        assert len(offer["date"]) >= 7
        assert offer["sources"][0].startswith("https://")
        keys.append((record.get("model") != model if model else False, sum(offer[key] for key in PRICES)))
    if model:
        assert keys == sorted(keys)
    assert len(offers) <= 5


@pytest.mark.parametrize("story", HAPPY)
def test_the_break_even_is_a_whole_number_of_tokens(story):
    number = hosted(**STORIES[story])["break_even_tokens_per_month"]
    assert isinstance(number, int)
    assert isfinite(number)
    assert number >= 0


def test_dearer_hardware_breaks_even_later():
    cheap, dear = (
        hosted(use_case="chat", model="qwen3-8b", quant="Q4_K_M", server="llama-cpp", hardware=name, ram="64G", os="linux")
        for name in ("rtx-3090", "2x rtx-3090")
    )
    if cheap["break_even_tokens_per_month"] and dear["break_even_tokens_per_month"]:
        assert dear["break_even_tokens_per_month"] > cheap["break_even_tokens_per_month"]


@pytest.mark.parametrize("stated", [{"privacy": "local"}, {"offline": True}])
@pytest.mark.parametrize("hardware", ["rtx-3050", "cpu", "Raspberry Pi 5 8GB"])
def test_what_must_not_leave_the_house_is_never_bought(hardware, stated):
    found = planned(use_case="coding-agent", hardware=hardware, os="linux", **stated)
    assert found["hosted"]["recommended"] is False
    assert found["verdict"] != "hosted"
    assert "out of the question" in found["hosted"]["because"]


def test_a_machine_that_cannot_do_it_well_is_told_to_buy():
    found = planned(use_case="coding-agent", hardware="cpu", ram="16G", os="linux")
    assert found["hosted"]["recommended"] is True
    assert found["hosted"]["because"]
    assert found["hosted"]["offers"]
    assert found["verdict"] in {"hosted", "nothing-fits"}


def test_a_machine_that_does_it_well_keeps_it():
    found = planned(**STORIES["coder"])
    assert found["verdict"] == "self-host"
    assert found["hosted"]["recommended"] is False
    assert found["choice"]["model"]["name"] in found["hosted"]["because"]
