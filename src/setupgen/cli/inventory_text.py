"""Text of an inventory: an entry as YAML, and an entry added to a file whose comments and order stay as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from setupgen.errors import UsageError
from setupgen.strict_yaml import flow, parse, scalar

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def with_host(text: str, entry: Mapping[str, Any], name: str, *, maximum: int) -> str:
    """The text of an inventory with one more host after the last one; nothing else of it changes.

    Args:
        text: strict YAML with keys and values.
        entry: the host: keys to texts.
        name: of the file, for messages.
        maximum: characters that the result may have.

    Raises:
        UsageError: where the file is written in a way that nothing can be added to; it shows what to add by hand.
    """
    expected = dict(parse(text, name, maximum=maximum).data)
    expected["hosts"] = [*(expected.get("hosts") or ()), dict(entry)]
    made = _inserted(text, entry)
    try:
        same = parse(made, name, maximum=maximum).data == expected
    except UsageError:
        same = False
    if not same:
        raise UsageError(
            "nothing can be added to hosts as the file is written.", place=name, hint=f"Add this entry yourself: {flow(entry)}"
        )
    return made


def _inserted(text: str, entry: Mapping[str, Any]) -> str:
    end = "\r\n" if "\r\n" in text else "\n"
    root: Any = yaml.compose(text, Loader=_LOADER)
    hosts = next((value for key, value in root.value if key.value == "hosts"), None)
    if hosts is None:
        return _after_line(text, len(text), f"hosts:{end}  - {flow(entry)}{end}", end)
    first, last = hosts.start_mark.index, hosts.end_mark.index
    if isinstance(hosts, yaml.ScalarNode):  # nothing yet
        return _after_line(text[:first] + text[last:], first, f"  - {flow(entry)}{end}", end)
    if hosts.flow_style:
        if not hosts.value:
            return f"{text[: first + 1]}{flow(entry)}{text[first + 1 :]}"
        place = hosts.value[-1].end_mark.index
        return f"{text[:place]}, {flow(entry)}{text[place:]}"
    before = " " * hosts.start_mark.column
    if hosts.value[-1].flow_style:
        added = f"{before}- {flow(entry)}{end}"
    else:
        lines = [f"{key}: {scalar(value)}" for key, value in entry.items()]
        added = f"{before}- " + f"{end}{before}  ".join(lines) + end
    return _after_line(text, _end(hosts), added, end)


def _end(node: Any) -> int:
    """Where what is written of a node ends. A block's own mark lies behind the comments that follow it."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _end(node.value[-1][1])
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _end(node.value[-1])
    return int(node.end_mark.index) - int(node.end_mark.column == 0)


def _after_line(text: str, place: int, added: str, end: str) -> str:
    """The text with whole lines added after the line of a place."""
    found = text.find("\n", place) if place < len(text) else -1
    if found >= 0:
        return text[: found + 1] + added + text[found + 1 :]
    return text + ("" if not text or text.endswith("\n") else end) + added
