"""The options of a variant by kind and size, with bounds on what they can be worth: what the search need not look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from setupgen.engine.fleet.problem import Option, Wish

MANY = 10**6
"""More replicas and hosts than anybody asks for."""


class Size:
    """Options of a need by kind, with what they can be worth at most."""

    __slots__ = ("ceiling", "offered")

    def __init__(self, options: Sequence[Option], wish: Wish, gains: dict[int, int], prices: dict[int, int]) -> None:
        self.offered: dict[int, list[Option]] = {}
        for option in options:
            self.offered.setdefault(option.kind, []).append(option)
        # All users served by the option that leaves most for each after its price; no toll lowers a price.
        net = (wish.users * (option.slots * gains[option.key] - prices[option.key]) // option.slots for option in options)
        self.ceiling = max(0, *net) + max(wish.bonus(MANY, MANY), 0) + 1


class Sizes:
    """One variant of a need: all of its options, and those of each number of slots."""

    __slots__ = ("levels", "whole")

    def __init__(self, variant: tuple[Option, ...], wish: Wish, gains: dict[int, int], prices: dict[int, int]) -> None:
        self.whole = Size(variant, wish, gains, prices)
        levels = [[option for option in variant if option.slots == slots] for slots in sorted({option.slots for option in variant})]
        self.levels = [Size(options, wish, gains, prices) for options in levels]
