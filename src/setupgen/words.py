"""Numbers in words that people feel. Pure."""

from __future__ import annotations

WORDS_PER_TOKEN = 0.75
WORDS_PER_PAGE = 300
READING_WORDS_PER_SECOND = 4
MINUTE, HOUR = 60, 3600
UNKNOWN = "?"

COST_ANSWERS = {
    "self-host": "Run it yourself.",
    "hosted": "Buy it.",
    "mixed": "Mix: local first, the hard cases bought.",
    "depends": "It depends on what the machine costs.",
    "nothing-fits": "Nothing fits.",
}
"""What the comparison of costs answers."""


def gib(size: float) -> str:
    """Bytes as GiB, with as many digits as matter."""
    value = size / 1024**3
    return f"{value:.2f} GiB" if value < 1 else f"{value:.1f} GiB"


def duration(seconds: float) -> str:
    """Seconds as a rough time."""
    if seconds < MINUTE:
        return f"{seconds:.0f} s"
    if seconds < HOUR:
        return f"{seconds / MINUTE:.0f} min"
    return f"{seconds / HOUR:.1f} h"


def speed_words(tokens_per_second: float) -> str:
    """What a decode speed feels like."""
    page = WORDS_PER_PAGE / WORDS_PER_TOKEN / max(tokens_per_second, 0.01)
    ratio = tokens_per_second * WORDS_PER_TOKEN / READING_WORDS_PER_SECOND
    feel = "faster than you read" if ratio > 1 else "about as fast as you read" if ratio > 0.7 else "slower than you read"  # noqa: PLR2004
    return f"a page in {duration(page)}, {feel}"


def context_words(tokens: int) -> str:
    """A context size in tokens and pages."""
    pages = tokens * WORDS_PER_TOKEN / WORDS_PER_PAGE
    size = f"{tokens // 1024}k" if tokens % 1024 == 0 and tokens >= 1024 else f"{tokens}"  # noqa: PLR2004
    return f"{size} tokens (about {pages:.0f} pages)"


def money(dollars: float | None) -> str:
    """An amount, with cents that count for small ones."""
    if dollars is None:
        return UNKNOWN
    return f"${dollars:.2g}" if 0 < dollars < 0.1 else f"${dollars:,.2f}"  # noqa: PLR2004 - a cent says little below ten


def figure(value: float) -> str:
    """Three digits that count, and no powers of ten."""
    return f"{float(f'{value:.3g}'):,g}"


def rounded(value: float, *, like: float | None = None) -> str:
    """An estimate with no more digits than it deserves: two decimals below one, one below fifty, none above, three digits above a thousand.

    Args:
        value: what is written.
        like: what the number of decimals follows, where another number stands beside it.
    """
    size = value if like is None else like
    decimals = 2 if size < 1 else 1 if size < 50 else 0  # noqa: PLR2004 - from there a whole one is two per cent
    return f"{float(f'{value:.3g}'):,.{decimals}f}"


def span(low: float, high: float) -> str:
    """A range, both ends alike: ``32.0 to 42.3``."""
    return f"{rounded(low, like=high)} to {rounded(high)}"


def amount(count: float) -> str:
    """A large number as it is said: ``794 million``."""
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if count >= size:
            return f"{figure(count / size)} {word}"
    return f"{count:,.0f}"


def people(count: int) -> str:
    """How many use it."""
    return "one person" if count == 1 else f"{count:,} people"


def page_words(tokens_per_second: float) -> str:
    """How long a page takes to read in."""
    seconds = WORDS_PER_PAGE / WORDS_PER_TOKEN / max(tokens_per_second, 0.01)
    return f"{1 / seconds:.0f} pages a second" if seconds < 0.5 else f"a page in {duration(seconds)}"  # noqa: PLR2004 - less is no whole second


def prompt_words(tokens: int) -> str:
    """A prompt in tokens and pages."""
    pages = tokens * WORDS_PER_TOKEN / WORDS_PER_PAGE
    size = "less than a page" if pages < 0.8 else "about a page" if pages < 1.5 else f"about {pages:.0f} pages"  # noqa: PLR2004
    return f"{tokens:,} tokens, {size}"
