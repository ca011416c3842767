"""Makes the placement problem of an inventory: which model, in which form, each kind of host could serve for each need, and how well.

A host is divided into parts that are given away: each card has four, so that one card may hold a model for text (three or four parts) beside a
small helper (embeddings, speech: one part). Each offer comes from the same survey and ranking as a plan for that part of the host alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING, Any

from setupgen.engine.candidates import survey
from setupgen.engine.fleet.nodes import RUNTIME
from setupgen.engine.fleet.problem import Kind, Option, Problem, Wish
from setupgen.engine.fleet.shortlist import narrowed, shortlist
from setupgen.engine.host import Host
from setupgen.engine.ranking import rank
from setupgen.engine.rules import rule_book
from setupgen.facts import Facts, Needs
from setupgen.knowledge import GIB

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterator, Mapping

    from setupgen.engine.candidates import Candidate
    from setupgen.engine.fleet.records import FleetNeed, Inventory
    from setupgen.engine.plan import Rejection
    from setupgen.engine.rules import RuleBook
    from setupgen.facts import Hardware
    from setupgen.knowledge import Model, Pack, Weights

PARTS = 4
"""Parts of one card, or of a host without cards or with cards that are not alike."""

HELPERS = ("embedding", "speech-to-text")
"""Tasks whose models take one part of a card; all others want most of one."""

SPLITS = (1, 2, 3, 4, 6, 8, 12, 16, 24)
"""Over how many replicas the users of a need may be divided."""

MOST_LEVELS = 7
"""Sizes of a replica that are looked at: the smallest of them, since large ones fit few hosts, and all users at once."""

LAYERS = 3
"""How many that are better, smaller and faster a setup may have and still be tried for more users than the fewest."""

SPREAD = 3.0
"""Factor between the fastest and the slowest replica of one model: proxies send both the same share of the requests. A judgement."""

SHARING = 150
"""What a model loses in worth, in thousandths, that shares a host's only card or its processor with another: each is slower while both work,
which its numbers do not say. Half of what surviving the loss of a host is worth, so that a helper goes to a box that has nothing else to do. A judgement."""

VARIANTS = 40
"""Variants of one need that are looked at, those with the best offers."""

MEMORY_SHARE = "memory_claim"


@dataclass(frozen=True)
class Offer:
    """What an option stands for.

    Attributes:
        facts: the need on a part of the host.
        candidate: the setup there.
        score: parts of the ranking's score.
        group: number of the group of hosts.
        cards: cards of the host that it takes; 0 where it takes a share of the only one, or has none.
        share: share of that one card or of main memory, 0 to 1.
    """

    facts: Facts
    candidate: Candidate
    score: Mapping[str, float]
    group: int
    cards: int
    share: float

    @property
    def variant(self) -> tuple[str, str, str, int]:
        """What all replicas of a need have in common: model, format, quantisation and context."""
        candidate = self.candidate
        return candidate.model.id, candidate.weights.format, candidate.weights.quant, candidate.workload.context


@dataclass(frozen=True)
class Group:
    """Hosts that are alike for placement: hardware, tags, and whether they stay.

    Attributes:
        kind: number of the hardware kind in the inventory.
        tags: what needs may ask for.
        steady: there at any hour, and not taken away.
        price: US dollars per hour of one host.
        hosts: their numbers in the inventory.
        units: parts of one host.
        cards: equal accelerators of one host that can be given away one by one; else 1.
    """

    kind: int
    tags: frozenset[str]
    steady: bool
    price: float
    hosts: tuple[int, ...]
    units: int
    cards: int


@dataclass
class Market:
    """The problem and what its options stand for.

    Attributes:
        problem: for the search.
        groups: of hosts, in the order of the problem's kinds.
        offers: by the key of an option.
        refusals: by number of need and number of hardware kind, why nothing is offered.
    """

    problem: Problem
    groups: tuple[Group, ...]
    offers: tuple[Offer, ...]
    refusals: Mapping[tuple[int, int], tuple[Rejection, ...]]


def groups_of(inventory: Inventory) -> tuple[Group, ...]:
    """Hosts that are alike, in order of their first."""
    found: dict[tuple[Any, ...], list[int]] = {}
    asked = frozenset().union(*(need.tags for need in inventory.needs))
    for index, host in enumerate(inventory.hosts):
        found.setdefault((host.kind, host.tags & asked, host.steady, host.usd_per_hour), []).append(index)
    made = []
    for (kind, tags, steady, price), hosts in found.items():
        hardware = inventory.kinds[kind].hardware
        cards = hardware.parts[0].count if len(hardware.parts) == 1 else 1
        made.append(Group(kind, tags, steady, price, tuple(hosts), PARTS * cards, cards))
    return tuple(made)


def market(pack: Pack, inventory: Inventory, servers: Collection[str]) -> Generator[tuple[int, int], None, Market]:
    """The placement problem of an inventory, step by step: how many steps are done, and of how many.

    A step is told before each kind of hosts is looked at for a need, and once more at the end.

    Args:
        pack: the knowledge base.
        inventory: hosts and needs.
        servers: inference servers that the proxy can stand in front of.
    """
    groups = groups_of(inventory)
    book = rule_book(pack)
    shared = any(_is_helper(pack, need.facts.needs) for need in inventory.needs)
    offers: list[Offer] = []
    refusals: dict[tuple[int, int], tuple[Rejection, ...]] = {}
    wishes: list[Wish] = []
    known: dict[str, list[Model]] = {}
    for done, need in enumerate(inventory.needs):
        key = repr(replace(need.facts.needs, users=1))
        if key not in known:
            known[key] = shortlist(pack, need.facts)
        shop = _Shop(narrowed(pack, known[key], servers), inventory, need, book, shared=shared)
        options: dict[tuple[str, str, str, int], list[Option]] = {}
        for number, group in enumerate(groups):
            yield done * len(groups) + number, len(inventory.needs) * len(groups)
            if not need.tags <= group.tags:
                continue
            for offer, slots in shop.offers(number, group):
                units = max(1, round(offer.share * PARTS)) if offer.share else offer.cards * PARTS
                worth = 1000 + max(0, round(1000 * offer.score["total"])) - (SHARING if 0 < offer.share < 1 and group.cards == 1 else 0)
                options.setdefault(offer.variant, []).append(Option(number, units, slots, worth, len(offers)))
                offers.append(offer)
        refusals.update({(need.id, kind): tuple(found) for kind, found in shop.refused.items()})
        variants = [part for found in options.values() for part in _paced(found, offers)]
        variants.sort(key=lambda found: (-max(option.worth for option in found), offers[found[0].key].variant))
        wishes.append(Wish(need.users, need.replicas, need.weight, need.replicas != 1, tuple(_kept(variants))))
    yield (steps := len(inventory.needs) * len(groups)), steps
    kinds = tuple(Kind(len(group.hosts), group.units, _price(inventory, group), not group.steady) for group in groups)
    return Market(Problem(kinds, tuple(wishes)), groups, tuple(offers), refusals)


def _kept(variants: list[tuple[Option, ...]]) -> list[tuple[Option, ...]]:
    """The best variants, and the best one for every group of hosts."""
    kept = variants[:VARIANTS]
    covered = {option.kind for variant in kept for option in variant}
    for variant in variants[VARIANTS:]:
        if new := {option.kind for option in variant} - covered:
            kept.append(variant)
            covered |= new
    return kept


def _paced(options: list[Option], offers: list[Offer]) -> Iterator[tuple[Option, ...]]:
    """The options of a variant in classes of like speed: a proxy gives each replica the same share, so one may not be far slower."""
    left = sorted(options, key=lambda option: (-_rate(offers[option.key]), option.key))
    while left:
        fastest = _rate(offers[left[0].key])
        together = [option for option in left if _rate(offers[option.key]) * SPREAD >= fastest]
        left = left[len(together) :]
        yield tuple(sorted(together, key=lambda option: option.key))


def _rate(offer: Offer) -> float:
    speed = offer.candidate.estimate.speed
    return speed.decode_tps.value or speed.prefill_tps.value


def _price(inventory: Inventory, group: Group) -> int:
    """What taking a whole host costs in thousandths: more for larger ones, so that small jobs go to small hosts, and for those that cost money."""
    hardware = inventory.kinds[group.kind].hardware
    gib = sum(part.memory_bytes * part.count for part in hardware.parts) / GIB or hardware.ram_bytes / GIB / 4
    return round(20 * sqrt(gib / 8) + 100 * group.price)


def _is_helper(pack: Pack, needs: Needs) -> bool:
    return str(pack.vocabulary("use-cases")[needs.use_case]["task"]) in HELPERS


class _Shop:
    """What hosts can offer one need."""

    def __init__(self, pack: Pack, inventory: Inventory, need: FleetNeed, book: RuleBook, *, shared: bool) -> None:
        self.pack = pack
        self.inventory = inventory
        self.need = need
        self.book = book
        self.helper = _is_helper(pack, need.facts.needs)
        self.shared = shared
        self.room = sum(len(group.hosts) * group.units for group in groups_of(inventory))
        self.refused: dict[int, list[Rejection]] = {}
        self._seen: dict[tuple[int, int, float, int], list[tuple[Candidate, Mapping[str, float], Facts]]] = {}

    def offers(self, number: int, group: Group) -> Iterator[tuple[Offer, int]]:
        """Offers of one host of a group, with the users that each serves at the same time."""
        for cards, share in self._sizes(group):
            pack = self.pack
            for index, users in enumerate(self._levels()):
                found = self._found(pack, group, cards, share, users)
                for candidate, score, facts in found:
                    yield Offer(facts, candidate, score, number, cards, share), users
                if not found:
                    break
                if not index:
                    pack = self._narrower(found)

    def _sizes(self, group: Group) -> Iterator[tuple[int, float]]:
        """(cards, share) of a host that are offered. Pods do not share a card."""
        kind = self.inventory.kinds[group.kind]
        if kind.needs.runtime == RUNTIME and kind.hardware.parts:
            yield from ((cards, 0.0) for cards in (1, 2, 4, 8, 16) if cards < group.cards and (cards == 1 or not self.helper))
            if group.cards == 1 or not self.helper:
                yield (0, 1.0) if group.cards == 1 else (group.cards, 0.0)
            return
        if self.helper:
            yield 0, 1 / PARTS
            if group.cards == 1:
                yield 0, 1.0
            return
        if group.cards == 1:
            if self.shared:
                yield 0, (PARTS - 1) / PARTS
            yield 0, 1.0
            return
        for cards in (1, 2, 4, 8, 16):
            if cards < group.cards:
                yield cards, 0.0
        yield group.cards, 0.0

    def _levels(self) -> list[int]:
        """Users of one replica that are looked at, the fewest first."""
        users = self.need.users
        levels = sorted({-(-users // part) for part in {*SPLITS, max(self.need.replicas, 1)} if part <= self.room})
        return [*levels[: MOST_LEVELS - 1], *levels[MOST_LEVELS - 1 :][-1:]]

    def _narrower(self, found: list[tuple[Candidate, Mapping[str, float], Facts]]) -> Pack:
        """The pack with what is worth trying for more users: what few others beat in score, memory and speed. What does not fit fits no more."""
        kept: dict[str, list[Weights]] = {}
        models: dict[str, Model] = {}
        servers = set()
        before: list[tuple[int, float]] = []
        for candidate, _, _ in found:  # the best first
            size, rate = candidate.estimate.memory.total_bytes, candidate.estimate.speed.decode_tps.value
            if sum(other <= size and faster >= rate for other, faster in before) < LAYERS:
                kept.setdefault(candidate.model.id, []).append(candidate.weights)
                models[candidate.model.id] = candidate.model
                servers.add(candidate.deployment.server.id)
            before.append((size, rate))
        return narrowed(self.pack, [replace(model, weights=tuple(kept[id_])) for id_, model in models.items()], servers)

    def _found(self, pack: Pack, group: Group, cards: int, share: float, users: int) -> list[tuple[Candidate, Mapping[str, float], Facts]]:
        key = (group.kind, cards, share, users)
        if key not in self._seen:
            self._seen[key] = list(self._look(pack, group, cards, share, users))
        return self._seen[key]

    def _look(
        self, pack: Pack, group: Group, cards: int, share: float, users: int
    ) -> Iterator[tuple[Candidate, Mapping[str, float], Facts]]:
        facts = facts_on(self.inventory.kinds[group.kind], self.need.facts, users=users, cards=cards, of=group.cards, share=share)
        host = Host(pack, facts)
        field = survey(host, self.book)
        candidates = [candidate for candidate in field.candidates if _takes(candidate, cards, share)]
        if not candidates and not self.refused.get(group.kind):
            self.refused[group.kind] = field.rejected
        best: dict[tuple[str, str, str, int], None] = {}
        for candidate, score in rank(host, candidates):
            key = (candidate.model.id, candidate.weights.format, candidate.weights.quant, candidate.workload.context)
            if key not in best:
                best[key] = None
                yield candidate, score, facts


def _takes(candidate: Candidate, cards: int, share: float) -> bool:
    """Whether a candidate takes just what is offered: all cards for one replica, and no claim on a card that is shared."""
    if candidate.replicas > 1:
        return False
    if 0 < share < 1:
        return MEMORY_SHARE not in candidate.deployment.server.settings
    return not cards or candidate.cards in {cards, 0}


def facts_on(kind: Facts, need: Facts, *, users: int, cards: int, of: int, share: float) -> Facts:
    """The need on a part of a host: some of its cards with their share of main memory, or a share of the only one."""
    needs = replace(need.needs, users=users, os=kind.needs.os, runtime=kind.needs.runtime)
    hardware = kind.hardware
    if share and share < 1:
        hardware = _shared(hardware, share)
    elif cards and cards < of:
        parts = tuple(replace(part, count=cards) for part in hardware.parts)
        hardware = replace(hardware, parts=parts, ram_bytes=hardware.ram_bytes * cards // of)
    origins = {
        name: origin for name, origin in kind.origins.items() if name.startswith("hardware.") or name in {"needs.os", "needs.runtime"}
    }
    own = {name: origin for name, origin in need.origins.items() if name not in origins and not name.startswith("hardware.")}
    assumptions = tuple(item for item in kind.assumptions if item.fact.startswith("hardware.")) + tuple(
        item for item in need.assumptions if item.fact.startswith("needs.") and item.fact not in origins
    )
    return Facts(needs, hardware, {**own, **origins}, assumptions, kind.clashes, need.today)


def _shared(hardware: Hardware, share: float) -> Hardware:
    """A share of a host with one card, of one with unified memory, or of a plain processor's memory."""
    if not hardware.parts:
        return replace(hardware, ram_bytes=int(hardware.ram_bytes * share))
    if hardware.unified:
        parts = tuple(
            replace(part, gpu_limit_bytes=int((part.gpu_limit_bytes or part.memory_bytes * 0.7) * share)) for part in hardware.parts
        )
        return replace(hardware, parts=parts)
    parts = tuple(replace(part, memory_bytes=int(part.memory_bytes * share)) for part in hardware.parts)
    return replace(hardware, parts=parts, ram_bytes=int(hardware.ram_bytes * share))
