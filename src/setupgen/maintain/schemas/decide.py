"""Schemas of what decides: rules, questions, vocabularies, sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.schemas.conditions import condition_defs, known_leaf
from setupgen.maintain.schemas.parts import (
    ID,
    Schema,
    cited,
    date,
    integer,
    kind,
    list_of,
    mapping,
    mapping_of,
    number,
    one_of,
    text,
    url,
    word,
)

if TYPE_CHECKING:
    from setupgen.maintain.tree import Tree

_SCALAR: Schema = {"type": ["string", "number", "boolean"]}


def rules(tree: Tree) -> Schema:
    """The schema of `knowledge/rules/<topic>.yaml`."""
    rule = {
        "id": text("Unique over all topics; a case in tests/cases names it under `covers`.", ID),
        "when": {"$ref": "#/$defs/condition1"},
        "then": list_of(_effect(), least=1, unique=False),
        "because": text("One sentence for the reader of the plan."),
        "overrides": text("Id of the rule whose `set` this one replaces.", ID),
    }
    body = mapping(
        {
            "rules": list_of(mapping(rule | cited(), ("id", "when", "then", "because", "sources", "reviewed")), least=1, unique=False),
            "reviewed": date(),
        },
        ("rules",),
    )
    return kind("Rules of one topic", body | {"$defs": condition_defs(known_leaf(tree))})


def question(tree: Tree) -> Schema:
    """The schema of `knowledge/questions/<id>.yaml`."""
    choice = {"value": _SCALAR, "label": text(), "description": text()}
    properties = {
        "text": text("The question."),
        "help": text("What the answer changes, for somebody who does not know."),
        "sets": word(tree, "facts", "The fact that the answer sets."),
        "kind": one_of(("choice", "number", "size", "multi", "text", "confirm")),
        "choices": list_of(mapping(choice, ("value", "label")), least=2, unique=False),
        "choices_from": one_of(tree.files.get("vocabulary", {}) or ["use-cases"], "The vocabulary that lists the choices."),
        "default": {"type": ["string", "number", "boolean", "array"]},
        "when": {"$ref": "#/$defs/condition1"},
        "order": integer("Questions come in this order."),
    }
    body = mapping(properties | cited(), ("text", "help", "sets", "kind", "order", "reviewed"))
    return kind("A question", body | {"$defs": condition_defs(known_leaf(tree))})


def vocabulary(tree: Tree) -> Schema:
    """The schema of `knowledge/vocabulary/<name>.yaml`: ids, words and whatever else the entries of one vocabulary share."""
    del tree
    entry: Schema = {
        "type": "object",
        "properties": {"id": text("", r"^[A-Za-z0-9][A-Za-z0-9._-]*$"), "label": text(), "description": text()},
        "required": ["description", "id", "label"],
        "propertyNames": {"pattern": "^[a-z][a-z0-9_]*$"},
    }
    return kind("A vocabulary", mapping({"entries": list_of(entry, least=1)} | cited(), ("entries", "reviewed")))


def sources(tree: Tree) -> Schema:
    """The schema of `knowledge/sources/<area>.yaml`."""
    del tree
    entry = {
        "id": text("Unique over all areas.", ID),
        "title": text(),
        "url": url(),
        "retrieved": date("The day on which somebody read it."),
        "note": text(),
    }
    return kind(
        "Cited pages", mapping({"sources": list_of(mapping(entry, ("id", "title", "url", "retrieved"))), "reviewed": date()}, ("sources",))
    )


def _effect() -> Schema:
    value = {"anyOf": [{"type": ["string", "boolean"]}, list_of({"type": ["string", "boolean"]}, least=1)]}
    selector = mapping_of(
        value, text("", "^[a-z][a-z_]*$"), "What candidates have in common: server, model, family, format, quant, backend ..."
    )
    return {
        "anyOf": [
            mapping({"exclude": selector}, ("exclude",)),
            mapping({"require": selector}, ("require",)),
            mapping({"prefer": selector, "weight": number("Weights add up; negative ones speak against.", -100)}, ("prefer", "weight")),
            mapping({"set": mapping_of({"type": ["string", "number", "boolean", "array", "object"]})}, ("set",)),
            mapping({"warn": {"anyOf": [text(), mapping({"id": text("", ID), "text": text()}, ("text",))]}}, ("warn",)),
        ]
    }
