"""Schemas are closed, committed as generated, and their errors are sentences with a line."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from setupgen.maintain.schemas import FOLDER, build_schemas, schema_texts, write_schemas
from setupgen.maintain.tree import FOLDERS, load_tree

ROOT = Path(__file__).parents[2]
MODEL = "knowledge/models/lab/talker-8b.yaml"
RULES = "knowledge/rules/serving.yaml"


def test_the_committed_schemas_are_up_to_date():
    for name, text in schema_texts(load_tree(ROOT)).items():
        assert (ROOT / FOLDER / name).read_text(encoding="utf-8") == text, f"{name} is out of date: run `make schemas`"


def test_every_kind_has_a_valid_schema(base):
    schemas = build_schemas(load_tree(base.root))
    assert set(schemas) == {*FOLDERS, "template"}
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)


def test_schemas_are_written_once(base):
    assert len(write_schemas(base.root)) == len(FOLDERS) + 1
    assert write_schemas(base.root) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        (MODEL, "publisher: Lab", "publishes: Lab", "unknown key. Did you mean publisher?"),
        (MODEL, "publisher: Lab\n", "", "the key publisher is missing"),
        (MODEL, "class: open", "class: opne", "Did you mean open?"),
        (MODEL, "layers: 36\n", 'layers: "36"\n', "Found '36', expected a whole number"),
        (MODEL, "released: 2026-10", "released: October", "YYYY-MM"),
        (MODEL, "native: 32768", "native: 0", "too small"),
        (MODEL, "repository: Lab/Talker-8B}", "repository: Talker-8B}", "owner/name"),
        (MODEL, '"talker:8b"', '"Talker 8b"', "not of the right form"),
        (MODEL, "use_cases: {chat: 3}", "use_cases: {chatting: 3}", "chatting"),
        (MODEL, "use_cases: {chat: 3}", "use_cases: {chat: 4}", "expected one of 1, 2, 3"),
        (RULES, "at_least: 8", "at_leest: 8", "Did you mean at_least?"),
        (RULES, "fact: needs.users", "fact: needs.user", "Did you mean needs.users?"),
        (RULES, "{prefer: {server: tester}, weight: 3}", "{prefers: {server: tester}, weight: 3}", "Did you mean prefer?"),
        (RULES, "{all: [{fact: needs.users, at_least: 8}, ", "{all: [{any: [{all: [{fact: needs.users, at_least: 8}]}]}, ", "unknown key"),
    ],
)
def test_a_wrong_key_is_named_with_its_line(base, file, old, new, words):
    line = base.change(file, old, new)
    line = line if new else 1  # a key that is missing is missing from its mapping
    found = [problem for problem in base.examine().errors if problem.check == "schema"]
    assert found, "nothing was found"
    assert any(words in str(problem) for problem in found), [str(problem) for problem in found]
    assert line in {problem.line for problem in found}, [str(problem) for problem in found]


def test_what_cannot_be_loaded_is_a_problem_like_others(base):
    base.change(MODEL, "name: Talker 8B", "name: no")
    base.write("knowledge/models/lab/list.yaml", "- a\n")
    found = {problem.file: (problem.line, problem.path, problem.check) for problem in base.examine().errors if problem.check == "loads"}
    assert found == {MODEL: (1, "name", "loads"), "knowledge/models/lab/list.yaml": (1, "", "loads")}
