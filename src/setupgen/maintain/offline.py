"""Says in the built site's `offline.js` which files the guide needs, so that a browser can keep all of one release together.

Files of the engine carry a digest or a version in their names. All others are named with the digest of their content, which the browser
checks as it fetches them: what it keeps is one release, whole, or nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from html.parser import HTMLParser
from posixpath import normpath
from typing import TYPE_CHECKING

from setupgen.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = "offline.js"
PAGE = "guide/"
GUIDE = "assets/guide"
ENGINE = f"{GUIDE}/engine/"
MANIFEST = f"{ENGINE}manifest.json"


class _Reader(HTMLParser):
    """Collects the scripts and styles that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        if tag == "script" and values.get("src"):
            self.found.append(values["src"])
        elif tag == "link" and values.get("rel") == "stylesheet":
            self.found.append(values["href"])


def files_of(site: Path) -> dict[str, str]:
    """Every file that the guide needs, by its path from the site's root: its digest as browsers check it, or nothing where its name has one."""
    page = site / PAGE / "index.html"
    reader = _Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    loaded = {normpath(PAGE + path) for path in reader.found}
    loaded |= {path.relative_to(site).as_posix() for path in (site / GUIDE).rglob("*") if path.is_file()}
    found = {PAGE: _digest(page)}
    for path in sorted(loaded):
        own_name = path.startswith(ENGINE) and path != MANIFEST
        found[path] = "" if own_name else _digest(site / path)
    return found


def keep_offline(site: Path) -> Path:
    """Write the list into the built site's `offline.js`; its path. Doing it again changes nothing.

    Raises:
        UsageError: where the script is not there, or has no place for the list.
    """
    script = site / SCRIPT
    if not script.is_file():
        raise UsageError("there is no built site.", place=str(script), hint="Run `make site`.")
    files = json.dumps(files_of(site), sort_keys=True)
    version = hashlib.sha256(files.encode()).hexdigest()[:12]
    text = script.read_text(encoding="utf-8")
    for name, value in (("VERSION", json.dumps(version)), ("FILES", files)):
        text, count = re.subn(rf"(?m)^const {name} = [^;]*;", lambda _, name=name, value=value: f"const {name} = {value};", text)  # type: ignore[misc]
        if count != 1:
            raise UsageError(f"it has no line `const {name} = …;`.", place=str(script))
    script.write_text(text, encoding="utf-8")
    return script


def _digest(path: Path) -> str:
    return f"sha256-{b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()}"
