"""Schemas of conditions: a fact and one comparison, joined by all, any and not, at most three deep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from setupgen.maintain.schemas.parts import Schema, flag, list_of, mapping, text, word

if TYPE_CHECKING:
    from setupgen.maintain.tree import Tree

DEPTH = 3

_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
_NUMBERS = ("at_least", "at_most", "above", "below")


def condition_defs(leaf: Schema) -> dict[str, Schema]:
    """Definitions ``condition1`` (the outermost) to ``condition3``, over a leaf."""
    levels: dict[str, Schema] = {}
    for level in range(1, DEPTH):
        inner = {"$ref": f"#/$defs/condition{level + 1}"}
        levels[f"condition{level}"] = {
            "anyOf": [
                leaf,
                mapping({"all": list_of(inner, least=1, unique=False)}, ("all",)),
                mapping({"any": list_of(inner, least=1, unique=False)}, ("any",)),
                mapping({"not": inner}, ("not",)),
            ]
        }
    return levels | {f"condition{DEPTH}": leaf}


def known_leaf(tree: Tree) -> Schema:
    """A comparison of a fact of the vocabulary: what rules and questions read."""
    return _leaf(word(tree, "facts"))


def free_leaf() -> Schema:
    """A comparison of any dotted name: settings of a launch line, parts of a plan."""
    return _leaf(text("A dotted name.", r"^[a-z_]+(\.[a-z_]+)*$"))


def _leaf(fact: Schema) -> Schema:
    operators: dict[str, Any] = {
        "is": _SCALAR,
        "is_not": _SCALAR,
        "in": list_of(_SCALAR, least=1),
        "not_in": list_of(_SCALAR, least=1),
        "exists": flag(),
        "contains": {"anyOf": [_SCALAR, list_of(_SCALAR, least=1)]},
        "matches": text("A regular expression."),
    } | {name: {"type": ["number", "string"]} for name in _NUMBERS}
    return mapping({"fact": fact} | operators, ("fact",), "A fact and one comparison.") | {"minProperties": 2, "maxProperties": 2}
