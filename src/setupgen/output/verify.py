"""Shows what verify found: promised against measured, and a bar while it asks."""

from __future__ import annotations

import sys
import textwrap
import threading
from typing import TYPE_CHECKING, Any, Self

from rich import box
from rich.table import Table
from rich.text import Text

from setupgen.output.show import console
from setupgen.words import context_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Json = Mapping[str, Any]

STYLES = {"kept": "green", "broken": "bold red", "unclear": "yellow", "skipped": "dim"}
WIDTH = 96


def show_verify(found: Json) -> None:
    """Prints the document of `verify --json`: a table for each setup, what is wrong and what to do, and the count."""
    out = console()
    for part in _parts(found):
        out.print()
        out.print(Text(_head(part), style="bold"))
        if part["checks"]:
            out.print(table(part["checks"]))
        for line in _words(part["checks"]):
            out.print(line)
    out.print()
    out.print(Text(_verdict(found), style=STYLES[found["verdict"]]))
    if contribution := found["contribution"]:
        wrote = f"Wrote the measurement {contribution['file']}" if contribution["file"] else "No measurement was written"
        out.print(Text(visible(f"{wrote}: {contribution['because']}")))
    out.print()


def table(checks: Sequence[Json]) -> Table:
    """Promised against measured; checks that were not made are named below it."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title in ("", "Check", "Promised", "Measured"):
        made.add_column(title, overflow="fold")
    for check in checks:
        if check["status"] != "skipped":
            style = STYLES[check["status"]]
            cells = (visible(check[key]) for key in ("label", "promised", "measured"))
            made.add_row(Text(check["status"], style=style), *(Text(cell) for cell in cells))
    return made


def _parts(found: Json) -> Iterator[Json]:
    """The fleet as a whole and each of its setups, or the one setup."""
    yield found
    yield from found["members"]


def _head(part: Json) -> str:
    if part.get("setup") is None:
        return visible(part["title"])
    setup = part["setup"]
    users = f"{setup['users']} user{'s' * (setup['users'] != 1)}"
    what = f"{setup['model']} {setup['quant']} on {setup['server']} {setup['version']}"
    promise = f"{setup['use_case']}, {users}, {context_words(setup['context'])}"
    return visible(f"{part['title']} at {part['url']}: {what}. Promised: {promise}.")


def _words(checks: Sequence[Json]) -> Iterator[Text]:
    for check in checks:
        if check["status"] == "skipped" or not check["text"]:
            continue
        yield Text(visible(f"{check['status']}: {check['label']}"), style=STYLES[check["status"]])
        yield from (Text(line) for line in _wrapped(check["text"], "  "))
        if check["fix"] and check["status"] != "kept":
            yield from (Text(line) for line in _wrapped(check["fix"], "  do: "))
    reasons: dict[str, list[str]] = {}
    for check in checks:
        if check["status"] == "skipped":
            reasons.setdefault(check["text"], []).append(check["label"])
    for why, labels in reasons.items():
        yield from (Text(line, style="dim") for line in _wrapped(f"not checked: {', '.join(labels)} ({why})", ""))


def _wrapped(text: str, first: str) -> list[str]:
    return textwrap.wrap(visible(text), WIDTH, initial_indent=first, subsequent_indent=" " * len(first), break_on_hyphens=False)


def _verdict(found: Json) -> str:
    counts = found["counts"]
    shown = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    return f"{'A promise is broken' if found['verdict'] == 'broken' else 'No promise is broken'}: {shown}."


def visible(text: str) -> str:
    """The text with what cannot be seen spelled out."""
    return "".join(character if character.isprintable() else character.encode("unicode_escape").decode() for character in text)


class Bar:
    """A bar on stderr for each setup, where stderr is a terminal; silent elsewhere. Several threads may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tasks: dict[str, Any] = {}
        self._progress: Any = None
        if sys.stderr.isatty():
            from rich.console import Console  # noqa: PLC0415 - only for terminals
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._progress = Progress(*columns, console=Console(stderr=True), transient=True)

    def __enter__(self) -> Self:
        """Begins to draw."""
        if self._progress:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Takes the bars away."""
        if self._progress:
            self._progress.stop()

    def begin(self, place: str, steps: int) -> None:
        """A setup is looked at, in so many steps."""
        with self._lock:
            if self._progress:
                self._tasks[place] = self._progress.add_task(visible(place), total=steps, completed=-1)

    def step(self, place: str, label: str) -> None:
        """A check begins."""
        with self._lock:
            if self._progress:
                self._progress.update(self._tasks[place], advance=1, description=visible(f"{place} {label}".strip()))

    def end(self, place: str) -> None:
        """The setup is done."""
        with self._lock:
            if self._progress:
                total = self._progress.tasks[self._tasks[place]].total
                self._progress.update(self._tasks[place], completed=total, description=visible(place))
