"""Pictures for chapters: inline SVG that follows the theme's colours, works at every width, and says in words what it shows.

Bars and curves are laid out in percent, so that the letters keep their size on a phone. Boxes and arrows are drawn 360 units wide, which is
about what a phone has. Colours are classes of `docs/assets/diagrams.css`; nothing depends on colour alone, because the numbers stand beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROW = 46
"""Height of a bar with its line of words."""

BESIDE = 46
"""Letters of name and words that a phone shows in one line; longer words stand below the name."""

BOX = 360
"""Width of drawings with boxes."""

LINE = 15
"""Height of a line of words in a box."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its name, what stands at its right, its parts by tone, and the size that it could have had."""

    label: str
    words: str
    parts: tuple[float, ...]
    capacity: float = 0.0


@dataclass(frozen=True, slots=True)
class Box:
    """A box of a drawing: a title and lines below it; `tone` 0 is plain, others are the colours of the bars."""

    title: str
    lines: tuple[str, ...] = ()
    tone: int = 0

    @property
    def height(self) -> int:
        """Units that the words need."""
        return 18 + LINE * (1 + len(self.lines))


def bars(name: str, title: str, rows: Sequence[Bar], *, key: Sequence[str] = (), caption: str = "") -> Iterator[str]:
    """Horizontal bars, one below the other, on one scale.

    Args:
        name: unique on the page.
        title: what the picture shows.
        rows: the bars.
        key: names of the parts, in their order.
        caption: a sentence below the picture; may hold HTML.
    """
    top = max((max(sum(row.parts), row.capacity) for row in rows), default=1.0) or 1.0
    drawn: list[str] = []
    y = 0
    for row in rows:
        drawn.append(f'<text x="0" y="{y + 14}">{escape(row.label)}</text>')
        if len(row.label) + len(row.words) > BESIDE:
            y += LINE
            drawn.append(f'<text x="0" y="{y + 14}">{escape(row.words)}</text>')
        else:
            drawn.append(f'<text class="n" x="100%" y="{y + 14}">{escape(row.words)}</text>')
        if row.capacity:
            drawn.append(f'<rect class="room" x="0" y="{y + 21}" width="{_percent(row.capacity, top)}" height="16"/>')
        start = 0.0
        for tone, part in enumerate(row.parts, start=1):
            drawn.append(f'<rect class="tone-{tone}" x="{_percent(start, top)}" y="{y + 21}" width="{_percent(part, top)}" height="16"/>')
            start += part
        y += ROW
    words = ". ".join(f"{row.label}: {row.words}" for row in rows)
    svg = f'<svg width="100%" height="{y}" {_named(name)}>{_words(name, title, words)}{"".join(drawn)}</svg>'
    yield from _figure(svg, title, key, caption)


def curves(
    name: str,
    title: str,
    x: Sequence[tuple[float, str]],
    series: Sequence[tuple[str, Sequence[float]]],
    *,
    y: Sequence[tuple[float, str]],
    axes: tuple[str, str],
    caption: str = "",
) -> Iterator[str]:
    """Lines over an axis.

    Args:
        name: unique on the page.
        title: what the picture shows.
        x: positions of the points with what is written below them.
        series: names and values; each has as many as there are positions.
        y: values at which a line is drawn, with what is written at it.
        axes: what the two axes are.
        caption: a sentence below the picture; may hold HTML.
    """
    height, left = 260, 13.0
    low, high = x[0][0], x[-1][0]
    top = max(value for value, _ in y)

    def across(value: float) -> float:
        return (value - low) / (high - low) * 1000

    def down(value: float) -> float:
        return (1 - min(value, top) / top) * 1000

    grid = "".join(
        f'<line class="grid" x1="{left}%" x2="100%" y1="{20 + (height - 60) * (1 - value / top):.0f}" '
        f'y2="{20 + (height - 60) * (1 - value / top):.0f}"/>'
        f'<text class="n" x="{left - 1.5}%" y="{24 + (height - 60) * (1 - value / top):.0f}">{escape(text)}</text>'
        for value, text in y
    )
    ticks = "".join(
        f'<text class="{"n" if value == high else "m"}" x="{left + (100 - left) * across(value) / 1000:.1f}%" y="{height - 20}">{escape(text)}</text>'
        for value, text in x
        if text
    )
    lines = "".join(
        f'<polyline class="line-{index}" points="{" ".join(f"{across(at):.0f},{down(value):.0f}" for (at, _), value in zip(x, values, strict=True))}"/>'
        for index, (_, values) in enumerate(series, start=1)
    )
    plot = f'<svg x="{left}%" y="20" width="{100 - left}%" height="{height - 60}" viewBox="0 0 1000 1000" preserveAspectRatio="none">{lines}</svg>'
    across_words = f'<text class="n" x="100%" y="{height - 2}">{escape(axes[0])}</text><text x="0" y="10">{escape(axes[1])}</text>'
    said = ". ".join(
        f"{label}: {', '.join(f'{value:.3g} at {text or at:g}' if not text else f'{value:.3g} at {text}' for (at, text), value in zip(x, values, strict=True) if text)}"
        for label, values in series
    )
    svg = f'<svg width="100%" height="{height}" {_named(name)}>{_words(name, title, said)}{grid}{ticks}{plot}{across_words}</svg>'
    yield from _figure(svg, title, [label for label, _ in series], caption, mark="line")


def flow(name: str, title: str, levels: Sequence[Sequence[Box]], *, arrows: Sequence[str] = (), caption: str = "") -> Iterator[str]:
    """Levels of boxes from top to bottom with an arrow between each two levels.

    Args:
        name: unique on the page.
        title: what the picture shows.
        levels: boxes side by side, level by level.
        arrows: what is written at each arrow.
        caption: a sentence below the picture; may hold HTML.
    """
    drawn: list[str] = []
    y = 1
    for index, level in enumerate(levels):
        height = max(box.height for box in level)
        width = (BOX - 12 * (len(level) - 1) - 2) / len(level)
        for place, box in enumerate(level):
            x = 1 + place * (width + 12)
            drawn.append(f'<rect class="box box-{box.tone}" x="{x:.0f}" y="{y}" width="{width:.0f}" height="{height}" rx="4"/>')
            drawn += [
                f'<text class="m{" b" if number == 0 else ""}" x="{x + width / 2:.0f}" y="{y + 19 + number * LINE}">{escape(words)}</text>'
                for number, words in enumerate((box.title, *box.lines))
            ]
        y += height
        if index < len(levels) - 1:
            words = arrows[index] if index < len(arrows) else ""
            drawn.append(f'<path class="arrow" d="M{BOX / 2:.0f} {y + 2} v22 m-5 -7 l5 7 l5 -7"/>')
            if words:
                drawn.append(f'<text x="{BOX / 2 + 12:.0f}" y="{y + 18}">{escape(words)}</text>')
            y += 28
    said = ". ".join("; ".join(" ".join((box.title, *box.lines)) for box in level) for level in levels)
    svg = f'<svg class="drawn" viewBox="0 0 {BOX} {y + 1}" {_named(name)}>{_words(name, title, said)}{"".join(drawn)}</svg>'
    yield from _figure(svg, title, (), caption)


def _percent(part: float, whole: float) -> str:
    return f"{part / whole * 100:.2f}%"


def _named(name: str) -> str:
    return f'role="img" aria-labelledby="{name}-title {name}-desc"'


def _words(name: str, title: str, words: str) -> str:
    return f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(words)}</desc>'


def _figure(svg: str, title: str, key: Sequence[str], caption: str, *, mark: str = "tone") -> Iterator[str]:
    """One line of HTML, which Markdown leaves as it is."""
    shown = "".join(
        f'<li><svg class="mark" width="22" height="12" aria-hidden="true">{_mark(mark, index)}</svg>{escape(label)}</li>'
        for index, label in enumerate(key, start=1)
    )
    list_ = f"<ul>{shown}</ul>" if key else ""
    below = f"<p>{caption}</p>" if caption else ""
    yield f'<figure class="diagram"><figcaption>{escape(title)}</figcaption>{svg}{list_}{below}</figure>'


def _mark(kind: str, index: int) -> str:
    if kind == "line":
        return f'<polyline class="line-{index}" points="0,6 22,6"/>'
    return f'<rect class="tone-{index}" width="22" height="12"/>'
