"""What pictures cost is said where they are sent, with a number where one is known."""

import pytest
from planner import planned


def said(**stated):
    found = planned(**({"use_case": "vision", "hardware": "rtx-4090", "os": "linux", "ram": "64G", "context": "16k"} | stated))
    return {decision["what"]: decision for decision in found["decisions"]}.get("settings.image_tokens"), found["choice"]["settings"]


def test_a_picture_that_is_computed_in_one_piece_lies_in_one_micro_batch():
    decision, settings = said(model="google/gemma-4-12b", server="llama-cpp")
    assert settings["ubatch"] == decision["value"] == 1120
    assert "7 % of a slot's context" in decision["because"]


def test_elsewhere_the_micro_batch_stays():
    decision, settings = said(model="google/gemma-4-e4b", server="llama-cpp")
    assert settings["ubatch"] == 512 < decision["value"]


def test_without_pictures_nothing_is_said_and_nothing_changed():
    decision, settings = said(model="google/gemma-4-12b", server="llama-cpp", use_case="chat")
    assert decision is None
    assert settings["ubatch"] == 512
    assert settings["image_min_tokens"] is settings["picture_words"] is None


@pytest.mark.parametrize("model", ["mistral/ministral-3-14b", "mistral/mistral-small-3.2-24b"])
def test_a_number_that_nobody_published_is_not_invented(model):
    decision, _ = said(model=model, server="llama-cpp")
    assert decision["value"] is None
    assert "not known" in decision["because"]
