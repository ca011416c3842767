"""Shows what hardware would do for a need, and what one more part would change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.text import Text

from setupgen.output.show import console, section
from setupgen.words import gib, money

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import RenderableType

    Json = Mapping[str, Any]


def show_upgrade(found: Json) -> None:
    """Prints the document of `upgrade --json`: what is wanted, offers or changes with their prices and dates, and what was not looked at."""
    out = console()
    out.print()
    out.print(Text(_wanted(found), style="bold"))
    for title, lines in _blocks(found):
        out.print(section(escape(title), lines))
    out.print(section("Looked at", [Text(line, style="dim") for line in _looked_at(found)]))
    out.print()


def _wanted(found: Json) -> str:
    needs, wanted = found["needs"], found["wanted"]
    asks = []
    if wanted["capable_b"]:
        asks.append(f"a model of the {wanted['capable_b']:g}B class or larger")
    if wanted["comfortable_tps"]:
        asks.append(f"about {wanted['comfortable_tps']:.0f} tokens/s or more")
    budget = f", for at most {_dollars(found['budget_usd'])}" if found["budget_usd"] else ""
    users = f"{needs['users']} user{'s' * (needs['users'] != 1)}"
    return f"{needs['use_case']}, {needs['experience']}, {users}: {' and '.join(asks) or 'anything that fits'}{budget}"


def _blocks(found: Json) -> Iterator[tuple[str, list[RenderableType]]]:
    now = found["now"]
    if now:
        enough = "enough" if now["enough"] else "less than wanted" if now["setup"] else "nothing fits"
        yield "Now", [Text(f"{', '.join(now['hardware'])}: {_setup(now['setup'])} ({enough})")]
        changing = [item for item in found["changes"] if item["changes_choice"]]
        yield "What would change it", [line for item in changing for line in _change(item)] or [Text("Nothing of what was tried.")]
        same = [item["what"] for item in found["changes"] if not item["changes_choice"]]
        if same:
            yield "What would change nothing", [Text(what) for what in same]
        return
    yield "To buy", [line for offer in found["buy"] for line in _offer(offer)] or list(_none(found))
    if found["rent"]:
        yield "To rent", [line for offer in found["rent"] for line in _offer(offer)]


def _none(found: Json) -> Iterator[RenderableType]:
    yield Text("Nothing with a price that was planned does all of this.")
    nearest = found["nearest"]
    if nearest:
        yield Text("Nearest:")
        yield from _offer(nearest)


def _offer(offer: Json) -> Iterator[RenderableType]:
    rented = "usd_per_hour" in offer
    price = f"{money(offer['usd_per_hour'])} an hour" if rented else _dollars(offer["price_usd"])
    alone = f", the card alone, beside {gib(offer['ram_bytes'])} of main memory" if offer["card_alone"] else ""
    yield Text.assemble((offer["name"], "bold"), f"  {price}{alone} ({_dated(offer)})")
    yield Text(f"  {_setup(offer['setup'])}")
    yield from (Text(f"  {url}", style="dim") for url in offer["sources"])


def _change(item: Json) -> Iterator[RenderableType]:
    price = f"{_dollars(item['price_usd'])} ({_dated(item)})" if item["price_usd"] else "no price in the knowledge base"
    yield Text(item["sentence"])
    yield Text(f"  {price}{'' if item['enough'] else '; still less than wanted'}", style="dim")
    yield from (Text(f"  {url}", style="dim") for url in item["sources"])


def _setup(setup: Json | None) -> str:
    if not setup:
        return "nothing that fits"
    return f"{setup['model']['name']} in {setup['quant']} on {setup['server']}, {_rate(setup)}, {setup['context']} tokens of context"


def _rate(setup: Json) -> str:
    rate, verb = (setup["decode_tps"], "") if setup["writes"] else (setup["prefill_tps"], " read")
    return f"{rate:.0f} tokens/s{verb}" if rate >= 10 else f"{rate:.1f} tokens/s{verb}"  # noqa: PLR2004 - from here a tenth is a token


def _dated(offer: Json) -> str:
    return ", ".join(text for text in (offer["price_date"], offer["price_note"]) if text)


def _dollars(value: float) -> str:
    return f"${value:,.0f}"


def _looked_at(found: Json) -> Iterator[str]:
    counts = found["looked_at"]
    yield f"{counts['planned']} plans were made. Prices are those of the knowledge base, and as old as their dates: look them up before you buy."
    if found["now"]:
        if counts["over_budget"]:
            yield f"{counts['over_budget']} parts cost more than the budget."
        return
    told = {
        "without_price": "kinds of hardware have no price in the knowledge base",
        "over_budget": "machines or sets of cards cost more than the budget",
        "too_small": "can hold no capable model, or not read one fast enough",
        "dominated": "cost as much as others that are no smaller and no slower",
        "left_out": "were left out to bound the work",
        "elsewhere": "do not run this operating system",
        "needs_a_server": "kinds of card need a server's chassis",
    }
    yield f"Not planned: {'; '.join(f'{counts[key]} {text}' for key, text in told.items() if counts[key])}."
