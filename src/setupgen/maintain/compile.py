"""Compiles the source tree to one pack of JSON lines (`setupgen.knowledge`): the same tree gives the same bytes.

The build hook runs this, so it needs PyYAML and nothing else. Schemas and checks are `kb lint`'s; what is compiled here is only complete
and strict YAML.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

import setupgen
from setupgen.engine.published import scale_of, scales
from setupgen.engine.ranking import expected_quality
from setupgen.engine.weights import computed_weight_bytes, packed
from setupgen.errors import UsageError
from setupgen.knowledge import WHOLE, Head, Model, names_of
from setupgen.maintain.cases import variants
from setupgen.maintain.load import read
from setupgen.maintain.tree import Tree, listed, load_tree

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = 2
PACK = "src/setupgen/_data/pack.jsonl"

# Key of the pack -> kind of file.
KINDS = {
    "models": "model",
    "hardware": "device",
    "instances": "instance",
    "servers": "server",
    "clients": "client",
    "hosted": "hosted",
    "pairings": "pairing",
    "setups": "setup",
    "measurements": "measurement",
    "questions": "question",
}


def compile_pack(root: Path) -> dict[str, Any]:
    """The pack of the source tree at `root`.

    Raises:
        UsageError: for a file that cannot be loaded, or an id that comes twice.
    """
    return pack_of(load_tree(root))


def pack_of(tree: Tree) -> dict[str, Any]:
    """The pack of a loaded tree.

    Raises:
        UsageError: for an id that comes twice.
    """
    content: dict[str, Any] = {key: {id_: document.data for id_, document in tree.files[kind].items()} for key, kind in KINDS.items()}
    content["vocabulary"] = {name: listed(document, "entries") for name, document in tree.files["vocabulary"].items()}
    content["rules"] = rules_of(tree)
    content["sources"] = sources_of(tree)
    content["templates"] = {target: document.data | {"texts": tree.texts[target]} for target, document in tree.files["template"].items()}
    digest = hashlib.sha256(to_json(content).encode()).hexdigest()
    return content | {
        "schema": SCHEMA,
        "version": setupgen.__version__,
        "digest": f"sha256:{digest}",
        "oldest_review": min(_reviews(tree), default=""),
        "sizes": {id_: sizes_of(id_, raw) for id_, raw in content["models"].items()},
        "heads": heads_of(content["models"]),
        "scales": scales_of(content["models"]),
        "cases": cases_of(tree),
    }


def cases_of(tree: Tree) -> dict[str, list[str]]:
    """Every rule, and pairing as ``pairing:server/model``, to the cases that hold it; empty where the tree comes without its tests."""
    found: dict[str, list[str]] = {}
    for path in sorted((tree.root / "tests" / "cases").glob("**/*.yaml")):
        try:
            case = read(path, tree.root).data
        except UsageError:
            continue  # the tests that run the cases say what is wrong with the file
        if isinstance(case, dict):
            for id_ in dict.fromkeys(id_ for variant in variants(path.stem, case) for id_ in sorted(variant.covers)):
                found.setdefault(id_, []).append(path.stem)
    return found


def heads_of(models: dict[str, Any]) -> dict[str, Any]:
    """The heads of models; of none where a file has holes, so that the engine reads the models themselves."""
    try:
        return {id_: Head.pack(raw) for id_, raw in models.items()}
    except (KeyError, TypeError):
        return {}  # what is wrong with the file is for the checks to say


def scales_of(models: dict[str, Any]) -> dict[str, Any]:
    """What a score of each benchmark is worth, from all models that have one; of files with holes, nothing."""
    points = []
    for id_, raw in sorted(models.items()):
        try:
            model = Model.of(id_, raw)
            points += [(scale_of(score), expected_quality(model), float(score["value"])) for score in raw.get("scores", ())]
        except (KeyError, TypeError, ValueError, UsageError):
            continue  # what is wrong with the file is for the checks to say
    return scales(points)


def sizes_of(id_: str, raw: dict[str, Any]) -> dict[str, list[Any]]:
    """Bytes of every published quantisation of a model, worked out once here so that plans need not; empty for a file with holes."""
    try:
        model = Model.of(id_, raw)
        return {
            f"{weights.format}/{weights.quant}": packed(computed_weight_bytes(model.architecture, weights.quant, weights.format))
            for weights in model.weights
        }
    except (KeyError, TypeError, ValueError, UsageError):
        return {}  # what is wrong with the file is for the checks to say


def write_pack(root: Path) -> Path:
    """Compile the tree at `root` and write the pack, unless it is there with the same bytes. Returns its path."""
    path = root / PACK
    text = to_text(compile_pack(root))
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    else:
        path.touch()
    return path


def to_text(raw: dict[str, Any]) -> str:
    """The pack as it is stored: what it holds, then a line for each thing, or for each section of which everything is always read."""
    names = names_of(raw)
    header: dict[str, Any] = {"pack": {}, "sections": [], "names": sorted(names)}
    lines = []
    for section, content in sorted(raw.items()):
        if not isinstance(content, dict):
            header["pack"][section] = content
        elif section in WHOLE:
            header["sections"].append([section, None])
            lines.append(to_json(content))
        else:
            header["sections"].append([section, len(content)])
            lines.append(to_json(sorted(content)))
            lines += [to_json(content[id_]) for id_ in sorted(content)]
    lines += [to_json(names[table]) for table in sorted(names)]
    return "\n".join([to_json(header), *lines])


def to_json(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces, ASCII (which is read fastest)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def rules_of(tree: Tree) -> dict[str, Any]:
    """Every rule by id, with its topic.

    Raises:
        UsageError: for an id that comes twice.
    """
    found: dict[str, Any] = {}
    for topic, document in tree.files["rules"].items():
        for index, rule in enumerate(listed(document, "rules")):
            id_ = _new_id(rule, found, document.place(("rules", index)))
            found[id_] = {key: value for key, value in rule.items() if key != "id"} | {"topic": topic}
    return found


def sources_of(tree: Tree) -> dict[str, Any]:
    """Every source by id.

    Raises:
        UsageError: for an id that comes twice.
    """
    found: dict[str, Any] = {}
    for document, index, source in tree.sources():
        id_ = _new_id(source, found, document.place(("sources", index)))
        found[id_] = {key: value for key, value in source.items() if key != "id"}
    return found


def _new_id(entry: dict[str, Any], found: dict[str, Any], place: str) -> str:
    id_ = entry.get("id")
    if not isinstance(id_, str):
        raise UsageError("the entry has no id.", place=place, hint="Give it one in small letters, digits and dashes.")
    if id_ in found:
        raise UsageError(f"the id {id_!r} comes twice.", place=place, hint="Rename or remove one of them.")
    return id_


def _reviews(tree: Tree) -> list[str]:
    own = [document.data.get("reviewed") for _, _, document in tree.documents()]
    rules = [rule.get("reviewed") for _, _, rule in tree.rules()]
    return [value for value in (*own, *rules) if isinstance(value, str)]
