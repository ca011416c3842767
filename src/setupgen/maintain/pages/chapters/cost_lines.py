"""Cost: what a month costs by tokens, at home and bought."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.engine.cost_answer import cost
from setupgen.engine.costing import Terms
from setupgen.maintain.pages.diagram import Bar, bars
from setupgen.maintain.pages.examples import CARD, MACHINE, planned
from setupgen.maintain.pages.text import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


CASES = (
    ("Coding agent for one, RTX 3090", {**CARD, "use_case": "coding-agent"}),
    ("Chat for one, RTX 3060", {**MACHINE["RTX 3060, 12 GB"], "use_case": "chat"}),
    ("Documents for 8, two RTX 4090", {**MACHINE["Two RTX 4090, 48 GB"], "use_case": "documents", "users": 8}),
    ("Chat for 50, H100", {**MACHINE["H100 SXM, 80 GB"], "use_case": "chat", "users": 50}),
)


def by_use(pack: Pack) -> Iterator[str]:
    """One month of the running example by how busy it is."""
    result = planned(pack, {**CARD, "use_case": "coding-agent"})
    if result is None:
        return
    rows = []
    for row in cost(pack, result, Terms())["utilisation"]:
        own, bought = row["self_host_usd_per_month"], row["hosted_usd_per_month"]
        if own is None or bought is None:
            continue
        busy, tokens = row["utilisation_percent"], row["tokens_per_month"] / 1e6
        rows.append(Bar(f"{busy} % busy: {tokens:,.0f} million tokens, at home", f"{own:,.0f} USD", (own,)))
        rows.append(Bar(f"{busy} % busy: the same, bought", f"{bought:,.2f} USD", (0.0, bought)))
    yield from bars(
        "cost-by-use",
        "A month of a coding agent on an RTX 3090, at home and bought",
        rows,
        key=("at home", "bought at the cheapest offer that does as well"),
    )


def cases(pack: Pack) -> Iterator[str]:
    """Four needs under the assumed terms."""
    rows = []
    for words, answers in CASES:
        result = planned(pack, answers)
        if result is None or result.choice is None:
            continue
        answer = cost(pack, result, Terms())
        own, use = answer["self_host"], answer["use"]
        total = own["total_usd_per_month"]
        cells = [
            f"{use['tokens_per_month'] / 1e6:,.0f}",
            f"{use['utilisation_percent']:.0f} %",
            "price unknown" if total is None else f"{total:,.0f}" if answer["answer"] != "depends" else f"{total:,.0f} and the machine",
        ]
        rows.append([words, *cells, answer["answer"], answer["because"]])
    heads = ["Need", "Million tokens a month", "Busy", "At home, USD", "Answer", "Because"]
    yield from table(heads, rows, numbers=(1, 2, 3))


PARTS = {"by-use": by_use, "cases": cases}
