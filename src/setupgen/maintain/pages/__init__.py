"""Writes what the booklet takes from the knowledge base: `docs/reference/`, git-ignored and never edited by hand.

Pages of the reference show the whole pack. Chapters take in tables and pictures by name with `--8<-- "name.md"`; only those that some
chapter names are made. `captures` writes the few generated texts that are committed.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from setupgen.errors import UsageError
from setupgen.knowledge import Pack
from setupgen.maintain.checks.sources_resolve import cited
from setupgen.maintain.compile import compile_pack
from setupgen.maintain.pages.captures import added_example, plan_example
from setupgen.maintain.pages.chapters import chapter_parts
from setupgen.maintain.pages.cited_sources import PREFIX, footnotes, name_of
from setupgen.maintain.pages.documents import schema_files
from setupgen.maintain.pages.gallery import FOLDER as GALLERY
from setupgen.maintain.pages.gallery import by_hardware, sent, setup_pages
from setupgen.maintain.pages.reference import PAGES, details, page
from setupgen.maintain.pages.tables import TABLES
from setupgen.maintain.pages.targets import read_checks
from setupgen.maintain.pages.text import condition_text, effects_text

if TYPE_CHECKING:
    from pathlib import Path

    from setupgen.maintain.pages.chapters import Part

FOLDER = "docs/reference"
TABLE_FOLDER = f"{FOLDER}/.tables"
"""MkDocs leaves out folders that begin with a dot: these are parts of pages, not pages."""

CAPTURED = {"plan-example": plan_example, "kb-add": added_example}
"""Parts that are no tables: what the program prints."""

GALLERY_PARTS = {"gallery-by-hardware": by_hardware}
SENT = "gallery-sent"
"""The one part that needs files beside the knowledge base."""

_TAKEN = re.compile(r'^--8<-- "([^"]+)\.md"$', re.MULTILINE)


def write_pages(root: Path) -> list[Path]:
    """Write every page of the reference, and the tables that chapters name, for the tree at `root`; their paths.

    Raises:
        UsageError: where something cites a source that is not listed, or a chapter takes in a part that does not exist.
    """
    raw = compile_pack(root)
    missing = sorted({id_ for _, id_ in cited(raw)} - set(raw["sources"]))
    if missing:
        raise UsageError(f"sources are cited but not listed: {', '.join(missing)}.", hint="`setupgen kb lint` says where.")
    pack = Pack(raw | {"checks": read_checks(root)})
    texts = {f"{FOLDER}/{name}.md": page(pack, name) for name in PAGES}
    texts |= {f"{FOLDER}/{name}.md": text for name, text in details(pack).items()}
    made: dict[str, Part] = {**TABLES, **chapter_parts(), **GALLERY_PARTS, SENT: partial(sent, root)}
    for name in tables_taken(root):
        lines = CAPTURED[name]() if name in CAPTURED else "\n".join(made[name](pack))
        texts[f"{TABLE_FOLDER}/{name}.md"] = f"{lines}\n"
    for chapter in chapters_with_sources(root):
        place = chapter.relative_to(root).as_posix()
        lines = "\n".join(footnotes(pack, chapter.read_text(encoding="utf-8"), place))
        texts[f"{TABLE_FOLDER}/{name_of(root, chapter)}.md"] = f"{lines}\n"
    texts |= {f"{FOLDER}/schemas/{name}": text for name, text in schema_files().items()}
    texts |= setup_pages(root, pack)
    made_before = {*(root / FOLDER).rglob("*.md"), *(root / GALLERY).glob("*/*.md")}
    for left in made_before - {root / path for path in texts}:
        left.unlink()  # the page of something that is gone
    return [_write(root / path, text) for path, text in texts.items()]


def tables_taken(root: Path) -> list[str]:
    """Names of the tables that pages under `docs/` take in.

    Raises:
        UsageError: with the page and the known names, where one does not exist.
    """
    found: set[str] = set()
    known = [*TABLES, *chapter_parts(), *GALLERY_PARTS, SENT, *CAPTURED]
    for path in sorted((root / "docs").rglob("*.md")):
        for name in _TAKEN.findall(path.read_text(encoding="utf-8")):
            if name.startswith(PREFIX) and name == name_of(root, path):
                continue
            if name not in known:
                place = path.relative_to(root).as_posix()
                raise UsageError(f"there is no table {name!r}.", place=place, hint=f"Known: {', '.join(known)}.")
            found.add(name)
    return sorted(found)


def chapters_with_sources(root: Path) -> list[Path]:
    """Pages under `docs/` that end with the sources that they cite."""
    return [
        path for path in sorted((root / "docs").rglob("*.md")) if name_of(root, path) in _TAKEN.findall(path.read_text(encoding="utf-8"))
    ]


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


__all__ = ["chapters_with_sources", "condition_text", "effects_text", "tables_taken", "write_pages"]
