"""Errors of the speed formula on rows that it has not seen, and the widths of its ranges that follow from them."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from setupgen.engine.speed import MANY_USERS, SpeedInput, batched_prefill_tps, decode_seconds, hardware_class, prefill_tps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.accuracy.rows import Row

    Fit = Callable[[list[Row], Mapping[str, float] | None], dict[str, float]]

FOLDS = 5
LOADED_FOLDS = 100
"""As many as there are models with rows of many users: few models have them, and two left out at once leave too little."""
COVERAGE = 0.77
FEW = 12
ONE_MACHINE = "cpu_speed"
"""Many rows of a single machine, which say nothing about other CPUs."""

WIDEST = 2.0
UNCLEAR = ("quantisation", "barely", "server", "dimensions")
"""Beginnings of doubts about what a row measured: such rows say nothing about the formula."""

OLD_KERNELS = "before matrix cores"
"""How a doubt begins that says that prompts were computed by kernels that today's program does not use on this device."""

CLASSES = ("geforce", "hbm", "pascal", "radeon", "instinct", "unified", "apple", "arc", "cpu", "offload")


@dataclass(frozen=True)
class Judged:
    """A row with the formula's answers; `prompt` is 0 where the row has no prompt speed."""

    row: Row
    decode: float
    prompt: float

    @property
    def error(self) -> float:
        """Estimate over measurement, less one."""
        return self.decode / self.row.decode - 1

    @property
    def prompt_error(self) -> float:
        """The same for prompts."""
        return self.prompt / self.row.prefill - 1


def decode_of(x: SpeedInput, constants: Mapping[str, float]) -> float:
    """The formula's number that a row's decode or total speed is compared with."""
    users = max(x.parallel, 1)
    step = decode_seconds(x, users, constants)
    if x.output_tokens > 0:
        return users / (step + users * x.prompt_tokens / batched_prefill_tps(x, constants) / x.output_tokens)
    return users / step


def judge(rows: list[Row], constants: Mapping[str, float]) -> list[Judged]:
    """The rows with what the formula says of them."""
    return [Judged(row, decode_of(row.x, constants), prefill_tps(row.x, constants) if row.prefill else 0.0) for row in rows]


def held_out(
    rows: list[Row], key: str, fit: Fit, near: Mapping[str, float], chosen: list[Row] | None = None, folds: int = FOLDS
) -> list[Judged]:
    """Rows judged with constants from rows of other device families (`key` is ``family``), sources or models.

    Args:
        rows: the measurements that teach where they are not left out.
        key: what is left out together.
        fit: the fit.
        near: where the fit begins, nothing more.
        chosen: the rows to judge; all of them if none are given.
        folds: in how many parts the rows to judge are left out.
    """
    chosen = rows if chosen is None else chosen
    sizes = Counter(getattr(row, key) for row in chosen)
    parts: list[list[str]] = [[] for _ in range(min(folds, len(sizes)))]
    for name, _ in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        min(parts, key=lambda part: sum(sizes[other] for other in part)).append(name)
    judged: list[Judged] = []
    for part in parts:
        constants = fit([row for row in rows if getattr(row, key) not in part], near)
        judged += judge([row for row in chosen if getattr(row, key) in part], constants)
    return judged


def quantile(values: list[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def spreads(judged: list[Judged], loaded: list[Judged]) -> dict[str, float]:
    """Widths by class, such that ranges hold the share `COVERAGE` of rows that the constants have not seen.

    A class with few rows takes the width of all rows together, or of its worst row if that is more. Rows of many users come from few devices and programs, so theirs
    are judged with other models left out (`loaded`) instead of other devices; floods of requests get a width of their own.
    """
    decode: dict[str, list[float]] = defaultdict(list)
    prompts: dict[str, list[float]] = defaultdict(list)
    for one in judged:
        if one.row.total or one.row.source == ONE_MACHINE or one.row.doubt.startswith(UNCLEAR):
            continue
        name = "offload" if one.row.kind == "offload" else hardware_class(one.row.x)
        error = abs(math.log(1 + one.error))
        decode[name].append(error)
        if one.row.x.is_mixture and name != "offload":
            decode["mixture"].append(error)
        if one.row.prefill and not one.row.doubt.startswith(OLD_KERNELS):
            prompts[name].append(abs(math.log(1 + one.prompt_error)))
    found = {f"decode.{name}": _width(decode, name) for name in (*CLASSES, "mixture")}
    found |= {f"prefill.{name}": _width(prompts, name) for name in CLASSES}
    few = [abs(math.log(1 + one.error)) for one in loaded if one.row.total and one.row.x.parallel <= MANY_USERS]
    many = [abs(math.log(1 + one.error)) for one in loaded if one.row.total and one.row.x.parallel > MANY_USERS]
    return found | {
        f"aggregate.{name}": min(WIDEST, math.exp(quantile(group, COVERAGE)) - 1) for name, group in (("few", few), ("many", many))
    }


def _width(errors: Mapping[str, list[float]], name: str) -> float:
    every = quantile([error for group, values in errors.items() if group != "mixture" for error in values], COVERAGE)
    own = errors.get(name, [])
    if len(own) < FEW:
        return min(WIDEST, math.exp(max(every, *own, 0.0)) - 1)
    return min(WIDEST, math.exp(quantile(own, COVERAGE)) - 1)
