"""The table of targets holds what tests showed, and no target is without a judge or a reason."""

import re

import pytest
from plans import ROOT, TEMPLATES

from setupgen.knowledge import Pack
from setupgen.maintain.pages.targets import SCHEMA_ONLY, targets
from target_checks import key, marked, read

SERVERS = {path.stem for path in (ROOT / "knowledge/servers").glob("*.yaml")}
AGAIN = "run SETUPGEN_UPDATE_TARGETS=1 make test, and make e2e for tests/e2e"


def test_every_marker_names_a_target_or_a_server():
    assert {entry["target"] for entry in marked().values()} <= {*TEMPLATES, *SERVERS}


def test_the_results_are_those_of_the_markers():
    found = {key(entry): entry for entry in read()}
    promised = marked()
    assert set(found) == set(promised), AGAIN
    for id_, entry in promised.items():
        assert found[id_]["run"] == entry["run"], AGAIN


@pytest.mark.parametrize("id_", TEMPLATES)
def test_a_target_has_a_judge_or_says_why_not(id_):
    judges = [entry for entry in read() if entry["target"] == id_]
    reason = TEMPLATES[id_].get("unchecked", "")
    assert judges or len(reason) > 20, (
        f"nothing judges the files of {id_}: mark a test (see tests/target_checks.py), or say why in `unchecked`"
    )


def test_the_page_shows_every_target_and_its_judges(fresh_pack):
    pack = Pack.from_text(fresh_pack.read_text("utf-8"))
    made_up = {"target": "compose", "checker": "a judge", "version": "1.2", "run": False, "note": "reads it", "test": "x"}
    started = {"target": "llama-cpp", "checker": "llama-server", "version": "b1", "run": True, "note": "answers", "test": "x"}
    by_hand = {"target": "olla", "checker": "olla", "version": "9.8", "run": True, "note": "answers", "test": "x", "by_hand": "2026-11-22"}
    bare = Pack(pack.raw | {"checks": [made_up, started, by_hand]})
    text = "\n".join(targets(bare))
    rows = re.findall(r"^\| `([a-z0-9-]+)`(.*)$", text, re.MULTILINE)
    assert [id_ for id_, _ in rows] == list(pack.templates)
    cells = dict(rows)
    assert "| a judge 1.2: reads it | - |" in cells["compose"]
    assert "`compose.override.yaml`" in cells["compose"]
    assert "| olla 9.8: answers (by hand on 2026-11-22) |" in cells["olla"]
    assert "(servers/llama-cpp.md) | - | llama-server b1: answers |" in text
    reasons = [id_ for id_, target in pack.templates.items() if target.get("unchecked")]
    assert [id_ for id_, cell in rows if SCHEMA_ONLY in cell] == reasons
