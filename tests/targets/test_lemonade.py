"""What Lemonade 11.7.0 is told once it runs: its own rules, stated again here, since it is no program of Python, read it as it was meant.

It splits options for llama-server at blanks, takes quotation marks out in pairs, knows no escapes (utils/custom_args.h), and refuses those that
are its own (backends/llamacpp/llamacpp_server.cpp). That llama-server takes the rest is seen in tests/e2e/test_flags.py.
"""

import argparse
import re
import shlex

import pytest
from plans import SHAPES, TEMPLATES

from case_tools import pack, planned
from setupgen.render.files import render

SERVER = pack().servers["lemonade"]
OWN = {
    "-m", "--model", "--ctx-size", "-c", "--device", "-dev", "--port", "--jinja", "--no-jinja", "--metrics", "--mmproj", "-mm", "-mmu",
    "--mmproj-url", "--no-mmproj", "--mmproj-auto", "--no-mmproj-auto", "--model-draft", "-md", "--spec-draft-model", "--embeddings",
    "--embedding", "--reranking", "--rerank",
}  # fmt: skip
WANTED = {
    "strix-halo": {"use_case": "chat", "hardware": "Ryzen AI Max+ 395 128GB", "users": 2},
    "two-radeons": {"use_case": "coding-agent", "hardware": "2x Radeon RX 7900 XTX", "ram": "64G", "exposure": "lan"},
    "arc": {"use_case": "chat", "hardware": "Arc B580", "ram": "32G", "runtime": "podman"},
    "cpu": {"use_case": "chat", "hardware": "cpu", "cpu": "Ryzen 9 7950X", "ram": "64G"},
}


def split(text):
    words, word, quote = [], "", ""
    for character in text:
        if not quote and character in "\"'":
            quote = character
        elif quote and character == quote:
            quote = ""
        elif not quote and character == " ":
            words, word = ([*words, word] if word else words), ""
        else:
            word += character
    return [*words, word] if word else words


def lemonade():
    """The options of `lemonade` that generated files use."""
    parser = argparse.ArgumentParser("lemonade", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    pull = commands.add_parser("pull", allow_abbrev=False)
    pull.add_argument("model")
    pull.add_argument("--checkpoint", nargs=2, action="append")
    pull.add_argument("--recipe")
    load = commands.add_parser("load", allow_abbrev=False)
    load.add_argument("model")
    load.add_argument("--ctx-size", type=int)
    load.add_argument("--llamacpp", choices=["system", "metal", "cuda", "vulkan", "rocm", "cpu"])
    load.add_argument("--llamacpp-args")
    load.add_argument("--merge-args", action=argparse.BooleanOptionalAction)
    load.add_argument("--save-options", action="store_true")
    return parser


def read(words):
    """As `lemonade` reads it: an option takes the next word, whatever that begins with."""
    joined = [word for word in words if word != "--llamacpp-args"]
    if "--llamacpp-args" in words:
        place = words.index("--llamacpp-args")
        joined = [*words[:place], f"--llamacpp-args={words[place + 1]}", *words[place + 2 :]]
    return lemonade().parse_args(joined)


def choice_of(name):
    return planned({"facts": WANTED[name] | {"server": "lemonade"}})["choice"]


@pytest.mark.target(
    "lemonade", checker="options of lemonade and lemond, re-stated", note="read every command as it was meant", version="11.7.0"
)
@pytest.mark.parametrize("name", WANTED)
def test_it_loads_what_was_planned(name):
    choice = choice_of(name)
    settings = choice["settings"]
    given = read(["load", *settings["load"]])
    assert given.model == f"user.{choice['connection']['model']}"
    assert given.ctx_size == settings["context_total"]
    assert given.llamacpp == choice["backend"]
    assert given.save_options
    assert given.merge_args is False
    text = given.llamacpp_args
    assert split(text) == shlex.split(text)
    assert not OWN & {word.partition("=")[0] for word in split(text)}
    assert not {"-ngl", "--n-gpu-layers", "--gpu-layers"} & set(split(text)), "its documentation forbids it"
    pairs = dict(zip(split(text), [*split(text)[1:], ""], strict=True))
    assert pairs["--parallel"] == str(settings["parallel"])
    assert pairs["--fit"] == "off"
    assert settings["offload"]["kind"] == ("cpu" if name == "cpu" else "full")
    assert settings["flags"] == ["--host", "0.0.0.0", "--port", "13305", "--no-broadcast"]
    assert choice["container"]["image"] == f"ghcr.io/lemonade-sdk/lemonade-server:v{SERVER.version}"


def test_the_sweep_meets_several_backends_and_cards():
    found = [choice_of(name) for name in WANTED]
    assert {"vulkan", "cpu"} <= {choice["backend"] for choice in found}
    assert any("--tensor-split" in " ".join(choice["settings"]["load"]) for choice in found)


@pytest.mark.parametrize("shape", ["lemonade", "lemonade-podman-lan"])
def test_the_run_book_fetches_and_loads_the_model_by_the_server_itself(shape):
    settings = SHAPES[shape]["choice"]["settings"]
    readme = render(SHAPES[shape], TEMPLATES)["README.md"]
    commands = [shlex.split(line) for line in re.findall(r"exec (?:-T )?lemonade lemonade (.+)$", readme, re.MULTILINE)]
    pull, load = (read(words) for words in commands)
    assert (pull.model, pull.recipe) == (f"user.{settings['alias']}", "llamacpp")
    assert pull.checkpoint == [["main", "A/B-GGUF:b-Q4_K_M.gguf"]]
    assert commands[1] == ["load", *settings["load"]]
    assert load.ctx_size == 65536


def test_no_option_takes_text_that_its_quoting_would_spoil():
    words = next(entry["value"]["words"] for entry in SERVER.raw["load"] if entry.get("flag") == "--llamacpp-args")
    named = {entry["value"]["setting"] for entry in words if isinstance(entry.get("value"), dict)}
    assert len(named) > 8
    assert not named & {"alias", "weights_source", "weights_file", "template_variables", "picture_words", "repository_file"}


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"use_case": "vision", "hardware": "Arc B580", "ram": "32G"}, "its projector has to be named"),
        ({"use_case": "chat", "hardware": "Arc B580", "ram": "32G", "weights_file": "/a.gguf"}, "takes no file as it is"),
        ({"use_case": "chat", "hardware": "Arc B580", "ram": "32G", "offline": True}, "fetches its models itself"),
        ({"use_case": "chat", "hardware": "Arc B580", "ram": "32G", "os": "windows"}, "does not run on windows"),
    ],
)
def test_what_it_cannot_be_told_is_refused(stated, said):
    plan = planned({"facts": stated | {"server": "lemonade"}})
    assert plan["choice"] is None
    assert said in " ".join(entry["because"] for entry in plan["rejected"])
