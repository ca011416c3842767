"""The browser's door answers as the command line does, and answers everything with a document."""

from __future__ import annotations

import json

import pytest
from cli_result import GPU, QUICK
from test_facts_file import FACTS

from setupgen.web import Engine

ANSWERS = {"use_case": "chat", "hardware": "rtx-3090", "ram": "64G", "model": "qwen3-8b"}
BAD = [
    '{"users": [1]}',
    '{"hardware": 5}',
    '{"hardware": [5]}',
    '{"hardware": {}}',
    '{"users": 0}',
    '{"modle": "x"}',
    "[]",
    "{",
    "",
    "null",
]
BAD += ['{"users": true}', '{"hardware": []}', '{"context": 1e400}', '{"use_case": "x", "hardware": "cpu"}', "[" * 100_000]


@pytest.fixture(scope="module")
def engine(fresh_pack) -> Engine:
    return Engine(fresh_pack.read_text("utf-8"))


def test_plans_are_those_of_the_command_line(engine, run):
    assert json.loads(engine.plan(json.dumps(ANSWERS))) == run("plan", "--json", *QUICK, "--use-case", "chat").json


def test_estimates_are_those_of_the_command_line(engine, run):
    row = {"model": "qwen3-8b", "quant": "Q4_K_M", "hardware": ["rtx-3090"], "ram": "64G"}
    assert json.loads(engine.estimate(json.dumps(row))) == run("estimate", "--json", "--model", "qwen3-8b", "--quant", "Q4_K_M", *GPU).json


def test_files_are_those_of_write(engine, run, tmp_path):
    plan = json.loads(engine.plan(json.dumps(ANSWERS)))
    files = json.loads(engine.files(json.dumps(plan)))["files"]
    run("write", "out", *QUICK, "--use-case", "chat")
    for path in ("compose.yaml", "README.md"):
        assert files[path].splitlines()[3:] == (tmp_path / "out" / path).read_text("utf-8").splitlines()[3:]


def test_detected_machines(engine, valid):
    valid("plan", json.loads(engine.plan('{"use_case": "embeddings"}', json.dumps(FACTS))))


@pytest.mark.parametrize("answers", BAD, ids=lambda text: text[:20])
def test_problems_are_documents(engine, answers):
    for found in (engine.plan(answers), engine.explain(answers)):
        assert set(json.loads(found)) == {"error", "place", "hint"}


@pytest.mark.parametrize(
    "detected", ["{", "[]", '{"schema": 2}', json.dumps(FACTS | {"memory": 5}), json.dumps(FACTS | {"accelerators": ["x"]})]
)
def test_broken_detection_is_a_document(engine, detected):
    assert set(json.loads(engine.plan("{}", detected))) == {"error", "place", "hint"}


@pytest.mark.parametrize(
    "row", ["{", "[]", "{}", '{"model": "x", "quant": "y"}', '{"model": "qwen3-8b", "quant": "Q4_K_M", "context": []}']
)
def test_broken_rows_are_documents(engine, row):
    assert set(json.loads(engine.estimate(row))) == {"error", "place", "hint"}


def test_broken_plans_are_documents(engine):
    for plan in ("{", "[]", "{}", '{"choice": null}'):
        assert set(json.loads(engine.files(plan))) == {"error", "place", "hint"}


def test_questions_and_devices(engine):
    questions = json.loads(engine.questions())["questions"]
    assert [question["order"] for question in questions] == sorted(question["order"] for question in questions)
    assert len(json.loads(engine.devices())["devices"]) >= 25
