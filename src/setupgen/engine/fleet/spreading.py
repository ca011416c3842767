"""Replicas of a need onto hosts of their own, once an answer is found."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from setupgen.engine.fleet.states import order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.engine.fleet.assign import Solver
    from setupgen.engine.fleet.problem import Option
    from setupgen.engine.fleet.states import Content, State


def apart(solver: Solver, state: State) -> State:
    """The state with the replicas that a need asks for on hosts of their own, as far as that takes a move or an exchange and serves nobody less.

    The objective counts the second host; this is for the third and later ones, and for what a price alone kept together.
    """
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
    """States with one replica moved from a host that has several to one that has none, which gives a replica of another need for it or nothing."""
    full = {content: entries for _, content in state if len(entries := [entry for entry in content if entry[0] == need]) > 1}
    for (kind, content), (target, other) in product(list(state), list(state)):
        if content not in full or any(owner == need for owner, _ in other):
            continue
        for entry in dict.fromkeys(full[content]):
            for given in (None, *dict.fromkeys(other)):
                if given is not None and any(owner == given[0] for owner, _ in content):
                    continue
                left = _less(content, entry)
                there = _less(other, given) if given else other
                for option in _like(solver, entry, target, solver.free(target, there)):
                    for back in _like(solver, given, kind, solver.free(kind, left)) if given else (None,):
                        new = dict(state)
                        for key in ((kind, content), (target, other)):
                            new[key] -= 1
                        stays = _more(left, (given[0], back)) if given and back else left
                        for key in ((kind, stays), (target, _more(there, (need, option)))):
                            new[key] = new.get(key, 0) + 1
                        found = {key: count for key, count in new.items() if count}
                        if given is None or _steady(solver, found, given[0]):
                            yield found


def _like(solver: Solver, entry: tuple[int, Option], kind: int, free: int) -> list[Option]:
    """Options of a need on a kind of host that could stand for the one it has elsewhere: the same variant, as many slots, room for it."""
    need, old = entry
    variants = [variant for variant in solver.problem.wishes[need].variants if old in variant]
    return [
        option for variant in variants for option in variant if option.kind == kind and option.units <= free and option.slots >= old.slots
    ]


def _steady(solver: Solver, state: State, need: int) -> bool:
    """Whether a need has a replica on a host that stays."""
    kinds = {kind for (kind, content) in state if any(owner == need for owner, _ in content)}
    return not all(solver.problem.kinds[kind].preemptible for kind in kinds)


def _less(content: Content, entry: tuple[int, Option]) -> Content:
    """A content without one of its entries."""
    place = content.index(entry)
    return content[:place] + content[place + 1 :]


def _more(content: Content, entry: tuple[int, Option]) -> Content:
    return tuple(sorted([*content, entry], key=order))
