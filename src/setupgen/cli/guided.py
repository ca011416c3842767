"""The questions of the guided path: arrow keys, sensible defaults from detection, help for each question, and a way back."""

from __future__ import annotations

from shutil import get_terminal_size
from textwrap import fill
from typing import TYPE_CHECKING, Any

import questionary

from setupgen.cli.options import facts_from
from setupgen.engine.offering import runtimes
from setupgen.engine.planning import plan
from setupgen.errors import SetupgenError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from setupgen.engine.intake import Answers
    from setupgen.engine.plan import Plan
    from setupgen.knowledge import Pack

BACK = "← back"
SKIPPED = {"hardware", "ram", "offline", "license"}
"""Questions that the guided path does not ask: detection answers the first two, and the others have options for the few who need them."""


def ask(pack: Pack, answers: Answers) -> Plan | None:
    """Asks what is not stated yet and plans; `None` where somebody leaves.

    Answers are kept in `answers`, so that going back and planning again cost nothing.
    """
    facts = facts_from(pack, answers)
    if "hardware" not in answers.values and "facts" not in answers.values:
        _tell_hardware(facts.hardware.to_json())
    given = set(answers.values)
    questions = [
        (id_, question)
        for id_, question in sorted(pack.questions.items(), key=lambda item: (item[1]["order"], item[0]))
        if id_ not in SKIPPED and id_.replace("-", "_") not in given and facts.origins.get(question["sets"]) != "detected"
    ]
    index = 0
    while index < len(questions):
        id_, question = questions[index]
        key = id_.replace("-", "_")
        default = answers.values.get(key, getattr(facts.needs, key, question.get("default")))
        answer = _ask_one(pack, question, default, first=index == 0)
        if answer is None:
            return None
        if answer == BACK:
            index -= 1
            answers.values.pop(questions[index][0].replace("-", "_"), None)
            continue
        if answer != "":
            answers.update({key: answer})
        try:
            facts = facts_from(pack, answers)
        except SetupgenError as error:
            questionary.print(f"  {error}", style="fg:ansired")
            answers.values.pop(key, None)
            continue
        index += 1
    return plan(pack, facts)


def _tell_hardware(hardware: Mapping[str, Any]) -> None:
    devices = ", ".join(f"{device['count']}x {device['name']}" if device["count"] > 1 else device["name"] for device in hardware["devices"])
    memory = hardware["ram_bytes"] / 1024**3
    questionary.print(f"This machine: {devices or 'no accelerator'}; {hardware['cpu']}; {memory:.0f} GiB of main memory.\n", style="bold")


def _ask_one(pack: Pack, question: Mapping[str, Any], default: Any, *, first: bool) -> Any:
    """One answer: a value, BACK, or `None` where somebody leaves."""
    width = min(get_terminal_size().columns, 100) - 4
    questionary.print("\n" + fill(question["help"], width, initial_indent="  ", subsequent_indent="  "), style="fg:ansibrightblack")
    if question["kind"] == "choice":
        return _choice(pack, question, default, first=first)
    shown = str(default) if default not in {None, 0} else ""
    hint = "" if first else " (empty: as shown, < to go back)"
    answer = questionary.text(f"{question['text']}{hint}", default=shown).ask()
    if answer is None:
        return None
    answer = answer.strip()
    return BACK if answer == "<" and not first else answer


def _choice(pack: Pack, question: Mapping[str, Any], default: Any, *, first: bool) -> Any:
    choices = question.get("choices")
    if "choices_from" in question:
        entries = pack.vocabulary(question["choices_from"]).values()
        choices = [{"value": item["id"], "label": item["label"], "description": item["description"]} for item in entries]
    if question["sets"] == "needs.runtime":
        choices = [item for item in choices or [] if item["value"] in runtimes(pack)]
    options = [questionary.Choice(title=item["label"], value=item["value"], description=item["description"]) for item in choices or []]
    if not first:
        options.append(questionary.Choice(title=BACK, value=BACK))
    values = [option.value for option in options]
    chosen = default if default in values else values[0]
    return questionary.select(question["text"], choices=options, default=chosen, use_jk_keys=False).ask()


def confirm_write(directory: str) -> bool:
    """Whether to write the files now."""
    return bool(questionary.confirm(f"Write these files into {directory}/ ?", default=True).ask())
