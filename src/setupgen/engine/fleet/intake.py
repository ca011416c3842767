"""Checks an inventory and makes records of it. All problems are found before any is told. Pure: files are read elsewhere.

Hosts with the same description share one kind, so that a thousand hosts of twelve kinds are looked up twelve times.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from setupgen.engine.fleet.copies import copies_of
from setupgen.engine.fleet.fronts import is_loopback
from setupgen.engine.fleet.nodes import check_addresses, node_of
from setupgen.engine.fleet.records import CLIENT_APIS, LINKS, PROXIES, FleetHost, FleetNeed, Inventory
from setupgen.engine.intake import Answers, facts_of
from setupgen.engine.planning import check
from setupgen.errors import ManyErrors, UnknownNameError, UsageError, nearest, shorten
from setupgen.headers import SECRET, variable_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from setupgen.facts import Facts
    from setupgen.knowledge import Pack

    At = tuple[str | int, ...]
    Place = Callable[[At], str]

TOP_KEYS = ("name", "hosts", "needs", "proxy", "proxy_port", "proxy_hosts", "clients", "expose", "facts")
HOST_KEYS = (
    "name", "address", "hardware", "facts", "ram", "cpu", "os", "runtime", "headers", "tags", "availability", "preemptible",
    "usd_per_hour", "link", "node",
)  # fmt: skip
NEED_KEYS = (
    "use_case", "model", "quant", "server", "users", "context", "replicas", "weight", "experience", "license", "privacy", "offline", "tags",
)  # fmt: skip
HARDWARE_KEYS = ("hardware", "ram", "cpu", "os", "runtime")
ANSWER_KEYS = ("use_case", "model", "quant", "server", "users", "context", "experience", "license", "privacy", "offline")
KEYLESS = ("hops", "olla", "llama-swap")
"""Proxies that ask callers for no key."""

LOOPBACK = "127.0.0.1"
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - refused, not bound
LOWEST_PORT, HIGHEST_PORT = 1024, 65_535
"""Ports of a proxy; those below are for programs of root."""

MAXIMUM_HOSTS = 20_000
MAXIMUM_NEEDS = 200
MAXIMUM_REPLICAS = 1000

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
_HOURS = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]-(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]+")


def inventory_of(pack: Pack, data: Any, place: Place, facts: Mapping[str, Mapping[str, Any]]) -> Inventory:
    """The inventory that a document states.

    Args:
        pack: the knowledge base.
        data: the document: mappings, lists and scalars.
        place: words for the place of a key, such as ``fleet.yaml, line 3, hosts[0].name``.
        facts: detection documents by host name, already read and checked.

    Raises:
        ManyErrors: with every problem of the document, one message each.
    """
    return _Intake(pack, place, facts).inventory(data)


class _Intake:
    """One reading of one document; problems are gathered."""

    def __init__(self, pack: Pack, place: Place, facts: Mapping[str, Mapping[str, Any]]) -> None:
        self.pack = pack
        self.place = place
        self.facts = facts
        self.problems: list[UsageError] = []
        self.kinds: dict[str, int | None] = {}
        self.kind_facts: list[Facts] = []

    def wrong(self, at: At, message: str, hint: str = "") -> None:
        self.problems.append(UsageError(message, place=self.place(at), hint=hint))

    def keys(self, at: At, found: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
        for key in found:
            if key not in known:
                self.problems.append(UnknownNameError(f"key of {what}", str(key), known, place=self.place((*at, key))))

    def inventory(self, data: Any) -> Inventory:
        hint = "`setupgen fleet init` makes an inventory to begin with."
        if not isinstance(data, dict):
            raise ManyErrors([UsageError("expected the keys hosts and needs.", place=self.place(()), hint=hint)])
        self.keys((), data, TOP_KEYS, "an inventory")
        for key in ("hosts", "needs"):
            if not isinstance(data.get(key), list) or not data[key]:
                self.wrong((key,), f"{key} must be a list with at least one entry.", hint)
        if self.problems and not all(isinstance(data.get(key), list) for key in ("hosts", "needs")):
            raise ManyErrors(self.problems)
        for key, most in (("hosts", MAXIMUM_HOSTS), ("needs", MAXIMUM_NEEDS)):
            if len(data[key]) > most:
                raise ManyErrors(
                    [
                        *self.problems,
                        UsageError(f"there are {len(data[key])} {key}; at most {most} can be planned.", place=self.place((key,))),
                    ]
                )
        proxy = self.one_of(data, "proxy", PROXIES, "auto")
        hosts = [host for index, raw in enumerate(data["hosts"]) if (host := self.host(index, raw))]
        self.duplicates(data["hosts"])
        names = {
            entry.get("name"): index
            for index, entry in enumerate(data["hosts"])
            if isinstance(entry, dict) and isinstance(entry.get("name"), str)
        }
        check_addresses(((names[host.name], host) for host in hosts), self.wrong)
        needs = [need for index, raw in enumerate(data["needs"]) if (need := self.need(index, raw, proxy))]
        tags = frozenset().union(*(host.tags for host in hosts)) if hosts else frozenset()
        for need in needs:
            for tag in sorted(need.tags - tags):
                self.wrong(("needs", need.id, "tags"), f"no host has the tag {shorten(tag)!r}.", _did_you_mean(tag, tags))
        clients = self.clients(data.get("clients", []))
        expose = self.one_of(data, "expose", ("local", "lan"), "local")
        name = data.get("name", "fleet")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            self.wrong(("name",), f"{shorten(repr(name))} is no name: letters, digits and dashes.")
        self.fronts(proxy, clients, expose, len(data["hosts"]))
        copies = copies_of(data, proxy, hosts, self.wrong)
        port = self.proxy_port(data, hosts, copies)
        if proxy == "hops" and (near := next((host for host in hosts if is_loopback(host)), None)):
            text = f"HOPS runs in a container, from which {near.name} cannot be reached at {near.address}."
            self.wrong(("proxy",), text, "Give the host its address on the network, or choose olla, litellm or nginx.")
        if self.problems:
            raise ManyErrors(self.problems)
        return Inventory(tuple(hosts), tuple(self.kind_facts), tuple(needs), proxy, tuple(clients), expose, name, port, copies)

    def clients(self, value: Any) -> list[str]:
        if not isinstance(value, list) or any(api not in CLIENT_APIS for api in value):
            self.wrong(("clients",), f"clients must be a list of {', '.join(CLIENT_APIS)}.")
            return []
        return value

    def proxy_port(self, data: Mapping[str, Any], hosts: list[FleetHost], copies: tuple[str, ...]) -> int:
        if "proxy_port" not in data:
            return 0
        port = self.whole(("proxy_port",), data["proxy_port"], LOWEST_PORT, HIGHEST_PORT)
        taken = next((host for host in hosts if host.port == port and (is_loopback(host) or host.name in copies)), None)
        if taken:
            self.wrong(("proxy_port",), f"{port} is the port of {taken.name}, which is on the machine of the proxy.", "Each has its own.")
        return port

    def fronts(self, proxy: str, clients: list[str], expose: str, hosts: int) -> None:
        """What the proxy that is asked for cannot do."""
        if proxy == "hops" and {"openai", "anthropic"} & set(clients):
            self.wrong(("proxy",), "HOPS has no OpenAI and no Anthropic API, and clients speak one.", "Choose olla, litellm or auto.")
        if expose == "lan" and proxy in KEYLESS:
            self.wrong(
                ("expose",), f"{proxy} asks callers for no key, so it may not be open to the network.", "Choose litellm, nginx or auto."
            )
        if proxy == "llama-swap" and hosts > 1:
            self.wrong(
                ("proxy",), "llama-swap starts and stops models on one box, and there are more.", "Choose olla, litellm, nginx or auto."
            )
        if proxy == "kubernetes":
            self.wrong(
                ("proxy",),
                "a cluster alone is planned with `setupgen plan --runtime kubernetes`.",
                "For hosts that are nodes: runtime: kubernetes for each of them, and olla, litellm, nginx or auto as proxy.",
            )

    def one_of(self, data: Mapping[str, Any], key: str, known: tuple[str, ...], default: str) -> str:
        value = data.get(key, default)
        if value not in known:
            self.problems.append(UnknownNameError(key, str(value), known, place=self.place((key,))))
            return default
        return str(value)

    # ---------------------------------------------------------------------------------------------- hosts

    def host(self, index: int, raw: Any) -> FleetHost | None:
        at: At = ("hosts", index)
        if not isinstance(raw, dict):
            self.wrong(at, "expected a host: keys such as name, address and hardware.")
            return None
        before = len(self.problems)
        self.keys(at, raw, HOST_KEYS, "a host")
        name = raw.get("name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            shown = "it has none" if name is None else shorten(repr(name))
            self.wrong((*at, "name"), f"a host needs a name of letters, digits and dashes, at most 63; {shown}.")
            name = ""
        address = self.address((*at, "address"), raw.get("address"))
        kind = self.kind(at, raw, str(raw.get("name")))
        host = FleetHost(
            name=name,
            address=address,
            kind=kind or 0,
            headers=self.headers((*at, "headers"), raw.get("headers")),
            tags=self.tags((*at, "tags"), raw.get("tags")),
            availability=self.hours((*at, "availability"), raw.get("availability")),
            preemptible=self.flag((*at, "preemptible"), raw.get("preemptible", False)),
            usd_per_hour=self.number((*at, "usd_per_hour"), raw.get("usd_per_hour", 0), 0, 10_000),
            link=self.link((*at, "link"), raw.get("link")),
            place=self.place(at),
            node=node_of(at, raw, self.wrong),
        )
        return host if len(self.problems) == before and kind is not None else None

    def address(self, at: At, value: Any) -> str:
        hint = "Write what the proxy dials, such as http://10.0.0.5:11434."
        if not isinstance(value, str):
            self.wrong(at, "a host needs an address.", hint)
            return ""
        try:
            parts = urlsplit(value)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in {"http", "https"} or not parts.hostname or not _HOST.fullmatch(parts.hostname) or port == 0:
            self.wrong(at, f"{shorten(repr(value))} is not an address.", hint)
        elif parts.username is not None or parts.password is not None:
            self.wrong(at, "an address may hold no user name and no password.", "Use headers: {Authorization: {env: NAME}}.")
        elif parts.hostname in EVERYWHERE:
            self.wrong(at, f"{shorten(repr(value))} stands for all addresses of a machine, and nobody can dial it.", hint)
        elif parts.query or parts.fragment or parts.path not in {"", "/"}:
            self.wrong(at, f"{shorten(repr(value))} has more than scheme, host and port.", hint)
        elif parts.scheme == "http" and parts.hostname != LOOPBACK and (parts.hostname == "::1" or parts.hostname.startswith("127.")):
            told = f"Write http://{LOOPBACK}:{port or 11434}; several hosts of one machine have ports of their own."
            self.wrong(at, f"servers of this machine listen on {LOOPBACK}, and nothing would answer at {shorten(repr(value))}.", told)
        else:
            return value.rstrip("/")
        return ""

    def kind(self, at: At, raw: Mapping[str, Any], name: str) -> int | None:
        """The number of the host's kind; `None` where its hardware is not understood, which is told once for equal descriptions."""
        stated = raw.get("hardware") is not None
        document = self.facts.get(name) if "facts" in raw or (not stated and name in self.facts) else None
        if document is not None and stated:
            self.wrong((*at, "hardware"), "the host is already described by its facts.", "Give hardware or facts.")
            return None
        if document is None and not stated:
            self.wrong(
                at, "nothing says what hardware this host has.", "Give hardware: NAME, or facts: FILE from `setupgen detect --json`."
            )
            return None
        described = {key: raw[key] for key in HARDWARE_KEYS if raw.get(key) is not None}
        key = json.dumps([described, document], sort_keys=True, ensure_ascii=False, default=str)
        if key not in self.kinds:
            answers = Answers()
            try:
                for name_, value in described.items():
                    if name_ == "hardware":
                        self._specs(value, (*at, name_))
                    elif not isinstance(value, (str, int, float)) or isinstance(value, bool):
                        raise UsageError(f"{name_} is {shorten(repr(value))}, expected one value.", place=self.place((*at, name_)))  # noqa: TRY301
                values = {name_: value if name_ == "hardware" else str(value) for name_, value in described.items()}
                answers.update(values, {name_: self.place((*at, name_)) for name_ in described})
                if document is not None:
                    answers.update({"facts": "facts"}, {"facts": self.place((*at, "facts"))})
                self.kind_facts.append(facts_of(self.pack, answers, detected=document))
                self.kinds[key] = len(self.kind_facts) - 1
            except UsageError as error:
                self.problems.append(error)
                self.kinds[key] = None
        return self.kinds[key]

    def _specs(self, value: Any, at: At) -> None:
        specs = [value] if isinstance(value, str) else value
        if not isinstance(specs, list) or not specs or not all(isinstance(spec, str) and spec.strip() for spec in specs):
            raise UsageError("hardware must be a name or a list of names such as '2x RTX 4090'.", place=self.place(at))
        if "auto" in specs:
            raise UsageError(
                "auto stands for the machine that plans, not for a host of a fleet.", place=self.place(at), hint="Name the hardware."
            )

    def headers(self, at: At, value: Any) -> dict[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.wrong(at, "headers must be keys with values.")
            return {}
        for name, content in value.items():
            if not _HEADER.fullmatch(name):
                self.wrong((*at, name), f"{shorten(repr(name))} is not the name of a header.")
            elif isinstance(content, dict):
                if variable_of(content) is None:
                    self.wrong((*at, name), "expected {env: NAME} with letters, digits and underscores.")
            elif not isinstance(content, str):
                self.wrong((*at, name), f"{shorten(repr(content))} is not text.", "Put it in quotes.")
            elif name.lower() in SECRET:
                self.wrong((*at, name), "a secret may not stand in an inventory.", "Write {env: NAME}; the value goes into .env.")
            elif not content.isascii() or not content.isprintable() or "$" in content:
                self.wrong((*at, name), "a header holds plain ASCII without $.", "Write {env: NAME} for what a variable holds.")
        return value

    def tags(self, at: At, value: Any) -> frozenset[str]:
        if value is None:
            return frozenset()
        if not isinstance(value, list) or not all(isinstance(tag, str) and _TAG.fullmatch(tag) for tag in value):
            self.wrong(at, "tags must be a list of words of letters, digits, dots and dashes.")
            return frozenset()
        return frozenset(value)

    def hours(self, at: At, value: Any) -> str:
        if value is None or value == "always":
            return ""
        if not isinstance(value, str) or not _HOURS.fullmatch(value):
            self.wrong(at, f"availability is {shorten(repr(value))}, expected hours such as '08:00-18:00', or always.")
            return ""
        return value

    def flag(self, at: At, value: Any) -> bool:
        if not isinstance(value, bool):
            self.wrong(at, f"{shorten(repr(value))} is neither true nor false.")
            return False
        return value

    def number(self, at: At, value: Any, low: float, high: float) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            self.wrong(at, f"{shorten(repr(value))} is not a number from {low:g} to {high:g}.")
            return low
        return float(value)

    def link(self, at: At, value: Any) -> str:
        if value is None:
            return ""
        if value not in LINKS:
            self.problems.append(UnknownNameError("link", str(value), LINKS, place=self.place(at)))
            return ""
        return str(value)

    def duplicates(self, raw: list[Any]) -> None:
        """Names and addresses that come twice; broken hosts count with what can be read of them."""
        for key in ("name", "address"):
            seen: dict[str, int] = {}
            for index, entry in enumerate(raw):
                value = entry.get(key) if isinstance(entry, dict) else None
                if not isinstance(value, str) or not value:
                    continue
                plain = value.rstrip("/").lower().replace("//localhost", f"//{LOOPBACK}")
                if plain in seen:
                    first = self.place(("hosts", seen[plain], key))
                    self.wrong(
                        ("hosts", index, key), f"the {key} {shorten(repr(value))} comes twice; first at {first}.", "Each host has its own."
                    )
                seen.setdefault(plain, index)

    # ---------------------------------------------------------------------------------------------- needs

    def need(self, index: int, raw: Any, proxy: str) -> FleetNeed | None:
        at: At = ("needs", index)
        if not isinstance(raw, dict):
            self.wrong(at, "expected a need: a use_case or a model, and users.")
            return None
        before = len(self.problems)
        self.keys(at, raw, NEED_KEYS, "a need")
        if raw.get("use_case") is None and raw.get("model") is None:
            self.wrong(at, "a need names a use_case or a model.")
        replicas = self.whole((*at, "replicas"), raw.get("replicas", 0), 0, MAXIMUM_REPLICAS)
        weight = self.number((*at, "weight"), raw.get("weight", 1), 0.001, 1000)
        tags = self.tags((*at, "tags"), raw.get("tags"))
        facts = self.need_facts(at, raw) if len(self.problems) == before else None
        if facts is not None:
            self.contradictions(at, facts, proxy)
        if facts is None or len(self.problems) > before:
            return None
        return FleetNeed(index, facts, replicas, weight, tags, dict(raw), self.place(at))

    def whole(self, at: At, value: Any, low: int, high: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.wrong(at, f"{shorten(repr(value))} is not a whole number from {low} to {high}.")
            return low
        return value

    def need_facts(self, at: At, raw: Mapping[str, Any]) -> Facts | None:
        answers = Answers()
        values = {key: raw[key] for key in ANSWER_KEYS if raw.get(key) is not None}
        for key, value in values.items():
            if isinstance(value, (list, dict)) or (isinstance(value, bool) and key != "offline"):
                self.wrong((*at, key), f"{key} is {shorten(repr(value))}, expected one value.")
                return None
        values = {key: value if key == "offline" else str(value) for key, value in values.items()}
        places = {key: self.place((*at, key)) for key in values}
        try:
            if "use_case" not in values:
                values["use_case"] = self.usual_use(str(values["model"]), self.place((*at, "model")))
            answers.update(values, {**places, "use_case": self.place((*at, "use_case"))})
            answers.update({"hardware": "cpu", "exposure": "lan"})
            facts = facts_of(self.pack, answers)
            check(facts)
        except UsageError as error:
            key = error.place.removeprefix("--").replace("-", "_")
            place = error.place if error.place in places.values() else places.get(key, self.place(at))
            if place.startswith(f"{self.place(at)}, "):  # an option of the command line: it holds the whole need
                place = self.place(at)
            self.problems.append(error if error.place == place else UsageError(error.message, place=place, hint=error.hint))
            return None
        return replace(facts, origins={**facts.origins, "needs.exposure": "answered"})

    def usual_use(self, name: str, place: str) -> str:
        """What a model is made for, where the need does not say: the use case that it suits best."""
        model = self.pack.model(name, place=place)
        uses = self.pack.vocabulary("use-cases")
        able = [id_ for id_, use in uses.items() if use["task"] in model.tasks and set(use["capabilities"]) <= set(model.capabilities)]
        order = ("chat", "embeddings", "speech")
        best = max(able, key=lambda id_: (model.use_cases.get(id_, 0), id_ in order), default="chat")
        return "chat" if "chat" in able and model.use_cases.get("chat", 0) >= 1 else best

    def contradictions(self, at: At, facts: Facts, proxy: str) -> None:
        needs = facts.needs
        use = self.pack.vocabulary("use-cases")[needs.use_case]
        if needs.model:
            model = self.pack.models[needs.model]
            extra = {"rerank"} if use["task"] == "embedding" else set()
            if not ({use["task"]} | extra) & set(model.tasks) and "text-to-speech" not in model.tasks:
                self.wrong((*at, "model"), f"{model.name} is made for {', '.join(model.tasks)}, not for {use['label'].lower()}.")
            if needs.quant and needs.quant.lower() not in {weights.quant.lower() for weights in model.weights}:
                known = ", ".join(dict.fromkeys(weights.quant for weights in model.weights))
                self.wrong((*at, "quant"), f"no {needs.quant} of {model.name} is known.", f"Known are {known}.")
        if needs.server:
            server = self.pack.servers[needs.server]
            front = self.pack.servers.get(proxy)
            if server.kind != "inference":
                self.wrong((*at, "server"), f"{server.name} holds no models.", "Name an inference server, or leave it out.")
            elif front is not None and server.id not in front.raw.get("fronts", (server.id,)):
                self.wrong((*at, "server"), f"{front.name} cannot stand in front of {server.name}.", "Change the proxy or the server.")


def _did_you_mean(name: str, known: frozenset[str]) -> str:
    close = nearest(name, known)
    return f"Did you mean {', '.join(close)}?" if close else f"Tags are {', '.join(sorted(known)[:20])}." if known else "No host has tags."
