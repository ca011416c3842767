"""What would help a fleet most: one more host of a kind that it has, or one host that stays. Found by solving the problem again with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from setupgen.engine.fleet.assign import Solver

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from setupgen.engine.fleet.options import Market
    from setupgen.engine.fleet.problem import Problem
    from setupgen.engine.fleet.records import Inventory
    from setupgen.engine.fleet.states import State

SHOWN = 3
LEAST = 0.02
"""Gain, as a share of the fleet's value, below which a change is not worth telling."""

MOST_KINDS = 12
"""Kinds of hosts that are tried, since the fleet is solved again for each: those first that serve a need which somebody waits for."""

MOST_HOSTS = 60
"""Above this a host more changes little, unless somebody is not served."""


def advice(inventory: Inventory, market: Market, solver: Solver, state: State) -> list[dict[str, Any]]:
    """The changes that would help most, the best first; few, or none where nothing would help much."""
    waiting = {need for need, wish in enumerate(market.problem.wishes) if _served(solver, state, need) < wish.users}
    if len(inventory.hosts) > MOST_HOSTS and not waiting:
        return []
    now = solver.value(state)
    whole = sum(round(wish.weight * 1000) * 1000 for wish in market.problem.wishes) or 1
    found = []
    for what, number, problem in _changes(inventory, market, waiting):
        again = Solver(problem)
        more = problem.kinds[number].hosts - market.problem.kinds[number].hosts
        better = again.settle({**state, (number, ()): state.get((number, ()), 0) + more} if more else state)
        gain = (again.value(better) - now) / max(now, whole)
        if gain >= LEAST:
            found.append({**what, "gain_percent": round(100 * gain, 1), "text": _text(what, again, better, solver, state, inventory)})
    return sorted(found, key=lambda item: (-item["gain_percent"], item["what"], item["host"]))[:SHOWN]


def _served(solver: Solver, state: State, need: int) -> int:
    """Users of a need that are served."""
    return min(solver.problem.wishes[need].users, sum(option.slots * count for option, count in solver.held(state, need)[0].items()))


def _changes(inventory: Inventory, market: Market, waiting: set[int]) -> Iterator[tuple[Mapping[str, Any], int, Problem]]:
    wishes = market.problem.wishes
    useful = {option.kind for need in waiting for variant in wishes[need].variants for option in variant}
    for number in sorted(range(len(market.groups)), key=lambda number: (number not in useful, number))[:MOST_KINDS]:
        group, kind = market.groups[number], market.problem.kinds[number]
        example = inventory.hosts[group.hosts[0]].name
        yield {"what": "add", "host": example}, number, _with(market.problem, number, replace(kind, hosts=kind.hosts + 1))
        if kind.preemptible:
            yield {"what": "keep", "host": example}, number, _with(market.problem, number, replace(kind, preemptible=False))


def _with(problem: Problem, number: int, kind: Any) -> Problem:
    return replace(problem, kinds=(*problem.kinds[:number], kind, *problem.kinds[number + 1 :]))


def _text(what: Mapping[str, Any], again: Solver, better: State, solver: Solver, state: State, inventory: Inventory) -> str:
    change = f"One more host like {what['host']}" if what["what"] == "add" else f"{what['host']} at all hours, never taken away,"
    effects = []
    for need, wish in enumerate(again.problem.wishes):
        label = inventory.needs[need].label
        before, hosts_before = solver.held(state, need)
        after, hosts_after = again.held(better, need)
        served = [_served(solver, state, need), _served(again, better, need)]
        worth = [max((option.worth for option in held), default=0) for held in (before, after)]
        if served[1] > served[0]:
            effects.append(f"serves {served[1]} instead of {served[0]} of {wish.users} users of {label}")
        elif hosts_after > 1 >= hosts_before:
            effects.append(f"lets {label} survive the loss of a host")
        elif worth[1] > worth[0] + 30:
            effects.append(f"gives {label} a better model or more speed")
    return f"{change} {' and '.join(effects) or 'relieves the others'}."
