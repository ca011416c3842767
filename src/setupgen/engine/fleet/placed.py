"""From an answer to the placement problem to servers on hosts: which host, which cards, which port, under which name."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from setupgen.engine.fleet.fronts import is_loopback, variable
from setupgen.engine.fleet.nodes import FIRST_PORT, RUNTIME
from setupgen.engine.fleet.options import PARTS, SPREAD
from setupgen.engine.host import Host
from setupgen.engine.settings import Seat, choose

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from setupgen.engine.fleet.options import Market, Offer
    from setupgen.engine.fleet.problem import Option
    from setupgen.engine.fleet.records import FleetHost, FleetNeed, Inventory
    from setupgen.engine.fleet.states import Content, State
    from setupgen.engine.plan import Choice
    from setupgen.knowledge import Pack

INNER_PORTS = 20_000
"""Where ports of servers behind a proxy on the same host begin, as far as they lie beside the ports that the fleet's proxy dials."""

HIGHEST_PORT = 65_535

TLS_PORT = 443
"""What https without a port means."""


@dataclass(frozen=True)
class Spot:
    """A need's replica on a host: what is known before ports and names are."""

    host: int
    need: int
    option: Option
    users: int


@dataclass(frozen=True)
class Placed:
    """One server on one host of a fleet.

    Attributes:
        name: of the host, with a number where several servers run on it.
        users: of the need's users, how many this one serves.
        alias: what clients ask for.
        url: what the proxy dials.
        folder: of its files.
        slots: users that it was chosen for; a server may answer fewer of them at once.
        key_name: variable in the host's `.env` that holds the key, or empty where none is asked for.
    """

    name: str
    host: FleetHost
    need: FleetNeed
    offer: Offer
    users: int
    choice: Choice
    alias: str
    url: str
    folder: str
    devices: tuple[int, ...]
    task: str
    key_name: str
    slots: int

    @property
    def key_variable(self) -> str:
        """Variable in the proxy's `.env` with the bare key."""
        return variable(self.name, "KEY")

    @property
    def header_variable(self) -> str:
        """Variable in the proxy's `.env` with the whole header."""
        return variable(self.name, "AUTHORIZATION")

    @property
    def part(self) -> bool:
        """Whether its memory is a part of its card's, or of main memory; what a chip with unified memory has is told as a whole."""
        return 0 < self.offer.share < 1 and not self.offer.facts.hardware.unified

    def beside(self, other: Placed) -> bool:
        """Whether another server works on the same card or processor, so that each is slower while both work."""
        if other.name == self.name or other.host.name != self.host.name:
            return False
        if self.host.node and (self.offer.candidate.cards or other.offer.candidate.cards):
            return False  # pods do not share cards
        if self.devices and other.devices:
            return bool(set(self.devices) & set(other.devices))
        return bool(self.offer.candidate.cards) == bool(other.offer.candidate.cards)

    @property
    def own_header(self) -> Any:
        """What the inventory says about the header Authorization; nothing where it says nothing."""
        return next((value for name, value in self.host.headers.items() if name.lower() == "authorization"), None)


def spots_of(market: Market, state: State, before: Mapping[int, Content] | None = None) -> list[Spot]:
    """Which host gets what, in the order of hosts; hosts that are alike are filled from the first, or keep what they held `before`."""
    found: list[Spot] = []
    for number, group in enumerate(market.groups):
        contents = sorted(
            ((content, count) for (kind, content), count in state.items() if kind == number and content),
            key=lambda item: tuple((need, option.key) for need, option in item[0]),
        )
        wanted = [content for content, count in contents for _ in range(count)]
        for host, content in _matched(group.hosts, wanted, before or {}):
            found += [Spot(host, need, option, 0) for need, option in content]
    return sorted(_with_users(market, found), key=lambda spot: (spot.host, -spot.option.units, spot.need, spot.option.key))


def _matched(hosts: Sequence[int], wanted: list[Content], before: Mapping[int, Content]) -> Iterator[tuple[int, Content]]:
    """Hosts with what they get: first those that held most of it before."""
    free = list(hosts)
    if before:
        pairs = [
            (-sum((Counter(content) & Counter(before[host])).values()), content != before[host], host, number)
            for number, content in enumerate(wanted)
            for host in free
            if before.get(host)
        ]
        given: dict[int, int] = {}
        for shared, _, host, number in sorted(pairs):
            if shared and host not in given.values() and number not in given:
                given[number] = host
        for number, host in given.items():
            free.remove(host)
            yield host, wanted[number]
        wanted = [content for number, content in enumerate(wanted) if number not in given]
        free.sort(key=lambda host: bool(before.get(host)))  # empty ones first, in order
    yield from zip(free, wanted, strict=False)


def _with_users(market: Market, spots: list[Spot]) -> Iterator[Spot]:
    """Users shared out: every replica gets its part, as proxies give each the same share as far as it has slots."""
    for need, wish in enumerate(market.problem.wishes):
        mine = [spot for spot in spots if spot.need == need]
        left = wish.users
        for index, spot in enumerate(sorted(mine, key=lambda spot: (spot.option.slots, spot.host))):
            users = min(spot.option.slots, -(-left // (len(mine) - index)))
            left -= users
            yield replace(spot, users=users)


def place_all(pack: Pack, inventory: Inventory, market: Market, state: State, before: Mapping[int, Content] | None = None) -> list[Placed]:
    """Every server of the fleet, in the order of hosts; `before` is what hosts held already."""
    spots = spots_of(market, state, before)
    names = _aliases(inventory, market, spots)
    tagged = _tagged(market, spots)
    ports = _Ports(inventory)
    made: list[Placed] = []
    per_host = Counter(spot.host for spot in spots)
    number: Counter[int] = Counter()
    for spot, devices in _with_devices(market, spots):
        host, need, offer = inventory.hosts[spot.host], inventory.needs[spot.need], market.offers[spot.option.key]
        number[spot.host] += 1
        several = per_host[spot.host] > 1
        name = f"{host.name}-{number[spot.host]}" if several else host.name
        folder = f"hosts/{host.name}" + (f"/{number[spot.host]}" if several else "")
        alias = names[spot.need, offer.variant]
        tag = f":{offer.candidate.weights.quant.lower()}" if offer.variant in tagged else ""
        local = not host.node and (is_loopback(host) or host.tls)
        needs = replace(offer.facts.needs, exposure="local" if local else "lan")
        planner = Host(pack, replace(offer.facts, needs=needs))
        server = offer.candidate.deployment.server
        port = ports.next(host, TLS_PORT if host.tls else server.port)
        own = ports.behind(host, server.port) if host.tls else port
        if host.node:  # the cluster says which cards a pod gets, and each pod has its ports to itself
            seat = Seat(host.hostname, port, alias + tag, server.port, node=host.node, name=name, space=f"{inventory.name[:18]}-{name}")
        else:
            seat = Seat("127.0.0.1" if local else host.hostname, own, alias + tag, ports.inner(host), devices)
        choice = replace(choose(planner, offer.candidate, offer.score, seat), clients=())
        auth = choice.settings["auth"]
        made.append(
            Placed(
                name, host, need, replace(offer, facts=planner.facts), spot.users, choice, alias + tag, host.at_port(port), folder, () if host.node else devices,
                str(planner.use_case["task"]), str(auth.get("env", "")) if auth["kind"] == "api-key" else "", spot.option.slots,
            )
        )  # fmt: skip
    return made


def _with_devices(market: Market, spots: list[Spot]) -> Iterator[tuple[Spot, tuple[int, ...]]]:
    """Spots with the numbers of the cards that they get; none where the host has one, or cards that are used together."""
    next_card: Counter[int] = Counter()
    helpers: Counter[int] = Counter()
    for spot in spots:
        group = market.groups[spot.option.kind]
        offer = market.offers[spot.option.key]
        if group.cards == 1 or offer.candidate.cards == 0:
            yield spot, ()
        elif offer.cards:
            first = next_card[spot.host]
            next_card[spot.host] += offer.cards
            yield spot, () if offer.cards == group.cards else tuple(range(first, first + offer.cards))
        else:  # helpers share the cards that are left, PARTS to each
            yield spot, (next_card[spot.host] + helpers[spot.host] // PARTS,)
            helpers[spot.host] += 1


def _aliases(inventory: Inventory, market: Market, spots: list[Spot]) -> dict[tuple[int, tuple[Any, ...]], str]:
    """What clients ask for, by need and variant: one name for one model with one context and quantisation at one pace, another for another."""
    by_name: dict[str, dict[tuple[int, tuple[Any, ...]], list[float]]] = {}
    for spot in spots:
        offer = market.offers[spot.option.key]
        base = offer.candidate.model.id.rsplit("/", maxsplit=1)[-1]
        rate = offer.candidate.estimate.speed.decode_tps.value
        by_name.setdefault(base, {}).setdefault((spot.need, offer.variant), []).append(rate)
    found: dict[tuple[int, tuple[Any, ...]], str] = {}
    for base, users in by_name.items():
        rates = [rate for entry in users.values() for rate in entry]
        alike = len({variant for _, variant in users}) == 1 and min(rates) * SPREAD >= max(rates)
        taken: set[str] = set()
        for need, variant in sorted(users, key=lambda key: key[0]):
            name = base if alike else f"{base}-{inventory.needs[need].facts.needs.use_case}"
            while not alike and name in taken:
                name += "-2"
            taken.add(name)
            found[need, variant] = name
    return found


def _tagged(market: Market, spots: list[Spot]) -> set[tuple[Any, ...]]:
    """Variants that Ollama serves somewhere: their names carry a tag, because Ollama gives every name one and proxies compare names exactly."""
    return {offer.variant for spot in spots if (offer := market.offers[spot.option.key]).candidate.deployment.server.id == "ollama"}


class _Ports:
    """Ports that are given away, host by host; the first is the one in the address."""

    def __init__(self, inventory: Inventory) -> None:
        self._taken: dict[str, set[int]] = {}
        self._given: set[str] = set()
        for host in inventory.hosts:
            if host.port:
                self._taken.setdefault(self._machine(host), set()).add(host.port)
            if inventory.proxy_port and (is_loopback(host) or host.name in inventory.proxy_hosts):
                self._taken.setdefault(host.hostname, set()).add(inventory.proxy_port)

    def next(self, host: FleetHost, usual: int) -> int:
        """The port for another server of this host."""
        taken = self._taken.setdefault(self._machine(host), set())
        if host.node and not host.port:
            return self._free(taken, FIRST_PORT)
        if host.name not in self._given:
            self._given.add(host.name)
            if host.port:
                return host.port
        return self._free(taken, host.port + 1 if host.port else usual)

    @staticmethod
    def _machine(host: FleetHost) -> str:
        """What has each port once: a machine, or a whole cluster."""
        return RUNTIME if host.node else host.hostname

    def inner(self, host: FleetHost) -> int:
        """A port for the server itself, behind a proxy on its host."""
        start = INNER_PORTS + (host.port or 0) % 10_000
        return self._free(self._taken.setdefault(host.hostname, set()), start)

    def behind(self, host: FleetHost, usual: int) -> int:
        """A port for the server behind something of the user's that ends TLS on its host: never the one that is dialled."""
        return self._free(self._taken.setdefault(host.hostname, set()), usual)

    def _free(self, taken: set[int], port: int) -> int:
        while port in taken or port > HIGHEST_PORT:
            port = port + 1 if port < HIGHEST_PORT else INNER_PORTS
        taken.add(port)
        return port


def users_served(placed: list[Placed]) -> Mapping[int, int]:
    """Users served by number of need."""
    found: Counter[int] = Counter()
    for item in placed:
        found[item.need.id] += item.users
    return found
