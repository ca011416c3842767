"""What differs between two answers to the placement of a fleet."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from setupgen.engine.fleet.states import State


def moved(before: State, after: State) -> int:
    """Replicas of `before` that `after` does not have on a host of the same kind with the same option: those that are taken down or changed."""
    had, has = replicas(before), replicas(after)
    return sum((had - has).values())


def replicas(state: State) -> Counter[tuple[int, int, int]]:
    """How many replicas there are of each kind of host, need and option."""
    found: Counter[tuple[int, int, int]] = Counter()
    for (kind, content), count in state.items():
        for need, option in content:
            found[kind, need, option.key] += count
    return found
