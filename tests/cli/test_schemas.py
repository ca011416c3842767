"""The published schemas are sound, documented, agree with each other and with the knowledge base, and are shipped."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest
from cli_result import GPU

from setupgen.cli.pack import load_pack
from setupgen.engine.intake import CHOICES, KEYS

NAMES = ("answers", "cost", "detect", "doctor", "estimate", "fleet", "inventory", "plan", "upgrade", "verify")


def schema(name):
    return json.loads(files("setupgen").joinpath("schemas", f"{name}.schema.json").read_text("utf-8"))


def nodes(value, path=""):
    """Every schema inside a schema, with its place."""
    if isinstance(value, dict):
        yield path, value
        for key, inner in value.items():
            yield from nodes(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from nodes(inner, f"{path}/{index}")


@pytest.mark.parametrize("name", NAMES)
def test_every_property_is_described(name):
    for path, node in nodes(schema(name)):
        for key, inner in node.get("properties", {}).items() if "properties" in node and isinstance(node["properties"], dict) else ():
            if path.endswith(("/if", "/then")):
                continue
            target = schema(name)["$defs"][inner["$ref"].rsplit("/", 1)[-1]] if set(inner) == {"$ref"} else inner
            assert target.get("description"), f"{path}/{key}"


@pytest.mark.parametrize("name", NAMES)
def test_keys_carry_their_unit(name):
    for path, node in nodes(schema(name)):
        for key in node.get("properties", {}) if isinstance(node.get("properties"), dict) else ():
            unit = {"_bytes": "Bytes", "_usd": "US dollars", "_gb_s": "GB/s"}
            for ending, word in unit.items():
                if key.endswith(ending):
                    assert word in node["properties"][key]["description"], f"{path}/{key}"


def test_shared_parts_are_the_same():
    plan, estimate = schema("plan")["$defs"], schema("estimate")["$defs"]
    assert {name: plan[name] for name in estimate} == estimate


def test_they_know_what_the_knowledge_base_knows():
    pack = load_pack()
    needs = schema("plan")["properties"]["facts"]["properties"]["needs"]["properties"]
    answers = schema("answers")["properties"]
    for key, vocabulary in (("use_case", "use-cases"), ("experience", "experiences")):
        assert set(needs[key]["enum"]) == set(answers[key]["enum"]) == set(pack.vocabulary(vocabulary))
    for key, values in CHOICES.items():
        assert needs[key]["enum"] == answers[key]["enum"] == list(values)
    assert set(answers) == set(KEYS)


@pytest.mark.parametrize("key", ["verdict", "facts", "choice", "rejected", "knowledge"])
def test_a_document_without_a_key_is_refused(run, valid, key):
    found = run("plan", "--json", *GPU, "--use-case", "embeddings").json
    valid("plan", found)
    del found[key]
    with pytest.raises(AssertionError):
        valid("plan", found)


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "perhaps"},
        {"verdict": "nothing-fits"},
        {"choice": None},
        {"more": 1},
        {"warnings": [{"id": "x"}]},
        {"knowledge": {"digest": "x", "version": "1", "oldest_review": "2026-11-21"}},
    ],
    ids=str,
)
def test_a_wrong_document_is_refused(run, valid, change):
    found = run("plan", "--json", *GPU, "--use-case", "embeddings").json
    with pytest.raises(AssertionError):
        valid("plan", found | change)


def test_exposed_setups_are_valid(run, valid):
    for options in (["--exposure", "lan"], ["--exposure", "internet", "--server", "ollama"], ["--server", "vllm", "--users", "16"]):
        found = valid("plan", run("plan", "--json", *GPU, *options).json)
        if "--exposure" in options:
            assert found["choice"]["settings"]["auth"]["kind"] == "api-key"
            assert found["choice"]["proxy"]["tls"] is True
            assert found["choice"]["settings"]["bind"] == "127.0.0.1"
