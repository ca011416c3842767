"""Looks for a good answer to a placement problem: each need takes its best response in turn, then needs are moved while that helps.

Hosts of a kind with the same content are one entry with a count, so that effort grows with kinds and needs and hardly with hosts. There is no
clock and no chance: the same problem gives the same answer.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING

from setupgen.engine.fleet.problem import SCALE
from setupgen.engine.fleet.sizes import MANY, Sizes
from setupgen.engine.fleet.states import Take, taken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from setupgen.engine.fleet.problem import Option, Problem
    from setupgen.engine.fleet.sizes import Size
    from setupgen.engine.fleet.states import Content, State

    Pool = tuple[int, Content, int, int]
    """Hosts of a kind with the same content: kind, content, free parts of each, how many hosts."""

    Ranked = tuple[int, int, Option, int]
    """A pool by its loss: less its most profitable option's profit, number of the pool, that option, kind."""

EFFORT = 900
"""Best responses that the improvement may ask for."""

TOLLS = (0.0, 0.1, 0.25, 0.5, 1.0)
"""What a whole host costs beyond its price while a first answer is put together, in values of an average need of weight 1: whoever pays takes less
and leaves room for others. No toll counts in the objective."""

STARTS = 3
"""First answers that are improved."""

THRIFT = 0.35
"""Toll of the first of two needs that are placed anew together."""

NOTHING: frozenset[int] = frozenset()


class Solver:
    """One problem and the search for its answer."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.spent = 0
        self.gains = [{option.key: wish.gain(option) for variant in wish.variants for option in variant} for wish in problem.wishes]
        self.prices = [{option.key: problem.price(option) for variant in wish.variants for option in variant} for wish in problem.wishes]
        self._prices = {0.0: self.prices}
        self._sizes = [
            [Sizes(variant, wish, *known) for variant in wish.variants]
            for wish, *known in zip(problem.wishes, self.gains, self.prices, strict=True)
        ]
        self._bonuses: list[dict[tuple[int, int], int]] = [{} for _ in problem.wishes]
        self._toll = 0.0

    def solve(self) -> State:
        """The best state found."""
        empty: State = {(index, ()): kind.hosts for index, kind in enumerate(self.problem.kinds) if kind.hosts}
        found: dict[int, State] = {}
        for toll in TOLLS:
            for order in self._orders():
                state = empty
                for need in order:
                    state = self.place(state, need, toll=toll)
                state = self.settle(state, rounds=1) if toll else state
                found.setdefault(self.value(state), state)
        best, best_value = empty, -1
        starts = sorted(found, reverse=True)[:STARTS]
        for number, value in enumerate(starts):
            limit = self.spent + EFFORT // (2 if not number else 2 * len(starts))
            state, reached = self._improve(found[value], value, limit)
            if reached > best_value:
                best, best_value = state, reached
        return best

    def settle(self, state: State, rounds: int = 2) -> State:
        """A state at least as good, by placing each need anew beside the others: for a problem that differs little from one that was solved."""
        value = self.value(state)
        for _ in range(rounds):
            before = value
            for need in range(len(self.problem.wishes)):
                trial = self.place(self.without(state, (need,)), need)
                if (new := self.value(trial)) > value:
                    state, value = trial, new
            if value == before:
                break
        return state

    def mend(self, state: State) -> State:
        """The state with needs that lost something placed anew, where that is worth more; all others stay where they are."""
        value = self.value(state)
        for need, wish in enumerate(self.problem.wishes):
            held, hosts = self.held(state, need)
            slots = sum(option.slots * count for option, count in held.items())
            if slots >= wish.users and sum(held.values()) >= wish.replicas and (hosts > 1 or not wish.spread):
                continue
            for trial in (self.add(state, need), self.place(self.without(state, (need,)), need)):
                if (new := self.value(trial)) > value:
                    state, value = trial, new
        return state

    def add(self, state: State, need: int) -> State:
        """The state with one more replica of what a need has already, on the host where that is worth most; the same where none helps."""
        best, best_value = state, self.value(state)
        held, _ = self.held(state, need)
        same = {option.key for option in held}
        variants = [variant for variant in self.problem.wishes[need].variants if same & {option.key for option in variant}]
        for kind, content in list(state):
            free = self.free(kind, content)
            for option in (option for variant in variants for option in variant if option.kind == kind and option.units <= free):
                trial = taken(state, need, [Take(0, kind, content, 1, (option,))])
                if (value := self.value(trial)) > best_value:
                    best, best_value = trial, value
        return best

    def _orders(self) -> Iterator[list[int]]:
        wishes = self.problem.wishes
        everyone = range(len(wishes))

        def choice(need: int) -> int:
            kinds = self.problem.kinds
            return sum(kinds[number].hosts for number in {option.kind for variant in wishes[need].variants for option in variant})

        yield sorted(everyone, key=lambda need: (-wishes[need].weight, choice(need), need))
        yield sorted(everyone, key=lambda need: (choice(need), -wishes[need].weight, need))
        yield sorted(everyone, key=lambda need: (-wishes[need].users, need))
        yield sorted(everyone, key=lambda need: (wishes[need].users, need))

    def _improve(self, state: State, value: int, limit: int) -> tuple[State, int]:
        needs = range(len(self.problem.wishes))
        improved = True
        while improved and self.spent < limit:
            improved = False
            for trial in self._trials(state, needs):
                new = self.value(trial)
                if new > value:
                    state, value, improved = trial, new, True
                    break
                if self.spent >= limit:
                    break
        return state, value

    def _trials(self, state: State, needs: range) -> Iterator[State]:
        """States near this one: one need placed anew, two in either order, one kept from a kind while all others follow."""
        for need in needs:
            yield self.place(self.without(state, (need,)), need)
        for first, second in combinations(needs, 2):
            if not self._rivals(state, first, second):
                continue
            bare = self.without(state, (first, second))
            for a, b in ((first, second), (second, first)):
                yield self.place(self.place(bare, a), b)
                thrifty = self.place(self.place(bare, a, toll=THRIFT), b)
                yield thrifty
                yield self.place(self.without(thrifty, (a,)), a)
        for need in needs:
            for kind in sorted({kind for (kind, content) in state if any(entry[0] == need for entry in content)}):
                moved = self.place(self.without(state, (need,)), need, banned=frozenset({kind}))
                for other in needs:
                    if other != need:
                        moved = self.place(self.without(moved, (other,)), other)
                yield moved
                for other in needs:
                    if other != need and self._rivals(state, need, other):
                        bare = self.place(self.without(state, (need, other)), need, banned=frozenset({kind}))
                        yield self.place(bare, other)

    def _rivals(self, state: State, first: int, second: int) -> bool:
        """Whether one of two needs could use what the other has."""
        held = {need: {kind for (kind, content) in state if any(entry[0] == need for entry in content)} for need in (first, second)}
        wanted = {need: {option.kind for variant in self.problem.wishes[need].variants for option in variant} for need in (first, second)}
        return bool(held[first] & wanted[second] or held[second] & wanted[first])

    # ------------------------------------------------------------------------------------------ states

    def free(self, kind: int, content: Content) -> int:
        """Parts that are left on a host with this content."""
        return self.problem.kinds[kind].units - sum(option.units for _, option in content)

    def without(self, state: State, needs: Iterable[int]) -> State:
        """The state with these needs taken out."""
        gone = set(needs)
        new: State = {}
        for (kind, content), count in state.items():
            key = (kind, tuple(entry for entry in content if entry[0] not in gone))
            new[key] = new.get(key, 0) + count
        return new

    def held(self, state: State, need: int) -> tuple[Counter[Option], int]:
        """The replicas of a need and the number of hosts that they are on."""
        replicas: Counter[Option] = Counter()
        hosts = 0
        for (_, content), count in state.items():
            mine = [option for owner, option in content if owner == need]
            hosts += count if mine else 0
            for option in mine:
                replicas[option] += count
        return replicas, hosts

    def value(self, state: State) -> int:
        """The objective."""
        wishes = self.problem.wishes
        replicas: list[dict[Option, int]] = [{} for _ in wishes]
        hosts = [0] * len(wishes)
        for (_, content), count in state.items():
            before = -1
            for need, option in content:  # sorted: entries of a need follow each other
                if need != before:
                    hosts[need] += count
                    before = need
                replicas[need][option] = replicas[need].get(option, 0) + count
        return sum(self.problem.value(wish, replicas[need].items(), hosts[need]) for need, wish in enumerate(wishes))

    # ---------------------------------------------------------------------------------- best response

    def place(self, state: State, need: int, banned: frozenset[int] = NOTHING, toll: float = 0.0) -> State:
        """The state with this need, which is not in it, placed as well as can be beside the others, on no banned kind of host."""
        self.spent += 1
        self.prices, self._toll = self._tolled(toll), toll
        pools = sorted(
            ((kind, content, self.free(kind, content), count) for (kind, content), count in state.items()),
            key=lambda pool: (pool[2], pool[0], len(pool[1])),
        )
        pools = [pool for pool in pools if pool[2] > 0 and pool[0] not in banned]
        room = {kind: free for kind, _, free, _ in pools}  # the largest of each kind comes last
        wish = self.problem.wishes[need]
        counts = sorted({1, max(wish.replicas, 2 if wish.spread else 1)})
        best: list[Take] = []
        best_value = 0
        for sizes in self._sizes[need]:
            if sizes.whole.ceiling <= best_value or (whole := sizes.whole.ceiling_in(room)) <= best_value:
                continue
            usable = [pool for pool in pools if pool[0] in sizes.whole.offered]
            for size in (*sizes.levels, sizes.whole):  # replicas of one size, or each as large as can be
                ranked: list[Ranked] | None = None
                for least in counts:  # as few as serve all, or as many as are asked for: the spares may be of any size
                    if (whole if least > 1 else size.ceiling_in(room)) > best_value:
                        ranked = self._ranked(need, size, usable) if ranked is None else ranked
                        found = self._fill(need, size, ranked, usable, least, sizes.whole)
                        if (value := self._worth(need, found)) > best_value:
                            best, best_value = found, value
        return taken(state, need, best)

    def _tolled(self, toll: float) -> list[dict[int, int]]:
        """Prices of options by need and key, with a toll for what they take of a host."""
        if toll not in self._prices:
            kinds, due = self.problem.kinds, round(toll * 2_500 * SCALE)
            self._prices[toll] = [
                {
                    option.key: price[option.key] + due * option.units // kinds[option.kind].units
                    for variant in wish.variants
                    for option in variant
                }
                for wish, price in zip(self.problem.wishes, self._prices[0.0], strict=True)
            ]
        return self._prices[toll]

    def _worth(self, need: int, takes: list[Take]) -> int:
        """The objective for this need alone, served so."""
        wish, gains, prices = self.problem.wishes[need], self.gains[need], self.prices[need]
        replicas: list[tuple[int, int, int]] = []
        hosts = count = price = 0
        steady = False
        for take in takes:
            hosts += take.hosts
            steady = steady or not self.problem.kinds[take.kind].preemptible
            for option in take.options:
                replicas.append((gains[option.key], option.slots, take.hosts))
                price += prices[option.key] * take.hosts
                count += take.hosts
        if not steady:
            return 0
        replicas.sort(reverse=True)
        left, total = wish.users, -price
        for gain, slots, number in replicas:
            used = min(left, slots * number)
            total += used * gain
            left -= used
        return total + self._bonus(need, count, hosts)

    def _bonus(self, need: int, count: int, hosts: int) -> int:
        """What so many replicas on so many hosts are worth by themselves."""
        known = self._bonuses[need]
        key = (count, hosts)
        if key not in known:
            known[key] = self.problem.wishes[need].bonus(count, hosts)
        return known[key]

    def _ranked(self, need: int, size: Size, pools: list[Pool]) -> list[Ranked]:
        """For each pool with room its most profitable option for all users, the best first; a steady host before all, none where all may vanish."""
        users = self.problem.wishes[need].users
        firsts = size.firsts.setdefault(self._toll, {})
        ranked = []
        for index, (kind, _, free, _) in enumerate(pools):
            pair = (kind, free)
            if pair not in firsts:
                usable = [option for option in size.offered.get(kind, ()) if option.units <= free]
                firsts[pair] = self._best(need, usable, users) if usable else None
            if first := firsts[pair]:
                ranked.append((-first[0], index, first[1], kind))
        ranked.sort()
        kinds = self.problem.kinds
        if ranked and kinds[ranked[0][3]].preemptible:
            steady = next((item for item in ranked if not kinds[item[3]].preemptible), None)
            if steady is None:
                return []
            ranked.remove(steady)
            ranked.insert(0, steady)
        return ranked

    def _fill(self, need: int, size: Size, ranked: list[Ranked], pools: list[Pool], least: int, spare: Size) -> list[Take]:
        """Takes hosts, the most profitable first and each once, then more parts of hosts that are taken, until all are served."""
        wish, offered = self.problem.wishes[need], size.offered
        takes: list[Take] = []
        left, count = wish.users, 0
        for _, index, best, kind in ranked:
            option = best
            if left <= 0 and count >= least:
                break
            available = pools[index][3]
            if left > 0:
                option = self._shrunk(need, offered[kind], option, left, pools[index][2]) if option.slots > left else option
                number = min(available, max(-(-left // option.slots), least - count))
            else:
                option = self._shrunk(need, offered[kind], option, 1, pools[index][2])
                number = min(available, least - count)
                more = self._bonus(need, max(count + number, 2), 2) - self._bonus(need, count, min(count, 2))
                if self.prices[need][option.key] * number >= more:
                    continue
            takes.append(Take(index, kind, pools[index][1], number, (option,)))
            left -= number * option.slots
            count += number
        if count < least and takes and spare is not size:
            count = self._add_spares(need, spare.offered, pools, takes, count, least)
        return self._deepen(need, offered, pools, takes, left, count, least) if left > 0 or count < least else takes

    def _add_spares(
        self, need: int, spare: dict[int, list[Option]], pools: list[Pool], takes: list[Take],
        count: int, least: int,
    ) -> int:  # fmt: skip
        """Replicas that are asked for and serve nobody new, of any size, on the cheapest hosts that are left."""
        taken = {take.index for take in takes}
        found = []
        for index, (kind, _, free, _) in enumerate(pools):
            usable = [option for option in spare.get(kind, ()) if option.units <= free] if index not in taken else []
            if usable:
                option = min(usable, key=lambda option: (self.prices[need][option.key], option.key))
                found.append((self.prices[need][option.key], index, option))
        for price, index, option in sorted(found, key=lambda item: item[:2]):
            if count >= least:
                break
            number = min(pools[index][3], least - count)
            if price * number < self._bonus(need, count + number, 2) - self._bonus(need, count, min(count, 2)):
                takes.append(Take(index, pools[index][0], pools[index][1], number, (option,)))
                count += number
        return count

    def _deepen(
        self, need: int, offered: dict[int, list[Option]], pools: list[Pool], takes: list[Take],
        left: int, count: int, least: int,
    ) -> list[Take]:  # fmt: skip
        """More replicas on hosts that are taken already, while somebody is not served or replicas are missing."""
        for position, take in enumerate(takes):
            free = pools[take.index][2] - take.options[0].units
            options, number = take.options, take.hosts
            while left > 0 or count < least:
                usable = [option for option in offered.get(take.kind, ()) if option.units <= free]
                if not usable:
                    break
                _, option = self._best(need, usable, max(left, 1))
                more = self._bonus(need, count + 1, len(takes)) - self._bonus(need, count, len(takes))
                if left <= 0 and self.prices[need][option.key] >= more:
                    break
                wanted = max(-(-left // option.slots), least - count)
                if wanted < number:  # only some of these hosts take one more
                    takes.append(Take(take.index, take.kind, take.content, number - wanted, options))
                    number = wanted
                options = (*options, option)
                free -= option.units
                left -= number * option.slots
                count += number
            takes[position] = Take(take.index, take.kind, take.content, number, options)
        return takes

    def _shrunk(self, need: int, offered: list[Option], chosen: Option, left: int, free: int) -> Option:
        """The most profitable option for the users that are left."""
        usable = [option for option in offered if option.units <= free and option.slots >= left]
        return self._best(need, usable, left)[1] if usable else chosen

    def _best(self, need: int, usable: list[Option], left: int) -> tuple[int, Option]:
        """The most profitable option when this many users are left, and its profit; the smaller one of equals."""
        gains, prices = self.gains[need], self.prices[need]
        best, best_key = usable[0], (-MANY * MANY, 0, 0)
        for option in usable:
            key = (min(option.slots, left) * gains[option.key] - prices[option.key], -option.units, -option.key)
            if key > best_key:
                best, best_key = option, key
        return best_key[0], best
