"""The options of a variant by kind and size, with bounds on what they can be worth: what the search need not look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from setupgen.engine.fleet.problem import Option, Wish

MANY = 10**6
"""More replicas and hosts than anybody asks for."""


class Size:
    """Options of a need by kind, with what they can be worth at most.

    Attributes:
        offered: options by kind.
        ceiling: what serving the need with them can be worth at most.
        firsts: filled by the search: by toll, then by kind and free parts, the most profitable option for all users with its profit.
    """

    __slots__ = ("_bonus", "_known", "_nets", "ceiling", "firsts", "offered")

    def __init__(self, options: Sequence[Option], wish: Wish, gains: dict[int, int], prices: dict[int, int]) -> None:
        self.offered: dict[int, list[Option]] = {}
        for option in options:
            self.offered.setdefault(option.kind, []).append(option)
        # All users served by the option that leaves most for each after its price; no toll lowers a price.
        self._nets = {
            option.key: wish.users * (option.slots * gains[option.key] - prices[option.key]) // option.slots for option in options
        }
        self._bonus = max(wish.bonus(MANY, MANY), 0) + 1
        self._known: dict[tuple[int, int], int] = {}
        self.ceiling = max(0, *self._nets.values()) + self._bonus
        self.firsts: dict[float, dict[tuple[int, int], tuple[int, Option] | None]] = {}

    def ceiling_in(self, room: dict[int, int]) -> int:
        """The ceiling where this many parts are free on one host of each kind at most; 0 where none has room."""
        best = -1
        for kind, options in self.offered.items():
            free = room.get(kind, 0)
            if not free:
                continue
            key = (kind, free)
            if key not in self._known:
                self._known[key] = max((max(self._nets[option.key], 0) for option in options if option.units <= free), default=-1)
            best = max(best, self._known[key])
        return best + self._bonus if best >= 0 else 0


class Sizes:
    """One variant of a need: all of its options, and those of each number of slots."""

    __slots__ = ("levels", "whole")

    def __init__(self, variant: tuple[Option, ...], wish: Wish, gains: dict[int, int], prices: dict[int, int]) -> None:
        self.whole = Size(variant, wish, gains, prices)
        levels = [[option for option in variant if option.slots == slots] for slots in sorted({option.slots for option in variant})]
        self.levels = [Size(options, wish, gains, prices) for options in levels]
