"""The knowledge base as the engine sees it: the pack, and lookups by id and alias.

The pack is made from `knowledge/` and `templates/` by `setupgen.maintain.compile`. It is a text of lines, each of them JSON: what sections there are,
then a line for each thing, then tables from names to ids. A line is parsed, and its record built, when somebody first asks for it, so
that starting costs little however much is known. Standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from setupgen.errors import UnknownNameError
from setupgen.names import bare, by_device_key, by_plain_name, by_short_key, plain
from setupgen.records import GIB, MIB, Architecture, AttentionGroup, Device, Experts, Head, Model, Raw, Server, Weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "GIB",
    "MIB",
    "Architecture",
    "AttentionGroup",
    "Device",
    "Experts",
    "Head",
    "Lazy",
    "Model",
    "Pack",
    "Raw",
    "Server",
    "Weights",
    "Whole",
]

MAXIMUM_NAME = 300

NAMED = ("models", "hardware", "instances", "servers", "clients", "hosted", "setups")
"""Sections whose entries have a name and perhaps aliases."""

WHOLE = ("rules", "vocabulary", "questions", "pairings", "heads", "scales")
"""Sections that are one line, because whoever reads one entry reads them all."""

V = TypeVar("V")


class Lazy(Mapping[str, V]):
    """A mapping whose values are made when they are first asked for, in the order of its keys."""

    __slots__ = ("_keys", "_made", "_make")

    def __init__(self, keys: Mapping[str, Any], make: Callable[[str], V]) -> None:
        self._keys = keys
        self._make = make
        self._made: dict[str, V] = {}

    def __getitem__(self, key: str) -> V:
        """The value of this key."""
        found = self._made.get(key)
        if found is None:
            if key not in self._keys:
                raise KeyError(key)
            found = self._made[key] = self._make(key)
        return found

    def __contains__(self, key: object) -> bool:
        """Whether there is such a key; makes nothing."""
        return key in self._keys

    def __iter__(self) -> Iterator[str]:
        """The keys."""
        return iter(self._keys)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._keys)


class Pack:
    """The compiled knowledge base. Build it with `Pack.from_text`; it never changes afterwards."""

    def __init__(self, raw: Mapping[str, Any], names: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self.raw = raw
        self.digest: str = raw["digest"]
        self.version: str = raw["version"]
        self.oldest_review: str = raw["oldest_review"]
        self.overlay: tuple[str, ...] = tuple(raw.get("overlay", ()))
        """What the user's own files hold, as ``section/id``."""
        self._names = names if names is not None else names_of(raw)

    @classmethod
    def from_text(cls, text: str) -> Pack:
        """The pack from its text."""
        lines = text.split("\n")
        header = json.loads(lines[0])
        raw: dict[str, Any] = dict(header["pack"])
        at = 1
        for section, count in header["sections"]:
            if count is None:
                raw[section] = Whole(lines[at])
            else:
                raw[section] = Records(lines, at)
            at += 1 + (count or 0)
        return cls(raw, {table: Whole(lines[at + index]) for index, table in enumerate(header["names"])})

    def laid_over(self, content: Mapping[str, Mapping[str, Any]], digest: str) -> Pack:
        """A pack with these entries, by section, in place of those with the same id or beside them.

        Args:
            content: sections as in `raw`.
            digest: the digest of both together.
        """
        raw = {**self.raw, "digest": digest}
        for section, entries in content.items():
            below: Mapping[str, Any] = self.raw.get(section, {})
            if section in WHOLE:
                raw[section] = {**below, **entries}
            else:
                raw[section] = Lazy(_sorted({**dict.fromkeys(below), **entries}), _over(below, entries))
        raw["overlay"] = [
            f"{section}/{id_}"
            for section, entries in sorted(content.items())
            if section not in {"sizes", "heads", "sources"}
            for id_ in sorted(entries)
        ]
        own = names_of(content)
        return Pack(raw, {table: {**names, **own[table]} for table, names in self._names.items()})

    @cached_property
    def models(self) -> Mapping[str, Model]:
        """Models by id, in order of id."""
        raw = self.raw["models"]
        return Lazy(_sorted(raw), lambda id_: Model.of(id_, raw[id_]))

    @cached_property
    def heads(self) -> Mapping[str, Head]:
        """What decides whether a model is looked at, by id, in order of id; the models themselves stay unread."""
        packed, whole = self.raw.get("heads", {}), self.raw["models"]
        return {id_: Head.of(id_, packed[id_] if id_ in packed else whole[id_]) for id_ in sorted(whole)}

    @cached_property
    def devices(self) -> Mapping[str, Device]:
        """Hardware by id, in order of id."""
        raw = self.raw["hardware"]
        return Lazy(_sorted(raw), lambda id_: Device.of(id_, raw[id_]))

    @cached_property
    def servers(self) -> Mapping[str, Server]:
        """Servers, proxies and cluster engines by id, in order of id."""
        raw = self.raw["servers"]
        return Lazy(_sorted(raw), lambda id_: Server.of(id_, raw[id_]))

    @property
    def instances(self) -> Mapping[str, Raw]:
        """Rented instances by ``provider/type``."""
        return self._section("instances")

    @property
    def setups(self) -> Mapping[str, Raw]:
        """Blessed setups by id."""
        return self._section("setups")

    @property
    def clients(self) -> Mapping[str, Raw]:
        """Client files by id."""
        return self._section("clients")

    @property
    def hosted(self) -> Mapping[str, Raw]:
        """Hosted providers by id."""
        return self._section("hosted")

    @property
    def pairings(self) -> Mapping[str, Raw]:
        """What differs for a pair, by ``server/model``."""
        return self._section("pairings")

    @property
    def measurements(self) -> Mapping[str, Raw]:
        """Measurements by id."""
        return self._section("measurements")

    @property
    def rules(self) -> Mapping[str, Raw]:
        """Rules by id, each with its topic."""
        return self._section("rules")

    @property
    def questions(self) -> Mapping[str, Raw]:
        """Questions by id."""
        return self._section("questions")

    @property
    def scales(self) -> Mapping[str, Raw]:
        """What scores of a benchmark mean, by scale (`engine.published`)."""
        return self._section("scales")

    @property
    def sources(self) -> Mapping[str, Raw]:
        """Cited pages by id: title, url, retrieved."""
        return self._section("sources")

    @property
    def templates(self) -> Mapping[str, Raw]:
        """Targets by id: template.yaml as a mapping plus `texts` (file name to template text)."""
        return self._section("templates")

    def _section(self, name: str) -> Mapping[str, Raw]:
        found: Mapping[str, Raw] = self.raw.get(name, {})
        return found

    def vocabulary(self, name: str) -> Mapping[str, Raw]:
        """Entries of one vocabulary by id, in their written order (``use-cases``, ``experiences``, ``quantisations`` ...)."""
        return {entry["id"]: entry for entry in self.raw["vocabulary"][name]}

    def quantisation(self, name: str) -> str | None:
        """The id behind a name of a quantisation, however it is spelled; what stands in parentheses at the end says who made it."""
        found = self._quantisations
        return found.get(plain(name)) or found.get(plain(bare(name))) if len(name) <= MAXIMUM_NAME else None

    @cached_property
    def _quantisations(self) -> Mapping[str, str]:
        names: dict[str, str] = {}
        for id_, entry in self.vocabulary("quantisations").items():
            for name in (id_, *entry.get("aliases", ())):
                names.setdefault(plain(name), id_)
        return names

    def url(self, source: str) -> str:
        """The address of a source id."""
        return str(self.raw["sources"][source]["url"])

    def urls(self, sources: tuple[str, ...] | list[str]) -> list[str]:
        """The addresses of source ids, in order."""
        return [self.url(source) for source in sources]

    def id_of(self, section: str, name: str) -> str | None:
        """The id with this id, last part of an id, name or alias, if there is one; `section` is one of `NAMED`."""
        return self._names[section].get(plain(name)) if len(name) <= MAXIMUM_NAME else None

    @property
    def device_keys(self) -> Mapping[str, str]:
        """Key of every spelling of a device (`setupgen.names.key`) to its id."""
        return self._names["device_keys"]

    @property
    def device_short_keys(self) -> Mapping[str, str]:
        """The same without brand words (`setupgen.names.short_key`)."""
        return self._names["device_short_keys"]

    def model(self, name: str, *, place: str = "") -> Model:
        """The model of this id, name, alias or last part of an id.

        Raises:
            UnknownNameError: with the nearest names.
        """
        key = self.id_of("models", name)
        if key is None:
            known = {label for id_, raw in self.raw["models"].items() for label in (id_, raw["name"])}
            raise UnknownNameError("model", name, known, place=place)
        return self.models[key]

    def server(self, name: str, *, place: str = "") -> Server:
        """The server of this id, name or alias; what stands in parentheses behind it, such as a build, does not matter.

        Raises:
            UnknownNameError: with the nearest names.
        """
        key = self.id_of("servers", name) or self.id_of("servers", bare(name))
        if key is None:
            raise UnknownNameError("server", name, self.servers, place=place)
        return self.servers[key]


class Records(Mapping[str, Raw]):
    """A section with a line for its ids, in order, and one for each record; parsed as they are asked for."""

    __slots__ = ("_at", "_lines", "_parsed", "_where")

    def __init__(self, lines: list[str], at: int) -> None:
        self._lines, self._at = lines, at
        self._where: dict[str, int] | None = None
        self._parsed: dict[str, Raw] = {}

    def _ids(self) -> dict[str, int]:
        if self._where is None:
            self._where = {id_: number for number, id_ in enumerate(json.loads(self._lines[self._at]), self._at + 1)}
        return self._where

    def __getitem__(self, key: str) -> Raw:
        """The record with this id."""
        found = self._parsed.get(key)
        if found is None:
            found = self._parsed[key] = json.loads(self._lines[self._ids()[key]])
        return found

    def __contains__(self, key: object) -> bool:
        """Whether there is such a record; parses none."""
        return key in self._ids()

    def __iter__(self) -> Iterator[str]:
        """The ids."""
        return iter(self._ids())

    def __len__(self) -> int:
        """How many there are."""
        return len(self._ids())


class Whole(Mapping[str, Any]):
    """A section in one line, parsed when it is first looked into."""

    __slots__ = ("_line", "_parsed")

    def __init__(self, line: str) -> None:
        self._line = line
        self._parsed: dict[str, Any] | None = None

    def _all(self) -> dict[str, Any]:
        if self._parsed is None:
            self._parsed = json.loads(self._line)
        return self._parsed

    def __getitem__(self, key: str) -> Any:
        """The value of this key."""
        return self._all()[key]

    def __iter__(self) -> Iterator[str]:
        """The keys."""
        return iter(self._all())

    def __len__(self) -> int:
        """How many there are."""
        return len(self._all())


def names_of(raw: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The tables from names to ids: one for each of `NAMED`, and the two for devices as tools print them."""
    labels = {
        section: {id_: [entry["name"], *entry.get("aliases", ())] for id_, entry in sorted(raw.get(section, {}).items())}
        for section in NAMED
    }
    devices = labels["hardware"]
    found = {section: by_plain_name(names) for section, names in labels.items()}
    return found | {"device_keys": by_device_key(devices), "device_short_keys": by_short_key(devices)}


def _over(below: Mapping[str, Any], entries: Mapping[str, Any]) -> Callable[[str], Any]:
    return lambda id_: entries[id_] if id_ in entries else below[id_]


def _sorted(raw: Mapping[str, Any]) -> dict[str, None]:
    return dict.fromkeys(sorted(raw))
