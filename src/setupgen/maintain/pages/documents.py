"""The page of the JSON documents that people script against, from the schemas that ship with the package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import setupgen
from setupgen.maintain.pages.text import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack

SCHEMAS = Path(setupgen.__file__).parent / "schemas"

COMMANDS = {
    "plan": "`setupgen plan --json`",
    "detect": "`setupgen detect --json`",
    "cost": "`setupgen cost --json`",
    "doctor": "`setupgen doctor --json`",
    "estimate": "`setupgen estimate --json`",
    "upgrade": "`setupgen upgrade --json`",
    "fleet": "`setupgen fleet --json`",
    "answers": "the answers file of `--answers`",
    "inventory": "the inventory of `setupgen fleet`",
}


def schema_files() -> dict[str, str]:
    """File name to text of every published schema."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(SCHEMAS.glob("*.schema.json"))}


def documents(_pack: Pack) -> Iterator[str]:
    """The lines of the page: each document's keys, and the schema to check it with."""
    for name, text in schema_files().items():
        kind = name.removesuffix(".schema.json")
        schema: dict[str, Any] = json.loads(text)
        yield f"## {kind}"
        yield ""
        yield f"What {COMMANDS.get(kind, kind)} {'takes' if kind in {'answers', 'inventory'} else 'prints'}. Schema: [{name}](schemas/{name})"
        yield ""
        rows = [
            [f"`{key}`", _type(schema, part), "yes" if key in schema.get("required", ()) else "", _description(schema, part)]
            for key, part in schema.get("properties", {}).items()
        ]
        yield from table(["Key", "Type", "Always there", "What it is"], rows)
        yield ""


def _resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    name = str(part.get("$ref", "")).rsplit("/", maxsplit=1)[-1]
    found: dict[str, Any] = schema.get("$defs", {}).get(name, {})
    return {**found, **part}


def _type(schema: dict[str, Any], part: dict[str, Any]) -> str:
    whole = _resolved(schema, part)
    found = whole.get("type") or ("one of the words" if "enum" in whole else "a constant" if "const" in whole else "see the schema")
    return " or ".join(found) if isinstance(found, list) else str(found)


def _description(schema: dict[str, Any], part: dict[str, Any]) -> str:
    return str(_resolved(schema, part).get("description", "")).replace("\n", " ")
