"""Strict YAML as data with lines: what YAML 1.1 would quietly turn into something else is refused, with file, line and key. Pure.

Dates stay text, keys are text, no key comes twice, and there are no anchors, aliases, tags, merge keys or second documents. The text is
read from libyaml's event stream; every key and item keeps the number of its line, so that later checks can point at it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import yaml

from setupgen.errors import UsageError, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

At = tuple[str | int, ...]

MAXIMUM_BYTES = 1_000_000
MAXIMUM_DEPTH = 40

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*)\.[0-9]+([eE][-+]?[0-9]+)?")
_TRAPS = (
    (re.compile(r"(?i:y|n|yes|no|on|off)"), "YAML 1.1 reads this word as true or false.", "write true or false, or put the word in quotes"),
    (re.compile(r"True|TRUE|False|FALSE"), "true and false are written in small letters.", "write true or false"),
    (re.compile(r"[-+]?0[0-9_]+"), "a number that begins with 0 is octal to YAML 1.1.", "leave the 0 out, or put it in quotes"),
    (re.compile(r"[-+]?0[oxb][0-9a-fA-F_]+"), "only decimal numbers are read.", "write it in decimal, or put it in quotes"),
    (
        re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"),
        "YAML 1.1 reads this as a number to base 60.",
        "put it in quotes",
    ),
    (
        re.compile(r"[-+]?[0-9]+_[0-9_]*(\.[0-9_]*)?"),
        "numbers are written without underscores.",
        "leave the underscores out, or put it in quotes",
    ),
    (re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+"), "loaders disagree whether this is a number.", "write the number out, or put it in quotes"),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.)"), "a number has digits before and after its point.", "write 0.5 for .5 and 5.0 for 5."),
    (
        re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
        "infinity and not-a-number are not values here.",
        "write a number, or leave the key out",
    ),
    (re.compile(r"=|<<"), "merge and default keys are not read.", "write the values out"),
    (re.compile(r"Null|NULL"), "null is written in small letters.", "leave the key out"),
)
_CONSTANTS: Mapping[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML file: its data, and the line of every key and item.

    Attributes:
        name: path from the repository's root, or what the user called the file.
        data: mappings, lists and scalars; dates are text.
        lines: path of keys and indexes to line number, from 1.
    """

    name: str
    data: Any
    lines: Mapping[At, int] = field(repr=False)

    def line(self, at: At = ()) -> int:
        """The line of this key, or of the nearest one around it that is written in the file."""
        while at and at not in self.lines:
            at = at[:-1]
        return self.lines.get(at, 1)

    def place(self, at: At = ()) -> str:
        """File, line and key as a message shows them."""
        return f"{self.name}, line {self.line(at)}" + (f", {dotted(at)}" if at else "")


def dotted(at: At) -> str:
    """A path of keys and indexes as text: ``weights[0].format``."""
    text = ""
    for step in at:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def parse(text: str, name: str, *, maximum: int = MAXIMUM_BYTES) -> Document:
    """The document in a text of at most `maximum` characters.

    Raises:
        UsageError: where it is not strict YAML.
    """
    if len(text) > maximum:
        raise UsageError(f"the text is larger than {maximum // 1000} kB.", place=name, hint="Split it.")
    reader = _Reader(name, text)
    try:
        data = reader.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}, line {mark.line + 1}" if mark else name
        raise UsageError(f"not readable as YAML: {error.problem or error.context}.", place=place, hint=_syntax_hint(text, mark)) from error
    except yaml.YAMLError as error:
        raise UsageError("not readable as YAML: it holds a control character.", place=name, hint="Remove it.") from error
    return Document(name, data, reader.lines)


def _syntax_hint(text: str, mark: Any) -> str:
    if mark is not None:
        lines = text.splitlines()
        around = lines[max(0, mark.line - 1) : mark.line + 1]
        if any("\t" in line for line in around):
            return "Indent with spaces, not with tabs."
    return "Check indentation and quotes around this line."


class _Reader:
    """Builds data from libyaml's events; one use."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.lines: dict[At, int] = {}
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=_LOADER))

    def document(self) -> Any:
        data: Any = None
        seen = False
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if seen:
                    self._refuse(event, (), "a second document begins.", "Remove the line with three dashes.")
                seen = True
                data = self._value(next(self._events), ())
        return data

    def _value(self, event: Any, at: At) -> Any:
        if len(at) > MAXIMUM_DEPTH:
            self._refuse(event, at, "the file is nested too deeply.", "Flatten it.")
        self.lines.setdefault(at, event.start_mark.line + 1)
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            self._refuse(event, at, "anchors and aliases (& and *) are not read.", "Write the value out, or put it in quotes.")
        if event.tag is not None and event.tag != "!":
            self._refuse(event, at, f"tags such as {shorten(event.tag)} are not read.", "Remove the tag, or put the value in quotes.")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, at)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Any] = []
            while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
                items.append(self._value(event, (*at, len(items))))
            return items
        return self._mapping(at)

    def _mapping(self, at: At) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, at)
            if key in found:
                self._refuse(event, (*at, key), f"the key comes twice; first on line {self.lines[(*at, key)]}.", "Keep one of them.")
            self.lines[(*at, key)] = event.start_mark.line + 1
            found[key] = self._value(next(self._events), (*at, key))
        return found

    def _key(self, event: Any, at: At) -> str:
        if not isinstance(event, yaml.ScalarEvent) or event.anchor is not None or event.tag is not None:
            self._refuse(event, at, "a key must be plain text.", "Put it in quotes.")
        key = self._scalar(event, (*at, event.value))
        if not isinstance(key, str):
            self._refuse(event, (*at, event.value), f"the key {event.value!r} is not text.", "Put it in quotes.")
        return key

    def _scalar(self, event: Any, at: At) -> Any:
        text: str = event.value
        if not event.implicit[0]:
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _INTEGER.fullmatch(text):
            return int(text) if len(text) <= 25 else self._refuse(event, at, "the number is too long.", "Write a shorter one.")  # noqa: PLR2004
        if _FLOAT.fullmatch(text):
            return float(text)
        for pattern, problem, advice in _TRAPS:
            if pattern.fullmatch(text):
                self._refuse(event, at, f"{shorten(text)!r}: {problem}", f"{advice[0].upper()}{advice[1:]}.")
        return text

    def _refuse(self, event: Any, at: At, message: str, hint: str) -> NoReturn:
        place = f"{self.name}, line {event.start_mark.line + 1}" + (f", {dotted(at)}" if at else "")
        raise UsageError(message, place=place, hint=hint)


# -------------------------------------------------------------------------------------------------- writing


def scalar(value: Any) -> str:
    """A value as YAML that reads back as itself, in quotes where it needs them."""
    text = str(value)
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(text):
        try:
            if parse(f"[{text}]", "").data == [text]:
                return text
        except UsageError:
            pass
    return json.dumps(text, ensure_ascii=False)


def flow(value: Any) -> str:
    """A value on one line, such as an entry of a list."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(key)}: {flow(item)}" for key, item in value.items()) + "}"
    return f"[{', '.join(map(flow, value))}]" if isinstance(value, list) else scalar(value)


def block(document: Mapping[str, Any]) -> str:
    """A document as text: each key on a line of its own, and each entry of a list of mappings."""
    lines = []
    for key, value in document.items():
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            lines += [f"{scalar(key)}:", *(f"  - {flow(item)}" for item in value)]
        else:
            lines.append(f"{scalar(key)}: {flow(value)}")
    return "".join(f"{line}\n" for line in lines)
