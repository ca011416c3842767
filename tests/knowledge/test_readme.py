"""The annotated examples of knowledge/README.md are files that the schemas accept."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from setupgen.maintain.load import parse
from setupgen.maintain.schemas import build_schemas
from setupgen.maintain.tree import load_tree

ROOT = Path(__file__).parents[2]
README = (ROOT / "knowledge" / "README.md").read_text(encoding="utf-8")
BLOCKS = [block for block in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if block.count("\n") > 1]


def kind_and_data(block: str) -> tuple[str, object]:
    data = parse(block, "knowledge/README.md").data
    named = re.search(r"schema/(\w+)\.schema\.json", block)
    return (named[1], data) if named else ("rules", {"rules": data})


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: kind_and_data(block)[0])
def test_an_example_is_valid(block):
    kind, data = kind_and_data(block)
    errors = [error.message for error in Draft202012Validator(build_schemas(load_tree(ROOT, tolerant=True))[kind]).iter_errors(data)]
    assert errors == []


def test_the_examples_are_there():
    assert [kind_and_data(block)[0] for block in BLOCKS] == ["model", "device", "rules"]


def test_every_folder_is_explained():
    folders = {path.name for path in (ROOT / "knowledge").iterdir() if path.is_dir()}
    assert {name for name in folders if f"`{name}/" not in README} == set()
