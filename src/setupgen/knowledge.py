"""The knowledge base as the engine sees it: the pack, and lookups by id and alias.

The pack is made from `knowledge/` and `templates/` by `setupgen.maintain.compile`. Records (`setupgen.records`) are built when they are first
asked for. Standard library only.
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING

from setupgen.errors import UnknownNameError, plain
from setupgen.records import GIB, MIB, Architecture, AttentionGroup, Device, Experts, Model, Raw, Server, Weights

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GIB", "MIB", "Architecture", "AttentionGroup", "Device", "Experts", "Model", "Pack", "Raw", "Server", "Weights"]


class Pack:
    """The compiled knowledge base. Build it with `Pack.from_json`; it never changes afterwards."""

    def __init__(self, raw: Raw) -> None:
        self.raw = raw
        self.digest: str = raw["digest"]
        self.version: str = raw["version"]
        self.oldest_review: str = raw["oldest_review"]

    @classmethod
    def from_json(cls, text: str) -> Pack:
        """The pack from its JSON text."""
        return cls(json.loads(text))

    @cached_property
    def models(self) -> Mapping[str, Model]:
        """Models by id, in order of id."""
        return {key: Model.of(key, value) for key, value in sorted(self.raw["models"].items())}

    @cached_property
    def devices(self) -> Mapping[str, Device]:
        """Hardware by id, in order of id."""
        return {key: Device.of(key, value) for key, value in sorted(self.raw["hardware"].items())}

    @cached_property
    def servers(self) -> Mapping[str, Server]:
        """Servers, proxies and cluster engines by id, in order of id."""
        return {key: Server.of(key, value) for key, value in sorted(self.raw["servers"].items())}

    @property
    def clients(self) -> Mapping[str, Raw]:
        """Client files by id."""
        return dict(self.raw["clients"])

    @property
    def hosted(self) -> Mapping[str, Raw]:
        """Hosted providers by id."""
        return dict(self.raw["hosted"])

    @property
    def pairings(self) -> Mapping[str, Raw]:
        """What differs for a pair, by ``server/model``."""
        return dict(self.raw["pairings"])

    @property
    def measurements(self) -> Mapping[str, Raw]:
        """Measurements by id."""
        return dict(self.raw["measurements"])

    @property
    def rules(self) -> Mapping[str, Raw]:
        """Rules by id, each with its topic."""
        return dict(self.raw["rules"])

    @property
    def questions(self) -> Mapping[str, Raw]:
        """Questions by id."""
        return dict(self.raw["questions"])

    @property
    def sources(self) -> Mapping[str, Raw]:
        """Cited pages by id: title, url, retrieved."""
        return dict(self.raw["sources"])

    @property
    def templates(self) -> Mapping[str, Raw]:
        """Targets by id: template.yaml as a mapping plus `texts` (file name to template text)."""
        return dict(self.raw["templates"])

    def vocabulary(self, name: str) -> Mapping[str, Raw]:
        """Entries of one vocabulary by id, in their written order (``use-cases``, ``experiences``, ``quantisations`` ...)."""
        return {entry["id"]: entry for entry in self.raw["vocabulary"][name]}

    def url(self, source: str) -> str:
        """The address of a source id."""
        return str(self.raw["sources"][source]["url"])

    def urls(self, sources: tuple[str, ...] | list[str]) -> list[str]:
        """The addresses of source ids, in order."""
        return [self.url(source) for source in sources]

    @cached_property
    def _model_names(self) -> Mapping[str, str]:
        return _names({key: (model.name, *model.aliases) for key, model in self.models.items()})

    @cached_property
    def _server_names(self) -> Mapping[str, str]:
        return _names({key: (server.name, *server.raw.get("aliases", ())) for key, server in self.servers.items()})

    @cached_property
    def device_names(self) -> Mapping[str, str]:
        """Plain name to device id, over ids, names and aliases."""
        return _names({key: (device.name, *device.aliases) for key, device in self.devices.items()})

    def model(self, name: str, *, place: str = "") -> Model:
        """The model of this id, name, alias or last part of an id.

        Raises:
            UnknownNameError: with the nearest names.
        """
        key = self._model_names.get(plain(name)) if len(name) <= MAXIMUM_NAME else None
        if key is None:
            known = {label for id_, model in self.models.items() for label in (id_, model.name)}
            raise UnknownNameError("model", name, known, place=place)
        return self.models[key]

    def server(self, name: str, *, place: str = "") -> Server:
        """The server of this id, name or alias.

        Raises:
            UnknownNameError: with the nearest names.
        """
        key = self._server_names.get(plain(name)) if len(name) <= MAXIMUM_NAME else None
        if key is None:
            raise UnknownNameError("server", name, self.servers, place=place)
        return self.servers[key]


MAXIMUM_NAME = 300


def _names(by_id: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Plain spelling to id; an id's own spellings win over another's alias, and the first id in order wins among equals."""
    found: dict[str, str] = {}
    for id_ in by_id:
        found.setdefault(plain(id_), id_)
    for id_ in by_id:
        found.setdefault(plain(id_.rsplit("/", maxsplit=1)[-1]), id_)
    for id_, names in by_id.items():
        for name in names:
            found.setdefault(plain(name), id_)
    return found
