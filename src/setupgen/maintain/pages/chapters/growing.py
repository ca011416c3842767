"""From one user to a thousand: when the same needs want more slots, cards, boxes, or a cluster."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any

from setupgen.engine.queueing import Service, simulated, waits
from setupgen.maintain.pages.diagram import Box, flow
from setupgen.maintain.pages.examples import CARD, SMALL_MODEL, choice_of
from setupgen.maintain.pages.text import rate, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.engine.plan import Choice
    from setupgen.engine.queueing import Waits
    from setupgen.knowledge import Pack

USE_CASE = "chat"
PAUSE_S = 60.0
"""Reading an answer and writing the next question: our assumption, which the chapter states."""

PEOPLE = (1, 2, 5, 10, 20, 50, 100, 200, 350, 500, 1000)
PATIENT = 90
"""In so many of a hundred questions, the wait is to be one that nobody minds."""

H100 = {"hardware": ["NVIDIA H100 80GB HBM3"], "ram": "256G", "os": "linux"}
PLAYED = 20_000
SLOTS = (1, 2, 4, 8, 16)


@dataclass(frozen=True)
class Rung:
    """A size of setup: what it is called, the answers that plan one box of it, and how many boxes share one line."""

    name: str
    values: dict[str, Any]
    boxes: int = 1


def _cluster(cards: int) -> Rung:
    several = {**H100, "hardware": [f"{cards}x {H100['hardware'][0]}"], "runtime": "kubernetes", "users": 64 * cards}
    return Rung(f"{cards} H100 in a cluster", several)


RUNGS = (
    Rung("RTX 3090, one slot", {**CARD, "users": 1}),
    Rung("the same card, 4 slots", {**CARD, "users": 4}),
    Rung("the same card, 16 slots", {**CARD, "users": 16}),
    Rung("two such cards in one box", {**CARD, "hardware": ["2x rtx-3090"], "ram": "128G", "users": 32}),
    Rung("two such boxes, a proxy", {**CARD, "hardware": ["2x rtx-3090"], "ram": "128G", "users": 32}, 2),
    Rung("one H100, 64 slots", {**H100, "users": 64}),
    _cluster(2),
    _cluster(4),
)


def _chosen(pack: Pack, values: dict[str, Any]) -> Choice | None:
    return choice_of(pack, {**values, "use_case": USE_CASE, "model": SMALL_MODEL[0]})


def _service(pack: Pack, rung: Rung) -> tuple[Service, Choice] | None:
    """The rung as the line sees it: its plan's slots and speeds at full load, and the speed of one answer alone."""
    choice = _chosen(pack, rung.values)
    if choice is None or choice.settings["parallel"] * choice.settings["replicas"] < rung.values["users"]:
        return None
    one = {
        **(H100 if "H100" in str(rung.values["hardware"]) else CARD),
        "users": 1,
        "quant": choice.weights.quant,
        "server": choice.server.id,
    }
    alone = _chosen(pack, one)
    if alone is None:
        return None
    use = pack.vocabulary("use-cases")[USE_CASE]
    full = use["answer_tokens"] / choice.speed.decode_tps.value
    quick = min(use["answer_tokens"] / alone.speed.decode_tps.value, full)
    prompt = use["prompt_tokens"] / choice.speed.prefill_tps.value
    return Service(choice.settings["parallel"], prompt, quick, full, choice.settings["replicas"] * rung.boxes), choice


def _pace(pack: Pack, service: Service, found: Waits) -> float:
    """Tokens per second of one answer, on average."""
    return float(pack.vocabulary("use-cases")[USE_CASE]["answer_tokens"]) / (found.busy / found.per_s - service.prompt_s)


def _suffices(pack: Pack, service: Service, people: int, pause_s: float = PAUSE_S) -> bool:
    use = pack.vocabulary("use-cases")[USE_CASE]
    found = waits(service, people, pause_s)
    return bool(
        found.percentile_s[PATIENT] + service.prompt_s <= use["patience_s"] and _pace(pack, service, found) >= use["comfortable_tps"]
    )


def _wait(value: float) -> str:
    if value < 0.05:  # noqa: PLR2004  nobody notices
        return "none"
    return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"  # noqa: PLR2004  two digits


def _line(pack: Pack, service: Service, people: int) -> list[Any]:
    found = waits(service, people, PAUSE_S)
    busy = f"{found.busy:.1f} of {service.places}"
    return [busy, *(_wait(found.percentile_s[number]) for number in (50, 90, 99)), rate(_pace(pack, service, found))]


HEADS = ["Slots busy", "Half wait at most", "90 of 100", "99 of 100", "Each, tokens/s"]


def ladder(pack: Pack) -> Iterator[str]:
    """For each number of people, the first rung that suffices."""
    known = [(rung, *found) for rung in RUNGS if (found := _service(pack, rung))]
    rows = []
    for people in PEOPLE:
        able = next(((rung, service, choice) for rung, service, choice in known if _suffices(pack, service, people)), None)
        if able is None:
            rows.append([f"{people:,}", "more than these", *[""] * (len(HEADS) + 1)])
            continue
        rung, service, choice = able
        rows.append([f"{people:,}", rung.name, f"{choice.server.name} `{choice.weights.quant}`", *_line(pack, service, people)])
    yield from table(["People", "First that suffices", "Server", *HEADS], rows, numbers=(0, 3, 4, 5, 6, 7))


def card(pack: Pack) -> Iterator[str]:
    """One card with four slots, and more and more people."""
    found = _service(pack, RUNGS[1])
    if found:
        rows = [[people, *_line(pack, found[0], people)] for people in (1, 4, 8, 12, 16, 20, 30, 40)]
        yield from table(["People", *HEADS], rows, numbers=range(6))


def busy(pack: Pack) -> Iterator[str]:
    """A sentence: how many slots some people keep busy."""
    found = _service(pack, RUNGS[1])
    if found:
        line = waits(found[0], 20, PAUSE_S)
        yield (
            f"With pauses of {PAUSE_S:.0f} s, 20 people keep {line.busy:.1f} slots busy on average, and"
            f" {100 * line.chance:.0f} % of their questions find all {found[0].places} taken."
        )


def slots(pack: Pack) -> Iterator[str]:
    """The same thirty people at one card with more and more slots."""
    rows = []
    for number in SLOTS:
        found = _service(pack, Rung("", {**CARD, "users": number}))
        if found:
            rows.append([number, f"{found[1].server.name} `{found[1].weights.quant}`", *_line(pack, found[0], 30)])
    yield from table(["Slots", "Server", *HEADS], rows, numbers=(0, 2, 3, 4, 5, 6))


def lost(pack: Pack) -> Iterator[str]:
    """What is left of each rung with several copies when one is down, for as many people as it suffices for."""
    rows = []
    for rung in RUNGS:
        found = _service(pack, rung)
        if found and found[0].copies > 1:
            service, people = found[0], _most(pack, found[0])
            left = waits(replace(service, copies=service.copies - 1), people, PAUSE_S)
            rows.append(
                [
                    rung.name,
                    service.copies,
                    f"{people:,}",
                    _wait(waits(service, people, PAUSE_S).percentile_s[90]),
                    _wait(left.percentile_s[90]),
                ]
            )
    yield from table(["Setup", "Copies", "People", "90 of 100 wait at most", "With one copy down"], rows, numbers=(1, 2, 3, 4))


def _most(pack: Pack, service: Service, pause_s: float = PAUSE_S) -> int:
    """The most people that a setup suffices for, found by doubling and halving."""
    low, high = 0, 1
    while _suffices(pack, service, high, pause_s):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _suffices(pack, service, middle, pause_s) else (low, middle)
    return low


def pauses(pack: Pack) -> Iterator[str]:
    """The most people for each rung, by how long they pause."""
    spans = (5, 20, 60, 300)
    rows = [[rung.name, *(f"{_most(pack, found[0], pause):,}" for pause in spans)] for rung in RUNGS[:6] if (found := _service(pack, rung))]
    yield from table(["Setup", *(f"Pause of {pause} s" for pause in spans)], rows, numbers=(1, 2, 3, 4))


def played(pack: Pack) -> Iterator[str]:
    """The formula, and what happens when the line is played out."""
    found = _service(pack, RUNGS[1])
    if found is None:
        return
    service, people = found[0], 20
    told = waits(service, people, PAUSE_S)
    rows = [["the formula", *_three(told)]]
    for name, variation in (
        ("played, as the formula assumes", 1.0),
        ("played, all answers alike", 0.0),
        ("played, some answers very long", 2.0),
    ):
        seen = simulated(service, people, PAUSE_S, Random(2026).random, requests=PLAYED, variation=variation)  # noqa: S311 - a simulation
        rows.append([name, *_three(seen)])
    yield from table(["20 people, 4 slots", "Find no slot free", *HEADS[1:4]], rows, numbers=(1, 2, 3, 4))


def _three(found: Waits) -> list[str]:
    return [f"{100 * found.chance:.0f} %", *(_wait(found.percentile_s[number]) for number in (50, 90, 99))]


def line(pack: Pack) -> Iterator[str]:
    """Who is where: pausing, in line, in a slot."""
    use = pack.vocabulary("use-cases")[USE_CASE]
    yield from flow(
        "growing-line",
        "The way of a question",
        [
            [Box("people", (f"pause {PAUSE_S:.0f} s, then ask",), 1)],
            [Box("line", ("only while all slots", "are busy"), 5)],
            [Box("slots", (f"read {use['prompt_tokens']} tokens,", f"write {use['answer_tokens']}"), 2)],
        ],
        arrows=("", "first come, first served"),
        caption="Whoever is answered reads, thinks, and asks again. The more slots are busy, the slower each answer, and the more are finished in all.",
    )


PARTS = {"ladder": ladder, "card": card, "busy": busy, "slots": slots, "lost": lost, "pauses": pauses, "played": played, "line": line}
