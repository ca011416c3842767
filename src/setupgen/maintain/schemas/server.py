"""Schema of server files: inference servers, proxies and cluster engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.schemas.conditions import condition_defs, free_leaf
from setupgen.maintain.schemas.parts import (
    ID,
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
    one_of,
    text,
    url,
    word,
)

if TYPE_CHECKING:
    from setupgen.maintain.tree import Tree

_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
_WORDS = list_of(text())
_APIS = ("openai", "anthropic", "ollama", "responses", "kobold", "kserve")
_OPTION = text("", "^--?[A-Za-z]")
_VARIABLE = text("Name of an environment variable.", "^[A-Z_][A-Z0-9_]*$")


def server(tree: Tree) -> Schema:
    """The schema of `knowledge/servers/<server>.yaml`."""
    properties: dict[str, Schema] = {
        "name": text(),
        "aliases": list_of(text()),
        "kind": one_of(("inference", "proxy", "cluster", "gateway", "web-ui")),
        "license": text("SPDX id."),
        "status": one_of(("active", "maintenance", "dormant", "archived")),
        "homepage": url(),
        "version": _version(),
        "platforms": list_of(word(tree, "operating-systems"), least=1),
        "runtimes": list_of(word(tree, "runtimes"), least=1),
        "formats": list_of(word(tree, "weight-formats"), "Weights that it reads; empty for a proxy."),
        "apis": list_of(one_of(_APIS)),
        "fronts": list_of(text("", ID), "Servers that a proxy can stand in front of."),
        "port": integer("Its default, and the port that generated files write out; absent for what serves nothing itself.", 1)
        | {"maximum": 65535},
        "program": list_of(text(), "Words of the command line before its options.", unique=False),
        "pulls": one_of(
            ("repository", "repository-quant", "repository-file", "hub-tag", "ollama", "file", "url"),
            "How it is told which weights to fetch.",
        ),
        "on_request": flag("Planned only for who asks for it by name; it never stands beside the others."),
        "key_variable": {
            "type": "string",
            "pattern": "^([A-Z_][A-Z0-9_]*)?$",
            "description": "Variable that holds the key which callers must show; empty: it checks none.",
        },
        "api_key": mapping(
            {
                "environment": _VARIABLE,
                "headers": _WORDS,
                "open_paths": _WORDS,
                "guards": text(),
                "required": flag("It does not start without one."),
            }
        ),
        "backends": mapping_of(_backend(tree), word(tree, "backends"), "What it computes with, and how it is had for that."),
        "container": _container(),
        "endpoints": mapping_of(
            {"type": "string"}, one_of(("health", *_APIS, "metrics", "models", "embeddings", "rerank")), "Paths; empty: at the root."
        ),
        "concurrency": _concurrency(),
        "no_parallel_families": _WORDS,
        "settings": mapping_of({}, text("", "^[a-z][a-z0-9_]*$"), "What the planner must know of its settings."),
        "features": mapping_of(flag(), text("", "^[a-z][a-z0-9_]*$")),
        "tool_parsers": _WORDS,
        "reasoning_parsers": _WORDS,
        "engine": mapping(
            {"name": text(), "version": text("The oldest build that the pinned version may start."), "flags": mapping_of(_flag(), _OPTION)},
            ("name", "version", "flags"),
        )
        | {"description": "The program that it starts for the work, where its command line is ours to write."},
        "launch": list_of(_launch(), "Options, variables and words that a plan's settings become, in order.", unique=False),
        "router": list_of(_launch(), "The same for a server that is told of several models by a file.", unique=False),
        "load": list_of(_launch(), "The command that tells the server, once it runs, which model to load and how.", unique=False),
        "security": list_of(_weakness()),
        "flags": mapping_of(_flag(), _OPTION, "Options that the program has, or had."),
        "environment": mapping_of(_variable(), _VARIABLE),
        "hosts_file": {"type": "object", "description": "Shape of a proxy's list of hosts."},
        "unplanned": text("Why no setups are written for it; a clause that ends the sentence which says so."),
        "instead": instead("Servers, proxies or engines that do the same."),
        "disputed": disputed(),
        "notes": list_of(text()),
    }
    required = ("name", "kind", "version", "platforms", "runtimes", "license", "status", "sources", "reviewed")
    return kind("A server, proxy or cluster engine", mapping(properties | cited(), required) | {"$defs": condition_defs(free_leaf())})


def _version() -> Schema:
    properties = {
        "pinned": text("The version that generated files name."),
        "released": date(),
        "minimum": text("The oldest one that is safe to use."),
        "minimum_because": text(),
        "note": text(),
    }
    return mapping(properties, ("pinned", "minimum"))


def _backend(tree: Tree) -> Schema:
    properties = {
        "image": text("Container image with its tag."),
        "image_cuda12": text(),
        "image_cuda13": text(),
        "images_by_target": mapping_of(text(), text("", "^gfx[0-9a-f]+$"), "gfx target to image, where each has its own."),
        "build": text("What an image is built from, where none is published."),
        "cuda": text("Version of CUDA in the image."),
        "rocm": text("Version of ROCm in the image."),
        "minimum_capability": text("Oldest CUDA compute capability.", r"^[0-9]+\.[0-9]+$"),
        "minimum_driver": text("Oldest driver.", r"^[0-9]+(\.[0-9]+)*$"),
        "minimum_driver_note": text(),
        "compiled_capabilities": list_of(text("", r"^[0-9]+\.[0-9]+$"), "Compute capabilities that the image holds machine code for."),
        "minimum_driver_compiling": text("Oldest driver for the others, which compile at the first start.", r"^[0-9]+(\.[0-9]+)*$"),
        "targets": list_of(text("", "^gfx[0-9a-f]+$"), "gfx targets that it was compiled for."),
        "platforms": list_of(word(tree, "operating-systems")),
        "runtimes": list_of(word(tree, "runtimes")),
        "architectures": list_of(one_of(("amd64", "arm64"))),
        "container": mapping(
            {
                "gpus": one_of(("nvidia",)),
                "devices": _WORDS,
                "groups": _WORDS,
                "numeric_groups": flag("Groups are given as numbers of the host."),
                "capabilities": _WORDS,
                "security_options": _WORDS,
            }
        ),
        "on_request": flag("Used only where somebody asks for the server by name."),
        "one_card": text("Why no setup uses several cards; a clause that ends the sentence which says so."),
        "note": text(),
    }
    return mapping(properties)


def _container() -> Schema:
    properties: dict[str, Schema] = {
        "port": integer("The port inside the container.", 1),
        "volume": text("Where models are kept inside the container."),
        "environment": mapping_of(_SCALAR, _VARIABLE),
        "health": list_of(text(), "Health check as Compose writes it; empty: none.", unique=False),
        "entrypoint": text(),
        "command": list_of(text(), "Words before the options, for images that start a shell.", unique=False),
        "additions": mapping_of(list_of(text(), least=1), text("", ID), "Use case to Python packages that the image lacks for it."),
        "ipc": text(),
        "shm": {"type": "string"},
        "shm_size": text(),
    }
    return mapping(properties)


def _concurrency() -> Schema:
    properties = {
        "kind": one_of(("slots", "continuous-batching", "queue")),
        "default_parallel": integer(),
        "comfortable_users": integer("Up to here it is the right tool."),
        "maximum_users": integer("Beyond it another one is."),
        "queue": integer("Requests that may wait."),
        "note": text(),
    }
    return mapping(properties, ("kind",))


def _launch(*, nested: bool = False) -> Schema:
    source: dict[str, Schema] = {
        "setting": text("", r"^[a-z_]+(\.[a-z_]+)*$"),
        "text": text("Settings in braces become their values."),
        "map": mapping_of(_SCALAR, description="How the program spells values of the setting."),
    }
    if not nested:
        source["words"] = list_of(_launch(nested=True), "The command line of the program that it starts, as one text.", unique=False)
    properties: dict[str, Schema] = {
        "flag": _OPTION,
        "environment": _VARIABLE,
        "argument": text("What a plain word stands for."),
        "value": {"anyOf": [_SCALAR, mapping(source)]},
        "when": {"$ref": "#/$defs/condition1"},
    }
    return mapping(properties)


def _weakness() -> Schema:
    properties: dict[str, Schema] = {
        "id": text("CVE, GHSA, or a name of our own."),
        "fixed_in": {"type": "string", "description": "Version; empty: not fixed, or meant so."},
        "note": text(),
        "source": text("Id of a source.", ID),
    }
    return mapping(properties, ("id", "fixed_in", "source"))


def _flag() -> Schema:
    properties: dict[str, Schema] = {
        "aliases": _WORDS,
        "env": _VARIABLE,
        "takes": text("What it takes; absent: nothing."),
        "values": list_of(_SCALAR, least=1),
        "default": _SCALAR,
        "since": text("First version with it."),
        "until": text("First version without it."),
        "instead": text("What took its place."),
        "deprecated": flag(),
        "never": text("Why generated files never pass it."),
        "meaning": text(),
        "note": text(),
    }
    return mapping(properties)


def _variable() -> Schema:
    properties: dict[str, Schema] = {
        "default": {"type": ["string", "number"]},
        "meaning": text(),
        "since": text("First version with it."),
        "until": text("First version without it."),
        "note": text(),
    }
    return mapping(properties)
