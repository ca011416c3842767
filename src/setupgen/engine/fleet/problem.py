"""The placement problem, bare: kinds of hosts, needs, and options with a worth. Here the objective is stated; `assign` looks for a good answer.

**Objective.** The value of a fleet is the sum over its needs of

    weight x ( sum over replicas of (users served x worth / users)
               + SECOND where there are two replicas + SURVIVES where they are on two hosts
               - MISSING x replicas that were asked for and are not there / replicas asked for )

less the price of every part of a host that is taken. A worth is 1000 plus a thousand times the ranking's score of that model on that host
under that load, so that serving somebody with anything counts, and serving them well counts about three times as much. A price is a few
per cent of a worth and grows with the size of the host: nothing is taken for nothing, and small jobs go to small hosts.

Hard rules: each replica fits where it is put (the options hold only what fits), a host's parts are given away once, all replicas of a need
have one variant (model, context and, in each format, quantisation), no more users are served than there are, and a need that uses a
preemptible host also uses one that is not. All numbers are integers, in thousandths of a worth's thousandth, so that a solver and this
code agree to the last digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SECOND = 100
"""A second replica on the same host: one engine may crash or be updated. A judgement, like the two below."""

SURVIVES = 300
"""A second host: the loss of any one is survived. About what the better of two neighbouring sizes of model is worth."""

MISSING = 600
"""All replicas that were asked for missing but the first."""

SCALE = 1000


@dataclass(frozen=True, slots=True)
class Kind:
    """Hosts that are alike.

    Attributes:
        hosts: how many there are.
        units: parts that can be given away one by one: cards, or shares of a large one.
        price: of all parts of one host, in thousandths.
        preemptible: may vanish.
    """

    hosts: int
    units: int
    price: int
    preemptible: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """One replica of one variant on one kind of host.

    Attributes:
        kind: number of the kind.
        units: parts of the host that it takes.
        slots: users that it serves at the same time.
        worth: thousandths per need served.
        key: what it stands for, opaque here; no two options of a need have the same.
    """

    kind: int
    units: int
    slots: int
    worth: int
    key: int = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """A need: users, replicas asked for (0: none), weight, whether to spread over hosts, and its variants."""

    users: int
    replicas: int
    weight: float
    spread: bool
    variants: tuple[tuple[Option, ...], ...]

    def gain(self, option: Option) -> int:
        """Value of one user served by this option."""
        return round(self.weight * option.worth * SCALE / self.users)

    def bonus(self, replicas: int, hosts: int) -> int:
        """Value of having this many replicas on this many hosts, beyond the users served."""
        value = 0.0
        if self.spread or self.replicas > 1:
            value += (SECOND if replicas > 1 else 0) + (SURVIVES if hosts > 1 else 0)
        if self.replicas > 1:
            value -= MISSING * max(self.replicas - replicas, 0) / self.replicas
        return round(self.weight * value * SCALE)


@dataclass(frozen=True, slots=True)
class Problem:
    """Kinds and wishes."""

    kinds: tuple[Kind, ...]
    wishes: tuple[Wish, ...]

    def price(self, option: Option) -> int:
        """What taking this option's parts costs."""
        kind = self.kinds[option.kind]
        return kind.price * SCALE * option.units // kind.units

    def value(self, wish: Wish, replicas: Iterable[tuple[Option, int]], hosts: int) -> int:
        """Value of one need served so: options with how many of each, and the number of different hosts."""
        left, total, count = wish.users, 0, 0
        for option, number in sorted(replicas, key=lambda item: (-item[0].worth, item[0].kind, item[0].key)):
            used = min(left, option.slots * number)
            total += used * wish.gain(option) - self.price(option) * number
            left -= used
            count += number
        return total + wish.bonus(count, hosts) if count else 0
