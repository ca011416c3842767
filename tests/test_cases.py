"""Every case in tests/cases: answers in, expected decisions and reasons out."""

import json

import pytest

from case_tools import CASES, ROOT, pack, planned_anew, read_case
from setupgen.errors import UsageError
from setupgen.maintain.cases import cases_at, cases_in, faults

PATHS = sorted(CASES.glob("*.yaml"))


@pytest.mark.parametrize("case", cases_in(ROOT), ids=lambda case: case.name)
def test_case(case):
    assert faults(pack(), case) == []


@pytest.mark.parametrize("path", PATHS[:4], ids=lambda path: path.stem)
def test_same_facts_give_the_same_plan(path):
    case = read_case(path)

    assert json.dumps(planned_anew(case)) == json.dumps(planned_anew(case))


def test_a_case_that_says_nothing_true_is_found_out(tmp_path):
    (tmp_path / "case.yaml").write_text(
        "story: A chat on a gaming card, with everything wrong about it.\n"
        "facts: {use_case: chat, os: linux, server: llama-cpp, hardware: [rtx-3060], ram: 32G}\n"
        "expect: {server: vllm, server_not: llama-cpp, family: none, weights_at_least_gib: 999, settings: {parallel: 7}, flags: [--nothing],\n"
        "  sampling: {temperature: 9}, rejected: [{by: nothing}], warnings: [nothing], no_warnings: [toolkit-for-nvidia-containers],\n"
        "  assumed: [nothing], questions: [nothing], reasons: [nothing], rules_score: 99}\n"
    )
    (case,) = cases_at(tmp_path / "case.yaml", tmp_path)
    assert len(faults(pack(), case)) == 14


def test_one_file_stands_for_a_case_per_value(tmp_path):
    (tmp_path / "case.yaml").write_text(
        'story: Two.\npairings: ["ollama/{model}"]\nfor_each: {model: [a, b]}\nfacts: {}\nexpect: {rejected: [{by: "pairing:ollama/{model}"}]}\n'
    )
    first, second = cases_at(tmp_path / "case.yaml", tmp_path)
    assert (first.name, first.covers, first.raw["facts"]) == ("case[a]", {"pairing:ollama/a"}, {"model": "a"})
    assert second.raw["expect"] == {"rejected": [{"by": "pairing:ollama/b"}]}


@pytest.mark.parametrize(
    "text", ["story: No expectation.\nfacts: {}\n", "story: A key that nothing checks.\nexpect: {colour: red}\n", "- 1\n"]
)
def test_what_is_no_case_is_refused(tmp_path, text):
    (tmp_path / "case.yaml").write_text(text)
    with pytest.raises(UsageError, match="case"):
        cases_at(tmp_path / "case.yaml", tmp_path)
