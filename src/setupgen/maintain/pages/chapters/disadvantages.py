"""Honest disadvantages: what the running example costs in waiting and money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.engine.cost_answer import cost
from setupgen.engine.costing import Terms
from setupgen.maintain.pages.examples import CARD, planned
from setupgen.maintain.pages.text import rate, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


def in_numbers(pack: Pack) -> Iterator[str]:
    """One paragraph about a coding agent on one card."""
    result = planned(pack, {**CARD, "use_case": "coding-agent"})
    if result is None or result.choice is None:
        return
    choice, speed = result.choice, result.choice.speed
    answer = cost(pack, result, Terms())
    own, use = answer["self_host"], answer["use"]
    yield (
        f"Take an RTX 3090 with a coding agent. The best that fits is {choice.model.name} in {choice.weights.quant}. It writes "
        f"{rate(speed.decode_tps.low)} to {rate(speed.decode_tps.high)} tokens per second, and a fresh prompt of the usual size keeps you "
        f"waiting {seconds(speed.ttft_s.low)} to {seconds(speed.ttft_s.high)} before the first word. Under [stated assumptions](../decide/cost.md#what-is-assumed) the machine "
        f"costs about {own['total_usd_per_month']:.0f} US dollars a month, of which {own['energy_usd_per_month']:.0f} are power, and works "
        f"{use['utilisation_percent']:.0f} % of the hours that it is on. {answer['because']}"
    )


PARTS = {"in-numbers": in_numbers}
