"""Words and tables for generated pages: Markdown from ids, numbers and conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from setupgen.knowledge import Pack

_BILLION = 1_000_000_000
GIB = 1024**3


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]], *, numbers: Sequence[int] = ()) -> Iterator[str]:
    """A Markdown table.

    Args:
        heads: titles of the columns.
        rows: cells, as text or anything that has a text.
        numbers: indexes of the columns that are aligned to the right.
    """
    yield f"| {' | '.join(heads)} |"
    yield "|" + "".join(" ---: |" if index in numbers else " --- |" for index in range(len(heads)))
    for row in rows:
        yield f"| {' | '.join(str(cell).replace('|', chr(92) + '|').replace(chr(10), ' ') for cell in row)} |"


def escape(text: str) -> str:
    """A text that may stand inside a link."""
    return text.replace("[", "\\[").replace("]", "\\]")


def cited(pack: Pack, sources: Iterable[str]) -> str:
    """The line that names the pages a claim rests on."""
    return "Sources: " + ", ".join(f"[{escape(pack.sources[id_]['title'])}]({pack.url(id_)})" for id_ in sources) + "."


def numbered(pack: Pack, sources: Iterable[str]) -> str:
    """Links to sources as short numbers, for a narrow column."""
    return " ".join(f"[{index}]({url})" for index, url in enumerate(pack.urls(list(sources)), start=1))


def parameters(total: int, active: int) -> str:
    """Parameters in billions, with the active ones of a mixture."""
    size = _billions(total)
    return f"{size}, {_billions(active)} active" if active < total else size


def _billions(count: int) -> str:
    return f"{float(f'{count / _BILLION:.3g}'):,g} B"


def anchor(id_: str) -> str:
    """The name of the heading of an id."""
    return id_.replace("/", "-").replace(".", "-")


def gib(size: float) -> str:
    """Bytes in GiB, as precise as the size is large."""
    value = size / GIB
    return f"{value:.2f}" if value < 1 else f"{value:.1f}"


def rate(value: float) -> str:
    """Tokens per second without false precision."""
    if value >= 1000:  # noqa: PLR2004  three digits are all that is known
        return f"{round(value, -2):,.0f}"
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"  # noqa: PLR2004  two digits


def seconds(value: float) -> str:
    """A waiting time in words."""
    if value < 10:  # noqa: PLR2004  short waits differ by parts of a second
        return f"{value:.1f} s"
    return f"{value:.0f} s" if value < 90 else f"{value / 60:.0f} min"  # noqa: PLR2004  from here on minutes read better


def span(found: Any, words: Any = rate) -> str:
    """A value with its range: ``136 (105 to 175)``."""
    return f"{words(found.value)} ({words(found.low)} to {words(found.high)})"


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
    return f"`{condition['fact']}` {operator.replace('_', ' ')} {value_text(value)}"


def effects_text(effects: Iterable[dict[str, Any]]) -> str:
    """Effects as words."""
    words = []
    for effect in effects:
        kind = next(key for key in effect if key != "weight")
        body = effect[kind]
        if kind == "warn":
            words.append(f"warn “{body if isinstance(body, str) else body['text']}”")
            continue
        if not body:
            words.append(f"{kind} it")
            continue
        weight = f" by {effect['weight']:g}" if "weight" in effect else ""
        words.append(f"{kind} " + ", ".join(f"{key} {value_text(value)}" for key, value in body.items()) + weight)
    return "; ".join(words)


def value_text(value: Any) -> str:
    """A value of a rule as words."""
    if isinstance(value, list):
        return ", ".join(value_text(item) for item in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
