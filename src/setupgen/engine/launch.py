"""From settings to a server's flags and environment variables, by the `launch` entries of its file.

An entry names what it gives to the program and when: ``flag``, ``environment`` or ``argument`` (a plain word), a ``value`` and a condition
``when`` over ``settings.*``. A value is written out, or comes from a setting: ``{setting: context_total}``, with ``map`` where the program
spells it differently, or ``{text: "{bind}:{port}"}`` where several settings make one word. Everything is a word of its own, ready for exec.
A program that starts another one takes that one's command line as a single text: ``{words: [...]}``, entries of the same kind over the options
in `engine.flags`, quoted as a shell would.

The tables `flags` and `environment` of a server file say what the program has, and since or until which version. Giving it something that the
pinned version does not have is a fault of the knowledge base and raises, so that no such file is ever written.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from setupgen.engine.conditions import facts_read, holds
from setupgen.errors import SetupgenError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from setupgen.knowledge import Server

KINDS = ("flag", "environment", "argument")
PREFIX = "settings."
SWITCHES = frozenset({"embeddings", "rerank", "tool_calls", "offline", "metrics", "kv_unified", "unified"})
"""Settings that are off where nobody gave them; any other missing setting is unknown, and an entry that asks for it is left out."""

SETTINGS = SWITCHES | {
    "alias",
    "answer_limit",
    "auth.kind",
    "backend",
    "bind",
    "cache_type_k",
    "cache_type_v",
    "checkpoints",
    "chunk",
    "context",
    "context_total",
    "flash_attention",
    "image_min_tokens",
    "keep_alive",
    "kv_cache_bytes",
    "kv_cache_gib",
    "loaded_models",
    "memory_share",
    "model_count",
    "offload.gpu_layers",
    "offload.kind",
    "offload.n_cpu_moe",
    "parallel",
    "picture_words",
    "pooling",
    "port",
    "preset_file",
    "projector",
    "projector_file",
    "prompt_cache_limit_bytes",
    "prompt_cache_mib",
    "reasoning",
    "reasoning_format",
    "reasoning_parser",
    "replicas",
    "repository_file",
    "runtime",
    "sampling.min_p",
    "sampling.presence_penalty",
    "sampling.temperature",
    "sampling.top_k",
    "sampling.top_p",
    "tensor_parallel",
    "template_variables",
    "tensor_split",
    "threads",
    "tool_parser",
    "ubatch",
    "weights_file",
    "weights_name",
    "weights_source",
    "workers",
}
"""Every setting that an entry may name."""


def launch(server: Server, settings: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
    """The words of the command line, in order, and the environment variables.

    Args:
        server: whose entries, flags and pinned version count.
        settings: what the planner decided; nested mappings are reached with dots (``offload.kind``). Secrets are never among them.

    Raises:
        SetupgenError: where an entry asks for something that the pinned version does not have, or for a value that nobody gave.
    """
    return _written(server, server.launch, settings)


def router(server: Server, settings: Mapping[str, Any]) -> list[str]:
    """The words that start the server for several models, whose own options lie in a file; see `launch`."""
    return _written(server, server.raw["router"], settings)[0]


def loading(server: Server, settings: Mapping[str, Any]) -> list[str]:
    """The words that tell a server, once it runs, which model to load and how; empty for one that is told at its start."""
    return _written(server, server.raw.get("load", ()), settings)[0]


def preset_options(server: Server, words: Sequence[str]) -> dict[str, str]:
    """A command line as keys and values of a section for the router; what the router itself is told, and the name, is left out."""
    ours = {entry["flag"] for entry in server.raw["router"]} | {"--alias"}
    options: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        takes = (_record(server.flags, word) or {}).get("takes")
        value = next(rest) if takes else "true"
        if word not in ours:
            options[word.lstrip("-")] = value
    return options


def _written(server: Server, entries: Iterable[Mapping[str, Any]], settings: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
    words: list[str] = []
    environment: dict[str, str] = {}
    for entry in entries:
        if not _applies(entry, settings):
            continue
        kind, name = _named(server, entry)
        value = _value(server, entry, name, settings)
        if kind == "environment":
            _require(server, kind, name)
            environment[name] = value or ""
        elif kind == "flag":
            _require(server, kind, name)
            words.extend([name] if value is None else [name, value])
        elif value is not None:
            words.append(value)
    return words, environment


def check_flags(server: Server) -> list[str]:
    """What is wrong with the server's `launch` entries and its tables of flags and variables, as sentences; empty when all is well."""
    problems: list[str] = []
    for key in ("launch", "router", "load"):
        problems.extend(_entries_problems(server, key, server.raw.get(key, ())))
    owners: dict[str, str] = {}
    for flag, record in server.flags.items():
        shared = [spelling for spelling in (flag, *record.get("aliases", ())) if owners.setdefault(spelling, flag) != flag]
        problems.extend(f"{server.id}: flags: {spelling} belongs to {owners[spelling]} and to {flag}" for spelling in shared)
    return problems


def _entries_problems(server: Server, key: str, entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for index, entry in enumerate(entries):
        place = f"{server.id}: {key}[{index}]"
        try:
            kind, name = _named(server, entry)
            if kind in {"flag", "environment"}:
                _require(server, kind, name)
        except SetupgenError as error:
            yield f"{place}: {error}"
            continue
        yield from (f"{place} ({name}): {problem}" for problem in _entry_problems(server, kind, name, entry))
        if words := _words_of(entry):
            yield from _entries_problems(_below(server), f"{key}[{index}].words", words)


def _words_of(entry: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    value = entry.get("value")
    return value.get("words", ()) if isinstance(value, dict) else ()


def _below(server: Server) -> Server:
    """The program that the server starts, with its own version and options."""
    engine = server.raw.get("engine", {})
    return replace(
        server, id=f"{server.id} ({engine.get('name', 'engine')})", version=str(engine.get("version", "")), flags=engine.get("flags", {})
    )


def _entry_problems(server: Server, kind: str, name: str, entry: Mapping[str, Any]) -> Iterator[str]:
    if unknown := sorted(entry.keys() - {*KINDS, "value", "when"}):
        yield f"unknown keys {', '.join(unknown)}"
    if kind != "flag" and "value" not in entry:
        yield "has no value"
    if kind == "flag":
        record = _record(server.flags, name) or {}
        if bool(record.get("takes")) != ("value" in entry):
            yield "takes a value" if record.get("takes") else "takes no value"
        value = entry.get("value")
        allowed = {_text(item) for item in record.get("values", ())}
        written = value.get("map", {}).values() if isinstance(value, dict) else [] if value is None else [value]
        if allowed and (wrong := sorted({_text(item) for item in written} - allowed)):
            yield f"{', '.join(wrong)} is none of {', '.join(sorted(allowed))}"
    for fact in _facts(entry):
        if not fact.startswith(PREFIX) or fact.removeprefix(PREFIX) not in SETTINGS:
            yield f"{fact} is no known setting"


def _facts(entry: Mapping[str, Any]) -> Iterator[str]:
    yield from facts_read(entry.get("when", {}))
    value = entry.get("value")
    for word in _words_of(entry):
        yield from _facts(word)
    if isinstance(value, dict):
        if "setting" in value:
            yield PREFIX + value["setting"]
        for name in PLACEHOLDER.findall(value.get("text", "")):
            yield PREFIX + name


def _applies(entry: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    condition = entry.get("when")
    if condition is None:
        return True
    return bool(holds(condition, lambda fact: _setting(settings, fact.removeprefix(PREFIX))))


def _setting(settings: Mapping[str, Any], name: str) -> Any:
    """The value of a setting by its dotted name; `None` where nobody gave it."""
    value: Any = settings
    for part in name.split("."):
        value = value.get(part) if hasattr(value, "get") else None
    return bool(value) if name in SWITCHES else value


def _named(server: Server, entry: Mapping[str, Any]) -> tuple[str, str]:
    found = [kind for kind in KINDS if kind in entry]
    if len(found) != 1:
        raise SetupgenError(f"{server.id}: an entry of launch needs exactly one of {', '.join(KINDS)}, not {dict(entry)!r}.")
    return found[0], str(entry[found[0]])


def _value(server: Server, entry: Mapping[str, Any], name: str, settings: Mapping[str, Any]) -> str | None:
    if "value" not in entry:
        return None
    written = entry["value"]
    if not isinstance(written, dict):
        return _text(written)
    if "words" in written:
        return shlex.join(_written(_below(server), written["words"], settings)[0])
    if "text" in written:
        return PLACEHOLDER.sub(lambda match: _text(_given(server, name, match[1], settings)), written["text"])
    value = _text(_given(server, name, written["setting"], settings))
    spelled = written.get("map", {})
    if spelled and value not in spelled:
        raise SetupgenError(f"{server.id}: {name} knows no word for {written['setting']} = {value}; it has {', '.join(sorted(spelled))}.")
    return _text(spelled[value]) if spelled else value


def _given(server: Server, name: str, setting: str, settings: Mapping[str, Any]) -> Any:
    value = _setting(settings, setting)
    if value is None:
        raise SetupgenError(f"{server.id}: {name} needs the setting {setting!r}, which this plan does not have.")
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(_text(item) for item in value)
    return str(value)


def _require(server: Server, kind: str, name: str) -> None:
    """Refuses a flag or variable that the pinned version does not have."""
    known = server.flags if kind == "flag" else server.environment
    record = _record(known, name)
    if record is None:
        raise SetupgenError(f"{server.id} {server.version}: no {kind} {name} is recorded.")
    since, until = str(record.get("since", "")), str(record.get("until", ""))
    if since and _version(server.version) < _version(since):
        raise SetupgenError(f"{server.id} {server.version}: {kind} {name} exists only since {since}.")
    if until and _version(server.version) >= _version(until):
        raise SetupgenError(f"{server.id} {server.version}: {kind} {name} exists only before {until}.")


def _record(known: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """The record of a flag or variable, by its name or any of its other spellings."""
    if name in known:
        return dict(known[name])
    return next((dict(record) for record in known.values() if name in record.get("aliases", ())), None)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))


PLACEHOLDER = re.compile(r"\{([a-z_.]+)\}")
