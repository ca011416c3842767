"""Removing any one rule makes at least one case fail."""

from __future__ import annotations

from pathlib import Path

from setupgen.maintain.__main__ import main
from setupgen.maintain.cases import Case, cases_in
from setupgen.maintain.mutations import PAIRING, mutants, survivors, without

ROOT = Path(__file__).parents[2]
FACTS = {"use_case": "chat", "os": "linux", "server": "llama-cpp", "hardware": ["rtx-3060"], "ram": "32G"}


def test_no_rule_can_go_without_a_case_that_fails(capsys):
    assert main(["mutations", "--root", str(ROOT)]) == 0, capsys.readouterr().out
    assert "are held by a case" in capsys.readouterr().out


def test_every_rule_and_excluding_pairing_is_taken_out(pack):
    ids = list(mutants(pack))
    assert set(pack.rules) <= set(ids)
    assert any(id_.startswith(PAIRING) for id_ in ids)
    assert "toolkit-for-nvidia-containers" not in without(pack, "toolkit-for-nvidia-containers").rules
    pairing = next(id_ for id_ in ids if id_.startswith(PAIRING))
    assert pairing.removeprefix(PAIRING) not in without(pack, pairing).pairings


def test_a_case_that_does_not_care_holds_nothing(pack):
    rule = "toolkit-for-nvidia-containers"
    idle = Case("idle", {"story": "Nothing is expected of it.", "covers": [rule], "facts": FACTS, "expect": {"server": "llama-cpp"}})
    wrong = Case("wrong", {**idle.raw, "expect": {"server": "vllm"}})
    good = Case("good", {**idle.raw, "expect": {"warnings": [rule]}})
    assert survivors(pack, [idle, wrong])[rule] == "without it no case fails: idle, wrong."
    assert survivors(pack, [])[rule] == "no case covers it."
    assert rule not in survivors(pack, [idle, good])


def test_only_pairings_may_be_shadowed_and_the_case_says_by_what():
    shadowed = [case for case in cases_in(ROOT) if "shadowed" in case.raw]
    assert shadowed
    assert all(case.shadowed and case.raw.get("pairings") and not case.raw.get("covers") for case in shadowed)
