"""A pairing is of a server and a model that exist; so is what a measurement or an offer is of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.problems import Check, Problem, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.maintain.tree import Tree


def _check(tree: Tree) -> Iterator[Problem]:
    known = tree.everything.files
    for id_, document in tree.files["pairing"].items():
        server, _, model = id_.partition("/")
        if server not in known["server"]:
            yield problem(document, (), f"there is no server {server!r}.", tip="The folder is the server's id.")
        names = {name for full in known["model"] for name in (full, full.rsplit("/", maxsplit=1)[-1])}
        if model not in names:
            yield problem(document, (), f"there is no model {model!r}.", tip="The rest of the path is the model's id.")
    kinds = (("device", "device"), ("model", "model"), ("server", "server"))
    for document in tree.files["measurement"].values():
        for key, kind in kinds:
            value = document.data.get(key)
            if isinstance(value, str) and value not in known[kind]:
                yield problem(document, (key,), f"there is no {key} {value!r}.", tip="Use an id of the knowledge base.")
    for document in tree.files["hosted"].values():
        for index, offer in enumerate(document.data.get("offers", [])):
            if "model" in offer and offer["model"] not in known["model"]:
                yield problem(
                    document,
                    ("offers", index, "model"),
                    f"there is no model {offer['model']!r}.",
                    tip="Leave the key out, or add the model.",
                )


CHECK = Check("pairings-exist", "Pairings, measurements and offers speak of things that exist.", _check)
