"""The inverse question: which hardware would do for a need, and what it costs. Pure; every answer is a real plan for that hardware.

Prices are those of the knowledge base, with their dates; hardware without one is never called cheap, and is counted. A card's price is
that of the card alone. The work is bounded: what cannot hold or read a capable model fast enough is never planned, nor what costs more than
another that is no smaller and no slower.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from setupgen.engine.host import Host
from setupgen.engine.intake import Answers, facts_of
from setupgen.engine.planning import plan
from setupgen.engine.ranking import capable_size, effective_billions
from setupgen.engine.sensitivity import rate_of, setup_json
from setupgen.engine.suitability import model_reason
from setupgen.engine.weights import weight_bytes
from setupgen.errors import SetupgenError
from setupgen.knowledge import GIB

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from setupgen.engine.plan import Plan
    from setupgen.facts import Facts
    from setupgen.knowledge import Device, Pack

COUNTS = (1, 2, 4)
"""Cards of one kind in one machine that are looked at."""

PLANS_TO_BUY = 24
PLANS_TO_RENT = 6
LISTED = 6
"""Offers that are listed, of each kind."""

FOUR_BITS = 4.0
NEAR = 0.9
"""Share of the comfortable speed that is enough: an estimate is no more exact than that. A judgement."""

GAIN = 0.02
"""Score that a dearer machine must bring more than every cheaper one that is listed."""


@dataclass(frozen=True, slots=True)
class Price:
    """What something costs, when that was so, and who said it; `usd` is 0 where nobody said."""

    usd: float
    date: str = ""
    note: str = ""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ware:
    """Hardware that can be had: as `--hardware` takes it, its price, its memory in all and the bandwidth of one of its accelerators."""

    spec: str
    name: str
    price: Price
    memory_bytes: int
    bandwidth_gb_s: float
    count: int
    vendor: str
    device: str = ""
    card_alone: bool = False
    rented: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """Hardware whose plan does what is wanted."""

    ware: Ware
    plan: Plan

    def to_json(self) -> dict[str, Any]:
        """As `upgrade --json` writes it."""
        price = self.ware.price
        return {
            "hardware": self.ware.spec,
            "name": self.ware.name,
            ("usd_per_hour" if self.ware.rented else "price_usd"): price.usd,
            "price_date": price.date,
            "price_note": price.note,
            "sources": list(price.sources),
            "card_alone": self.ware.card_alone,
            "ram_bytes": self.plan.facts.hardware.ram_bytes,
            "setup": setup_json(self.plan),
        }


@dataclass
class Wanted:
    """What a plan must reach: the size of model that is capable, and the speed that is comfortable; 0 where the use case asks for none."""

    capable_b: float
    comfortable_tps: float

    def met(self, result: Plan) -> bool:
        """Whether a plan is worth hosting, at a comfortable speed, with a capable model."""
        choice = result.choice
        if choice is None or result.verdict != "self-host":
            return False
        fast = rate_of(result) >= self.comfortable_tps * NEAR
        return fast and effective_billions(choice.model) >= self.capable_b


@dataclass
class Shelf:
    """What was found, and what was not looked at."""

    wanted: Wanted
    buy: list[Offer] = field(default_factory=list)
    rent: list[Offer] = field(default_factory=list)
    nearest: Offer | None = None
    planned: int = 0
    without_price: int = 0
    over_budget: int = 0
    too_small: int = 0
    dominated: int = 0
    left_out: int = 0
    elsewhere: int = 0
    needs_a_server: int = 0

    def looked_at(self) -> dict[str, int]:
        """The counts, for JSON."""
        names = ("planned", "without_price", "over_budget", "too_small", "dominated", "left_out", "elsewhere", "needs_a_server")
        return {name: getattr(self, name) for name in names}


def wanted_by(pack: Pack, use_case: str, experience: str) -> Wanted:
    """What this need asks for: the use case's capable size (or its useful one) and comfortable speed, as the experience has them."""
    entry, pace = pack.vocabulary("use-cases")[use_case], float(pack.vocabulary("experiences")[experience]["pace"])
    size = capable_size(entry, experience) or float(entry.get("useful_b", 0))
    return Wanted(size, float(entry["comfortable_tps"]) * pace)


def shop(pack: Pack, answers: Answers, *, budget: float = 0.0) -> Shelf:
    """The cheapest hardware of the knowledge base whose plan meets the need.

    Args:
        pack: the knowledge base.
        answers: the need; hardware in it is not read.
        budget: US dollars for what is bought; 0 for any.

    Raises:
        UsageError: for a need that makes no sense.
    """
    wares = sorted(wares_of(pack), key=lambda ware: (ware.price.usd, ware.spec))
    facts = need_of(pack, answers)
    shelf = Shelf(wanted_by(pack, facts.needs.use_case, facts.needs.experience))
    shelf.without_price = sum(1 for device in pack.devices.values() if device.kind != "cpu" and not device.price_usd)
    shelf.needs_a_server = sum(1 for device in pack.devices.values() if device.price_usd and needs_a_server(device))
    loads = _loads(Host(pack, facts), shelf.wanted)
    runs = [ware for ware in wares if runs_there(pack, ware, answers.values.get("os"))]
    shelf.elsewhere = len(wares) - len(runs)
    affordable = [ware for ware in runs if not budget or ware.price.usd <= budget]
    shelf.over_budget = len(runs) - len(affordable)
    able = [ware for ware in affordable if _able(ware, loads, shelf.wanted)]
    shelf.too_small = len(affordable) - len(able)
    front = _front(able)
    shelf.dominated = len(able) - len(front)
    shelf.buy = _offers(pack, answers, front, shelf, PLANS_TO_BUY)
    offered = [] if answers.values.get("os") == "macos" else sorted(instances_of(pack), key=lambda ware: (ware.price.usd, ware.spec))
    rented = [ware for ware in offered if _able(ware, loads, shelf.wanted)]
    shelf.rent = _offers(pack, answers, _front(rented), shelf, PLANS_TO_RENT)
    return shelf


def need_of(pack: Pack, answers: Answers) -> Facts:
    """The need alone, on a machine that stands for none in particular.

    Raises:
        UsageError: for a need that makes no sense.
    """
    return facts_of(pack, _with(answers, "apple/m6" if answers.values.get("os") == "macos" else "cpu"))


def runs_there(pack: Pack, ware: Ware, os: object) -> bool:
    """Whether the operating system that was asked for runs on it; macOS runs on Apple's machines alone."""
    device = pack.devices[ware.device]
    return not os or (os in device.os if device.os else os != "macos")


def wares_of(pack: Pack) -> Iterator[Ware]:
    """Everything in the knowledge base that has a price to buy it at: cards once, twice and four times, whole machines once."""
    for device in pack.devices.values():
        if not device.price_usd or device.kind == "cpu" or needs_a_server(device):
            continue
        size = priced_memory(device)
        name = f"{device.id} {size / GIB:g}GB" if len(device.memory_options) > 1 else device.id
        label = f"{device.name} {size / GIB:g}GB" if len(device.memory_options) > 1 else device.name
        bandwidth, _ = device.at_memory(size)
        for count in COUNTS if device.kind == "gpu" else (1,):
            price = price_of(pack, device, count)
            many = f"{count}x " if count > 1 else ""
            yield Ware(
                f"{many}{name}", f"{many}{label}", price, size * count, bandwidth, count, device.vendor, device.id,
                card_alone=device.kind == "gpu",
            )  # fmt: skip


def needs_a_server(device: Device) -> bool:
    """Whether it is a module or card for a server's chassis and cooling, which nobody puts into a desktop."""
    return device.kind == "gpu" and device.segment == "data-center"


def price_of(pack: Pack, device: Device, count: int = 1) -> Price:
    """What so many of a device cost, by the knowledge base."""
    raw = device.raw.get("price_usd")
    if not raw:
        return Price(0.0)
    return Price(float(raw["value"]) * count, str(raw["date"]), str(raw.get("note", "")), (pack.url(raw["source"]),))


def priced_memory(device: Device) -> int:
    """The memory of the configuration that the price is of: the one that its note names, else the smallest."""
    note = str(device.raw.get("price_usd", {}).get("note", ""))
    named = re.search(r"with (\d+) GB", note)
    size = round(float(named[1]) * GIB) if named else 0
    return size if size in device.memory_options else device.memory_options[0]


def instances_of(pack: Pack) -> Iterator[Ware]:
    """Rented machines with accelerators and a price by the hour."""
    for id_, raw in pack.instances.items():
        price = raw.get("usd_per_hour")
        parts = [(pack.devices[part["id"]], part) for part in raw["devices"] if part["id"] in pack.devices]
        cards = [(device, part) for device, part in parts if device.kind != "cpu" and device.memory_options]
        if not price or not cards:
            continue
        memory = sum(round(part.get("memory_gib", device.memory_options[0] / GIB) * GIB) * part["count"] for device, part in cards)
        bandwidth = min(device.bandwidth_gb_s for device, _ in cards)
        count = sum(part["count"] for _, part in cards)
        notes = ", ".join(str(price[key]) for key in ("region", "note") if price.get(key))
        told = Price(float(price["value"]), str(price["date"]), notes, (pack.url(price["source"]),))
        inside = ", ".join(f"{part['count']}x {device.name}" for device, part in cards)
        yield Ware(id_, f"{raw['name']} ({inside})", told, memory, bandwidth, count, cards[0][0].vendor, rented=True)


def _loads(host: Host, wanted: Wanted) -> list[tuple[int, float]]:
    """Bytes of the weights, and of those that a token reads, of every capable model for this need at four bits or more."""
    found = []
    for model in host.pack.models.values():
        if effective_billions(model) < wanted.capable_b or model_reason(host, model):
            continue
        sizes = {weight_bytes(model.architecture, item.quant, item.format).total for item in model.weights}
        usual = [size for size in sizes if size * 8 >= FOUR_BITS * model.total_parameters]
        if usual:
            found.append((min(usual), min(usual) * model.active_parameters / max(model.total_parameters, 1)))
    return found


def _able(ware: Ware, loads: Iterable[tuple[int, float]], wanted: Wanted) -> bool:
    """Whether some capable model could lie in its memory and be read fast enough, at the very best."""
    rate = ware.bandwidth_gb_s * ware.count * 1e9
    return any(size <= ware.memory_bytes and rate / max(read, 1.0) >= wanted.comfortable_tps * NEAR for size, read in loads)


def _front(wares: list[Ware]) -> list[Ware]:
    """Those of which no other of the same maker has as much memory and bandwidth for no more money; `wares` are in order of price.

    NVIDIA's stand for every maker's here: what runs elsewhere runs on them too.
    """
    kept: list[Ware] = []
    for ware in wares:
        rivals = [other for other in kept if other.vendor in {ware.vendor, "nvidia"}]
        if not any(other.memory_bytes >= ware.memory_bytes and other.bandwidth_gb_s >= ware.bandwidth_gb_s for other in rivals):
            kept.append(ware)
    return kept


def _spread(wares: list[Ware], most: int) -> list[Ware]:
    """Of too many the cheaper half of what can be planned, and as many of the dearer ones, evenly over their prices."""
    if len(wares) <= most:
        return wares
    first = most // 2
    rest, room = wares[first:], most - first
    return wares[:first] + [rest[index * len(rest) // room] for index in range(room)]


def _offers(pack: Pack, answers: Answers, wares: list[Ware], shelf: Shelf, most: int) -> list[Offer]:
    """Plans the wares in order of price until enough are found, and keeps those that meet the need and beat what is cheaper."""
    found: list[Offer] = []
    best = float("-inf")
    chosen = _spread(wares, most)
    planned = 0
    for ware in chosen:
        facts = facts_for(pack, answers, ware.spec) if len(found) < LISTED else None
        if facts is None:
            continue
        planned += 1
        result = plan(pack, facts, count=0)
        offer = Offer(ware, result)
        if shelf.wanted.met(result):
            if _score(result) > best + GAIN:
                found.append(offer)
                best = _score(result)
        elif not ware.rented and result.choice and (shelf.nearest is None or _score(result) > _score(shelf.nearest.plan)):
            shelf.nearest = offer
    shelf.planned += planned
    shelf.left_out += len(wares) - planned
    return found


def _score(result: Plan) -> float:
    return float(result.choice.score["total"]) if result.choice else float("-inf")


def document_of(shelf: Shelf, facts: Facts, budget: float) -> dict[str, Any]:
    """What `upgrade --json` prints where no hardware is named."""
    return {
        "schema": 1,
        "needs": facts.needs.to_json(),
        "budget_usd": budget or None,
        "wanted": {"capable_b": shelf.wanted.capable_b, "comfortable_tps": shelf.wanted.comfortable_tps},
        "now": None,
        "buy": [offer.to_json() for offer in shelf.buy],
        "rent": [offer.to_json() for offer in shelf.rent],
        "nearest": shelf.nearest.to_json() if shelf.nearest and not shelf.buy else None,
        "changes": [],
        "looked_at": shelf.looked_at(),
    }


def facts_for(pack: Pack, answers: Answers, spec: str) -> Facts | None:
    """The facts with this hardware; none where the need cannot be stated for it, such as an operating system that it does not run."""
    try:
        return facts_of(pack, _with(answers, spec))
    except SetupgenError:
        return None


def _with(answers: Answers, spec: str) -> Answers:
    other = Answers()
    kept: Mapping[str, Any] = {key: value for key, value in answers.values.items() if key not in {"hardware", "facts"}}
    other.update(kept, {key: answers.place(key) for key in kept})
    other.update({"hardware": [spec]})
    return other
