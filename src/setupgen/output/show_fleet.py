"""Shows the plan of a fleet: tables on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeVar

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from setupgen.output.show import console

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    Json = Mapping[str, Any]

Plan = TypeVar("Plan")


def followed(steps: Generator[tuple[int, int], None, Plan]) -> Plan:
    """What the steps lead to, with a bar on the terminal where somebody looks."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - only those with a terminal wait for it

    columns = (TextColumn("Looking at every kind of host for every need"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("", total=None)
        while True:
            try:
                done, total = next(steps)
            except StopIteration as stop:
                made: Plan = stop.value
                return made
            progress.update(task, completed=done, total=total)


def show_fleet(fleet: Json, report: Json | None) -> None:
    """Prints what runs where, what each need gets, what found no place, and what was written."""
    out = console()
    out.print(Text(f"\n{fleet['proxy']['id']}: {fleet['proxy']['because']}\n"))
    if fleet["placements"]:
        table = Table("server", "model", "quant", "program", "users", "tokens/s", box=box.SIMPLE)
        for item in fleet["placements"]:
            rate = item["prefill_tps" if item["task"] == "embedding" else "decode_tps"]
            pace = f"{rate['low']:.0f} to {rate['high']:.0f}{_unit(item)}" if rate["value"] else "-"
            table.add_row(*(Text(str(part)) for part in (item["name"], item["alias"], item["quant"], item["server"], item["users"], pace)))
        out.print(table)
    for item in fleet["capacity"]:
        lost = item["without_largest_host_tps"]
        safe = (
            f"{lost:.0f} tokens/s{_unit(item)} without its strongest host" if item["survives_one_host"] else "nothing if its host is lost"
        )
        text = f"{item['label']}: {item['users_served']} of {item['users']} users on {item['replicas']} replica{'s'[: item['replicas'] != 1]}, {item['aggregate_tps']['value']:.0f} tokens/s{_unit(item)}, {safe}"
        out.print(Text(text))
    if edit := fleet.get("edit"):
        out.print(Text(f"\nAgainst the plan before: {edit['kept']} kept, {len(edit['new'])} new, {len(edit['gone'])} gone"))
    for title, lines in (
        ("New", [_replica(item) for item in fleet.get("edit", {}).get("new", ())]),
        ("Gone", [_replica(item) for item in fleet.get("edit", {}).get("gone", ())]),
        ("No place for", [f"{item['need'].get('model') or item['need'].get('use_case')}: {item['because']}" for item in fleet["unplaced"]]),
        ("Hosts without work", [f"{item['host']}: {item['because']}" for item in fleet["idle"]]),
        ("What would help most", [item["text"] for item in fleet["advice"]]),
        ("Beware", [item["text"] for item in fleet["warnings"]]),
    ):
        if lines:
            out.print(Text(f"\n{title}"))
            for line in lines[:MOST]:
                out.print(Text(f"- {line}"))
            if len(lines) > MOST:
                out.print(Text(f"- and {len(lines) - MOST} more: --json has them all"))
    if report:
        out.print()
        for path, word in sorted(report["files"].items()):
            out.print(Text(f"{word:<10} {path}"))
        sys.stderr.write(f"\nNext: read {report['directory']}/README.md\n" if report["written"] else "\nNothing was written.\n")


def _replica(item: Json) -> str:
    return f"{item['model']} in {item['quant']} on {item['host']}"


MOST = 20
"""Lines of a kind that are shown."""


def _unit(item: Json) -> str:
    """What a rate counts, where that is not what a model writes."""
    return " read" if item["task"] == "embedding" else ""
