"""Schemas of what stands around a server: clients, hosted endpoints, pairings, and the targets that make files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.schemas.conditions import condition_defs, free_leaf, known_leaf
from setupgen.maintain.schemas.parts import (
    ID,
    NAME_IN_TREE,
    Schema,
    cited,
    date,
    disputed,
    flag,
    instead,
    integer,
    kind,
    list_of,
    mapping,
    mapping_of,
    month_or_date,
    number,
    one_of,
    text,
    url,
    word,
)

if TYPE_CHECKING:
    from setupgen.maintain.tree import Tree

_OPEN: Schema = {"type": "object"}
_CONDITION: Schema = {"$ref": "#/$defs/condition1"}


def client(tree: Tree) -> Schema:
    """The schema of `knowledge/clients/<client>.yaml`."""
    variable = mapping(
        {
            "name": text("", "^[A-Z_][A-Z0-9_]*$"),
            "value": {"type": "string", "description": "Parts in braces are filled in."},
            "when": text("The API or the situation that it is for.", ID),
            "secret": flag(),
            "optional": flag(),
            "meaning": text(),
        },
        ("name", "value"),
    )
    file = {
        "name": text(),
        "format": one_of(("json", "toml", "yaml", "env")),
        "places": list_of(text()),
        "keys": {"type": "object"},
        "optional": {"type": "object"},
    }
    properties: dict[str, Schema] = {
        "name": text(),
        "aliases": list_of(text()),
        "status": one_of(("active", "maintenance", "dormant", "archived")),
        "license": text(),
        "license_note": text(),
        "homepage": url(),
        "version": mapping({"pinned": text(), "minimum": text(), "minimum_because": text(), "note": text()}, ("pinned", "minimum")),
        "use_cases": list_of(word(tree, "use-cases")),
        "apis": list_of(one_of(("openai", "anthropic", "ollama", "responses", "kobold")), "What it speaks, best first."),
        "runs_as": one_of(("cli", "container", "editor", "app")),
        "install": mapping_of(text("A command."), word(tree, "operating-systems")),
        "image": text(),
        "container_port": integer("", 1),
        "port": integer("", 1),
        "volume": text(),
        "minimum_context": integer("Tokens below which it does not work well."),
        "environment": list_of(variable, "Variables, in order."),
        "embeddings": mapping({"environment": list_of(variable)}),
        "file": mapping(file, ("name", "format")),
        "facts": list_of(text(), "What to know about it, a sentence each."),
        "instead": instead("Clients that do the same."),
        "disputed": disputed(),
        "notes": list_of(text()),
    }
    return kind("A client", mapping(properties | cited(), ("name", "apis", "sources", "reviewed")))


def hosted(tree: Tree) -> Schema:
    """The schema of `knowledge/hosted/<provider>.yaml`."""
    del tree
    price = number("US dollars per million tokens.")
    offer = {
        "name": text("As the provider names it."),
        "model": text("Id of the same model in the knowledge base, lab/model."),
        "tier": one_of(
            ("same", "frontier", "small"), "same: a model that we also run; frontier: better than any of ours; small: a cheap one."
        ),
        "input_per_mtok_usd": price,
        "cached_input_per_mtok_usd": price,
        "output_per_mtok_usd": price,
        "context": integer("", 1),
        "date": date("The day of the price."),
        "source": text("Id of a source.", ID),
        "note": text(),
    }
    properties: dict[str, Schema] = {
        "name": text(),
        "homepage": url(),
        "base_url": url(),
        "apis": list_of(one_of(("openai", "anthropic", "ollama"))),
        "privacy": text("What the provider promises about data."),
        "offers": list_of(mapping(offer, ("name", "input_per_mtok_usd", "output_per_mtok_usd", "date", "source")), least=1),
        "notes": list_of(text()),
    }
    return kind("A hosted endpoint", mapping(properties | cited(), ("name", "sources", "reviewed")))


def pairing(tree: Tree) -> Schema:
    """The schema of `knowledge/pairings/<server>/<model>.yaml`."""
    effect = {
        "exclude": flag("The pair is not offered."),
        "warn": text("What may go wrong, and what to do about it."),
        "set": mapping_of({"type": ["string", "number", "boolean"]}, text("", r"^settings\.[a-z_.]+$")),
    }
    properties: dict[str, Schema] = {
        "when": _CONDITION,
        "effect": mapping(effect),
        "works": flag(),
        "because": text(),
        "settings": _OPEN,
        "parsers": mapping({"tool": text(), "reasoning": text(), "plugin": text()}),
        "faults": list_of(text()),
        "notes": list_of(text()),
    }
    body = mapping(properties | cited(), ("sources", "reviewed"))
    return kind("What differs for a server and a model together", body | {"$defs": condition_defs(known_leaf(tree))})


def instance(tree: Tree) -> Schema:
    """The schema of `knowledge/instances/<provider>/<instance>.yaml`."""
    del tree
    part = {
        "id": text("Id of the hardware, vendor/device.", NAME_IN_TREE),
        "count": integer("", 1),
        "memory_gib": number("Of each, where it is sold with several.", 0.5),
    }
    price = {
        "value": number("Per hour, on demand."),
        "region": text(),
        "date": date("The day of the price."),
        "source": text("Id of a source.", ID),
        "note": text(),
    }
    properties: dict[str, Schema] = {
        "name": text("Provider and type, as its console writes them."),
        "provider": text("The folder that the file lies in.", ID),
        "aliases": list_of(text()),
        "devices": list_of(mapping(part, ("id", "count")), "Accelerators in it; empty where the CPU does the work."),
        "cpu": text("Id of the processor, where the provider names it.", NAME_IN_TREE),
        "cpu_threads": integer("What the provider sells as vCPUs.", 1),
        "ram_gib": number("Main memory.", 0.5),
        "usd_per_hour": mapping(price, ("value", "date", "source")),
        "notes": list_of(text()),
    }
    required = ("name", "provider", "devices", "ram_gib", "usd_per_hour", "sources", "reviewed")
    return kind("A rented instance", mapping(properties | cited(), required))


def setup(tree: Tree) -> Schema:
    """The schema of `knowledge/setups/<setup>.yaml`."""
    proof = {
        "says": text("What was run or advised, in a sentence with its numbers."),
        "kind": one_of(
            ("published-run", "publisher-recipe", "own-run"), "Who vouches: somebody who ran it, who made a part of it, or this project."
        ),
        "exact": flag("Whether the very same parts were run; otherwise the sentence says what differed."),
        "decode_tps": number("Tokens per second for one user, as published."),
        "context": integer("Tokens that were held.", 1),
        "date": month_or_date(),
        "source": text("Id of a source.", ID),
    }
    properties: dict[str, Schema] = {
        "name": text("Hardware and use case in a few words."),
        "devices": list_of(
            text("Id of the hardware, vendor/device.", NAME_IN_TREE), "Kinds of hardware that it holds for, each alone.", least=1
        ),
        "count": integer("How many of them; 1 unless stated.", 1),
        "memory_gib": number("Least memory of a device or a machine with unified memory, where it is sold with several.", 0.5),
        "use_case": word(tree, "use-cases"),
        "users": mapping({"least": integer("", 1), "most": integer("", 1)}),
        "model": text("Id of the model, lab/model.", NAME_IN_TREE),
        "quant": word(tree, "quantisations"),
        "server": text("Id of the server.", ID),
        "client": text("Id of the client.", ID),
        "versions": mapping_of(text(), text("", ID), "Server or client to the version that it was blessed with."),
        "settings": _OPEN | {"description": "What the evidence set: context, cache types, offload."},
        "evidence": list_of(mapping(proof, ("says", "kind", "exact", "source")), least=1),
        "notes": list_of(text()),
    }
    required = ("name", "devices", "use_case", "model", "quant", "server", "versions", "evidence", "sources", "reviewed")
    return kind("A blessed setup", mapping(properties | cited(), required))


def template(tree: Tree) -> Schema:
    """The schema of `templates/<target>/template.yaml`."""
    del tree
    file: dict[str, Schema] = {
        "path": text("Where the file goes in a setup; {name} is the setup's name."),
        "template": text("The file in this folder that it is made from.", r"\.j2$"),
        "about": text("What it is, for the run book."),
        "override": text("Where users put what they change."),
        "mode": text("Permissions in octal.", "^0[0-7]{3}$"),
        "secret": flag("Holds secrets: existing values are kept."),
        "edit": flag("Meant to be edited by the user."),
        "when": _CONDITION,
    }
    properties: dict[str, Schema] = {
        "name": text(),
        "description": text(),
        "role": one_of(("base", "runtime", "proxy", "client", "cluster", "monitoring")),
        "serves": _CONDITION,
        "on_request": flag("Written only when --target names it; one that runs the server then takes the usual one's place."),
        "files": list_of(mapping(file, ("path", "template", "about")), least=1),
        "images": mapping_of(text("Image with its tag.", "^[^\\s:]+(:[0-9]+/[^\\s:]+)?:[^\\s:]+$"), text("", ID)),
        "minimum_version": text("Oldest version of the programs that read the files."),
        "pinned_version": text("The version that the tests put them before."),
        "unchecked": text("Why no program judges the files in the tests: then they are checked by schema only."),
    }
    required = ("name", "description", "role", "serves", "files", "minimum_version", "pinned_version", "reviewed")
    return kind("A target", mapping(properties | cited(), required) | {"$defs": condition_defs(free_leaf())})
