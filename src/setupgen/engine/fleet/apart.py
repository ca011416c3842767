"""Replicas that are asked for on hosts of their own: a last look at an answer to the placement problem.

The objective counts a need's second host. This is for the third and later ones, and for what a price alone kept together: one replica moves
to a host that has none of its need, or changes places with one of another need, as long as nobody is served less.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from setupgen.engine.fleet.states import order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.engine.fleet.assign import Solver
    from setupgen.engine.fleet.problem import Option
    from setupgen.engine.fleet.states import Content, State

    Entry = tuple[int, Option]


def apart(solver: Solver, state: State) -> State:
    """The state with each replica that a need asks for on a host of its own, as far as moves and exchanges allow it."""
    for need, wish in enumerate(solver.problem.wishes):
        wanted = max(wish.replicas, 2 if wish.spread else 1)
        while wanted > 1:
            held, hosts = solver.held(state, need)
            if hosts >= min(sum(held.values()), wanted):
                break
            trials = list(_parted(solver, state, need))
            if not trials:
                break
            state = max(trials, key=solver.value)
    return state


def _parted(solver: Solver, state: State, need: int) -> Iterator[State]:
    """States with one replica moved from a host with several to one with none, which gives a replica of another need for it, or nothing."""
    full = {content: entries for _, content in state if len(entries := [entry for entry in content if entry[0] == need]) > 1}
    for (kind, content), (target, other) in product(list(state), list(state)):
        if content not in full or any(owner == need for owner, _ in other):
            continue
        for entry, given in product(dict.fromkeys(full[content]), (None, *dict.fromkeys(other))):
            if given is not None and any(owner == given[0] for owner, _ in content):
                continue
            left, there = _less(content, entry), _less(other, given) if given else other
            for option in _like(solver, entry, target, solver.free(target, there)):
                for back in _like(solver, given, kind, solver.free(kind, left)) if given else (None,):
                    stays = _more(left, (given[0], back)) if given and back else left
                    found = _with(state, ((kind, content), (target, other)), ((kind, stays), (target, _more(there, (need, option)))))
                    if given is None or _steady(solver, found, given[0]):
                        yield found


def _like(solver: Solver, entry: Entry, kind: int, free: int) -> list[Option]:
    """Options of a need on a kind of host that could stand for the one that it has elsewhere: the same variant, as many slots, room for it."""
    need, old = entry
    mine = [option for variant in solver.problem.wishes[need].variants if old in variant for option in variant]
    return [option for option in mine if option.kind == kind and option.units <= free and option.slots >= old.slots]


def _steady(solver: Solver, state: State, need: int) -> bool:
    """Whether a need has a replica on a host that stays."""
    kinds = {kind for (kind, content) in state if any(owner == need for owner, _ in content)}
    return not all(solver.problem.kinds[kind].preemptible for kind in kinds)


def _with(state: State, before: tuple[tuple[int, Content], ...], after: tuple[tuple[int, Content], ...]) -> State:
    """The state with some hosts that hold something else than before."""
    new = dict(state)
    for keys, step in ((before, -1), (after, 1)):
        for key in keys:
            new[key] = new.get(key, 0) + step
    return {key: count for key, count in new.items() if count}


def _less(content: Content, entry: Entry) -> Content:
    place = content.index(entry)
    return content[:place] + content[place + 1 :]


def _more(content: Content, entry: Entry) -> Content:
    return tuple(sorted([*content, entry], key=order))
