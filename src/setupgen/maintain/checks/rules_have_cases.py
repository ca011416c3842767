"""A rule without a case is a guess: some file in tests/cases/ names each rule under `covers`, and no other ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.errors import SetupgenError
from setupgen.maintain.load import read
from setupgen.maintain.problems import Check, Problem, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.maintain.load import Document
    from setupgen.maintain.tree import Tree


def _check(tree: Tree) -> Iterator[Problem]:
    known = {rule.get("id") for _, _, rule in tree.everything.rules()}
    covered: set[str] = set()
    for document in _cases(tree):
        for index, id_ in enumerate(document.data.get("covers", [])):
            covered.add(id_)
            if id_ not in known:
                yield problem(document, ("covers", index), f"there is no rule {id_!r}.", tip="Mend the id, or remove it.")
    for document, index, rule in tree.rules():
        if rule["id"] not in covered:
            tip = "Write one in tests/cases/ that names it under covers."
            yield problem(document, ("rules", index, "id"), f"no case covers the rule {rule['id']}.", tip=tip)


def _cases(tree: Tree) -> Iterator[Document]:
    for path in sorted((tree.root / "tests" / "cases").glob("**/*.yaml")):
        try:
            document = read(path, tree.root)
        except SetupgenError:
            continue  # the tests that run the cases say what is wrong with the file
        if isinstance(document.data, dict):
            yield document


CHECK = Check("rules-have-cases", "Every rule is covered by a case.", _check)
