"""Writes the reference pages of the booklet, `docs/reference/*.md`, from the compiled pack. Git-ignored; never edited by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from setupgen.errors import UsageError
from setupgen.knowledge import Pack
from setupgen.maintain.checks.sources_resolve import cited
from setupgen.maintain.compile import compile_pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

FOLDER = "docs/reference"
_BILLION = 1_000_000_000


def write_pages(root: Path) -> list[Path]:
    """Write every page of the reference for the tree at `root`; their paths.

    Raises:
        UsageError: where something cites a source that is not listed.
    """
    raw = compile_pack(root)
    missing = sorted({id_ for _, id_ in cited(raw)} - set(raw["sources"]))
    if missing:
        raise UsageError(f"sources are cited but not listed: {', '.join(missing)}.", hint="`setupgen kb lint` says where.")
    pack = Pack(raw)
    written = []
    for name, (title, lead, body) in _PAGES.items():
        lines = [f"# {title}", "", lead, "", *body(pack)]
        path = root / FOLDER / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
        written.append(path)
    return written


def _index(pack: Pack) -> Iterator[str]:
    for name, (title, lead, _) in _PAGES.items():
        if name != "index":
            yield f"- [{title}]({name}.md): {lead}"
    yield ""
    yield f"Knowledge base {pack.version}, digest `{pack.digest}`. Its oldest review is of {pack.oldest_review}."


def _models(pack: Pack) -> Iterator[str]:
    rows = [
        [
            f"[{model.name}](#{_anchor(model.id)})",
            _parameters(model.total_parameters, model.active_parameters),
            f"{model.native_context // 1024}k",
            ", ".join(group.kind for group in model.architecture.attention),
            f"{model.license_id} ({model.license_class})",
            ", ".join(f"{use_case} {grade}" for use_case, grade in model.use_cases.items()),
        ]
        for model in pack.models.values()
    ]
    yield from table(["Model", "Parameters", "Context", "Attention", "Licence", "Use cases (3 best)"], rows)
    for model in pack.models.values():
        yield from (
            "",
            f"## {model.name} {{ #{_anchor(model.id)} }}",
            "",
            f"`{model.id}`, {model.publisher}, {model.released}. Reviewed {model.reviewed}.",
            "",
        )
        rows = [[item.format, item.quant, f"`{item.repository}`", f"`{item.ollama}`" if item.ollama else ""] for item in model.weights]
        yield from table(["Format", "Quantisation", "Repository", "Ollama"], rows)
        if model.scores:
            rows = [[score["benchmark"], score["value"], score.get("harness", ""), score.get("date", "")] for score in model.scores]
            yield from ("", *table(["Benchmark", "Value", "By", "Date"], rows))
        for fault in model.raw.get("faults", ()):
            yield from ("", f"Known fault: {fault}")
        yield from ("", _cited(pack, model.sources))


def _hardware(pack: Pack) -> Iterator[str]:
    rows = [
        [
            device.name,
            f"`{device.id}`",
            device.kind,
            ", ".join(f"{size / 1024**3:g}" for size in device.memory_options),
            f"{device.bandwidth_gb_s:g}",
            f"{device.compute['fp16']:g}" if "fp16" in device.compute else "unknown",
            device.capability,
            ", ".join(device.backends),
            ", ".join(f"[{index}]({url})" for index, url in enumerate(pack.urls(device.sources), start=1)),
        ]
        for device in pack.devices.values()
    ]
    yield from table(["Hardware", "Id", "Kind", "Memory, GiB", "GB/s", "FP16 TFLOPS", "Capability", "Backends", "Sources"], rows)


def _servers(pack: Pack) -> Iterator[str]:
    for server in pack.servers.values():
        yield from (f"## {server.name}", "", f"`{server.id}`, {server.kind}, {server.license_id}. Reviewed {server.reviewed}.", "")
        facts: list[list[Any]] = [
            ["Version that files pin", f"`{server.version}`"],
            ["Oldest version that is safe", f"`{server.minimum_version}`"],
            ["Port", server.port],
            ["Platforms", ", ".join(server.platforms)],
            ["Runs as", ", ".join(server.runtimes)],
            ["Formats", ", ".join(server.formats)],
            ["Backends", ", ".join(server.backends)],
            ["APIs", ", ".join(server.apis)],
        ]
        yield from table(["", ""], [row for row in facts if row[1]])
        yield from ("", _cited(pack, server.sources), "")


def _rules(pack: Pack) -> Iterator[str]:
    topics: dict[str, list[str]] = {}
    for id_, rule in sorted(pack.rules.items()):
        topics.setdefault(rule["topic"], []).append(id_)
    for topic, ids in topics.items():
        yield from (f"## {topic.replace('-', ' ').capitalize()}", "")
        for id_ in ids:
            rule = pack.rules[id_]
            yield from (f"### {id_}", "", rule["because"], "", f"When {condition_text(rule['when'])}: {effects_text(rule['then'])}.", "")
            yield from (_cited(pack, rule["sources"]), "")


def _vocabulary(pack: Pack) -> Iterator[str]:
    for name in sorted(pack.raw["vocabulary"]):
        yield from (f"## {name.replace('-', ' ').capitalize()}", "")
        yield from table(
            ["Id", "", "Meaning"], [[f"`{id_}`", entry["label"], entry["description"]] for id_, entry in pack.vocabulary(name).items()]
        )
        yield ""


def _sources(pack: Pack) -> Iterator[str]:
    rows = [
        [f"`{id_}`", f"[{escape(source['title'])}]({source['url']})", source["retrieved"]] for id_, source in sorted(pack.sources.items())
    ]
    yield from table(["Id", "Page", "Read on"], rows)


def condition_text(condition: dict[str, Any]) -> str:
    """A condition as words: ``needs.users at least 8 and backend is cuda``."""
    for branch, joint in (("all", " and "), ("any", " or ")):
        if branch in condition:
            parts = [condition_text(part) for part in condition[branch]]
            return joint.join(f"({part})" if len(parts) > 1 and " or " in part else part for part in parts)
    if "not" in condition:
        return f"not ({condition_text(condition['not'])})"
    operator, value = next((key, value) for key, value in condition.items() if key != "fact")
    if operator == "exists":
        return f"`{condition['fact']}` is {'known' if value else 'unknown'}"
    return f"`{condition['fact']}` {operator.replace('_', ' ')} {_value(value)}"


def effects_text(effects: Iterable[dict[str, Any]]) -> str:
    """Effects as words."""
    words = []
    for effect in effects:
        kind = next(key for key in effect if key != "weight")
        body = effect[kind]
        if kind == "warn":
            words.append(f"warn “{body if isinstance(body, str) else body['text']}”")
            continue
        weight = f" by {effect['weight']:g}" if "weight" in effect else ""
        words.append(f"{kind} " + ", ".join(f"{key} {_value(value)}" for key, value in (body or {}).items()) + weight)
    return "; ".join(words)


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """A Markdown table."""
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(str(cell).replace('|', chr(92) + '|').replace(chr(10), ' ') for cell in row)} |"


def escape(text: str) -> str:
    """A text that may stand inside a link."""
    return text.replace("[", "\\[").replace("]", "\\]")


def _cited(pack: Pack, sources: Iterable[str]) -> str:
    return "Sources: " + ", ".join(f"[{escape(pack.sources[id_]['title'])}]({pack.url(id_)})" for id_ in sources) + "."


def _parameters(total: int, active: int) -> str:
    size = f"{total / _BILLION:.3g} B"
    return f"{size}, {active / _BILLION:.3g} B active" if active < total else size


def _anchor(id_: str) -> str:
    return id_.replace("/", "-").replace(".", "-")


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_value(item) for item in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


_PAGES: dict[str, tuple[str, str, Callable[[Pack], Iterator[str]]]] = {
    "index": ("Reference", "What the knowledge base holds, as the program reads it.", _index),
    "models": ("Models", "Every model that a setup can have, with its published weights.", _models),
    "hardware": ("Hardware", "Every kind of hardware that is known, with the numbers that estimates rest on.", _hardware),
    "servers": ("Servers", "Every server, proxy and cluster engine, with the version that generated files pin.", _servers),
    "rules": ("Rules", "Every rule that a plan can name, with its reason and its sources.", _rules),
    "vocabulary": ("Vocabulary", "The words that facts, models and rules are written with.", _vocabulary),
    "sources": ("Sources", "Every page that a claim rests on.", _sources),
}
