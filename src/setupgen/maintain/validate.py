"""Holds files against their schemas, and says in sentences where they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from setupgen.errors import nearest, shorten
from setupgen.maintain.problems import Problem, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.maintain.load import At, Document
    from setupgen.maintain.schemas.parts import Schema
    from setupgen.maintain.tree import Tree

MOST_WORDS = 15
_TYPES = {
    "object": "a mapping (key: value)",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


def validate(tree: Tree, schemas: dict[str, Schema]) -> Iterator[Problem]:
    """The problems of every file with the schema of its kind."""
    from jsonschema import Draft202012Validator

    for kind, schema in schemas.items():
        validator = Draft202012Validator(schema)
        for document in tree.files.get(kind, {}).values():
            errors = sorted(validator.iter_errors(document.data), key=lambda error: [str(step) for step in error.absolute_path])
            for error in errors:
                yield from _problems(document, error)


def _problems(document: Document, error: Any) -> Iterator[Problem]:
    if error.validator == "anyOf" and error.context:
        yield from _problems(document, _closest(error))
        return
    at: At = tuple(error.absolute_path)
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = sorted(error.schema.get("properties", {}))
        for key in sorted(set(error.instance) - set(known)):
            near = nearest(key, known, 1)
            tip = f"Did you mean {near[0]}?" if near else f"Known keys: {', '.join(known)}."
            yield problem(document, (*at, key), "unknown key.", tip=tip)
        return
    if error.validator == "required" and isinstance(error.instance, dict):
        for key in error.validator_value:
            if key not in error.instance:
                about = error.schema.get("properties", {}).get(key, {}).get("description", "")
                yield problem(document, at, f"the key {key} is missing.", tip=about)
        return
    yield _simple(document, at, error)


def _simple(document: Document, at: At, error: Any) -> Problem:
    tip = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
    value = error.validator_value
    if error.validator == "enum":
        near = nearest(str(error.instance), [str(item) for item in value], 1)
        few = len(value) <= MOST_WORDS
        expected = f"one of {', '.join(str(item) for item in value)}" if few else ""
        return problem(
            document,
            at,
            "not a known word.",
            actual=_show(error.instance),
            expected=expected,
            tip=f"Did you mean {near[0]}?" if near else tip,
        )
    if error.validator == "type":
        kinds = value if isinstance(value, list) else [value]
        return problem(
            document, at, "of the wrong kind.", actual=_show(error.instance), expected=" or ".join(_TYPES[item] for item in kinds), tip=tip
        )
    if error.validator == "pattern":
        return problem(document, at, "not of the right form.", actual=_show(error.instance), expected=f"text that matches {value}", tip=tip)
    if error.validator in {"minimum", "exclusiveMinimum"}:
        return problem(document, at, "too small.", actual=_show(error.instance), expected=f"at least {value}", tip=tip)
    if error.validator == "uniqueItems":
        return problem(document, at, "an item comes twice.", tip="Keep one of them.")
    if error.validator in {"minItems", "minLength", "minProperties"}:
        return problem(document, at, "nothing is written here.", tip=tip or "Write it, or leave the key out.")
    return problem(document, at, f"{shorten(error.message, 200)}.", tip=tip)


def _closest(error: Any) -> Any:
    """The error of the alternative that was most likely meant: the one with the most known keys, then the fewest errors."""
    branches: dict[int, list[Any]] = {}
    for inner in error.context:
        branches.setdefault(int(inner.relative_schema_path[0]), []).append(inner)

    def distance(index: int) -> tuple[int, int, int]:
        errors = branches[index]
        keys = set(error.instance) if isinstance(error.instance, dict) else set()
        schema = error.validator_value[index]
        return (-len(keys & set(schema.get("properties", {}))), len(errors), index)

    errors = branches[min(branches, key=distance)]
    return max(errors, key=lambda inner: len(inner.absolute_path))


def _show(value: Any) -> str:
    if isinstance(value, str):
        return repr(shorten(value))
    return shorten(str(value).lower() if isinstance(value, bool) else str(value))
