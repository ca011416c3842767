"""What Docker Model Runner 1.2.6 is told in LLAMA_ARGS: split by its rules, which are stated again here, since it is no program of Python.

A quotation mark of either kind switches quoting on or off and is dropped, blanks outside quotes end a word, and nothing else has a meaning
(pkg/server/server.go); four options are its own. That llama-server takes the rest is seen in tests/e2e/test_flags.py.
"""

import shlex

import pytest

from case_tools import pack, planned

SERVER = pack().servers["docker-model-runner"]
REFUSED = {"--model", "--host", "--embeddings", "--mmproj"}
WANTED = [
    {"use_case": "chat", "hardware": "2x rtx-3090", "ram": "64G", "users": 4},
    {"use_case": "vision", "hardware": "Radeon RX 7900 XTX", "ram": "64G"},
    {"use_case": "embeddings", "hardware": "cpu", "cpu": "Ryzen 9 7950X", "ram": "64G"},
]


def split(text):
    words, word, quoted = [], "", False
    for character in text:
        if character in "\"'":
            quoted = not quoted
        elif character == " " and not quoted:
            words, word = ([*words, word] if word else words), ""
        else:
            word += character
    return [*words, word] if word else words


@pytest.mark.parametrize("stated", WANTED, ids=lambda stated: stated["use_case"])
def test_its_own_rules_split_the_options_as_they_were_meant(stated):
    choice = planned({"facts": stated | {"server": "docker-model-runner"}})["choice"]
    text = choice["settings"]["environment"]["LLAMA_ARGS"]
    assert split(text) == shlex.split(text)
    assert not REFUSED & set(split(text))
    assert choice["settings"]["flags"] == []
    assert choice["container"]["image"].startswith("docker/model-runner:v")
    assert SERVER.version in choice["container"]["image"]
    given = dict(zip(split(text), [*split(text)[1:], ""], strict=True))
    assert given["--ctx-size"] == str(choice["settings"]["context_total"])
    assert given["--parallel"] == str(choice["settings"]["parallel"])


def test_clients_ask_for_the_name_that_it_lists():
    choice = planned({"facts": WANTED[0] | {"server": "docker-model-runner"}})["choice"]
    source = choice["weights"]["source"]
    assert source.startswith("hf.co/")
    name, _, tag = source.partition(":")
    assert choice["connection"]["model"] == "huggingface.co/" + name.removeprefix("hf.co/").lower() + ":" + tag


def test_no_option_takes_text_that_its_quoting_would_spoil():
    """Its quoting knows no escapes, so that a quotation mark inside a value could not be given at all."""
    free = {"alias", "weights_source", "weights_file", "template_variables", "picture_words", "repository_file"}
    named = {
        entry["value"]["setting"]
        for outer in SERVER.launch
        if isinstance(outer["value"], dict)
        for entry in outer["value"]["words"]
        if isinstance(entry.get("value"), dict)
    }
    assert len(named) > 10
    assert not named & free
