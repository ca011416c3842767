"""The vocabulary of quantisations and the engine that computes their sizes name the same ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.engine.quantisation import QUANTISATIONS
from setupgen.maintain.problems import Check, Problem, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.maintain.tree import Tree


def _check(tree: Tree) -> Iterator[Problem]:
    document = tree.files["vocabulary"].get("quantisations")
    if document is None:
        return
    for index, id_ in enumerate(tree.ids("quantisations")):
        if id_ not in QUANTISATIONS:
            yield problem(
                document,
                ("entries", index),
                f"no size can be computed for {id_}.",
                tip="Add it to engine/quantisation.py, or remove it here.",
            )


CHECK = Check("quantisations-computable", "The engine can compute sizes for every quantisation.", _check)
