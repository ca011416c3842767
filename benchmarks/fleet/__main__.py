"""Prints three tables: against the optimum, growth with hosts, and what moves after a host is lost. `--quick` takes fewer instances."""

from __future__ import annotations

import sys
from statistics import median
from time import process_time

from benchmarks.fleet.instances import instance
from benchmarks.fleet.optimum import optimum

from setupgen.engine.fleet.assign import Solver
from setupgen.engine.fleet.changes import moved
from setupgen.engine.fleet.states import without_host

INSTANCES = 200
SECONDS = 1.0
"""What the exact solver may take for one instance; its upper bound counts where it finds no proof in this time."""


def against_the_optimum(count: int) -> None:
    """How far below the optimum, or below what the exact solver could not rule out, the answers are."""
    gaps, proven, own, theirs = [], 0, 0.0, 0.0
    for seed in range(count):
        hosts = 3 + seed % 28
        problem = instance(seed, hosts=hosts, needs=2 + seed % 7, kinds=min(hosts, 2 + seed % 5))
        start = process_time()
        solver = Solver(problem)
        value = solver.value(solver.solve())
        own += process_time() - start
        start = process_time()
        best, bound, exact = optimum(problem, SECONDS, value)
        theirs += process_time() - start
        proven += exact
        reference = best if exact else bound
        gaps.append(100 * (reference - value) / max(reference, 1) if reference > 0 else 0.0)
    gaps.sort()
    print(
        f"\nAgainst CP-SAT on {count} random fleets of 3 to 30 hosts; {proven} optima proven in {SECONDS:.0f} s each, else against its bound"
    )
    print("| below the optimum | % |\n| --- | ---: |")
    for name, value in (("median", median(gaps)), ("9 of 10", gaps[int(0.9 * len(gaps))]), ("worst", gaps[-1])):
        print(f"| {name} | {value:.2f} |")
    print(f"| exactly optimal | {100 * sum(gap < 0.005 for gap in gaps) / len(gaps):.0f} of 100 |")
    print(f"\nCPU time for all: {own:.1f} s here, {theirs:.0f} s there.")


def growth(sizes: tuple[int, ...]) -> None:
    """Time of the placement alone with 12 kinds of hosts and 20 needs."""
    print("\nGrowth: 12 kinds of hosts, 20 needs; placement alone, once all offers are known")
    print("| hosts | s of CPU time | microseconds per host |\n| ---: | ---: | ---: |")
    for hosts in sizes:
        problem = instance(7, hosts=hosts, needs=20, kinds=12)
        start = process_time()
        Solver(problem).solve()
        took = process_time() - start
        print(f"| {hosts} | {took:.2f} | {1e6 * took / hosts:.0f} |")


def moves(count: int) -> None:
    """How many replicas change their host, beyond those that were lost, when a host is lost and the fleet is mended."""
    mended, anew, worth = [], [], []
    for seed in range(count):
        problem = instance(seed, hosts=20, needs=6, kinds=5)
        state = Solver(problem).solve()
        used = [key for key in state if key[1]]
        lost = used[seed % len(used)]
        smaller, left = without_host(problem, state, *lost)
        solver = Solver(smaller)
        kept, fresh = solver.settle(solver.mend(left), rounds=1), Solver(smaller).solve()
        mended.append(moved(left, kept))
        anew.append(moved(left, fresh))
        worth.append(solver.value(kept) / max(solver.value(fresh), 1))
    print(f"\nA host is lost: {count} fleets of 20 hosts; replicas on other hosts that are moved or changed")
    print("| | median | most |\n| --- | ---: | ---: |")
    print(f"| mended | {median(mended):.0f} | {max(mended)} |")
    print(f"| planned anew | {median(anew):.0f} | {max(anew)} |")
    print(f"\nWorth of the mended fleet in per cent of one that is planned anew: {100 * median(worth):.1f} in the median.")


if __name__ == "__main__":
    quick = "--quick" in sys.argv[1:]
    against_the_optimum(20 if quick else INSTANCES)
    growth((100, 1_000) if quick else (100, 300, 1_000, 3_000, 10_000))
    moves(10 if quick else 50)
