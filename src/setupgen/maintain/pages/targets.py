"""The page of targets: what each writes, which program judged it in the tests, and for which versions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from setupgen.maintain.pages.text import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from setupgen.knowledge import Pack

    Raw = Mapping[str, Any]

CHECKED = "templates/checked.json"
"""What the tests found, as `tests/target_checks.py` writes it."""

SCHEMA_ONLY = "*checked by schema only*"


def read_checks(root: Path) -> list[dict[str, Any]]:
    """What programs said of the targets when the tests last wrote it down; nothing where they never did."""
    path = root / CHECKED
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []


def targets(pack: Pack) -> Iterator[str]:
    """The lines of the page; `pack.raw["checks"]` holds the results, which are no knowledge and not in a compiled pack."""
    checks = pack.raw.get("checks", [])
    yield from (
        "Every line of these tables is a test that passed: a program read the files that setupgen wrote, or was started from them. “Lowest” is the oldest",
        "version that the files are for, “pinned” the one that they name or that the tests put them before. Where no program can be had, the table",
        "says why. “By hand” are programs that no package registry has: those tests are in tests/e2e/by_hand and run where somebody has the program.",
        "",
        "## Files",
        "",
        "A target without a note is written by itself where it serves the plan. Name one to have it alone, or those marked *on request* to have them too:",
        "",
        "```sh",
        "setupgen write my-setup --target compose",
        "```",
        "",
    )
    rows = [_target(id_, target, checks) for id_, target in pack.templates.items()]
    yield from table(["Target", "Checked by", "Run", "Lowest", "Pinned", "Your own changes"], rows)
    yield from ("", "## Servers and proxies", "", "These were started, or judged the options that plans give them.", "")
    judged = {entry["target"] for entry in checks} - set(pack.templates)
    yield from table(["Server", "Checked by", "Run", "Lowest", "Pinned"], [_server(pack, id_, checks) for id_ in sorted(judged)])


def _target(id_: str, target: Raw, checks: list[Raw]) -> list[str]:
    own = [file["override"] for file in target["files"] if file.get("override")]
    name = f"`{id_}`" + (" *on request*" if target.get("on_request") else "") + f"<br>{target['name']}"
    by, run = _found(id_, checks)
    if target.get("unchecked"):
        by = "<br>".join(filter(None, [by, f"{SCHEMA_ONLY}: {target['unchecked'].rstrip('.')}"]))
    return [
        name,
        by,
        run,
        target["minimum_version"],
        target["pinned_version"],
        "<br>".join(_code(text) for text in dict.fromkeys(own)) or "-",
    ]


def _code(text: str) -> str:
    """File names as code, a sentence as it is."""
    return text if "`" in text else " and ".join(f"`{name}`" for name in text.split(" and "))


def _server(pack: Pack, id_: str, checks: list[Raw]) -> list[str]:
    server = pack.servers[id_]
    return [f"[{server.name}](servers/{id_}.md)", *_found(id_, checks), server.minimum_version, server.version]


def _found(id_: str, checks: list[Raw]) -> tuple[str, str]:
    """Cells of who judged, and of what was run."""
    mine = [entry for entry in checks if entry["target"] == id_]
    judged, run = ([_words(entry) for entry in mine if entry["run"] is started] for started in (False, True))
    return "<br>".join(dict.fromkeys(judged)) or "-", "<br>".join(dict.fromkeys(run)) or "-"


def _words(entry: Raw) -> str:
    version = f" {entry['version']}" if entry["version"] else ""
    by_hand = f" (by hand on {entry['by_hand']})" if entry.get("by_hand") else ""
    return f"{entry['checker']}{version}" + (f": {entry['note']}" if entry["note"] else "") + by_hand
