"""A last look at the sizes of replicas: small servers of one need on one host are gathered into one, and none is too small for its share.

Several of a model on one card hold its weights several times, and share the card's speed as the slots of one server do.
The objective counts each server's pace as if it were alone on its card, so a free card may hold several. This takes that back.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from setupgen.engine.fleet.states import order

if TYPE_CHECKING:
    from setupgen.engine.fleet.assign import Solver
    from setupgen.engine.fleet.options import Market
    from setupgen.engine.fleet.problem import Option
    from setupgen.engine.fleet.states import Content, State


def gathered(solver: Solver, market: Market, state: State) -> State:
    """The state with as few servers of a need on shared cards of a host as hold its users there, but never fewer than it asks for."""
    for need in range(len(solver.problem.wishes)):
        for (kind, content), count in sorted(state.items(), key=lambda item: (item[0][0], [order(entry) for entry in item[0][1]])):
            new = _fewer(solver, market, state, need, (kind, content), count)
            if new != content:
                state = dict(state)
                del state[kind, content]
                state[kind, new] = state.get((kind, new), 0) + count
    return state


def _fewer(solver: Solver, market: Market, state: State, need: int, place: tuple[int, Content], count: int) -> Content:
    """The content with fewer servers of a need; the same where nothing can be gathered."""
    kind, content = place
    mine = [option for owner, option in content if owner == need and 0 < market.offers[option.key].share < 1]
    held, _ = solver.held(state, need)
    wish = solver.problem.wishes[need]
    others = set(held) - set(mine)
    alike = next((variant for variant in wish.variants if {*others, *mine} <= set(variant)), ())
    units = {option.units for option in mine}
    found = sorted(
        (option for option in alike if option.kind == kind and {option.units} == units), key=lambda option: (option.slots, option.key)
    )
    if len(mine) < 2 or not found:  # noqa: PLR2004
        return content
    slots = sum(option.slots for option in mine)
    best: Option = next((option for option in found if option.slots >= slots), found[-1])
    copies = -(-slots // best.slots)
    if copies >= len(mine) or sum(held.values()) - (len(mine) - copies) * count < wish.replicas:
        return content
    rest = Counter(content) - Counter((need, option) for option in mine)
    return tuple(sorted([*rest.elements(), *[(need, best)] * copies], key=order))


def levelled(solver: Solver, state: State) -> State:
    """The state with no replica that could not take its even share of a need's users where the same parts of its host could.

    The objective pays for a second host however little it serves there, and a few users are served fastest by few slots. Proxies share out evenly,
    and who loses the larger host is left with the smaller one.
    """
    for need, wish in enumerate(solver.problem.wishes):
        held, _ = solver.held(state, need)
        copies = sum(held.values())
        share = -(-wish.users // max(copies, 1))
        for option in [option for option in held if option.slots < share and copies > 1]:
            alike = next(variant for variant in wish.variants if option in variant)
            found = [other for other in alike if (other.kind, other.units) == (option.kind, option.units) and other.slots > option.slots]
            enough = [other for other in found if other.slots >= share]
            if found:
                best = (
                    min(enough, key=lambda other: (other.slots, other.key))
                    if enough
                    else max(found, key=lambda other: (other.slots, -other.key))
                )
                state = _changed(state, (need, option), (need, best))
    return state


def _changed(state: State, old: tuple[int, Option], new: tuple[int, Option]) -> State:
    """The state with one entry in the place of another, wherever that is."""
    result: State = {}
    for (kind, content), count in state.items():
        key = (kind, tuple(sorted((new if entry == old else entry for entry in content), key=order)))
        result[key] = result.get(key, 0) + count
    return result
