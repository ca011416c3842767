"""The published number of parameters is what the architecture gives, within 2 %: a wrong width or count shows here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.engine.tensors import active_parameter_count, parameter_count
from setupgen.knowledge import Architecture
from setupgen.maintain.problems import Check, Problem, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.maintain.tree import Tree

TOTAL_SHARE = 0.02
ACTIVE_SHARE = 0.15


def _check(tree: Tree) -> Iterator[Problem]:
    for document in tree.files["model"].values():
        parameters = document.data["parameters"]
        total, active = parameters["total"], parameters.get("active", parameters["total"])
        if active > total:
            yield problem(
                document, ("parameters", "active"), "more active parameters than there are.", actual=active, expected=f"at most {total}"
            )
        mixture = "experts" in document.data["architecture"]
        if mixture != ("active" in parameters and active < total):
            tip = "Mixtures have `experts` and a smaller `active`; dense models have neither."
            yield problem(document, ("parameters",), "experts and active parameters do not go together.", tip=tip)
        try:
            architecture = Architecture.of(document.data["architecture"])
            counted, counted_active = parameter_count(architecture), active_parameter_count(architecture)
        except (KeyError, TypeError, ValueError, ZeroDivisionError, AttributeError) as error:
            yield problem(document, ("architecture",), f"the parameters cannot be counted: {error}.", tip="Is a width or a group missing?")
            continue
        share = counted / total - 1
        if abs(share) > TOTAL_SHARE:
            tip = f"They differ by {share:+.1%}; compare widths, layers and experts with the model's config.json."
            yield problem(
                document, ("parameters", "total"), "not what the architecture gives.", actual=total, expected=f"about {counted}", tip=tip
            )
        embeddings = (1 if architecture.tied_embeddings else 2) * architecture.vocab * architecture.hidden
        low, high = (counted_active - embeddings) * (1 - ACTIVE_SHARE), counted_active * (1 + ACTIVE_SHARE)
        if mixture and not low <= active <= high:
            tip = "Publishers round, and some leave embeddings out, but not that much."
            expected = f"{round(low)} to {round(high)}"
            yield problem(
                document,
                ("parameters", "active"),
                "not what the architecture gives.",
                actual=active,
                expected=expected,
                tip=tip,
                warning=True,
            )


CHECK = Check("parameter-counts", "Published parameters agree with the architecture within 2 %.", _check)
