"""The placement of fleets on small random instances: against the exact optimum, its hard rules, and what it moves when a host is lost."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.fleet.instances import instance
from benchmarks.fleet.optimum import optimum

from setupgen.engine.fleet.apart import apart
from setupgen.engine.fleet.assign import Solver
from setupgen.engine.fleet.changes import moved
from setupgen.engine.fleet.gathered import levelled
from setupgen.engine.fleet.problem import Kind, Option, Problem, Wish
from setupgen.engine.fleet.states import without_host


@pytest.mark.parametrize("seed", range(6))
def test_it_is_near_the_exact_optimum(seed):
    problem = instance(seed, hosts=3, needs=2, kinds=2)
    solver = Solver(problem)
    value = solver.value(solver.solve())
    best, _, exact = optimum(problem, 5.0, value)
    assert exact
    assert value >= 0.95 * best
    assert value <= best


@pytest.mark.parametrize("seed", range(8))
def test_the_hard_rules_hold(seed):
    problem = instance(seed, hosts=12, needs=4, kinds=4)
    solver = Solver(problem)
    state = solver.solve()
    for number, kind in enumerate(problem.kinds):
        assert sum(count for (owner, _), count in state.items() if owner == number) == kind.hosts
    assert all(solver.free(kind, content) >= 0 for kind, content in state)
    for need, wish in enumerate(problem.wishes):
        keys = {option.key for option in solver.held(state, need)[0]}
        assert not keys or any(keys <= {option.key for option in variant} for variant in wish.variants)
        kinds = {kind for (kind, content) in state if any(owner == need for owner, _ in content)}
        assert not kinds or not all(problem.kinds[kind].preemptible for kind in kinds)
    assert Solver(problem).solve() == state


def test_mending_after_a_loss_moves_less_than_planning_anew():
    problem = instance(3, hosts=12, needs=4, kinds=4)
    state = Solver(problem).solve()
    lost = next(key for key in state if key[1])
    smaller, left = without_host(problem, state, *lost)
    solver = Solver(smaller)
    mended, anew = solver.mend(left), Solver(smaller).solve()
    assert solver.value(mended) >= solver.value(left)
    assert moved(left, mended) <= moved(left, anew)


def small(hosts, units, *wishes, preemptible=()):
    """Hosts of one kind each and needs that take one part and serve one user with each replica."""
    kinds = tuple(Kind(1, units, 20, number in preemptible) for number in range(hosts))
    made = []
    for need, replicas in enumerate(wishes):
        options = tuple(Option(kind, 1, 1, 1500, 100 * need + kind) for kind in range(hosts))
        made.append(Wish(replicas, replicas, 1.0, True, (options,)))
    return Problem(kinds, tuple(made))


def state_of(problem, *contents):
    """What each host holds, as numbers of needs."""
    made = {}
    for kind, needs in enumerate(contents):
        options = [(need, problem.wishes[need].variants[0][kind]) for need in sorted(needs)]
        made[kind, tuple(options)] = 1
    return made


def held_by(state):
    """Needs on each host."""
    return [[need for need, _ in content] for (_, content) in sorted(state, key=lambda key: key[0])]


@pytest.mark.parametrize(
    ("before", "preemptible", "after"),
    [
        (([0, 0], [0], []), (), [[0], [0], [0]]),  # a move
        (([0, 0], [0, 1], [1, 1]), (), [[0, 1], [0, 1], [0, 1]]),  # an exchange
        (([0, 0], [0], []), (2,), [[0], [0], [0]]),  # the others stay
        (([0, 0], [0, 1], [2, 2]), (1,), [[0, 2], [0, 1], [0, 2]]),
    ],
)
def test_replicas_that_are_asked_for_are_on_hosts_of_their_own(before, preemptible, after):
    problem = small(
        3,
        2,
        *(sum(hosts.count(need) for hosts in before) for need in range(max(map(max, filter(None, before))) + 1)),
        preemptible=preemptible,
    )
    solver = Solver(problem)
    state = apart(solver, state_of(problem, *before))
    assert held_by(state) == after
    assert apart(solver, state) == state


def test_an_exchange_leaves_no_need_on_hosts_that_may_vanish_alone():
    problem = small(2, 2, 2, 1, 1, preemptible=(0,))
    solver = Solver(problem)
    state = state_of(problem, [0, 0], [1, 2])
    assert apart(solver, state) == state  # 1 and 2 would be on the host that may vanish, and on no other


@pytest.mark.parametrize("seed", range(10))
def test_no_replica_shares_a_host_while_another_has_room(seed):
    problem = instance(seed, hosts=9, needs=4, kinds=3)
    solver = Solver(problem)
    state = apart(solver, solver.solve())
    for need, wish in enumerate(problem.wishes):
        replicas, hosts = solver.held(state, need)
        if hosts >= min(sum(replicas.values()), max(wish.replicas, 2 if wish.spread else 1)):
            continue
        crowded = [
            option
            for (_, content) in state
            for owner, option in content
            if owner == need and sum(other == need for other, _ in content) > 1
        ]
        for kind, content in state:
            if any(owner == need for owner, _ in content):
                continue
            for variant in wish.variants:
                room = [option for option in variant if option.kind == kind and option.units <= solver.free(kind, content)]
                assert not any(old in variant and new.slots >= old.slots for old in crowded for new in room)


@pytest.mark.parametrize("seed", range(10))
def test_no_replica_is_too_small_for_its_share_where_its_parts_could_hold_a_larger_one(seed):
    problem = instance(seed, hosts=9, needs=4, kinds=3)
    solver = Solver(problem)
    before = solver.solve()
    after = levelled(solver, before)
    assert levelled(solver, after) == after
    assert all(solver.free(kind, content) >= 0 for kind, content in after)
    for need, wish in enumerate(problem.wishes):
        was, _ = solver.held(before, need)
        found, _ = solver.held(after, need)
        assert sum(found.values()) == sum(was.values())
        share = -(-wish.users // max(sum(found.values()), 1))
        for option in found if sum(found.values()) > 1 else ():
            alike = next(variant for variant in wish.variants if option in variant)
            larger = [other.slots for other in alike if (other.kind, other.units) == (option.kind, option.units)]
            assert option.slots >= min(share, max(larger))
