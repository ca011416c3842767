"""Every case in tests/cases: answers in, expected decisions and reasons out."""

import json
from functools import cache
from pathlib import Path

import pytest
import yaml

from setupgen.engine.intake import Answers, facts_of
from setupgen.engine.planning import plan
from setupgen.knowledge import Pack

ROOT = Path(__file__).parents[1]
CASES = sorted((ROOT / "tests" / "cases").glob("*.yaml"))
KEYS = {
    "verdict", "model", "family", "model_not", "quant", "format", "server", "server_not", "backend", "runtime", "offload", "cache",
    "settings", "proxy", "flags", "environment", "sampling", "rejected", "warnings", "no_warnings", "assumed", "questions", "clients",
    "weights_at_least_gib", "decode_at_least",
}  # fmt: skip


@cache
def pack():
    return Pack.from_json((ROOT / "src" / "setupgen" / "_data" / "pack.json").read_text("utf-8"))


def planned(case):
    answers = Answers()
    answers.update(case.get("facts") or {}, source="case")
    return plan(pack(), facts_of(pack(), answers, detected=case.get("detected"))).to_json()


def any_of(value):
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path):
    case = yaml.safe_load(path.read_text("utf-8"))
    expect = case["expect"]
    assert set(expect) <= KEYS, "a key that nothing checks"
    assert case["story"]
    result = planned(case)
    choice = result["choice"] or {}
    assert result["verdict"] == expect.get("verdict", "self-host"), result["hosted"]["because"] + " " + " ".join(result["would_fit"])

    if choice:
        for device in choice["memory"]["devices"]:
            assert device["used_bytes"] <= device["capacity_bytes"]
    for key, found in (
        ("model", choice.get("model", {}).get("id")),
        ("quant", choice.get("weights", {}).get("quant")),
        ("format", choice.get("weights", {}).get("format")),
        ("server", choice.get("server", {}).get("id")),
        ("backend", choice.get("backend")),
        ("runtime", choice.get("runtime")),
        ("offload", choice.get("settings", {}).get("offload", {}).get("kind")),
        ("cache", choice.get("settings", {}).get("cache_type_k")),
        ("proxy", (choice.get("proxy") or {}).get("id")),
    ):
        if key in expect:
            assert found in any_of(expect[key]), key
    if "family" in expect:
        assert pack().models[choice["model"]["id"]].family in any_of(expect["family"])
    for key in ("model_not", "server_not"):
        if key in expect:
            assert choice[key.removesuffix("_not")]["id"] not in any_of(expect[key])
    for key, wanted in expect.get("settings", {}).items():
        assert choice["settings"][key] == wanted, key
    for flag in expect.get("flags", []):
        assert flag in " ".join(choice["settings"]["flags"])
    for key, wanted in expect.get("environment", {}).items():
        assert choice["settings"]["environment"][key] == wanted
    for key, wanted in expect.get("sampling", {}).items():
        assert choice["sampling"][key] == wanted
    for wanted in expect.get("rejected", []):
        names = {key: value for key, value in wanted.items() if key != "by"}
        hits = [item for item in result["rejected"] if names.items() <= item["candidate"].items() and wanted["by"] in item["by"]]
        assert hits, f"nothing like {wanted} was rejected"
        assert all(item["because"] for item in hits)
    given = {warning["id"] for warning in result["warnings"]}
    assert set(expect.get("warnings", [])) <= given
    assert not set(expect.get("no_warnings", [])) & given
    assert set(expect.get("assumed", [])) <= {item["fact"] for item in result["assumptions"]}
    for words in expect.get("questions", []):
        assert any(words in question for question in result["open_questions"])
    if "clients" in expect:
        assert choice["clients"] == expect["clients"]
    if "weights_at_least_gib" in expect:
        assert choice["weights"]["bytes"] >= expect["weights_at_least_gib"] * 1024**3
    if "decode_at_least" in expect:
        assert choice["speed"]["decode_tps"]["value"] >= expect["decode_at_least"]


@pytest.mark.parametrize("path", CASES[:4], ids=lambda path: path.stem)
def test_same_facts_give_the_same_plan(path):
    case = yaml.safe_load(path.read_text("utf-8"))

    assert json.dumps(planned(case)) == json.dumps(planned(case))
