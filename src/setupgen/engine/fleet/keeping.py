"""A fleet that runs already and is edited: a host was lost or came, a need changed. What runs stays where it is as far as that is any good.

What ran is read from the placements of the plan before (`setupgen.fleet.json`), put beside today's offers, mended where something is missing,
and moved only where the gain is worth the download and the interruption.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from setupgen.engine.fleet.changes import moved
from setupgen.engine.fleet.problem import SCALE
from setupgen.engine.fleet.states import order

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from setupgen.engine.fleet.assign import Solver
    from setupgen.engine.fleet.options import Market
    from setupgen.engine.fleet.placed import Placed
    from setupgen.engine.fleet.problem import Option
    from setupgen.engine.fleet.records import Inventory
    from setupgen.engine.fleet.states import Content, State

    Placement = Mapping[str, Any]

MOVE = 150
"""What taking one replica down or changing it costs, in thousandths of a worth: half of what surviving the loss of a host is worth. A judgement."""


def contents_before(inventory: Inventory, market: Market, before: Mapping[str, Any]) -> dict[int, Content]:
    """What each host of the inventory still holds of the plan before, by its number: what is offered no more is left out."""
    group_of = {host: number for number, group in enumerate(market.groups) for host in group.hosts}
    number_of = {host.name: number for number, host in enumerate(inventory.hosts)}
    needs = _needs(inventory, before["capacity"])
    left = {number: market.groups[group].units for number, group in group_of.items()}
    found: dict[int, list[tuple[int, Option]]] = {}
    classes: dict[int, int] = {}
    for placement in before["placements"]:
        host = number_of.get(placement["host"], -1)
        need = needs.get(placement["need"])
        if host not in group_of or need is None:
            continue
        hit = _option(market, group_of[host], need, placement, classes.get(need, -1))
        if hit and hit[1].units <= left[host]:
            classes[need] = hit[0]
            left[host] -= hit[1].units
            found.setdefault(host, []).append((need, hit[1]))
    return {host: tuple(sorted(entries, key=order)) for host, entries in found.items()}


def _needs(inventory: Inventory, capacity: Iterable[Mapping[str, Any]]) -> dict[int, int]:
    """Today's number of each need of before: the same model or use case, in the same order where several ask for it."""
    today: dict[str, list[int]] = {}
    for need in inventory.needs:
        today.setdefault(need.label, []).append(need.id)
    return {item["need"]: today[item["label"]].pop(0) for item in capacity if today.get(item["label"])}


def _option(market: Market, group: int, need: int, placement: Placement, number: int) -> tuple[int, Option] | None:
    """What is offered today for a placement of before, with the number of its class of speed: all replicas of a need are of one."""
    settings = placement["settings"]
    part = (len(placement["devices"]), placement["share"])
    variant = (placement["model"], placement["format"], placement["quant"], settings["context"])
    for index, options in enumerate(market.problem.wishes[need].variants):
        if number in {-1, index}:
            alike = [
                option
                for option in options
                if option.kind == group
                and market.offers[option.key].variant == variant
                and market.offers[option.key].candidate.deployment.server.id == placement["server"]
            ]
            same = [option for option in alike if option.slots == placement["slots"] and _part(market, option) == part]
            if alike:
                return index, min(same or alike, key=lambda option: (abs(option.slots - placement["slots"]), option.units, option.key))
    return None


def _part(market: Market, option: Option) -> tuple[int, float]:
    """Cards that a placement names for an option, none where a host's only one or all of them are meant; and its share of one."""
    offer = market.offers[option.key]
    whole = market.groups[option.kind].cards
    cards = offer.cards if 0 < offer.cards < whole else 0 if offer.cards else int(offer.share > 0 and whole > 1)
    return cards, offer.share or 1


def state_of(market: Market, contents: Mapping[int, Content]) -> State:
    """The state in which hosts hold this."""
    state: State = {}
    for number, group in enumerate(market.groups):
        for host in group.hosts:
            key = (number, contents.get(host, ()))
            state[key] = state.get(key, 0) + 1
    return state


def edited(solver: Solver, state: State) -> State:
    """The state with what is missing placed, and needs moved where that is worth more than the moves cost."""
    state = solver.mend(state)
    for need, wish in enumerate(solver.problem.wishes):
        trial = solver.place(solver.without(state, (need,)), need)
        cost = round(MOVE * SCALE * wish.weight) * moved(state, trial)
        if solver.value(trial) - solver.value(state) > cost:
            state = trial
    return state


def told(before: Mapping[str, Any], placed: Sequence[Placed]) -> dict[str, Any]:
    """What an edit changes, replica by replica: how many are ``kept``, and the hosts and models of those that are ``new`` and ``gone``."""
    had = Counter(
        (item["host"], item["model"], item["quant"], item["server"], item["settings"]["context"]) for item in before["placements"]
    )
    has = Counter(
        (item.host.name, item.choice.model.id, item.choice.weights.quant, item.choice.server.id, item.choice.settings["context"])
        for item in placed
    )
    return {
        "kept": sum((had & has).values()),
        "new": [{"host": host, "model": model, "quant": quant} for host, model, quant, *_ in sorted((has - had).elements())],
        "gone": [{"host": host, "model": model, "quant": quant} for host, model, quant, *_ in sorted((had - has).elements())],
    }
