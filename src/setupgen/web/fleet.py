"""Fleets for the browser's door: an inventory as text and the files beside it in, documents out. Problems are raised; the door words them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from setupgen.engine.document import check_document, dotted
from setupgen.engine.fleet.described import among, documents_of, in_lines
from setupgen.engine.fleet.intake import inventory_of
from setupgen.engine.fleet.linking import packed, unpacked, without_secrets
from setupgen.engine.fleet.planning import fleet_steps, member_plans
from setupgen.engine.fleet.telling import fleet_command, folder_of, told_fleet
from setupgen.errors import ManyErrors, UsageError, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from setupgen.engine.fleet.planning import FleetPlan
    from setupgen.engine.fleet.records import Inventory
    from setupgen.knowledge import Pack
    from setupgen.render.files import Rendered

PLAN = "setupgen.fleet.json"
MAXIMUM_LETTERS = 10_000_000

EXAMPLE: Mapping[str, Any] = {
    "hosts": [
        {"name": "tower", "address": "http://10.0.0.5:11434", "hardware": "rtx-3090", "ram": "64G"},
        {"name": "laptop", "address": "http://10.0.0.6:11434", "hardware": "Apple M2 Max 64GB", "availability": "08:00-23:00"},
        {"name": "box", "address": "http://10.0.0.7:11434", "hardware": "rtx-3060-12gb", "ram": "32G"},
    ],
    "needs": [{"use_case": "chat", "users": 3}, {"use_case": "coding-agent", "users": 1}],
    "proxy": "auto",
}
"""What the page shows to begin with."""


@dataclass
class _Made:
    """A planned fleet; its files once somebody wanted them."""

    plan: FleetPlan
    data: Mapping[str, Any]
    document: dict[str, Any]
    files: tuple[Rendered, Rendered] | None = None


class Fleets:
    """Plans inventories; the last one is kept for further questions about it."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self._made: tuple[tuple[str, str, str], _Made] | None = None

    def advise(self, text: str, name: str, files: str) -> dict[str, Any]:
        """What a page shows of the plan, the command line that does the same, and letters for a link; these are empty where they are too many.

        Args:
            text: the inventory.
            name: of its file.
            files: name to text of the files beside it, as JSON.
        """
        made = self._of(text, name, files)
        link = packed(without_secrets(self._pack, made.plan.inventory, made.data))
        told = told_fleet(self._pack, made.plan.inventory, made.document)
        return {"schema": 1, "told": told, "command": fleet_command(name), "link": link}

    def document(self, text: str, name: str, files: str) -> dict[str, Any]:
        """What `setupgen fleet NAME -o FOLDER --json` prints."""
        made = self._of(text, name, files)
        return {**made.document, "files": self._rendered(made, name)[0].files if made.plan.placed else {}}

    def files(self, text: str, name: str, files: str) -> dict[str, Any]:
        """The files that `setupgen fleet NAME -o FOLDER` writes: path to text, modes, and the names of secrets to make."""
        made = self._of(text, name, files)
        if not made.plan.placed:
            return {"schema": 1, "files": {}, "modes": {}, "secrets": {}}
        return {"schema": 1, **self._folder(made, name)}

    def archive(self, text: str, name: str, files: str, keys: Mapping[str, Any]) -> tuple[str, bytes]:
        """The name of a folder, and the archive with it and the inventory beside it.

        Args:
            text: the inventory.
            name: of its file.
            files: name to text of the files beside it, as JSON.
            keys: path of a file to the names in it and the values that they get.
        """
        from setupgen.render.archive import pack_files  # noqa: PLC0415 - as below
        from setupgen.render.fleet_keys import with_keys  # noqa: PLC0415 - Jinja2 loads only when files are wanted

        made = self._of(text, name, files)
        folder = self._folder(made, name)
        values = {(path, key): value for path, names in keys.items() if isinstance(names, dict) for key, value in names.items()}
        linked = {(link["file"], link["name"]) for link in made.document["secrets"].values()}
        texts = with_keys(folder["files"], made.document["secrets"], {key: str(values.get(key, "")) for key in linked})
        given = {path: {key: str(values.get((path, key), "")) for key in names} for path, names in folder["secrets"].items()}
        beside = {path.replace("\\", "/").rsplit("/", 1)[-1]: content for path, content in {**_files(files), name: text}.items()}
        return folder_of(name), pack_files(texts, folder["modes"], given, folder_of(name), beside)

    def text_of(self, letters: str) -> dict[str, Any]:
        """The text of the inventory in a link, or of one to begin with where there are no letters."""
        from setupgen.strict_yaml import block  # noqa: PLC0415 - YAML loads only for fleets

        return {"schema": 1, "text": block(unpacked(letters) if letters else EXAMPLE)}

    def _folder(self, made: _Made, name: str) -> dict[str, Any]:
        """Everything that is written, with the plan at its root."""
        parts, own = self._rendered(made, name)
        plan = json.dumps(made.document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        secrets = {path: list(names) for path, names in {**parts.secrets, **own.secrets}.items()}
        return {"files": {**parts.files, **own.files, PLAN: plan}, "modes": {**parts.modes, **own.modes}, "secrets": secrets}

    def _rendered(self, made: _Made, name: str) -> tuple[Rendered, Rendered]:
        from setupgen.render.fleet import Member, render_fleet  # noqa: PLC0415 - Jinja2 loads only when files are wanted

        if made.files is None:
            members: Iterable[Member] = [Member(*entry) for entry in member_plans(self._pack, made.plan)]
            made.files = render_fleet(made.document, members, made.plan.front, self._pack.templates, command=fleet_command(name))
        return made.files

    def _of(self, text: str, name: str, files: str) -> _Made:
        """The plan, made once."""
        for _ in self.steps(text, name, files):
            pass
        assert self._made is not None  # noqa: S101 - the last step made it
        return self._made[1]

    def steps(self, text: str, name: str, files: str) -> Iterator[tuple[int, int]]:
        """Makes the plan, unless it is there: before each step, how many are done, and of how many. Whoever stops has none."""
        key = (text, name, files)
        if self._made is None or self._made[0] != key:
            inventory, data = self._inventory(text, name, _files(files))
            plan = yield from fleet_steps(self._pack, inventory)
            self._made = key, _Made(plan, data, plan.to_json())

    def _inventory(self, text: str, name: str, files: Mapping[str, str]) -> tuple[Inventory, Mapping[str, Any]]:
        from setupgen.strict_yaml import parse  # noqa: PLC0415 - YAML loads only for fleets

        document = parse(text, shorten(name), maximum=MAXIMUM_LETTERS)
        facts, problems = documents_of(document.data, document.place, lambda path: _facts(files, path), lambda path: _gathered(files, path))
        try:
            inventory = inventory_of(self._pack, document.data, document.place, facts)
        except ManyErrors as error:
            raise ManyErrors([*problems, *error.errors]) from error
        if problems:
            raise ManyErrors(problems)
        return inventory, document.data


def _files(text: str) -> dict[str, str]:
    try:
        files = json.loads(text or "{}")
    except (ValueError, RecursionError):
        files = None
    if not isinstance(files, dict) or not all(isinstance(content, str) for content in files.values()):
        raise UsageError("expected an object of names and texts.", place="files")
    return files


def _facts(files: Mapping[str, str], path: str) -> dict[str, Any]:
    """The detection document that the inventory calls `path`."""
    name = among(files, path)
    if name is None:
        hint = "Choose this file together with the inventory, or describe the host with hardware and ram."
        raise UsageError("this page was not given the file.", place=shorten(path), hint=hint)
    return _document(files[name], shorten(path))


def _document(text: str, name: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        place = f"{name}, line {getattr(error, 'lineno', 1)}"
        raise UsageError("not JSON.", place=place, hint="`setupgen detect --json` writes such a file.") from error
    if not isinstance(document, dict):
        raise UsageError("expected a JSON object.", place=f"{name}, line 1", hint="`setupgen detect --json` writes such a file.")
    check_document(document, lambda keys: f"{name}, {dotted(keys)}")
    return document


def _gathered(files: Mapping[str, str], path: str) -> dict[str, dict[str, Any]]:
    """The documents in the file that the inventory calls `path`; where there is none, `path` is a folder and all files are in it."""
    name = among(files, path)
    if name is not None:
        return in_lines(files[name], shorten(path))
    found = {file.rsplit("/", 1)[-1].removesuffix(".json"): text for file, text in sorted(files.items()) if file.endswith(".json")}
    if not found:
        hint = "Choose these files together with the inventory."
        raise UsageError("this page was given no files of facts.", place=shorten(path), hint=hint)
    return {host: _document(text, f"{host}.json") for host, text in found.items()}
