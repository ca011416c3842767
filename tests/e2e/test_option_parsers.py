"""Every command line that is generated for vLLM, SGLang and MLX-LM is one that the pinned release's own option parser accepts."""

from __future__ import annotations

import pytest
from llama_cpp import BuildError
from option_parsers import said

from case_tools import ROOT, pack
from setupgen.engine.intake import Answers, facts_of
from setupgen.engine.planning import plan
from setupgen.maintain.cases import cases_in, planned

CARDS = ("rtx-4090", "h100-sxm", "2x rtx-3090", "8x h200", "4x mi300x", "rtx-5090", "t4")
USES = ("coding-agent", "chat", "vision", "embeddings", "documents", "extraction")
WANTED = {
    "vllm": [(use, card) for use in USES for card in (*CARDS, "Arc Pro B60")],
    "sglang": [(use, card) for use in USES for card in CARDS],
    "mlx-lm": [(use, mac) for use in USES for mac in ("Apple M4 16GB", "Apple M2 Max 64GB", "Apple M3 Ultra 512GB")],
}
LEAST = {"vllm": 60, "sglang": 50, "mlx-lm": 20}
"""How many different command lines there must be, so that a sweep that finds nothing fails."""

BROKEN = {
    "vllm": [
        ["a/b", "--no-such-option"],
        ["a/b", "--kv-cache-dtype", "q8_0"],
        ["a/b", "--enable-auto-tool-choice", "--tool-call-parser", "no"],
    ],
    "sglang": [["a/b", "--no-such-option"], ["a/b", "--kv-cache-dtype", "q8_0"], ["a/b", "--tool-call-parser", "no"]],
    "mlx-lm": [["--no-such-option"], ["--port", "no"], ["--chat-template-args", "{no"]],
}


def version(text):
    return tuple(int(number) for number in text.split("."))


def is_alive(server, flag):
    record = server.flags[flag]
    pinned = version(server.version)
    return pinned >= version(record.get("since", "0")) and ("until" not in record or pinned < version(record["until"]))


@pytest.fixture(scope="module")
def from_cases():
    """The plans of all cases, which include every golden folder."""
    return [planned(pack(), case.raw) for case in cases_in(ROOT)]


def generated(server, from_cases):
    """Different command lines for a server, from all cases and from the sweep, with alternatives."""
    plans = list(from_cases)
    for use, hardware in WANTED[server]:
        for more in ({}, {"users": 12}):
            answers = Answers()
            answers.update({"use_case": use, "hardware": hardware, "ram": "512G", "server": server, **more} if "Apple" not in hardware else
                           {"use_case": use, "hardware": hardware, "server": server, **more}, source="test")  # fmt: skip
            plans.append(plan(pack(), facts_of(pack(), answers), count=6).to_json())
    choices = [choice for found in plans if found["choice"] for choice in (found["choice"], *found["alternatives"])]
    return sorted({tuple(choice["settings"]["flags"]) for choice in choices if choice["server"]["id"] == server})


@pytest.mark.parametrize("id_", sorted(WANTED))
def test_the_programs_own_parser_accepts_what_is_generated(id_, from_cases):
    server = pack().servers[id_]
    lines = generated(id_, from_cases)
    assert len(lines) >= LEAST[id_]
    named = [("--tool-call-parser", name) for name in server.raw.get("tool_parsers", ())]
    named += [("--reasoning-parser", name) for name in server.raw.get("reasoning_parsers", ())]
    try:
        answer = said(id_, server.version, [*lines, *(["a/b", *words] for words in named), *BROKEN[id_]])
    except BuildError as error:
        pytest.fail(str(error), pytrace=False)
    errors = answer["errors"]
    assert [(" ".join(line), error) for line, error in zip(lines, errors, strict=False) if error] == []
    parsers = errors[len(lines) : len(lines) + len(named)]
    assert [(words, error) for words, error in zip(named, parsers, strict=True) if error] == []
    assert all(errors[-len(BROKEN[id_]) :]), "the parser accepts nonsense"
    recorded = {spelling for flag in server.flags if is_alive(server, flag) for spelling in (flag, *server.flags[flag].get("aliases", ()))}
    assert sorted(recorded - set(answer["options"])) == []
    gone = {flag for flag in server.flags if not is_alive(server, flag)}
    assert sorted(gone & set(answer["options"])) == []
