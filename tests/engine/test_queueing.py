"""The line for a slot: the formula against known values, against the simulation, and what must grow with what."""

from __future__ import annotations

from itertools import pairwise
from math import factorial, log
from random import Random

import pytest

from setupgen.engine.queueing import Service, simulated, waits

MANY = 30_000
"""So many people, each of whom asks so seldom, that requests come as if from an endless crowd."""


def equal(slots):
    """Slots that do not slow each other down, each with one request per second: the textbook's M/M/c."""
    return Service(slots, 0.0, 1.0, 1.0)


def crowd(slots, load):
    """The line where this many requests come per second."""
    return waits(equal(slots), MANY, MANY / load)


def erlang_c(slots, load):
    """Erlang's formula for the part of the requests that wait (https://octave.sourceforge.io/queueing/function/erlangc.html)."""
    term = load**slots / factorial(slots) * slots / (slots - load)
    return term / (sum(load**number / factorial(number) for number in range(slots)) + term)


@pytest.mark.parametrize(
    ("slots", "load", "chance"),
    [
        (1, 0.5, 0.5),  # one slot: as likely as the slot is busy
        (1, 0.9, 0.9),
        (2, 1.0, 1 / 3),
        (3, 2.0, 4 / 9),
        (10, 6.0, 0.10),  # an exercise: ten assistants, two customers a minute, three minutes each; "about 0.10" off the printed curve
    ],
)
def test_known_values(slots, load, chance):
    assert erlang_c(slots, load) == pytest.approx(chance, abs=0.002)
    found = crowd(slots, load)
    assert found.chance == pytest.approx(chance, abs=0.003)
    assert found.busy == pytest.approx(load, rel=0.002)
    assert found.mean_s == pytest.approx(erlang_c(slots, load) / (slots - load), rel=0.03)


@pytest.mark.parametrize(("slots", "load"), [(1, 0.5), (3, 2.0), (10, 6.0), (32, 28.0)])
def test_waits_of_an_endless_crowd_fall_off_as_the_textbook_says(slots, load):
    """Of those who wait, exp(-(c - a) t) wait longer than t."""
    found = crowd(slots, load)
    for number, wait in found.percentile_s.items():
        beyond = 1 - number / 100
        told = max(0.0, log(erlang_c(slots, load) / beyond) / (slots - load))
        assert wait == pytest.approx(told, rel=0.04, abs=0.02)


def test_one_person_never_waits_and_two_wait_for_each_other():
    assert waits(equal(1), 1, 10).percentile_s == {50: 0, 90: 0, 99: 0}
    assert waits(equal(1), 1, 10).chance == 0
    # Two people, one slot, work and pauses of a second each: states 0, 1, 2 weigh 1, 2, 2; who asks finds the other at it half of the time.
    found = waits(equal(1), 2, 1.0)
    assert found.chance == pytest.approx(0.5)
    assert found.mean_s == pytest.approx(0.5)
    assert found.busy == pytest.approx(4 / 5)
    assert found.per_s == pytest.approx(4 / 5)


CARD = Service(slots=4, prompt_s=0.3, alone_s=5.0, full_s=8.0)
BOXES = Service(slots=8, prompt_s=0.2, alone_s=4.0, full_s=9.0, copies=3)


@pytest.mark.parametrize(("service", "people", "pause"), [(CARD, 6, 20.0), (CARD, 25, 60.0), (BOXES, 60, 30.0), (equal(1), 5, 3.0)])
def test_the_formula_is_what_happens(service, people, pause):
    told, seen = waits(service, people, pause), simulated(service, people, pause, Random(1).random, requests=25_000)
    assert seen.chance == pytest.approx(told.chance, abs=0.02)
    assert seen.busy == pytest.approx(told.busy, rel=0.02)
    assert seen.per_s == pytest.approx(told.per_s, rel=0.02)
    for number in (50, 90, 99):
        assert seen.percentile_s[number] == pytest.approx(told.percentile_s[number], rel=0.08, abs=0.15)


def test_the_simulation_can_be_repeated_and_likeness_shortens_the_line():
    def played(seed, variation=1.0):
        return simulated(CARD, 20, 30.0, Random(seed).random, requests=5_000, variation=variation)

    first = played(7)
    assert played(7) == first
    assert played(8) != first
    assert played(7, 0).percentile_s[99] < played(7, 0.5).percentile_s[99] < first.percentile_s[99] < played(7, 2).percentile_s[99]


def falls(values):
    return all(later <= earlier + 1e-9 for earlier, later in pairwise(values))


@pytest.mark.parametrize("percentile", [50, 90, 99])
def test_more_people_wait_longer_and_more_slots_cards_and_pauses_shorten_the_line(percentile):
    def wait(service=CARD, people=30, pause=40.0):
        return waits(service, people, pause).percentile_s[percentile]

    assert falls([wait(people=people) for people in (1000, 300, 100, 50, 20, 5, 1)])
    assert falls([wait(Service(4, 0.3, 5.0, 8.0, copies)) for copies in (1, 2, 3, 5, 8)])
    assert falls([wait(pause=pause) for pause in (1, 5, 20, 60, 300)])
    # More slots on the same card: each answer takes longer, and all together are done faster.
    assert falls([wait(Service(slots, 0.3, 5.0, 5.0 + 0.4 * (slots - 1))) for slots in (1, 2, 4, 8, 16)])


def test_percentiles_are_in_order_and_a_thousand_people_at_one_slot_are_no_trouble():
    found = waits(equal(1), 1000, 1.0)
    assert found.percentile_s[50] < found.percentile_s[90] < found.percentile_s[99] < 1300
    assert found.busy == pytest.approx(1)
    assert found.per_s == pytest.approx(1)


@pytest.mark.parametrize(("people", "pause"), [(0, 1.0), (1, 0.0)])
def test_what_is_no_line(people, pause):
    with pytest.raises(ValueError, match="a line needs people"):
        waits(CARD, people, pause)
