"""The gallery: a page for each class of hardware and use case, and one for each contributed setup, planned anew at every build.

Made pages lie in folders below `docs/setups/` that git ignores. `docs/setups/contributed/*.yaml` are answers files, as `setupgen plan --answers` reads
them, with three comments at their head: who sent it, when, and what was planned then.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import yaml

from setupgen.engine.telling import LIKE, title_of
from setupgen.errors import UsageError
from setupgen.maintain.pages.diagram import Bar, bars
from setupgen.maintain.pages.examples import MACHINE, plan_of
from setupgen.maintain.pages.models import place
from setupgen.maintain.pages.text import GIB, escape, gib, rate, seconds, span, table
from setupgen.render.files import render_setup

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from setupgen.engine.plan import Choice, Plan
    from setupgen.facts import Hardware
    from setupgen.knowledge import Pack

FOLDER = "docs/setups"
CONTRIBUTED = f"{FOLDER}/contributed"
FROM_READERS = "from-readers"
GUIDE = "docs/guide"

CLASSES: Mapping[str, str] = {
    "raspberry-pi-5": "Raspberry Pi 5, 8 GB",
    "desktop": "Desktop without a card, 16 GB",
    "rtx-4060-laptop": "Laptop with an RTX 4060, 8 GB",
    "rtx-3060": "RTX 3060, 12 GB",
    "rtx-3090": "RTX 3090, 24 GB",
    "rx-7900-xtx": "RX 7900 XTX, 24 GB",
    "two-rtx-4090": "Two RTX 4090, 48 GB",
    "m2-max": "Apple M2 Max, 64 GB",
    "strix-halo": "Ryzen AI Max+ 395, 128 GB",
    "gb10": "NVIDIA GB10, 128 GB",
    "h100": "H100 SXM, 80 GB",
}
"""Folder of the pages, and the machine."""

USES = ("chat", "coding-agent", "documents", "creative-writing")
HIDDEN = {"setupgen.plan.json", ".gitignore", ".env", "setupgen.answers.yaml"}
"""Files that a reader of the page does not need: long, the same everywhere, or values of one host."""

LANGUAGES = {".sh": "sh", ".json": "json", ".yaml": "yaml", ".yml": "yaml", ".plist": "xml", ".ps1": "powershell", ".md": "markdown"}
AN = ("Apple", "H100", "NVIDIA", "RTX", "RX")
"""Names that are spoken with a vowel at their beginning."""

_HEAD = re.compile(r"^# (by|date|was): (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the gallery: where it lies, its title, the answers, and for a contributed one who, when and what was planned."""

    path: str
    title: str
    machine: str
    answers: Mapping[str, Any]
    by: str = ""
    date: str = ""
    was: str = ""


def entries(pack: Pack) -> list[Entry]:
    """Every class of hardware with every use case; of a base that lacks some of them, none."""
    known = pack.vocabulary("use-cases")
    if not known.keys() >= set(USES):
        return []
    labels = {id_: known[id_]["label"] for id_ in USES}
    return [
        Entry(f"{slug}/{use}", f"{labels[use]} on {_article(machine)}", machine, {**MACHINE[machine], "use_case": use})
        for slug, machine in CLASSES.items()
        for use in USES
    ]


def contributed(root: Path) -> list[Entry]:
    """What readers sent.

    Raises:
        UsageError: with the file, where it is not an answers file with its three comments.
    """
    found = []
    for path in sorted((root / CONTRIBUTED).glob("*.yaml")):
        where = path.relative_to(root).as_posix()
        text = path.read_text(encoding="utf-8")
        head = dict(_HEAD.findall(text))
        if set(head) != {"by", "date", "was"}:
            message = "expected three comments: `# by: NAME`, `# date: YYYY-MM-DD` and `# was: MODEL QUANTISATION SERVER`."
            raise UsageError(message, place=where)
        answers = yaml.safe_load(text)
        if not isinstance(answers, dict):
            message = "expected answers, a value for each key."
            raise UsageError(message, place=where, hint="`setupgen write` makes such a file.")
        title = path.stem.replace("-", " ")
        found.append(Entry(f"{FROM_READERS}/{path.stem}", title[0].upper() + title[1:], "", answers, **head))
    return found


def setup_pages(root: Path, pack: Pack) -> dict[str, str]:
    """Path to text of every page, below the root of the tree."""
    guide = (root / GUIDE).is_dir()
    made = [*entries(pack), *contributed(root)]
    beside = {
        entry.path: [other for other in made if other.machine and other.machine == entry.machine and other is not entry] for entry in made
    }
    return {f"{FOLDER}/{entry.path}.md": "\n".join(_page(pack, entry, beside[entry.path], guide=guide)) + "\n" for entry in made}


def by_hardware(pack: Pack) -> Iterator[str]:
    """The index: a row for each class of hardware, a column for each use case."""
    rows = []
    for slug, machine in CLASSES.items():
        cells = []
        for use in USES:
            result = plan_of(pack, {**MACHINE[machine], "use_case": use})
            words = result.choice.model.name if result.choice else "nothing fits"
            note = ", buy" if result.verdict == "hosted" and result.choice else ""
            cells.append(f"[{words}]({slug}/{use}.md){note}")
        rows.append([machine, *cells])
    yield from table(["Hardware", *(pack.vocabulary("use-cases")[use]["label"] for use in USES)], rows)


def sent(root: Path, pack: Pack) -> Iterator[str]:
    """The contributed setups, each with what is planned today."""
    rows = []
    for entry in contributed(root):
        now = _named(plan_of(pack, entry.answers).choice)
        rows.append(
            [
                f"[{entry.title}]({entry.path}.md)",
                entry.by,
                entry.date,
                _words(pack, entry.was),
                "the same" if now == entry.was else _words(pack, now),
            ]
        )
    yield from table(["Setup", "From", "Sent", "Then", "Now"], rows)


def link(answers: Mapping[str, Any]) -> str:
    """The guide's query with these answers, by name."""
    return f"?{urlencode(sorted(answers.items()), doseq=True)}"


def command(answers: Mapping[str, Any]) -> str:
    """The command line that makes the same setup."""
    words = ["setupgen", "write", "my-setup"]
    for key, value in answers.items():
        for one in value if isinstance(value, list) else [value]:
            words += [f"--{key.replace('_', '-')}", f'"{one}"' if " " in str(one) else str(one)]
    return " ".join(words)


def _article(machine: str) -> str:
    """The machine as it stands in a title."""
    if machine.startswith("Two "):
        return f"t{machine[1:]}"
    if machine.startswith(("Desktop", "Laptop")):
        return f"a {machine[0].lower()}{machine[1:]}"
    return f"{'an' if machine.startswith(AN) else 'a'} {machine}"


def _named(choice: Choice | None) -> str:
    """A setup as the comment of a contributed file names it."""
    return f"{choice.model.id} {choice.weights.quant} {choice.server.id}" if choice else "nothing"


def _words(pack: Pack, named: str) -> str:
    parts = named.split(" ")
    if len(parts) != 3:  # noqa: PLR2004  model, quantisation, server
        return named
    model = pack.models[parts[0]].name if parts[0] in pack.models else parts[0]
    server = pack.servers[parts[2]].name if parts[2] in pack.servers else parts[2]
    return f"{model} `{parts[1]}` on {server}"


def _page(pack: Pack, entry: Entry, siblings: Sequence[Entry] = (), *, guide: bool) -> Iterator[str]:
    """The lines of a page. `siblings` are the other needs of the same machine."""
    result = plan_of(pack, entry.answers)
    choice = result.choice
    yield from (f"# {entry.title}", "")
    if choice is None:
        yield from (f"Nothing that is known does this well here. {result.hosted['because']}", "{ .answer }", "")
    else:
        yield from (_sentence(pack, result, choice), "{ .answer }", "")
    if entry.was:
        yield from _changed(pack, entry, choice)
    if guide:
        yield f'<p><a class="md-button" href="../../../guide/{link(entry.answers).replace("&", "&amp;")}">Open it in the guide</a></p>'
        yield ""
    yield from ("```sh", command(entry.answers), "```", "")
    if others := [f"[{other.title.partition(' on ')[0]}]({other.path.rpartition('/')[2]}.md)" for other in siblings]:
        yield from (f"On the same machine: {', '.join(others)}. Other machines: [all setups](../index.md).", "")
    if choice is not None:
        yield from _numbers(choice, result.facts.hardware)
    yield from _reasons(result)
    yield from _others(result)
    if choice is not None:
        yield from _files(pack, result, command(entry.answers))
    yield from (
        "## Sources",
        "",
        "Each reason names its own; where there is none, it follows from the sizes of the model and of the machine.",
        "",
    )
    yield f"Planned with knowledge base {pack.version}; its oldest review is of {pack.oldest_review}. [All setups](../index.md)."


def _sentence(pack: Pack, result: Plan, choice: Choice) -> str:
    speed, settings = choice.speed, choice.settings
    users = f"{settings['parallel']} conversations at once, " if settings["parallel"] > 1 else ""
    advice = f" **But buying is advised:** {result.hosted['because']}" if result.verdict == "hosted" else ""
    model = f"[{choice.model.name}](../../reference/{place(choice.model.id)})"
    server = f"[{pack.servers[choice.server.id].name}](../../reference/servers/{choice.server.id}.md)"
    return (
        f"{model} in `{choice.weights.quant}` on {server}, with {settings['context']:,} tokens of context, {users}writing about "
        f"{rate(speed.decode_tps.value)} tokens per second; the first word of a usual prompt comes after {seconds(speed.ttft_s.value)}.{advice}"
    )


def _changed(pack: Pack, entry: Entry, choice: Choice | None) -> Iterator[str]:
    now = _named(choice)
    told = (
        "The plan is still the same."
        if now == entry.was
        else f"Then it was {_words(pack, entry.was)}; now it is {_words(pack, now)}, because the knowledge base has moved on."
    )
    yield from (f"Sent by {entry.by} on {entry.date}. {told}", "")


def _numbers(choice: Choice, hardware: Hardware) -> Iterator[str]:
    memory, speed = choice.memory, choice.speed
    yield from ("## Numbers", "")
    rows = []
    for device in memory.devices:
        words = f"{gib(device.used_bytes)} of {device.capacity_bytes / GIB:.0f} GiB"
        rows.append(Bar(device.name, words, (device.used_bytes / GIB,), device.capacity_bytes / GIB))
    if memory.host_bytes and hardware.parts and not hardware.unified and choice.backend != "cpu":
        words = f"at most {gib(memory.host_bytes)} of {hardware.ram_bytes / GIB:.0f} GiB"
        rows.append(Bar("Main memory, with what is kept of earlier prompts", words, (memory.host_bytes / GIB,), hardware.ram_bytes / GIB))
    yield from bars("memory", "Memory in use", rows)
    yield ""
    parts = [
        ["Weights, GiB", gib(memory.weights_bytes)],
        ["Cache, GiB", gib(memory.kv_cache_bytes)],
        ["Buffers and overhead, GiB", gib(memory.compute_bytes + memory.overhead_bytes)],
        ["Writing, tokens/s each", span(speed.decode_tps)],
        ["Reading, tokens/s", span(speed.prefill_tps)],
        ["First words", f"{seconds(speed.ttft_s.value)} ({seconds(speed.ttft_s.low)} to {seconds(speed.ttft_s.high)})"],
        ["Download", f"{choice.download_bytes / 1e9:.1f} GB"],
        ["Licence", choice.model.license_id],
    ]
    if choice.settings["parallel"] > 1:
        parts.insert(5, ["All together, tokens/s", span(speed.aggregate_tps)])
    yield from table(["", ""], parts, numbers=(1,))
    yield ""


def _reasons(result: Plan) -> Iterator[str]:
    if result.decisions:
        yield from ("## Why", "")
        for decision in result.decisions:
            links = " ".join(f"[{index}]({url})" for index, url in enumerate(decision.sources, start=1))
            yield from (title_of(decision.what), f":   {decision.because} {links}".rstrip(), "")
    if result.warnings:
        yield from ("## Watch out", "")
        yield from (f"- {warning.text}" for warning in result.warnings)
        yield ""
    if result.assumptions:
        yield from ("## Assumed", "")
        yield from (f"- `{item.fact}`: {item.value}. {item.because}" for item in result.assumptions)
        yield ""


def _others(result: Plan) -> Iterator[str]:
    if result.alternatives:
        yield from ("## Instead", "")
        for one in result.alternatives:
            model = f"[{escape(one.choice.model.name)}](../../reference/{place(one.choice.model.id)}) `{one.choice.weights.quant}`"
            yield from (LIKE[one.like], f":   {model} on {one.choice.server.name}: {one.tradeoff}", "")


def _files(pack: Pack, result: Plan, made_by: str) -> Iterator[str]:
    rendered = render_setup(result.to_json(), pack.templates, command=made_by)
    yield from ("## Files { data-search-exclude }", "", "As `setupgen write` makes them; `README.md` is the run book.", "")
    for path, text in sorted(rendered.files.items(), key=lambda item: _order(item[0])):
        if path in HIDDEN:
            continue
        yield from _folded(path, text)
    left_out = sorted(HIDDEN & set(rendered.files))
    yield from (f"Not shown: {', '.join(f'`{path}`' for path in left_out)}.", "")


def _folded(path: str, text: str) -> Iterator[str]:
    """A block that opens on a click; its fence is longer than any in the text."""
    longest = max((len(found) for found in re.findall(r"^\s*(`{3,})", text, re.MULTILINE)), default=2)
    fence = "`" * max(longest + 1, 3)
    language = next((name for end, name in LANGUAGES.items() if path.endswith(end)), "text")
    yield from (f'??? note "{path}"', "", f"    {fence}{language}")
    yield from (f"    {line}".rstrip() for line in text.rstrip("\n").split("\n"))
    yield from (f"    {fence}", "")


def _order(path: str) -> tuple[bool, Sequence[str]]:
    return path == "README.md", path.split("/")


__all__ = ["CLASSES", "FOLDER", "USES", "by_hardware", "command", "contributed", "entries", "link", "sent", "setup_pages"]
