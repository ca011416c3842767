"""Every claim leads to a page that somebody read, and no page is listed that nothing rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from setupgen.maintain.problems import Check, Problem, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.maintain.load import At
    from setupgen.maintain.tree import Tree


def _check(tree: Tree) -> Iterator[Problem]:
    known = {str(source["id"]): (document, index) for document, index, source in tree.everything.sources() if "id" in source}
    used: set[str] = set()
    for kind, id_, document in tree.everything.documents():
        if kind == "sources":
            continue
        for at, cited_id in cited(document.data):
            used.add(cited_id)
            if cited_id not in known:
                yield problem(
                    document, at, f"the source {cited_id!r} is not listed.", tip="Add it to a file in knowledge/sources/, or mend the id."
                )
        if kind not in {"vocabulary", "rules", "question", "template"} and id_ in tree.files[kind] and not _is_sourced(kind, document.data):
            yield problem(document, ("sources",), "nothing says where this is from.", tip="Cite at least one source.")
    for document, index, rule in tree.rules():
        if not rule["sources"]:
            yield problem(document, ("rules", index, "sources"), f"the rule {rule['id']} cites nothing.", tip="Cite at least one source.")
    for id_ in sorted(set(known) - used):
        document, index = known[id_]
        tip = "Cite it where it belongs, or remove it."
        yield problem(document, ("sources", index), f"nothing cites the source {id_!r}.", tip=tip)


def _is_sourced(kind: str, data: Any) -> bool:
    """Whether it cites something; a measurement that says who made it and with which command is a source itself."""
    return bool(data["sources"]) or (kind == "measurement" and bool(data.get("by")) and bool(data.get("command")))


def cited(value: Any, at: At = ()) -> Iterator[tuple[At, str]]:
    """Place and id of every source that is cited under `sources` or `source`."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "source" and isinstance(inner, str):
                yield (*at, key), inner
            elif key == "sources" and isinstance(inner, list):
                yield from (((*at, key, index), item) for index, item in enumerate(inner) if isinstance(item, str))
            else:
                yield from cited(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from cited(inner, (*at, index))


CHECK = Check("sources-resolve", "Every cited source is listed, every listed source is cited, every file with claims cites one.", _check)
