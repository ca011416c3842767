"""Where nothing fits, the nearest need that can be met is told, and it really can be met."""

import re

from planner import planned

PI = {"use_case": "chat", "hardware": "raspberry pi 5 8GB", "os": "linux", "users": 50}


def told(**stated):
    found = planned(**stated)
    assert found["verdict"] == "nothing-fits"
    return [text for text in found["would_fit"] if "it can be done" in text]


def test_fifty_people_on_a_raspberry_pi_hear_how_many_it_serves():
    (sentence,) = told(**PI)
    users = int(re.match(r"With (\d+) user", sentence)[1])
    assert 1 <= users < 50
    assert planned(**PI | {"users": users})["choice"]["model"]["name"] in sentence
    assert planned(**PI | {"users": users * 2})["verdict"] == "nothing-fits"


def test_a_model_that_may_not_be_used_at_work_is_given_up_or_the_licence_is():
    model, licence = told(
        use_case="embeddings", hardware="rtx-4090", os="linux", license="commercial", model="jinaai/jina-embeddings-v5-text-small"
    )
    assert model.startswith("Without insisting on the model (Jina")
    assert licence.startswith("With any licence instead of commercial ones")


def test_a_runtime_that_has_no_accelerator_is_given_up():
    (sentence,) = told(use_case="chat", hardware="m2-max 64GB", os="macos", runtime="docker")
    assert sentence.startswith("With runtime native instead of docker")


def test_what_was_not_stated_is_not_given_up():
    assert not [text for text in told(**PI) if "context" in text.partition(":")[0]]


def test_where_no_single_thing_helps_all_are_given_up_together():
    (sentence,) = told(use_case="chat", hardware="raspberry pi 5 8GB", os="linux", users=64, context="128k", server="vllm")
    assert sentence.startswith("With 4096 tokens of context each, and nothing insisted on, for ")


def test_what_fits_needs_no_other_need():
    assert planned(use_case="chat", hardware="rtx-4090", os="linux")["would_fit"] == []
