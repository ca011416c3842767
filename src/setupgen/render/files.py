"""From a plan to `{relative path: text}`: which targets serve it, which of their files appear, what each says."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from setupgen.engine.conditions import COMPARISONS, holds
from setupgen.errors import NothingFitsError, UnknownNameError, UsageError
from setupgen.render.containers import way_of
from setupgen.render.context import context_of, qualified, texts_of
from setupgen.render.environment import environment, render_text
from setupgen.render.quoting import UnquotableError, comment
from setupgen.render.stacks import on_stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jinja2.sandbox import ImmutableSandboxedEnvironment

    Raw = Mapping[str, Any]

DEFAULT_MODE = "0644"
RUNTIME = "runtime"
"""The role of targets that start the server; a setup has one of them."""

# How a comment looks in a file, by the end of its name. JSON has none; such files are listed in the manifest alone.
_COMMENTS: dict[str, tuple[str, str]] = {
    ".md": ("<!-- ", " -->"),
    ".plist": ("<!-- ", " -->"),
    ".json": ("", ""),
    ".j2": ("", ""),
    ".mjs": ("// ", ""),
}
_HASH = ("# ", "")


@dataclass(frozen=True, slots=True)
class Rendered:
    """The files of a setup and what the writer must know of them.

    Attributes:
        files: relative path to text.
        modes: relative path to octal mode, for files that are not `0644`.
        secrets: relative path to the names whose values the writer makes once and keeps.
        targets: ids of the targets that made them.
        partial: whether these are only some of the setup's files, because usual targets were named.
    """

    files: dict[str, str]
    modes: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, list[str]] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    partial: bool = False


def render(plan: Raw, templates: Raw, *, targets: Sequence[str] | None = None, command: str = "") -> dict[str, str]:
    """The files of a plan as relative path to text; see `render_setup`."""
    return render_setup(plan, templates, targets=targets, command=command).files


def render_setup(plan: Raw, templates: Raw, *, targets: Sequence[str] | None = None, command: str = "", name: str = "") -> Rendered:
    """Everything to run a plan. The same plan, templates and command give the same bytes.

    Args:
        plan: `Plan.to_json()`.
        templates: targets by id: template.yaml as a mapping plus ``texts``.
        targets: ids to render. A usual one stands for itself: only what is named is rendered. One with `on_request` comes on top of the
            usual ones, and in the place of the one that would run the server, where it does that itself.
        command: the command line that makes the files again, for their headers.
        name: name of the setup; else made from server and model.

    Raises:
        NothingFitsError: where the plan has no setup, or no target (or not the one asked for) can serve it.
        UnknownNameError: for a target that does not exist.
        UsageError: for a text that cannot be written; the message names the field of the plan.
    """
    if not plan.get("choice"):
        raise NothingFitsError("this plan has no setup to write.", place="plan", hint="`setupgen plan` says what would fit.")
    plan, stack, targets = on_stack(plan, targets or ())
    context = context_of(plan, command=command, name=name)
    wanted = sorted(set(targets))
    chosen = _choose(plan, context, templates, wanted)
    images = {key: image for target in templates.values() for key, image in target.get("images", {}).items()}
    context |= {"images": images, "qualified": qualified if plan["choice"].get("runtime") == "podman" else str}
    usual = (id_ for id_ in sorted(templates) if not templates[id_].get("on_request") and _serves(templates[id_], context))
    way = next((id_ for id_ in (*chosen, *usual) if templates[id_]["role"] == RUNTIME), "")
    context["setup"] |= way_of(context, images, way)
    texts = {f"{id_}/{file}": text for id_, target in templates.items() for file, text in target["texts"].items()}
    made = environment(texts)
    entries = [(id_, entry) for id_ in chosen for entry in _files(templates[id_], context)]
    listed = [{"path": _path(entry, context), "about": entry.get("about", "")} for _, entry in entries]
    asked = [id_ for id_ in wanted if templates[id_].get("on_request")] + stack
    context["setup"] |= {"files": listed, "paths": [file["path"] for file in listed], "targets": chosen, "asked": asked}
    context["setup"]["command"] += "".join(f" --target {id_}" for id_ in asked)
    result = Rendered({}, targets=tuple(chosen), partial=len(asked) - len(stack) < len(wanted))
    for id_, entry in entries:
        _add(result, made, f"{id_}/{entry['template']}", entry, context)
    return replace(result, files=dict(sorted(result.files.items())))


def render_proxy(proxy: Raw, templates: Raw, *, knowledge: Raw, command: str = "", name: str = "") -> Rendered:
    """The folder of a fleet's proxy, from the plan's `choice.proxy` alone; its `runtime` is docker where it names none."""
    runtime = str(proxy.get("runtime") or "docker")
    plan = {
        "choice": {"proxy": dict(proxy), "runtime": runtime, "role": "proxy", "clients": []},
        "knowledge": dict(knowledge),
        "facts": {"needs": {"os": "linux", "runtime": runtime}},
    }
    return render_setup(plan, templates, command=command, name=name or str(proxy["id"]))


def _choose(plan: Raw, context: Raw, templates: Raw, wanted: Sequence[str]) -> list[str]:
    """The targets that are rendered, in order of id; see `render_setup` for what naming one does."""
    for id_ in wanted:
        if id_ not in templates:
            raise UnknownNameError("target", id_, templates, place="--target")
        if not _serves(templates[id_], context):
            reasons = "; ".join(_failures(templates[id_]["serves"], context)) or "its conditions do not hold"
            raise NothingFitsError(
                f"the target {id_!r} cannot serve this plan: {reasons}.",
                place="--target",
                hint="Without --target, the usual targets that serve the plan are written.",
            )
    asked = [id_ for id_ in wanted if templates[id_].get("on_request")]
    usual = [id_ for id_ in wanted if id_ not in asked]
    if not usual:
        usual = [id_ for id_ in sorted(templates) if not templates[id_].get("on_request") and _serves(templates[id_], context)]
        if running := [id_ for id_ in asked if templates[id_]["role"] == RUNTIME]:
            if len(running) > 1:
                raise UsageError(f"{' and '.join(running)} both run the server.", place="--target", hint="Name one of them.")
            usual = [id_ for id_ in usual if templates[id_]["role"] != RUNTIME]
    chosen = sorted({*usual, *asked})
    if not wanted and not any(templates[id_]["role"] == RUNTIME for id_ in chosen):
        choice = plan["choice"]
        server = (choice.get("server") or choice.get("proxy") or {}).get("id", "?")
        others = [id_ for id_, target in sorted(templates.items()) if target["role"] == RUNTIME and _serves(target, context)]
        raise NothingFitsError(
            f"there is no template that runs {server} with runtime {choice.get('runtime')!r} on {context['facts']['needs'].get('os')!r}.",
            place="plan",
            hint=f"Name one that does: --target {others[0]}." if others else "Choose another --runtime: docker, podman or native.",
        )
    return chosen


def _serves(target: Raw, context: Raw) -> bool:
    return holds(target["serves"], lambda fact: _lookup(context, fact)) is True


def _failures(condition: Raw, context: Raw) -> Iterator[str]:
    """What a plan lacks for a condition, in words."""
    for part in condition.get("all", ()):
        yield from _failures(part, context)
    if "any" in condition and holds(condition, lambda fact: _lookup(context, fact)) is not True:
        yield " or ".join(reason for part in condition["any"] for reason in _failures(part, context))
    if "fact" in condition and holds(condition, lambda fact: _lookup(context, fact)) is not True:
        operator = next(key for key in condition if key in COMPARISONS)
        value = _lookup(context, condition["fact"])
        yield f"it needs {condition['fact']} {operator.replace('_', ' ')} {condition[operator]!r}, and the plan has {value!r}"


def _files(target: Raw, context: Raw) -> Iterator[Raw]:
    for entry in target["files"]:
        if "when" not in entry or holds(entry["when"], lambda fact: _lookup(context, fact)) is True:
            yield entry


def _lookup(context: Raw, fact: str) -> Any:
    """The value of a dotted name in the plan; `None` where it is absent or empty."""
    value: Any = context
    for part in fact.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return None if value in ("", [], {}, ()) else value


def _path(entry: Raw, context: Raw) -> str:
    return str(entry["path"]).replace("{name}", context["setup"]["name"])


def _add(result: Rendered, made: ImmutableSandboxedEnvironment, template: str, entry: Raw, context: dict[str, Any]) -> None:
    path = _path(entry, context)
    if path in result.files:
        raise UsageError(f"two templates make the file {path!r}.", place=f"templates/{template}", hint="Give one of them another path.")
    try:
        text = render_text(made, template, context)
    except UnquotableError as error:
        field_name = next((where for where, text in texts_of(context) if error.value and error.value == text), "")
        where = field_name or next((where for where, text in texts_of(context) if text and text in error.value), "")
        raise UsageError(error.message, place=f"{path} ({where})" if where else path, hint=error.hint) from error
    result.files[path] = _checked(_with_header(path, text, entry, context["setup"]), path)
    if entry.get("mode", DEFAULT_MODE) != DEFAULT_MODE:
        result.modes[path] = entry["mode"]
    if entry.get("secret"):
        result.secrets[path] = list(context["setup"]["made"])


def _checked(text: str, path: str) -> str:
    if path.endswith(".json"):
        try:
            json.loads(text)
        except ValueError as error:
            raise UsageError(f"the template makes JSON that cannot be read: {error}.", place=path, hint="Report this.") from error
    return text if text.endswith("\n") else text + "\n"


def _with_header(path: str, text: str, entry: Raw, setup: Raw) -> str:
    """The text with who made it, from what, how to make it again and where changes belong."""
    suffix = re.search(r"\.[a-z0-9]+$", path)
    before, after = _COMMENTS.get(suffix[0], _HASH) if suffix else _HASH
    if not before or entry.get("header") is False:
        return text
    lines = [f"Made by setupgen {setup['version']} from knowledge {setup['digest'] or 'of unknown digest'}."]
    # XML forbids two dashes in a comment.
    lines.append("README.md says how to make it again." if path.endswith(".plist") else f"Make it again: {setup['command']}")
    if override := entry.get("override"):
        lines.append(f"Your own changes go into {override.replace('{name}', setup['name'])}, read last and never overwritten.")
    elif entry.get("edit"):
        lines.append("This file is yours to edit: values that are set are kept.")
    else:
        lines.append("Change the answers instead of this file: setupgen refuses to overwrite a file that was edited.")
    header = "".join(f"{before}{comment(line)}{after}\n" for line in lines)
    first, newline, rest = text.partition("\n")
    if first.startswith(("#!", "<?xml")):
        return f"{first}{newline}{header}{rest}"
    return header + text
