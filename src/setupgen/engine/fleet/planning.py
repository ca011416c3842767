"""The one door: `fleet_plan(pack, inventory)` says what runs where. Same pack and inventory give the same plan, byte for byte."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from setupgen.engine.candidates import Field
from setupgen.engine.fleet import words
from setupgen.engine.fleet.advice import advice
from setupgen.engine.fleet.apart import apart
from setupgen.engine.fleet.assign import Solver
from setupgen.engine.fleet.copies import with_copies
from setupgen.engine.fleet.fronts import choose_front, front_of, secrets_of, servers_behind
from setupgen.engine.fleet.gathered import gathered, levelled
from setupgen.engine.fleet.keeping import contents_before, edited, state_of, told
from setupgen.engine.fleet.options import market
from setupgen.engine.fleet.placed import place_all, users_served
from setupgen.engine.host import Host
from setupgen.engine.plan import Plan
from setupgen.engine.reasons import decisions
from setupgen.engine.reasons import warnings as cautions

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from setupgen.engine.fleet.placed import Placed
    from setupgen.engine.fleet.records import FleetNeed, Inventory
    from setupgen.knowledge import Pack


READING = "prefill_tps"
"""Speed of reading, by which servers of embeddings go."""


@dataclass(frozen=True)
class FleetPlan:
    """What runs where.

    Attributes:
        verdict: ``self-host``, or ``nothing-fits`` where no need could be placed.
        front: what the proxy's templates read; empty where nothing is placed.
        placed: every server, in the order of hosts.
        unplaced: needs, or parts of them, that found no place: as the JSON has them.
        idle: hosts without a server, and why.
        capacity: what each need got, as the JSON has it.
        advice: what would help most, the best first.
        warnings: id and text.
        value: of the objective.
        edit: what changes against a plan before, see `keeping.told`; empty where there was none.
    """

    verdict: str
    inventory: Inventory
    front: Mapping[str, Any]
    placed: tuple[Placed, ...]
    unplaced: tuple[Mapping[str, Any], ...]
    idle: tuple[Mapping[str, str], ...]
    capacity: tuple[Mapping[str, Any], ...]
    advice: tuple[Mapping[str, Any], ...]
    warnings: tuple[Mapping[str, Any], ...]
    knowledge: Mapping[str, Any] = field(default_factory=dict)
    value: int = 0
    edit: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As the public JSON writes it, but for the files."""
        front = {key: value for key, value in self.front.items() if key not in {"hosts", "backends"}}
        return {
            "schema": 1,
            "verdict": self.verdict,
            "name": self.inventory.name,
            "proxy": front or {"id": self.inventory.proxy, "because": "Nothing is placed, so there is nothing to stand in front of."},
            "backends": list(self.front.get("backends", ())),
            "placements": [_placement(item) for item in self.placed],
            "unplaced": [dict(item) for item in self.unplaced],
            "idle_hosts": [item["host"] for item in self.idle],
            "idle": [dict(item) for item in self.idle],
            "capacity": [dict(item) for item in self.capacity],
            "advice": [dict(item) for item in self.advice],
            "warnings": [dict(item) for item in self.warnings],
            "secrets": secrets_of(self.placed),
            "knowledge": dict(self.knowledge),
            **({"edit": dict(self.edit)} if self.edit else {}),
        }


def fleet_plan(pack: Pack, inventory: Inventory, before: Mapping[str, Any] | None = None) -> FleetPlan:
    """The plan of a fleet.

    Args:
        pack: the knowledge base.
        inventory: hosts and needs.
        before: the plan of this fleet before it was edited, as JSON: what runs stays where it is as far as that is any good.

    Raises:
        UsageError: where the inventory wants a proxy that cannot be.
    """
    steps = fleet_steps(pack, inventory, before)
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        made: FleetPlan = stop.value
        return made


def fleet_steps(pack: Pack, inventory: Inventory, before: Mapping[str, Any] | None = None) -> Generator[tuple[int, int], None, FleetPlan]:
    """The plan of a fleet, for who wants to tell how far it is or to stop half way: before each step, how many are done, and of how many.

    The arguments are those of `fleet_plan`.

    Raises:
        UsageError: where the inventory wants a proxy that cannot be.
    """
    front = choose_front(pack, inventory)
    offered = yield from market(pack, inventory, servers_behind(pack, front[0]))
    solver = Solver(offered.problem)
    contents = contents_before(inventory, offered, before) if before else {}
    state = edited(solver, state_of(offered, contents)) if contents else apart(solver, solver.solve())
    state = levelled(solver, gathered(solver, offered, state))
    placed = place_all(pack, inventory, offered, state, contents)
    served = users_served(placed)
    unplaced = [entry for need in inventory.needs if (entry := _unplaced(pack, inventory, offered.refusals, placed, need, served[need.id]))]
    used = {item.host.name for item in placed}
    idle = [
        {"host": host.name, "because": words.idle(inventory, offered, index)}
        for index, host in enumerate(inventory.hosts)
        if host.name not in used
    ]
    return FleetPlan(
        verdict="self-host" if placed else "nothing-fits",
        inventory=inventory,
        front=with_copies(inventory, front_of(pack, inventory, front, placed)) if placed else {},
        placed=tuple(placed),
        unplaced=tuple(unplaced),
        idle=tuple(idle),
        capacity=tuple(_capacity(need, [item for item in placed if item.need.id == need.id]) for need in inventory.needs),
        advice=tuple(advice(inventory, offered, solver, state)),
        warnings=(*words.warnings(inventory, front[0], placed), *words.together(inventory, offered, placed)),
        knowledge={"digest": pack.digest, "version": pack.version, "oldest_review": pack.oldest_review},
        value=solver.value(state),
        edit=told(before, placed) if before else {},
    )


def member_plans(pack: Pack, fleet: FleetPlan) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Folder, name and plan of every server, as JSON: what its setup folder is made from."""
    for item in fleet.placed:
        host = Host(pack, item.offer.facts)
        candidate = item.offer.candidate
        plan = Plan(
            verdict="self-host",
            facts=item.offer.facts,
            choice=item.choice,
            decisions=tuple(decisions(host, candidate, item.choice)),
            assumptions=item.offer.facts.assumptions,
            warnings=tuple(
                caution for caution in cautions(host, Field(), candidate, item.choice, hosted=False) if caution.id not in words.UNTRUE
            ),
            hosted={"recommended": False, "because": "This host is one of a fleet."},
            knowledge=fleet.knowledge,
        ).to_json()
        beside = [other.name for other in fleet.placed if item.beside(other)]
        plan["choice"]["fleet"] = {
            "name": fleet.inventory.name, "host": item.host.name, "alias": item.alias, "part": item.part, "beside": beside
        }  # fmt: skip
        plan["choice"]["connection"]["model"] = item.alias
        yield item.folder, f"{fleet.inventory.name}-{item.name}", plan


def _placement(item: Placed) -> dict[str, Any]:
    choice = item.choice.to_json()
    speed = choice["speed"]
    return {
        "host": item.host.name,
        "name": item.name,
        "need": item.need.id,
        "task": item.task,
        "model": choice["model"]["id"],
        "quant": choice["weights"]["quant"],
        "format": choice["weights"]["format"],
        "server": choice["server"]["id"],
        "runtime": choice["runtime"],
        "backend": choice["backend"],
        "os": item.offer.facts.needs.os,
        "alias": item.alias,
        "address": item.url,
        "ssh": item.host.hostname,
        "node": item.host.node,
        "folder": item.folder,
        "devices": list(item.devices),
        "users": item.users,
        "slots": item.slots,
        "share": item.offer.share or 1,
        "settings": choice["settings"],
        "memory": choice["memory"],
        "decode_tps": speed["decode_tps"],
        "prefill_tps": speed["prefill_tps"],
        "ttft_s": speed["ttft_s"],
        "aggregate_tps": speed["aggregate_tps"],
        "because": words.placement(item),
    }


def _unplaced(
    pack: Pack, inventory: Inventory, refusals: Mapping[Any, Any], placed: list[Placed], need: FleetNeed, served: int
) -> dict[str, Any] | None:
    """What of a need found no place, and why; nothing where it is met."""
    mine = [item for item in placed if item.need.id == need.id]
    if served >= need.users and len(mine) >= need.replicas:
        return None
    return {
        "need": dict(need.stated),
        "index": need.id,
        "users_served": served,
        "replicas_placed": len(mine),
        "because": words.unplaced(pack, inventory, refusals, need, mine, served),
    }


def _capacity(need: FleetNeed, mine: list[Placed]) -> dict[str, Any]:
    """What a need got: copies, slots, tokens per second in all, and what is left when its strongest host is lost."""
    sums = {"low": 0.0, "value": 0.0, "high": 0.0}
    per_host: Counter[str] = Counter()
    slots: Counter[str] = Counter()
    for item in mine:
        slots[item.host.name] += item.choice.settings["parallel"]
        # A server that embeds reads; what it would write says nothing.
        speed = item.choice.to_json()["speed"][READING if item.task == "embedding" else "aggregate_tps"]
        for key in sums:
            sums[key] += speed[key]
        per_host[item.host.name] += speed["value"]
    largest = max(per_host.values(), default=0.0)
    return {
        "need": need.id,
        "label": need.label,
        "task": mine[0].task if mine else None,
        "model": mine[0].choice.model.id if mine else None,
        "alias": mine[0].alias if mine else None,
        "replicas": len(mine),
        "hosts": len(per_host),
        "users": need.users,
        "slots": sum(slots.values()),
        "users_served": sum(item.users for item in mine),
        "aggregate_tps": {key: round(value, 1) for key, value in sums.items()},
        "without_largest_host_tps": round(sums["value"] - largest, 1),
        "without_largest_host_slots": sum(slots.values()) - max(slots.values(), default=0),
        "survives_one_host": len(per_host) > 1,
    }
