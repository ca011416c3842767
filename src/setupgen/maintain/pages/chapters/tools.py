"""Tool calling and reasoning: the loop, the parsers, and what thinking costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from setupgen.maintain.pages.diagram import Box, flow
from setupgen.maintain.pages.examples import CARD, choice_of, model_link
from setupgen.maintain.pages.text import seconds, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from setupgen.knowledge import Pack


THOUGHTS = 1_000


def loop(_: Pack) -> Iterator[str]:
    """One tool call from question to answer."""
    yield from flow(
        "tools-loop",
        "One tool call, from question to answer",
        [
            [Box("your question and the list of tools", (), 1)],
            [Box("the model writes a call", ("as plain text in its own notation",))],
            [Box("the server's parser", ("turns that text into a structured call",), 2)],
            [Box("the client runs the tool", ("it, not the model, opens the file",))],
            [Box("the model reads the result and goes on", (), 1)],
        ],
        arrows=("through the chat template", "tokens", "tool_calls, as JSON", "the result joins the prompt"),
        caption="The orange box is where most setups break: with the parser of another model family the call arrives as text, and nothing happens.",
    )


def parsers(pack: Pack) -> Iterator[str]:
    """Tool and reasoning parsers on vLLM by model family, newest first."""
    families: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for model in pack.models.values():
        known = model.parsers.get("vllm", {})
        if known.get("tool") and "superseded_by" not in model.raw:
            families.setdefault((known["tool"], known.get("reasoning", "")), []).append((model.released, model.id))
    rows = []
    for (tool, reasoning), found in sorted(families.items(), key=lambda item: max(item[1]), reverse=True):
        newest = [model_link(pack.models[id_]) for _, id_ in sorted(found, reverse=True)[:3]]
        rows.append([", ".join(newest), len(found), f"`{tool}`", f"`{reasoning}`" if reasoning else ""])
    yield from table(["Models, newest first", "In all", "Tool parser", "Reasoning parser"], rows[:16], numbers=(1,))


def thinking(pack: Pack) -> Iterator[str]:
    """What a thousand tokens of thought cost on the running example."""
    choice = choice_of(pack, {**CARD, "use_case": "coding-agent"})
    if choice is None:
        return
    value = choice.speed.decode_tps
    yield (
        f"On an RTX 3090 a coding agent's model ({choice.model.name}) needs {seconds(THOUGHTS / value.high)} to {seconds(THOUGHTS / value.low)} to think "
        f"{THOUGHTS:,} tokens before the first visible word. Ten such turns are several minutes that no benchmark of writing speed shows."
    )


def wishes(pack: Pack) -> Iterator[str]:
    """When plans ask for less or more thinking, as the rules have it."""
    rows = []
    for id_, rule in sorted(pack.rules.items()):
        wish = next((effect["set"]["settings.thinking"] for effect in rule["then"] if "settings.thinking" in effect.get("set", {})), None)
        if wish:
            rows.append([_need(pack, rule["when"]), LEVELS[wish], rule["because"], f"[{id_}](../reference/rules.md#{id_})"])
    yield from table(["Need", "Thinking", "Because", "Rule"], rows)


LEVELS = {"less": "as little as it can", "more": "as much as it can"}
VOCABULARIES = {"needs.use_case": "use-cases", "needs.experience": "experiences"}


def _need(pack: Pack, condition: Mapping[str, Any]) -> str:
    """The use cases and experiences that a rule names, in their own words."""
    words = []
    for part in condition.get("all", [condition]):
        if part.get("fact") in VOCABULARIES:
            known = pack.vocabulary(VOCABULARIES[part["fact"]])
            ids = part.get("in") or [part["is"]]
            words.append(", ".join(known[id_]["label"] for id_ in ids))
    return "; for ".join(reversed(words)) if len(words) > 1 else "".join(words)


PARTS = {"wishes": wishes, "loop": loop, "parsers": parsers, "thinking": thinking}
