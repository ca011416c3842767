"""The placement of fleets on small random instances: against the exact optimum, its hard rules, and what it moves when a host is lost."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.fleet.instances import instance
from benchmarks.fleet.optimum import optimum

from setupgen.engine.fleet.assign import Solver, without_host
from setupgen.engine.fleet.changes import moved


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
