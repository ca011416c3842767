"""Runs the command line in this process, from an empty folder, as a script would see it."""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from setupgen.cli.main import main

sys.path.insert(0, str(Path(__file__).parent))

from cli_result import Result


@pytest.fixture(scope="session", autouse=True)
def _fresh(fresh_pack):
    """The program under test knows what the tree says."""


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Runs a command."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str) -> Result:
        capsys.readouterr()
        code = main(list(arguments))
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return command


def validator(name: str) -> Draft202012Validator:
    """The published schema of a document."""
    schema = json.loads(files("setupgen").joinpath("schemas", f"{name}.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


@pytest.fixture(scope="session")
def valid():
    """Asserts that a document is what its published schema says, and gives the document back."""
    validators: dict[str, Draft202012Validator] = {}

    def check(name: str, document: Any) -> Any:
        checker = validators.setdefault(name, validator(name))
        assert [f"{error.json_path}: {error.message[:200]}" for error in checker.iter_errors(document)] == []
        return document

    return check


@pytest.fixture
def inventory(tmp_path):
    """Writes an inventory and gives its path."""

    def write(text):
        path = tmp_path / "fleet.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write
