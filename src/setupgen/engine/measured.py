"""Measurements come before the formula: what somebody measured on the same hardware, carried over to the depth that is asked about.

A measurement counts for the same kind and number of devices, model, quantisation, backend and class of server, with the whole model on the
devices, and for as many users at once. The formula only tells how much slower or faster another depth is; the further it carries, the wider
the range. The knowledge base holds no measurement that the formula was fitted to.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from typing import TYPE_CHECKING

from setupgen.engine.speed import Range, Speed, estimate_speed
from setupgen.engine.speed_classes import class_of_server

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from setupgen.engine.speed_classes import SpeedInput
    from setupgen.knowledge import Raw

RUN_TO_RUN = 0.10
"""Share by which runs of the same setup differ: versions, drivers, heat."""

CARRIED = 0.35
"""What the range widens by for each factor of e between the formula's values at the two depths."""


@dataclass(frozen=True, slots=True)
class Runs:
    """Measurements on devices of one kind, by how many there were and what was run: model, quantisation, backend and class of server."""

    by_setup: Mapping[tuple[int, str, str, str, str], tuple[Raw, ...]]

    def __hash__(self) -> int:
        """By identity: there is one for each site."""
        return id(self.by_setup)


def runs_on(measurements: Mapping[str, Raw], devices: Iterable[str], backend: str) -> Runs:
    """The measurements on any number of these devices, which must all be of one kind, on this backend.

    Args:
        measurements: by id, as the pack holds them.
        devices: id of each device, or of the CPU alone.
        backend: what drives them.
    """
    kinds = set(devices)
    found: dict[tuple[int, str, str, str, str], list[Raw]] = {}
    for _, raw in sorted(measurements.items()):
        if kinds == {raw["device"]} and raw.get("backend", backend) == backend:
            key = (raw.get("count", 1), raw["model"], raw["quant"], backend, class_of_server(raw["server"]))
            found.setdefault(key, []).extend(raw["results"])
    return Runs({key: tuple(results) for key, results in found.items()})


def with_measurements(runs: Runs, x: SpeedInput, setup: tuple[int, str, str], speed: Speed) -> Speed:
    """The speed with what was measured in the place of what was estimated, or the same where nobody measured.

    Args:
        runs: measurements on these devices.
        x: what the formula was asked.
        setup: number of devices, id of the model and of its quantisation.
        speed: the formula's answer.
    """
    results = runs.by_setup.get((*setup, x.backend, class_of_server(x.server)), ())
    if not results:
        return speed
    same = [result for result in results if result.get("parallel", 1) == max(x.parallel, 1)]
    decode = _decode(x, [result for result in same if "decode_tps" in result], speed)
    prefill = _prefill(x, [result for result in results if "prefill_tps" in result], speed)
    total = speed.aggregate_tps
    if max(x.parallel, 1) == 1:
        total = decode
    elif shared := [result for result in same if "aggregate_tps" in result]:
        total = _around(float(_nearest(shared, x.depth)["aggregate_tps"]), 1.0)
    first = speed.ttft_s
    if "measured" in {decode.basis, prefill.basis}:
        rest = max(first.value - x.prompt_tokens / speed.prefill_tps.value - 1 / speed.decode_tps.value, 0.0)
        value = rest + x.prompt_tokens / prefill.value + 1 / decode.value
        first = first._replace(low=value * first.low / first.value, value=value, high=value * first.high / first.value)
    return Speed(decode_tps=decode, prefill_tps=prefill, ttft_s=first, aggregate_tps=total)


def _decode(x: SpeedInput, results: list[Raw], speed: Speed) -> Range:
    if not results:
        return speed.decode_tps
    result = _nearest(results, x.depth)
    there = estimate_speed(x._replace(depth=int(result.get("depth", 0)))).decode_tps.value
    return _around(float(result["decode_tps"]), speed.decode_tps.value / there)


def _prefill(x: SpeedInput, results: list[Raw], speed: Speed) -> Range:
    if not results:
        return speed.prefill_tps
    result = min(results, key=lambda item: abs(log(max(item.get("prompt_tokens", 512), 1) / max(x.prompt_tokens, 1))))
    there = estimate_speed(
        x._replace(depth=int(result.get("depth", 0)), prompt_tokens=int(result.get("prompt_tokens", 512)))
    ).prefill_tps.value
    return _around(float(result["prefill_tps"]), speed.prefill_tps.value / there)


def _nearest(results: Iterable[Raw], depth: int) -> Raw:
    return min(results, key=lambda item: (abs(int(item.get("depth", 0)) - depth), -int(item.get("depth", 0))))


def _around(measured: float, factor: float) -> Range:
    """The measured value times a factor of the formula's, with a range that widens with the factor."""
    width = exp(log(1 + RUN_TO_RUN) + CARRIED * abs(log(factor)))
    value = measured * factor
    return Range(value / width, value, value * width, "measured")
