"""All forty pitfalls are prevented or warned of, and what the page says of them exists."""

from __future__ import annotations

import pytest

from case_tools import ROOT
from case_tools import pack as read_pack
from setupgen.doctor.catalogue import KINDS
from setupgen.maintain.pages.pitfalls import RULE, cases_of, rules_of
from setupgen.maintain.pages.reference import page

PACK = read_pack()
PITFALLS = PACK.vocabulary("pitfalls")


def test_all_forty_are_there():
    assert [entry["number"] for entry in PITFALLS.values()] == list(range(1, 41))


@pytest.mark.parametrize("id_", PITFALLS)
def test_a_pitfall_is_prevented_or_warned_of_and_held_by_a_case(id_):
    entry = PITFALLS[id_]
    assert entry.get("prevented_by") or entry.get("warned_by")
    for item in entry.get("prevented_by", ()):
        assert item["how"]
        assert item["by"].startswith(RULE) or (ROOT / item["by"]).is_file(), item["by"]
    assert set(rules_of(entry)) <= set(PACK.rules)
    names = cases_of(entry, PACK.raw["cases"])
    assert names or id_ in WITHOUT_A_PLAN
    assert all((ROOT / "tests" / "cases" / f"{name}.yaml").is_file() for name in names)
    assert entry["sources"]
    assert set(entry["sources"]) <= set(PACK.sources)


WITHOUT_A_PLAN = {"fleet-of-unlike-hosts"}
"""Held by the tests of the files for HOPS: no need of a single host leads to it."""


@pytest.mark.parametrize("id_", PITFALLS)
def test_the_findings_are_those_that_doctor_has_for_it(id_):
    entry = PITFALLS[id_]
    assert set(entry.get("doctor", ())) == {name for name, kind in KINDS.items() if entry["number"] in kind.pitfalls}


def test_the_page_shows_every_one_with_its_rules_and_sources():
    text = page(PACK, "pitfalls")
    for id_, entry in PITFALLS.items():
        assert f"| {entry['number']} | [{entry['label']}](#{id_}) |" in text
        assert f"## {entry['number']}. {entry['label']} {{ #{id_} }}" in text
        assert all(f"(rules.md#{rule})" in text for rule in rules_of(entry))
        assert all(PACK.url(source) in text for source in entry["sources"])
