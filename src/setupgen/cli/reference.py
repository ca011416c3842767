"""Every command and option as a page of Markdown, from the parsers themselves. Widths and Python versions change nothing in it."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from setupgen.cli.main import parser

if TYPE_CHECKING:
    from collections.abc import Iterator

LEAD = """Written by `python -m setupgen.maintain captures` from the program's own parsers; do not edit it. `setupgen COMMAND --help` says
the same on a terminal."""


SHARED = ("the need", "the hardware")
"""Groups of options that several commands have; they come once, at the end."""


def page() -> str:
    """The page."""
    top = parser()
    lines = ["# Commands", "", LEAD, "", f"{top.description} {top.epilog}", "", *_options(top)]
    shared: dict[str, list[str]] = {}
    for name, command in _commands(top):
        lines += ["", f"## setupgen {name}", "", *_command(command)]
        for title, actions in _groups(command):
            if title in SHARED:
                shared.setdefault(title, list(_table("Option", actions)))
    for title, rows in shared.items():
        lines += ["", f"## Options: {title}", "", *rows]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def _command(command: argparse.ArgumentParser) -> Iterator[str]:
    description = (command.description or "").strip()
    yield from ("```text", usage(command), "```", "")
    if description:
        yield from (_sentence(description.removeprefix(f"`{command.prog}`: ")), "")
    yield from _options(command)
    for name, inner in _commands(command):
        yield from (f"### {command.prog} {name}", "", *_command(inner))


def usage(command: argparse.ArgumentParser) -> str:
    """The line that shows what may follow a command; options that may be left out stay `[OPTIONS]`."""
    words = [command.prog]
    if any(action.option_strings for action in _actions(command)):
        words.append("[OPTIONS]")
    for action in _actions(command):
        if not action.option_strings:
            name = _value(action)
            words.append(f"[{name}]" if action.nargs in {"?", "*"} else name)
    return " ".join(words)


def _options(command: argparse.ArgumentParser) -> Iterator[str]:
    also = []
    for title, actions in _groups(command):
        if title in SHARED:
            also.append(f"[{title}](#options-{title.replace(' ', '-')})")
            continue
        yield from (*_table("Argument" if title == "positional arguments" else "Option", actions), "")
    if also:
        yield from (f"And the options of {' and '.join(also)}.", "")


def _groups(command: argparse.ArgumentParser) -> Iterator[tuple[str, list[argparse.Action]]]:
    for group in command._action_groups:  # noqa: SLF001  argparse has no public way to read a parser
        actions = [action for action in group._group_actions if _is_shown(action)]  # noqa: SLF001
        if actions:
            yield group.title or "", actions


def _table(head: str, actions: list[argparse.Action]) -> Iterator[str]:
    yield from (f"| {head} | Meaning |", "| --- | --- |")
    for action in actions:
        yield f"| {_names(action)} | {_cell(action.help or '')} |"


def _names(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else _value(action)
    if not action.option_strings:
        return ", ".join(f"`{one}`" for one in value.split("|"))
    return ", ".join(f"`{name} {value}`".replace(" `", "`") for name in action.option_strings)


def _value(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    if action.choices is not None:
        return "|".join(str(choice) for choice in action.choices)
    return action.dest.upper()


def _is_shown(action: argparse.Action) -> bool:
    internal = isinstance(action, argparse._SubParsersAction | argparse._HelpAction)  # noqa: SLF001
    return not internal and action.help != argparse.SUPPRESS


def _actions(command: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in command._actions if not isinstance(action, argparse._HelpAction)]  # noqa: SLF001


def _commands(command: argparse.ArgumentParser) -> list[tuple[str, argparse.ArgumentParser]]:
    for action in command._actions:  # noqa: SLF001
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            return list(action.choices.items())
    return []


def _cell(text: str) -> str:
    return text.replace("%%", "%").replace("|", "\\|").replace("\n", " ")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


if __name__ == "__main__":
    print(page(), end="")
