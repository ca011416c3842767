"""Shows what `setupgen cost` worked out: the answer, a month of each way, offers, break-even, what was assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Group
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from setupgen.output.show import console, section
from setupgen.words import COST_ANSWERS, UNKNOWN, money

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    Json = Mapping[str, Any]

STYLES = {"self-host": "cyan", "hosted": "yellow", "mixed": "magenta", "depends": "cyan", "nothing-fits": "red"}


def show_cost(document: Json) -> None:
    """Prints the document."""
    out = console()
    out.print()
    out.print(_headline(document))
    if document["self_host"]:
        out.print(_month(document))
    if document["offers"]:
        out.print(_offers(document["offers"]))
    if document["utilisation"]:
        out.print(_utilisation(document["utilisation"]))
    out.print(section("Break-even", [Text(document["break_even"]["because"])]))
    out.print(_questions(document["questions"]))
    for title, lines, style in (
        ("Constraints", [item["text"] for item in document["constraints"]], "yellow"),
        ("Assumed", [f"{item['because']} ({_fact(item)})" for item in document["assumptions"] if item["fact"].startswith("cost.")], "dim"),
        ("Open questions", document["open_questions"], ""),
    ):
        if lines:
            out.print(section(title, [Text(f"• {line}", style=style) for line in lines]))
    out.print()


def _headline(document: Json) -> RenderableType:
    answer = document["answer"]
    style = STYLES[answer]
    lines = [Text(COST_ANSWERS[answer], style=f"bold {style}"), Text(document["because"])]
    if document["setup"]:
        setup = document["setup"]
        lines.append(Text(f"{setup['model']['name']} in {setup['quant']} on {setup['server']}. {document['use']['because']}", style="dim"))
    return Panel(Group(*lines), border_style=style, box=box.ROUNDED)


def _month(document: Json) -> RenderableType:
    """A month of the machine, of the offer and of both."""
    own, mixed, against = document["self_host"], document["mixed"], document["break_even"]["against"]
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="dim")
    price = {
        "bought": f"{money(own['purchase_usd'])} over {own['lifetime_months']} months, {money(own['resale_usd'])} of it back",
        "rented": f"{money(own['rent_usd_per_hour'])} an hour",
        "there-already": "there already",
        "unknown-price": "price not known",
    }[own["kind"]]
    table.add_row("hardware", money(own["hardware_usd_per_month"]), price)
    if own["kind"] != "rented":
        energy = own["energy_kwh_per_month"]
        draw = f"{energy} kWh, {own['idle_w']:g} W to {own['load_w']:g} W" if energy is not None else "draw not known"
        table.add_row("power", money(own["energy_usd_per_month"]), draw)
    table.add_row(
        Text("self-host" if own["counts_hardware"] else "self-host, running", style="bold"),
        Text(money(own["total_usd_per_month"]), style="bold"),
        _per_mtok(own["usd_per_mtok"]),
    )
    if own["worth_up_to_usd"] is not None:
        table.add_row("worth", money(own["worth_up_to_usd"]), "the most that the machine may cost to be no dearer")
    if against:
        offer = next(item for item in document["offers"] if all(item[key] == against[key] for key in against))
        name = f"{offer['model']} at {offer['provider']}, {_per_mtok(offer['usd_per_mtok'])}"
        table.add_row(Text("hosted", style="bold"), Text(money(offer["usd_per_month"]), style="bold"), name)
    if mixed:
        share = f"{mixed['hosted_tokens_per_month']:,} tokens to {mixed['model']} at {mixed['provider']}"
        through = f", through {mixed['gateway']}" if mixed["gateway"] else ""
        table.add_row(Text("mixed", style="bold"), Text(money(mixed["usd_per_month"]), style="bold"), share + through)
    return section(f"A month of {document['use']['tokens_per_month']:,} tokens", [table])


def _offers(offers: Sequence[Json]) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, expand=True)
    for title, right in (
        ("Provider", False),
        ("Model", False),
        ("in", True),
        ("out", True),
        ("A month", True),
        ("Break-even", True),
        ("Price of", False),
    ):
        table.add_column(title, justify="right" if right else "left", no_wrap=right)
    for item in offers:
        even = item["break_even_tokens_per_month"]
        table.add_row(
            escape(item["provider"]), escape(item["model"]), f"${item['input_per_mtok_usd']:g}", f"${item['output_per_mtok_usd']:g}",
            money(item["usd_per_month"]), "never" if even is None else _tokens(even), item["date"],
        )  # fmt: skip
    return section("Offers, US dollars per million tokens", [table])


def _utilisation(rows: Sequence[Json]) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title in ("Busy", "Tokens a month", "Self-host", "per million", "Hosted", "per million", "Cheaper", "Pays back in"):
        table.add_column(title, justify="right")
    for row in rows:
        payback = row["payback_months"]
        table.add_row(
            f"{row['utilisation_percent']} %", _tokens(row["tokens_per_month"]), money(row["self_host_usd_per_month"]),
            money(row["self_host_usd_per_mtok"]), money(row["hosted_usd_per_month"]), money(row["hosted_usd_per_mtok"]),
            row["cheaper"] or UNKNOWN, "-" if payback is None else f"{payback:g} months",
        )  # fmt: skip
    return section("By how busy it is", [table])


def _questions(questions: Sequence[Json]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(ratio=1)
    for item in questions:
        said = "" if item["origin"] == "answered" else " (assumed)"
        table.add_row(item["id"], escape(f"{item['question']} {item['answer']}{said}. {item['effect']}"))
    return section("The four questions", [table])


def _fact(item: Json) -> str:
    return f"{item['fact'].removeprefix('cost.')}: {item['value']}"


def _per_mtok(value: float | None) -> str:
    return "" if value is None else f"{money(value)} per million tokens"


def _tokens(count: int) -> str:
    """A number of tokens in millions, or whole where it is small."""
    return f"{count / 1e6:,.1f}M" if count >= 1e6 else f"{count:,}"  # noqa: PLR2004 - a million
