"""States of a placement: which hosts hold what. Hosts of a kind with the same content are one entry with a count."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from setupgen.engine.fleet.problem import Option, Problem

Content = tuple[tuple[int, "Option"], ...]
"""What hosts hold: needs with an option each, sorted."""

State = dict[tuple[int, Content], int]
"""(kind, content) to the number of hosts that hold just that."""


class Take:
    """Hosts of one pool that take these options each."""

    __slots__ = ("content", "hosts", "index", "kind", "options")

    def __init__(self, index: int, kind: int, content: Content, hosts: int, options: tuple[Option, ...]) -> None:
        self.index = index
        self.kind = kind
        self.content = content
        self.hosts = hosts
        self.options = options


def taken(state: State, need: int, takes: list[Take]) -> State:
    """The state with these hosts taken by a need."""
    new = dict(state)
    for take in takes:
        old = (take.kind, take.content)
        new[old] -= take.hosts
        if not new[old]:
            del new[old]
        content = sorted([*take.content, *((need, option) for option in take.options)], key=order)
        key = (take.kind, tuple(content))
        new[key] = new.get(key, 0) + take.hosts
    return new


def without_host(problem: Problem, state: State, kind: int, content: Content) -> tuple[Problem, State]:
    """Problem and state without one host of this kind that held this."""
    record = problem.kinds[kind]
    kinds = (*problem.kinds[:kind], replace(record, hosts=record.hosts - 1), *problem.kinds[kind + 1 :])
    left = {key: count - (key == (kind, content)) for key, count in state.items()}
    return replace(problem, kinds=kinds), {key: count for key, count in left.items() if count}


def order(entry: tuple[int, Option]) -> tuple[int, int]:
    """By which the entries of a content are sorted."""
    return entry[0], entry[1].key
