"""Sentences about a fleet: why a model is where it is, why a host idles, why a need found no place, and what to beware of."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from setupgen.engine.fleet.fronts import few, is_loopback
from setupgen.knowledge import GIB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from setupgen.engine.fleet.options import Market
    from setupgen.engine.fleet.placed import Placed
    from setupgen.engine.fleet.records import FleetNeed, Inventory
    from setupgen.engine.plan import Rejection
    from setupgen.knowledge import Pack

SLOW_LINKS = ("wifi", "100m")
SHARES = {0.25: "a quarter", 0.75: "three quarters"}
UNTRUE = ("never-open-without-a-key",)
"""Warnings of rules that speak of a proxy with TLS on the host, which a host of a fleet does not have."""

NEAREST = ("memory.fit", "memory.weights", "speed.minimum", "server.concurrency", "model.context", "model.license", "server.formats")
ASIDE = ("needs.server", "server.on_request", "server.launch")
"""Refusals of servers that nobody asked for: true, and no reason why a need finds no place."""


def placement(item: Placed) -> str:
    """Why this model is on this host."""
    choice, need = item.choice, item.need
    memory = choice.memory
    device = max(memory.devices, key=lambda device: device.used_bytes / max(device.capacity_bytes, 1))
    part = ""
    if item.devices:
        part = f" on {'card' if len(item.devices) == 1 else 'cards'} {', '.join(map(str, item.devices))}"
    rate, reads = choice.speed.decode_tps.value, choice.speed.prefill_tps.value
    pace = f", about {rate:.0f} tokens/s for one user" if rate else ""
    if item.task == "embedding":
        pace = f", about {reads:.0f} tokens of text per second" if reads else ""
    room = f"{device.capacity_bytes / GIB:.1f} GiB"
    each = "each " if len(memory.devices) > 1 else ""
    place = f"{SHARES.get(item.offer.share, 'a part')} ({room})" if item.part else f"the {room}"
    used = f"{device.used_bytes / GIB:.1f} GiB of {place} of {each}{device.name}"
    return (
        f"{choice.model.name} in {choice.weights.quant} by {choice.server.name}{part} for {need.label}: it takes {used} with"
        f" {choice.settings['parallel']} x {choice.settings['context']} tokens{pace}, and"
        f" {f'serves {item.users} of {need.users} users' if item.users else 'stands by in case another host is lost'}."
    )


def idle(inventory: Inventory, market: Market, index: int) -> str:
    """Why a host has nothing to do."""
    number = next(number for number, group in enumerate(market.groups) if index in group.hosts)
    group = market.groups[number]
    able = [
        need
        for need, wish in enumerate(market.problem.wishes)
        if any(option.kind == number for variant in wish.variants for option in variant)
    ]
    if able:
        labels = few(list(dict.fromkeys(inventory.needs[need].label for need in able)))
        steady = "" if group.steady else " It may vanish, so it never holds the only replica."
        return f"It could serve {labels}, but everybody is served better without it, or a model would be far slower on it than elsewhere.{steady}"
    told = []
    for need in inventory.needs:
        if need.tags - group.tags:
            told.append(f"{need.label} wants hosts with {', '.join(sorted(need.tags))}")
        elif found := market.refusals.get((need.id, group.kind)):
            told.append(f"{need.label}: {_nearest(found)}")
    return f"Nothing that is needed runs on it. {' '.join(dict.fromkeys(told))}".strip()


def unplaced(
    pack: Pack,
    inventory: Inventory,
    refusals: Mapping[tuple[int, int], tuple[Rejection, ...]],
    need: FleetNeed,
    mine: list[Placed],
    served: int,
) -> str:
    """Why a need is not met."""
    del pack
    if mine and served >= need.users:
        return f"{need.replicas} replicas were asked for, and {len(mine)} find{'s'[: len(mine) == 1]} room beside the other needs."
    if mine:
        return f"{served} of {need.users} users are served: the memory of the hosts holds no more contexts beside the other needs."
    mine_refused = [found for (owner, _), found in refusals.items() if owner == need.id and found]
    if mine_refused and all(item.by and item.by[0] in ASIDE for found in mine_refused for item in found):
        return _no_model(need)
    told = Counter(_nearest(found) for found in mine_refused)
    if told:
        return f"No host can hold it. {' '.join(text for text, _ in told.most_common(2))}"
    if need.tags and not any(need.tags <= host.tags for host in inventory.hosts):
        return f"No host has all of the tags {', '.join(sorted(need.tags))}."
    if not any(host.steady for host in inventory.hosts):
        return "All hosts may vanish: a model must have at least one replica on a host that stays."
    return "The hosts that can hold it are taken by needs that gain more from them, or may vanish and never hold an only replica."


def _no_model(need: FleetNeed) -> str:
    """What no model can do, as far as the need says more than a use case."""
    needs = need.facts.needs
    wanted = [f"{needs.context:,} tokens of context"] if "context" in need.stated else []
    wanted += [f"the licence {needs.license}"] if "license" in need.stated else []
    return f"No model is known that does {need.label}{' with ' + ' and '.join(wanted) if wanted else ''}."


def _nearest(found: tuple[Rejection, ...]) -> str:
    """The refusal that came nearest to an acceptance."""
    order = {by: number for number, by in enumerate(NEAREST)}
    apt = [item for item in found if not (item.by and item.by[0] in ASIDE)]
    own = [item for item in apt if item.by and item.by[0] in order] or apt or list(found)
    return min(own, key=lambda item: (order.get(item.by[0] if item.by else "", len(order)), item.model, item.quant, item.server)).because


def warnings(inventory: Inventory, front: str, placed: list[Placed]) -> Iterator[dict[str, Any]]:
    """What to beware of in this fleet."""
    yield from _of_front(inventory, front, placed)
    plain = sorted({item.host.name for item in placed if not item.host.tls and not is_loopback(item.host)})
    if plain:
        text = f"The proxy reaches {few(plain)} over plain HTTP: keys and texts can be read on that network. Keep it to yourself or lay a VPN over it."
        yield {"id": "plain-http", "text": text, "sources": []}
    tls = [item for item in placed if item.host.tls]
    for item in tls[:MOST_OF_HOSTS]:
        yield {"id": "tls-in-front", "text": _tls_in_front(item), "sources": []}
    if more := tls[MOST_OF_HOSTS:]:
        text = f"The same is true of {few([item.name for item in more])}: behind what ends TLS they ask for no key."
        yield {"id": "tls-in-front", "text": text, "sources": []}
    slow = sorted({item.host.name for item in placed if item.host.link in SLOW_LINKS})
    if slow:
        text = f"Slow link at {few(slow)}: answers stream well, but fetching a model takes long. No model is spread over hosts."
        yield {"id": "slow-link", "text": text, "sources": []}
    lone = sorted({item.alias for item in placed if len({other.host.name for other in placed if other.need.id == item.need.id}) == 1})
    if lone and len(inventory.hosts) > 1:
        yield {
            "id": "one-host-only",
            "text": f"{few(lone)} run{'s'[: len(lone) == 1]} on one host only: while that host is down, nobody serves it.",
            "sources": [],
        }
    shaky = sorted({item.host.name for item in placed if not item.host.steady})
    if shaky:
        text = (
            f"{few(shaky)} may vanish or have hours: requests under way there are lost then, and the rest of the fleet serves fewer users."
        )
        yield {"id": "hosts-that-vanish", "text": text, "sources": []}
    cards: dict[str, set[int]] = {}
    for item in placed:
        cards.setdefault(item.host.name, set()).update(item.devices)
    several = Counter(item.host.name for item in placed)
    if hot := sorted(name for name, used in cards.items() if several[name] > 1 and len(used) > 1):
        text = f"Several servers at full power on {few(hot)}: check the power supply and the cooling, or set a power limit for the cards."
        yield {"id": "power", "text": text, "sources": []}
    yield from _shared(placed)
    yield from _of_hosts(placed)


def _shared(placed: list[Placed]) -> Iterator[dict[str, Any]]:
    """Servers on one card: memory is divided, work is not."""
    sets = [[item.name, *(other.name for other in placed if item.beside(other))] for item in placed]
    groups = list(dict.fromkeys(tuple(sorted(names)) for names in sets if len(names) > 1))
    if groups:
        told = "; ".join(" and ".join(names) for names in groups[:MOST_OF_HOSTS]) + ("; and others" if groups[MOST_OF_HOSTS:] else "")
        text = f"These run on one card or processor: {told}. Its memory is divided among them; while they work at the same time, each is slower than its numbers say."
        yield {"id": "shared-card", "text": text, "sources": []}


def together(inventory: Inventory, market: Market, placed: list[Placed]) -> Iterator[dict[str, Any]]:
    """Why replicas that were asked for share hosts, though the fleet has others."""
    for need in inventory.needs:
        mine = [item for item in placed if item.need.id == need.id]
        used = {item.host.name for item in mine}
        if need.replicas <= len(used) or len(mine) <= len(used) or len(used) == len(inventory.hosts):
            continue
        reasons: dict[str, list[str]] = {}
        for number, group in enumerate(market.groups):
            names = [inventory.hosts[index].name for index in group.hosts if inventory.hosts[index].name not in used]
            if names:
                reasons.setdefault(_kept_off(market, need, number, mine), []).extend(names)
        told = "; ".join(f"{few(names)} {reason}" for reason, names in reasons.items())
        text = f"{mine[0].alias}: {len(mine)} replicas run on {few(sorted(used))}, so its loss takes {'all' if len(used) == 1 else 'several'} of them. {told}."
        yield {"id": "replicas-together", "text": text, "sources": []}


def _kept_off(market: Market, need: FleetNeed, number: int, mine: list[Placed]) -> str:
    """Why no replica of a need is on the hosts of a group; what is said of several hosts is true of one."""
    group, variants = market.groups[number], market.problem.wishes[need.id].variants
    here = [option for variant in variants for option in variant if option.kind == number]
    same = [option for option in here if market.offers[option.key].variant == mine[0].offer.variant]
    if need.tags - group.tags:
        return f"cannot: no tag {' or '.join(sorted(need.tags - group.tags))}"
    if not here:
        return "cannot run it well enough"
    if not same:
        return "would run another model, quantisation or context, and a proxy takes all replicas for the same"
    pace = next(
        (variant for variant in variants if any(market.offers[option.key].candidate is mine[0].offer.candidate for option in variant)), ()
    )
    if not any(option in pace for option in same):
        return "would be far faster or slower with it, and a proxy gives each replica the same share"
    return "can run it, and what is there leaves no room or is worth more there"


def _tls_in_front(item: Placed) -> str:
    """Who ends TLS in front of a server must do more than that."""
    text = (
        f"{item.name} listens at http://127.0.0.1:{item.choice.settings['port']} and asks for no key. What ends TLS at {item.url} is yours: it"
        " must pass requests on to there"
    )
    keys = {name: value["env"] for name, value in item.host.headers.items() if isinstance(value, dict)}
    if not keys:
        return (
            f"{text}, and nothing keeps strangers out: let it ask for a key, and give the host headers: {{Authorization: {{env: NAME}}}} in the"
            " inventory."
        )
    told = " and ".join(f"{name} as {variable} in proxy/.env has it" for name, variable in keys.items())
    return f"{text}, and must refuse all that come without the header {told}; fill that in there."


def _of_front(inventory: Inventory, front: str, placed: list[Placed]) -> Iterator[dict[str, Any]]:
    if front == "hops":
        yield {
            "id": "hops-api",
            "text": "HOPS has no /v1: clients must speak Ollama's API. It asks them for no key, and nobody has worked on it since January 2025.",
            "sources": ["https://github.com/leozqin/hops"],
        }
        yield {
            "id": "hops-dead-host",
            "text": "One dead or unreachable host stops HOPS from starting, and a host that dies later costs an error for every request on it.",
            "sources": ["https://github.com/leozqin/hops"],
        }
        shaky = sorted({host.name for host in inventory.hosts if not host.steady} & {item.host.name for item in placed})
        if shaky:
            yield {"id": "hops-shaky-hosts", "text": f"{few(shaky)} may vanish, and HOPS does not start without them.", "sources": []}


def _of_hosts(placed: list[Placed]) -> Iterator[dict[str, Any]]:
    """Warnings of rules about single setups, each once with the hosts that it is about."""
    told: dict[tuple[str, str], list[str]] = {}
    for item in placed:
        for effect in item.offer.candidate.effects:
            if effect.kind == "warn" and effect.rule.id not in UNTRUE:
                told.setdefault((effect.rule.id, effect.text), []).append(item.name)
    for (id_, text), names in sorted(told.items())[:MOST_OF_HOSTS]:
        yield {"id": id_, "text": f"{few(list(dict.fromkeys(names)))}: {text}", "sources": []}


MOST_OF_HOSTS = 8
"""Warnings about single setups that are told for the fleet; each host's own run book has them all."""
