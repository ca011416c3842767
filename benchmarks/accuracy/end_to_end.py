"""Gold measurements through the estimator that `setupgen estimate --batch` uses, by the names that the measurements give.

What a user sees: models, devices, quantisations and servers are looked up in the knowledge base, memory is placed, and the speed follows.
Measurements of models that the knowledge base does not have are left out; those of names that it should know show up as errors.
"""

from __future__ import annotations

import csv
import re
import statistics
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.accuracy.calibrate import decode_of, quantile
from benchmarks.accuracy.names import DATA
from benchmarks.accuracy.rows import depth_of, pack, row_of

from setupgen.engine.estimation import RowEstimator
from setupgen.engine.speed_constants import CONSTANTS
from setupgen.errors import SetupgenError, UnknownNameError

if TYPE_CHECKING:
    from pathlib import Path

    from setupgen.knowledge import Pack

SERVERS = {"LM Studio (llama.cpp)": "llama.cpp", "LM Studio (MLX)": "mlx-lm", "mlx": "mlx-lm"}
QUANTS = {
    "AWQ INT4": "AWQ-INT4",
    "AWQ": "AWQ-INT4",
    "MLX 4BIT": "MLX-4bit",
    "MLX4BIT": "MLX-4bit",
    "MLX 8BIT": "MLX-8bit",
    "MLX8BIT": "MLX-8bit",
    "Q8": "Q8_0",
}
LEAST_CONTEXT = 4096


@dataclass(frozen=True)
class Outcome:
    """A measurement, what the estimator says, and what the benchmark's own mapping of the row says."""

    id: str
    text: str
    measured: float
    estimated: float
    mapped: float
    placement: str

    @property
    def error(self) -> float:
        """Estimate over measurement, less one."""
        return self.estimated / self.measured - 1

    @property
    def difference(self) -> float:
        """Estimate over the benchmark's own mapping, less one."""
        return self.estimated / self.mapped - 1


def arguments_of(row: dict[str, str]) -> dict[str, Any]:
    """The arguments of `setupgen estimate` for this measurement."""
    depth, prompt, _ = depth_of(row)
    quant = re.sub(r"\s*\(.*\)", "", row["quant"]).strip()
    name = re.sub(r"\s*\([^)]*\)", "", row["hardware"]).strip()
    count = int(row["n_devices"] or 1)
    backend = row["backend"] if row["backend"] in {"cuda", "rocm", "vulkan", "metal", "sycl", "cpu"} else None
    return {
        "model": re.sub(r"\s*\([^)]*\)", "", row["model"]),
        "quant": QUANTS.get(quant.upper(), quant),
        "server": SERVERS.get(row["server"], row["server"]),
        "backend": backend,
        "hardware": [f"{count}x {name}" if count > 1 else name],
        "ram": "128G" if row["kind"] == "offload" else None,
        "context": max(LEAST_CONTEXT, depth + prompt),
        "depth": depth,
        "prompt": prompt,
    }


def run(known: Pack, path: Path | None = None) -> tuple[list[Outcome], Counter[str]]:
    """Outcomes of single-user gold rows, and how often which name was not known."""
    estimator = RowEstimator(known)
    outcomes: list[Outcome] = []
    unknown: Counter[str] = Counter()
    with (path or DATA / "speed.csv").open(encoding="utf-8", newline="") as file:
        gold = [row for row in csv.DictReader(file) if row["gold"] == "1" and row["batch"] == "1"]
    for row in gold:
        mapped = row_of(row)
        if mapped is None or mapped.doubt.startswith(("quantisation", "server")):
            continue
        arguments = arguments_of(row)
        try:
            found = estimator.row(arguments)
        except UnknownNameError as error:
            unknown[str(error).splitlines()[0]] += 1
            continue
        except SetupgenError as error:
            unknown[f"{arguments['server']}: {str(error).splitlines()[0]}"] += 1
            continue
        outcomes.append(
            Outcome(
                id=row["id"],
                text=mapped.text,
                measured=mapped.decode,
                estimated=found["speed"]["decode_tps"]["value"],
                mapped=decode_of(mapped.x, CONSTANTS),
                placement=found["placement"]["kind"],
            )
        )
    return outcomes, unknown


def table(outcomes: list[Outcome], unknown: Counter[str]) -> list[str]:
    """Lines of the Markdown tables."""
    errors = [abs(one.error) for one in outcomes]
    differences = [abs(one.difference) for one in outcomes]
    return [
        "",
        "### End to end: `setupgen estimate --batch` on gold rows of one user that resolve by name",
        "",
        "| | rows | median | 90th percentile | worst |",
        "| --- | --- | --- | --- | --- |",
        f"| against the measurement | {len(errors)} | {statistics.median(errors):.1%} | {quantile(errors, 0.9):.1%} | {max(errors):.0%} |",
        (
            f"| against the benchmark's own mapping | {len(errors)} | {statistics.median(differences):.1%} | {quantile(differences, 0.9):.1%} "
            f"| {max(differences):.0%} |"
        ),
        "",
        f"Rows left out because a name is not in the knowledge base: {sum(unknown.values())}.",
    ]


def main() -> None:
    """Print the table, then what differs and which names are unknown."""
    outcomes, unknown = run(pack())
    print("\n".join(table(outcomes, unknown)))
    for one in sorted(outcomes, key=lambda one: -abs(one.difference))[:40]:
        print(f"{one.id} {one.text}: {one.measured:g} measured, {one.estimated:.4g} estimated ({one.placement}), {one.mapped:.4g} mapped")
    for name, count in unknown.most_common():
        print(count, name)


if __name__ == "__main__":
    main()
