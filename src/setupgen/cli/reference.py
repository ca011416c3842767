"""Every command and option as a page of Markdown, from the parsers themselves. Widths and Python versions change nothing in it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from setupgen.cli.main import parser

if TYPE_CHECKING:
    from collections.abc import Iterator

LEAD = """Written by `python -m setupgen.maintain captures` from the program's own parsers; do not edit it. `setupgen COMMAND --help` says
the same on a terminal."""


def page() -> str:
    """The page."""
    top = parser()
    lines = ["# Commands", "", LEAD, "", f"{top.description} {top.epilog}", "", *_options(top)]
    for name, command in _commands(top):
        lines += ["", f"## setupgen {name} {{ #{name} }}", "", *_command(command)]
    return "\n".join(lines).rstrip() + "\n"


def _command(command: argparse.ArgumentParser) -> Iterator[str]:
    description = (command.description or "").strip()
    yield from ("```text", usage(command), "```", "")
    if description:
        yield from (_sentence(description.removeprefix(f"`{command.prog}`: ")), "")
    yield from _options(command)
    for name, inner in _commands(command):
        yield from ("", f"### {command.prog} {name} {{ #{command.prog.split()[-1]}-{name} }}", "", *_command(inner))


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
    first = True
    for group in command._action_groups:  # noqa: SLF001  argparse has no public way to read a parser
        actions = [action for action in group._group_actions if _is_shown(action)]  # noqa: SLF001
        if not actions:
            continue
        if not first:
            yield ""
        first = False
        title = {"positional arguments": "Argument", "options": "Option"}.get(group.title or "", f"Option ({group.title})")
        yield from (f"| {title} | Meaning |", "| --- | --- |")
        for action in actions:
            yield f"| {_names(action)} | {_cell(action.help or '')} |"


def _names(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else _value(action)
    if not action.option_strings:
        return f"`{value}`"
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
