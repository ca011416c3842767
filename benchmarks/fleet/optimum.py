"""The optimum of a placement problem by CP-SAT: the objective and the rules of `setupgen.engine.fleet.problem`, host by host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ortools.sat.python import cp_model

from setupgen.engine.fleet.problem import MISSING, SCALE, SECOND, SURVIVES

if TYPE_CHECKING:
    from setupgen.engine.fleet.problem import Problem

MUCH = 100_000


def optimum(problem: Problem, seconds: float, hint: int = 0) -> tuple[int, int, bool]:  # noqa: C901, PLR0912, PLR0915 - one model, read from top to bottom
    """Best value found, upper bound, and whether the two met in the time given. `hint` is a value that is known to be reached."""
    model = cp_model.CpModel()
    hosts = [kind for kind, record in enumerate(problem.kinds) for _ in range(record.hosts)]
    taken: list[list[cp_model.LinearExpr]] = [[] for _ in hosts]
    goal: list[cp_model.LinearExpr] = []
    for need, wish in enumerate(problem.wishes):
        chosen = [model.new_bool_var(f"v{need}.{index}") for index in range(len(wish.variants))]
        model.add(sum(chosen) <= 1)
        counts: list[cp_model.IntVar] = []
        at_host: list[list[cp_model.IntVar]] = [[] for _ in hosts]
        served: list[cp_model.IntVar] = []
        for index, variant in enumerate(wish.variants):
            for option in variant:
                most = problem.kinds[option.kind].units // option.units
                mine = []
                for host, kind in enumerate(hosts):
                    if kind != option.kind:
                        continue
                    count = model.new_int_var(0, most, "")
                    model.add(count <= most * chosen[index])
                    mine.append(count)
                    at_host[host].append(count)
                    taken[host].append(option.units * count)
                used = model.new_int_var(0, wish.users, "")
                model.add(used <= option.slots * sum(mine))
                served.append(used)
                counts += mine
                goal += [wish.gain(option) * used, -problem.price(option) * sum(mine)]
        if not counts:
            continue
        model.add(sum(served) <= wish.users)
        replicas = sum(counts)
        steady = [count for host, kind in enumerate(hosts) if not problem.kinds[kind].preemptible for count in at_host[host]]
        model.add(replicas <= MUCH * sum(steady) if steady else replicas == 0)
        if wish.spread or wish.replicas > 1:
            second, survives = model.new_bool_var(""), model.new_bool_var("")
            model.add(replicas >= 2 * second)
            there = []
            for mine in at_host:
                if mine:
                    flag = model.new_bool_var("")
                    model.add(sum(mine) >= flag)
                    there.append(flag)
            model.add(sum(there) >= 2 * survives)
            goal += [round(wish.weight * SECOND * SCALE) * second, round(wish.weight * SURVIVES * SCALE) * survives]
        if wish.replicas > 1:
            missing = model.new_int_var(0, wish.replicas, "")
            model.add(missing >= wish.replicas * sum(chosen) - replicas)
            goal.append(-round(wish.weight * MISSING * SCALE / wish.replicas) * missing)
    for host, kind in enumerate(hosts):
        if taken[host]:
            model.add(sum(taken[host]) <= problem.kinds[kind].units)
    model.maximize(sum(goal))
    if hint:
        model.add(sum(goal) >= hint)
    solver = cp_model.CpSolver()
    solver.parameters.max_deterministic_time = seconds
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    solver.parameters.symmetry_level = 2
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return hint, round(solver.best_objective_bound), False
    return round(solver.objective_value), round(solver.best_objective_bound), status == cp_model.OPTIMAL
