"""What a change of the knowledge base or of the templates changes in the files of every case: read this before a new pin is taken.

`python -m setupgen.maintain changes` compares the tree as it lies here with its last commit, `--against REV` with another one;
`--pin SERVER=VERSION` with the same tree in which a server has another version, so that nothing need be edited before one has looked.
"""

from __future__ import annotations

import difflib
import io
import re
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from setupgen.errors import SetupgenError, UsageError, shorten
from setupgen.knowledge import Pack
from setupgen.maintain.cases import cases_in, planned
from setupgen.maintain.compile import compile_pack
from setupgen.render.files import render_setup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from setupgen.maintain.cases import Case

    Raw = Mapping[str, Any]

COMMAND = "setupgen write my-setup"
FOLDERS = ("knowledge", "templates", "tests/cases")
PLACES_OF_VERSIONS = ("image", "images", "pinned", "pinned_version")
"""Fields that name the version that is used; `since`, `until` and what a weakness is fixed in name others."""


@dataclass(frozen=True)
class Change:
    """One case before and after.

    Attributes:
        case: its name.
        before: its files by path, empty where nothing could be made.
        after: the same.
        trouble: why its files cannot be made any more, or empty.
    """

    case: str
    before: Raw = field(repr=False)
    after: Raw = field(repr=False)
    trouble: str = ""

    @property
    def paths(self) -> list[str]:
        """The files that differ."""
        return sorted(path for path in {*self.before, *self.after} if self.before.get(path) != self.after.get(path))

    def shown(self, path: str) -> str:
        """A file with how many of its lines came and went."""
        signs = [line[:1] for line in self.lines(path)]
        return f"{path} (+{signs.count('+')} -{signs.count('-')})"

    def lines(self, path: str) -> list[str]:
        """The difference of one file, without its heads."""
        old, new = (str(side.get(path, "")).splitlines() for side in (self.before, self.after))
        return [line for line in difflib.unified_diff(old, new, n=1, lineterm="") if not line.startswith(("---", "+++"))]


def changes(before: Pack, after: Pack, cases: Iterable[Case]) -> Iterator[Change]:
    """Every case whose files differ between two packs, or cannot be made from the second."""
    for case in cases:
        old, was = _files(before, case.raw)
        new, trouble = _files(after, case.raw)
        found = Change(case.name, old, new, trouble if not was else "")
        if found.paths or found.trouble:
            yield found


def _files(pack: Pack, raw: Raw) -> tuple[dict[str, str], str]:
    """The files of a case without what changes with every fact, and why there are none."""
    try:
        result = planned(pack, raw)
        if not result["choice"]:
            return {}, ""
        made = render_setup(result, pack.templates, command=COMMAND).files
    except SetupgenError as error:
        return {}, str(error)
    return {path: re.sub(r"sha256:[0-9a-f]{64}", "", text) for path, text in made.items() if not path.endswith(".plan.json")}, ""


def with_pin(pack: Pack, pin: str) -> Pack:
    """The pack in which one server has another version: its pin, its images, and those of the target of the same name.

    Args:
        pack: what is known.
        pin: ``SERVER=VERSION``.

    Raises:
        UsageError: for an unknown server, or where no version is given.
    """
    id_, _, version = pin.partition("=")
    server = pack.raw["servers"].get(id_)
    if server is None or not version:
        raise UsageError(
            f"{shorten(pin)!r} is no SERVER=VERSION.", place="--pin", hint="Such as llama-cpp=12345; ids are those of knowledge/servers/."
        )
    old = str(server["version"]["pinned"])
    where = re.compile(rf"(?<![\d.]){re.escape(old)}(?![\d.]*\d)")
    templates = {
        name: _renewed(target, where, version) if name == id_ or id_ in target.get("images", {}) else target
        for name, target in pack.raw["templates"].items()
    }
    servers = {**pack.raw["servers"], id_: _renewed(server, where, version)}
    return Pack({**pack.raw, "servers": servers, "templates": templates})


def _renewed(value: Any, where: re.Pattern[str], version: str, *, here: bool = False) -> Any:
    if isinstance(value, dict):
        return {key: _renewed(item, where, version, here=here or key in PLACES_OF_VERSIONS) for key, item in value.items()}
    if isinstance(value, list):
        return [_renewed(item, where, version, here=here) for item in value]
    return where.sub(version, value) if here and isinstance(value, str) else value


def pack_at(root: Path, revision: str) -> Pack:
    """The pack of a commit of the source tree.

    Raises:
        UsageError: where git knows no such commit.
    """
    command = ["git", "-C", str(root), "archive", "--format=tar", f"{revision}^{{tree}}", "--", *FOLDERS]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603  git itself, and no shell
    if done.returncode:
        raise UsageError(
            f"git knows no {shorten(revision)!r}: {shorten(done.stderr.decode(errors='replace').strip())}",
            place="--against",
            hint="Name a commit, a branch or a tag of this source tree.",
        )
    with tempfile.TemporaryDirectory() as folder, tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
        return Pack(compile_pack(Path(folder)))


def report(root: Path, *, against: str = "", pin: str = "", whole: bool = False) -> int:
    """Prints what changes in the files of every case; 1 where files can no longer be made."""
    here = Pack(compile_pack(root))
    before, after = (here, with_pin(here, pin)) if pin else (pack_at(root, against or "HEAD"), here)
    cases = cases_in(root)
    found = list(changes(before, after, cases))
    for change in found:
        print(f"{change.case}: {change.trouble or ', '.join(map(change.shown, change.paths))}")  # noqa: T201  a command talks
        for path in change.paths if whole and not change.trouble else ():
            print(f"  {path}", *(f"    {line}" for line in change.lines(path)), sep="\n")  # noqa: T201  as above
    lost = sum(bool(change.trouble) for change in found)
    print(f"{len(found)} of {len(cases)} cases change; of {lost} no files can be made any more.")  # noqa: T201  as above
    return 1 if lost else 0
