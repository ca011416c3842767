"""Every case in tests/cases: answers in, expected decisions and reasons out."""

import json

import pytest

from case_tools import CASES, pack, planned, read_case

PATHS = sorted(CASES.glob("*.yaml"))
KEYS = {
    "verdict", "model", "family", "model_not", "quant", "format", "server", "server_not", "backend", "runtime", "offload", "cache",
    "settings", "proxy", "flags", "environment", "sampling", "rejected", "warnings", "no_warnings", "assumed", "questions", "clients",
    "weights_at_least_gib", "decode_at_least",
}  # fmt: skip


def any_of(value):
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_case(path):
    case = read_case(path)
    expect = case["expect"]
    assert set(expect) <= KEYS, "a key that nothing checks"
    assert case["story"]
    result = planned(case)
    assert result["verdict"] == expect.get("verdict", "self-host"), result["hosted"]["because"] + " " + " ".join(result["would_fit"])

    if result["choice"]:
        check_choice(result["choice"], expect)
        check_settings(result["choice"], expect)
    check_trace(result, expect)


def check_choice(choice, expect):
    for device in choice["memory"]["devices"]:
        assert device["used_bytes"] <= device["capacity_bytes"]
    for key, found in (
        ("model", choice["model"]["id"]),
        ("family", pack().models[choice["model"]["id"]].family),
        ("quant", choice["weights"]["quant"]),
        ("format", choice["weights"]["format"]),
        ("server", choice["server"]["id"]),
        ("backend", choice["backend"]),
        ("runtime", choice["runtime"]),
        ("offload", choice["settings"]["offload"]["kind"]),
        ("cache", choice["settings"]["cache_type_k"]),
        ("proxy", (choice["proxy"] or {}).get("id")),
        ("clients", choice["clients"]),
    ):
        if key in expect:
            assert found in any_of(expect[key]) or found == expect[key], key
    for key in ("model_not", "server_not"):
        if key in expect:
            assert choice[key.removesuffix("_not")]["id"] not in any_of(expect[key])
    assert choice["weights"]["bytes"] >= expect.get("weights_at_least_gib", 0) * 1024**3
    assert choice["speed"]["decode_tps"]["value"] >= expect.get("decode_at_least", 0)


def check_settings(choice, expect):
    for key, wanted in expect.get("settings", {}).items():
        assert choice["settings"][key] == wanted, key
    for flag in expect.get("flags", []):
        assert flag in " ".join(choice["settings"]["flags"])
    for key, wanted in expect.get("environment", {}).items():
        assert choice["settings"]["environment"][key] == wanted
    for key, wanted in expect.get("sampling", {}).items():
        assert choice["sampling"][key] == wanted


def check_trace(result, expect):
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


@pytest.mark.parametrize("path", PATHS[:4], ids=lambda path: path.stem)
def test_same_facts_give_the_same_plan(path):
    case = read_case(path)

    assert json.dumps(planned(case)) == json.dumps(planned(case))
