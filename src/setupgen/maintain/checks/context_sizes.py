"""An extended context is longer than the native one, and both are sizes that models have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.problems import Check, Problem, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.maintain.tree import Tree

LEAST = 256
MOST = 20_000_000


def _check(tree: Tree) -> Iterator[Problem]:
    for document in tree.files["model"].values():
        context = document.data["context"]
        for key, value in context.items():
            if not LEAST <= value <= MOST:
                yield problem(document, ("context", key), "not a plausible context.", actual=value, expected=f"{LEAST} to {MOST} tokens")
        if context.get("extended", context["native"]) < context["native"]:
            at = ("context", "extended")
            yield problem(
                document, at, "shorter than the native context.", actual=context["extended"], expected=f"at least {context['native']}"
            )


CHECK = Check("context-sizes", "context.extended is at least context.native.", _check)
