"""What rules select and compare with exists: servers, models, families, backends, runtimes, formats, quantisations, use cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from setupgen.errors import nearest
from setupgen.maintain.problems import Check, Problem, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.maintain.load import At
    from setupgen.maintain.tree import Tree

# Keys of selectors, and facts, to the values that they can have.
_SELECTORS = {
    "server": "servers",
    "model": "models",
    "family": "families",
    "format": "weight-formats",
    "quant": "quantisations",
    "backend": "backends",
    "runtime": "runtimes",
    "attention": "attention-kinds",
}
_FREE = {"mixture", "offload", "cache_type"}
_FACTS = {
    "needs.use_case": "use-cases",
    "needs.experience": "experiences",
    "needs.os": "operating-systems",
    "needs.runtime": "runtimes",
    "needs.server": "servers",
    "hardware.kind": "device-kinds",
    "hardware.segment": "segments",
    "hardware.devices": "devices",
    "server.id": "servers",
    "model.id": "models",
    "model.family": "families",
    "model.attention": "attention-kinds",
    "model.capabilities": "capabilities",
    "weights.format": "weight-formats",
    "weights.quant": "quantisations",
    "backend": "backends",
    "runtime": "runtimes",
}


def _check(tree: Tree) -> Iterator[Problem]:
    known = _known(tree)
    for document, index, rule in tree.rules():
        at: At = ("rules", index)
        for place, key, value in _selected(rule):
            if key not in _SELECTORS and key not in _FREE:
                tip = f"Known keys: {', '.join(sorted({*_SELECTORS, *_FREE}))}."
                yield problem(document, (*at, *place), f"unknown selector {key!r}.", tip=tip)
            elif message := _unknown(value, known.get(_SELECTORS.get(key, ""), set())):
                yield problem(document, (*at, *place), message)
        for place, fact, value in compared(rule["when"], ("when",)):
            if message := _unknown(value, known.get(_FACTS.get(fact, ""), set())):
                yield problem(document, (*at, *place), message)


def _known(tree: Tree) -> dict[str, set[str]]:
    known = {name: set(tree.ids(name)) for name in {*_SELECTORS.values(), *_FACTS.values()}}
    files = tree.everything.files
    known |= {"servers": set(files["server"]), "models": set(files["model"]), "devices": set(files["device"])}
    known["families"] = {str(document.data.get("family")) for document in files["model"].values()}
    return known


def _selected(rule: dict[str, Any]) -> Iterator[tuple[At, str, Any]]:
    for index, effect in enumerate(rule["then"]):
        for kind in ("exclude", "require", "prefer"):
            for key, value in effect.get(kind, {}).items():
                for one in value if isinstance(value, list) else [value]:
                    yield ("then", index, kind, key), key, one


def compared(condition: dict[str, Any], at: At = ()) -> Iterator[tuple[At, str, Any]]:
    """Place, fact and value of every comparison with a word."""
    for branch in ("all", "any"):
        for index, part in enumerate(condition.get(branch, [])):
            yield from compared(part, (*at, branch, index))
    if "not" in condition:
        yield from compared(condition["not"], (*at, "not"))
    for operator in ("is", "is_not", "in", "not_in", "contains"):
        if operator in condition:
            value = condition[operator]
            for one in value if isinstance(value, list) else [value]:
                yield (*at, operator), condition["fact"], one


def _unknown(value: Any, known: set[str]) -> str:
    """What is wrong with a value; empty where nothing is, or where nothing is known to compare it with."""
    if not known or not isinstance(value, str) or value in known:
        return ""
    near = nearest(value, known, 1)
    return f"{value!r} does not exist." + (f" Did you mean {near[0]}?" if near else "")


CHECK = Check("rules-select-known", "Rules speak of things that exist.", _check)
