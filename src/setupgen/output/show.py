"""Shows plans, estimates and explanations: tables and colour on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console, Group
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from setupgen.words import context_words, duration, figure, gib, money, speed_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import RenderableType

    Json = Mapping[str, Any]

WIDTH = 100
BAR = 40


class PipedConsole(Console):
    """A console that leaves it to the program what happens when the reader of a pipe has gone."""

    def on_broken_pipe(self) -> None:
        """Raises instead of ending the program."""
        raise BrokenPipeError


def console() -> Console:
    """A console that is plain where it is not a terminal, and never wider than is pleasant to read."""
    made = PipedConsole(highlight=False, force_terminal=sys.stdout.isatty())
    made.width = min(made.width, WIDTH) if made.is_terminal else WIDTH
    return made


def show_plan(plan: Json) -> None:
    """Prints a plan: the choice in a sentence, memory, speed, alternatives, why, warnings."""
    out = console()
    choice = plan["choice"]
    out.print()
    out.print(headline(plan))
    if choice:
        out.print(memory_bars(choice))
        out.print(speed_table(choice))
        if plan["alternatives"]:
            out.print(alternatives_table(plan["alternatives"]))
        out.print(reasons(plan["decisions"]))
    for title, lines in notes(plan):
        out.print(section(title, lines))
    out.print()


def headline(plan: Json) -> RenderableType:
    """The answer in a box."""
    choice = plan["choice"]
    needs = plan["facts"]["needs"]
    if choice is None:
        lines = [Text("Nothing fits.", style="bold red"), *(Text(line) for line in plan["would_fit"]), Text(plan["hosted"]["because"])]
        return Panel(Group(*lines), border_style="red", box=box.ROUNDED)
    model, server, weights = choice["model"], choice["server"], choice["weights"]
    first = Text.assemble((model["name"], "bold cyan"), f" in {weights['quant']} on ", (f"{server['name']} {server['version']}", "bold"))
    first.append(f", {choice['backend']}, {choice['runtime']}")
    users = needs["users"]
    second = f"{needs['use_case']}, {needs['experience']}, {users} user{'s' * (users != 1)}, {context_words(choice['settings']['context'])} of context each"
    third = f"Download {weights['download_bytes'] / 1e9:.1f} GB ({duration(weights['download_seconds_at_100mbit'])} at 100 Mbit/s), licence {model['license']}"
    lines = [first, Text(second), Text(third, style="dim")]
    if plan["verdict"] == "hosted":
        lines.insert(0, Text(f"Buying is the honest answer here. {plan['hosted']['because']}", style="bold yellow"))
        lines.insert(1, Text("The best local setup would be:", style="yellow"))
    return Panel(Group(*lines), border_style="cyan" if plan["verdict"] == "self-host" else "yellow", box=box.ROUNDED)


def memory_bars(choice: Json) -> RenderableType:
    """One bar per device: how full it is; devices that are alike and as full share one."""
    table = Table.grid(padding=(0, 2))
    memory = choice["memory"]
    alike = Counter((device["name"], device["used_bytes"], device["capacity_bytes"]) for device in memory["devices"])
    for (name, used, capacity), count in alike.items():
        share = used / max(capacity, 1)
        filled = min(BAR, round(share * BAR))
        style = "green" if share < 0.85 else "yellow" if share < 0.97 else "red"  # noqa: PLR2004 - how full feels comfortable
        bar = Text("█" * filled, style=style) + Text("░" * (BAR - filled), style="dim")
        table.add_row(Text(f"{count} x {name}" if count > 1 else name), bar, f"{gib(used)} of {gib(capacity)}{' each' * (count > 1)}")
    parts = [
        f"weights {gib(memory['weights_bytes'])}", f"cache {gib(memory['kv_cache_bytes'])}",
        f"buffers {gib(memory['compute_bytes'])}", f"overhead {gib(memory['overhead_bytes'])}",
    ]  # fmt: skip
    line = Text(", ".join(parts) + f"; {gib(memory['host_bytes'])} in main memory", style="dim")
    return section("Memory", [table, line])


def speed_table(choice: Json) -> RenderableType:
    """Speed with ranges, in words people feel."""
    table = Table.grid(padding=(0, 2))
    speed = choice["speed"]
    if choice["settings"]["embeddings"] or choice["settings"]["rerank"]:
        table.add_row("reading", _range(speed["prefill_tps"], "tokens/s"), speed["prefill_tps"]["basis"])
        return section("Speed", [table])
    table.add_row("writing", _range(speed["decode_tps"], "tokens/s"), speed_words(speed["decode_tps"]["value"]))
    table.add_row("reading", _range(speed["prefill_tps"], "tokens/s"), "")
    table.add_row("first words", _range(speed["ttft_s"], "s"), "for this use case's usual prompt")
    if choice["settings"]["parallel"] > 1:
        table.add_row("all users", _range(speed["aggregate_tps"], "tokens/s"), "together")
    note = Text(f"{speed['decode_tps']['basis']}; the range should hold four times in five", style="dim")
    return section("Speed", [table, note])


def _range(value: Json, unit: str) -> Text:
    text = Text(figure(value["value"]), style="bold")
    return text.append(f" {unit}", style="").append(f"  ({figure(value['low'])} to {figure(value['high'])})", style="dim")


def alternatives_table(alternatives: Sequence[Json]) -> RenderableType:
    """The alternatives with what each gives up."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, expand=True)
    table.add_column("Instead")
    table.add_column("Setup")
    table.add_column("tok/s", justify="right")
    table.add_column("GiB", justify="right")
    table.add_column("Trade-off", ratio=1)
    for item in alternatives:
        used = sum(device["used_bytes"] for device in item["memory"]["devices"])
        name = f"{item['model']['name']} {item['weights']['quant']}, {item['server']['name']}"
        table.add_row(
            item["like"].replace("-", " "), escape(name), f"{item['speed']['decode_tps']['value']:.0f}", f"{used / 1024**3:.1f}",
            escape(item["tradeoff"]),
        )  # fmt: skip
    return section("Alternatives", [table])


WHY = ("model", "setup", "weights.quant", "server", "settings.context", "settings.cache_type_k", "settings.offload")


def reasons(decisions: Sequence[Json]) -> RenderableType:
    """Why the main parts are what they are."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(ratio=1)
    for decision in decisions:
        if decision["what"] in WHY or decision["what"].startswith("models."):
            table.add_row(decision["what"].removeprefix("settings."), escape(decision["because"]))
    return section("Why", [table, Text("`setupgen explain` tells all of it with sources.", style="dim")])


def notes(plan: Json) -> Iterator[tuple[str, list[RenderableType]]]:
    """Warnings, assumptions, questions and the hosted comparison."""
    if plan["warnings"]:
        yield "Warnings", [Text(f"• {item['text']}", style="yellow") for item in plan["warnings"]]
    assumed = [item for item in plan["assumptions"] if item["fact"].startswith("hardware")]
    if assumed:
        yield (
            "Assumed",
            [Text(f"• {item['because']} ({item['fact'].removeprefix('hardware.')}: {_value(item)})", style="dim") for item in assumed],
        )
    if plan["open_questions"]:
        yield "Open questions", [Text(f"• {question}") for question in plan["open_questions"]]
    hosted = plan["hosted"]
    if hosted and hosted["offers"]:
        offer = hosted["offers"][0]
        price = f"{money(offer['input_per_mtok_usd'])} in, {money(offer['output_per_mtok_usd'])} out per million tokens"
        yield "Bought instead", [Text(f"{hosted['because']} {offer['provider']} sells {offer['model']} for {price} ({offer['date']}).")]


def _value(item: Json) -> str:
    return gib(item["value"]) if item["fact"].endswith("_bytes") else str(item["value"])


def section(title: str, lines: Sequence[RenderableType]) -> RenderableType:
    """A titled block."""
    return Group(Text(), Text(title, style="bold"), Padding(Group(*lines), (0, 0, 0, 2)))


def show_estimate(result: Json) -> None:
    """Prints one estimate."""
    out = console()
    fits = {"full": "fits", "partial": "fits in part", "cpu": "runs on the CPU", "no": "does not fit"}[result["fits"]]
    out.print()
    title = f"{result['model']} {result['quant']} on {', '.join(result['hardware'])} with {result['server']}: {fits}"
    out.print(Text(title, style="bold red" if result["fits"] == "no" else "bold cyan"))
    out.print(memory_bars(result))
    shown = {"speed": result["speed"], "settings": {"embeddings": False, "rerank": False, "parallel": result["parallel"]}}
    out.print(speed_table(shown))
    out.print()


def show_explanation(sections: Sequence[Json]) -> None:
    """Prints sections with their sources."""
    out = console()
    for item in sections:
        lines: list[RenderableType] = [Text(sentence) for sentence in item["sentences"]]
        lines += [Text(url, style="dim") for url in item["sources"]]
        out.print(section(item["title"], lines))
    out.print()
