"""Gives every page of the built site a content security policy: only what the site itself serves may run, load or be asked.

The policy is a meta element, because the site may lie where nobody can set headers. Scripts and styles that stand in a page are allowed by
the digest of exactly their text, so this runs after the generator and knows nothing about it.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from setupgen.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

GUIDE = "setup-guide"
"""The element of pages that run the engine, which is WebAssembly."""

_META = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>\n')
_PLACE = re.compile(r"<head[^>]*>\s*(?:<meta charset=[^>]*>)?", re.IGNORECASE)
"""Where the policy goes: first in the head, but after the encoding, which browsers look for in the first 1024 bytes."""

_DATA_BLOCKS = {"application/json", "application/ld+json", "text/template"}
"""Scripts that are data: nothing runs them."""


@dataclass
class _Inline:
    scripts: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    attributes: list[str] = field(default_factory=list)
    handlers: list[str] = field(default_factory=list)
    guide: bool = False


class _Reader(HTMLParser):
    """Collects what stands in a page and would run or be applied."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found = _Inline()
        self._into: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        self.found.guide = self.found.guide or tag == GUIDE
        self.found.handlers += [key for key in values if key.startswith("on")]
        if "style" in values:
            self.found.attributes.append(values["style"])
        if tag == "style":
            self._begin(self.found.styles)
        elif tag == "script" and "src" not in values and values.get("type", "") not in _DATA_BLOCKS:
            self._begin(self.found.scripts)

    def _begin(self, into: list[str]) -> None:
        into.append("")
        self._into = into

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"}:
            self._into = None


def policy(html: str) -> str:
    """The policy of a page.

    Raises:
        UsageError: for a page with an event handler in its markup, which no digest should allow.
    """
    reader = _Reader()
    reader.feed(html)
    found = reader.found
    if found.handlers:
        raise UsageError(f"a page has the attribute {found.handlers[0]!r}.", hint="Listen for the event in a script file.")
    engine = ["'wasm-unsafe-eval'"] if found.guide else []
    applied = ["'unsafe-hashes'", *_digests(found.attributes)] if found.attributes else ["'none'"]
    directives = {
        "default-src": ["'none'"],
        "script-src": ["'self'", *engine, *_digests(found.scripts)],
        "style-src-elem": ["'self'", *_digests(found.styles)],
        "style-src-attr": applied,
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "worker-src": ["'self'"],
        "manifest-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
    }
    return "; ".join(f"{name} {' '.join(values)}" for name, values in directives.items())


def _digests(texts: Iterable[str]) -> list[str]:
    return sorted({f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in texts})


def protect(site: Path) -> list[Path]:
    """Write the policy into every page below `site`; the paths. Doing it again changes nothing.

    Raises:
        UsageError: where there is no site, or a page that no policy can protect.
    """
    pages = sorted(site.rglob("*.html"))
    if not pages:
        raise UsageError("there is no built site.", place=str(site), hint="Run `make site`.")
    for path in pages:
        html = _META.sub("", path.read_text(encoding="utf-8"))
        try:
            meta = f'<meta http-equiv="Content-Security-Policy" content="{policy(html)}">'
        except UsageError as error:
            raise UsageError(error.message, place=str(path), hint=error.hint) from error
        place = _PLACE.search(html)
        if place is None:
            raise UsageError("a page has no head.", place=str(path), hint="The policy belongs there.")
        path.write_text(f"{html[: place.end()]}{meta}\n{html[place.end() :].lstrip()}", encoding="utf-8")
    return pages
