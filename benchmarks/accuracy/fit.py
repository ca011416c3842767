"""Fits the constants of the speed formula to published measurements and writes src/setupgen/engine/speed_constants.py.

    python -m benchmarks.accuracy.fit [speed.csv] [--dry-run]

Constants are fitted on the logarithm of measured over estimated speed with a robust loss, so that a wrong row pulls little, and with a weak
pull towards the starting values, so that a class with few rows does not run away. Rows of one device weigh less the more of them there are.
No constant belongs to one device or one row.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.accuracy.calibrate import LOADED_FOLDS, OLD_KERNELS, decode_of, held_out, spreads
from benchmarks.accuracy.names import DIMENSIONS_UNKNOWN
from benchmarks.accuracy.rows import NOT_OURS, Row, load
from benchmarks.accuracy.write import write
from scipy.optimize import least_squares

from setupgen.engine.speed import prefill_tps

if TYPE_CHECKING:
    from collections.abc import Mapping

TARGET = Path(__file__).parents[2] / "src" / "setupgen" / "engine" / "speed_constants.py"
"""Where the constants go."""

START = {
    "efficiency.geforce": 0.80, "efficiency.hbm": 0.65, "efficiency.pascal": 0.75, "efficiency.radeon": 0.78, "efficiency.instinct": 0.50,
    "efficiency.unified": 0.78, "efficiency.apple": 0.78, "efficiency.arc": 0.60, "efficiency.cpu": 0.62, "efficiency.cache": 0.50, "efficiency.paged_cache": 0.85,
    "simple_gain": 1.08, "operations": 12.0, "launch.apple7": 2.0,
    "layer_us.geforce": 30.0, "layer_us.hbm": 110.0, "layer_us.pascal": 50.0, "layer_us.radeon": 40.0, "layer_us.instinct": 90.0,
    "layer_us.unified": 50.0, "layer_us.apple": 60.0, "layer_us.arc": 60.0, "layer_us.cpu": 110.0,
    "launch.llama": 1.0, "launch.graph": 0.6, "launch.mlx": 0.6, "launch.eager": 6.0,
    "launches.mixture": 1.0, "launches.gemma": 0.7, "launches.recurrent": 1.0,
    "token_us": 200.0, "exchange_us": 30.0, "hop_us": 150.0, "offload_layer_us": 100.0,
    "sequence_us": 50.0, "batch_efficiency": 0.5, "offload_upload_gb_s": 26.0, "first_token_s": 0.05,
    "prefill.geforce": 3.4, "prefill.hbm": 4.5, "prefill.pascal": 1.3, "prefill.radeon": 0.8, "prefill.instinct": 3.0, "prefill.cdna": 0.33, "prefill.unified": 0.45,
    "prefill.apple": 0.85, "prefill.arc": 2.6, "prefill.cpu": 1.0, "prefill.graph": 0.4, "prefill.expert_tokens": 30.0, "prefill.fp8": 1.3, "prefill.matrix_units": 2.0, "prefill.attention": 0.4,
    "prefill.pipeline": 0.8, "prefill.tensor": 0.9, "prefill.wide": 1.25,
}  # fmt: skip
FIXED = {
    "launch.llama": "the unit of the other launch factors",
    "layer_us.instinct": "nine rows, which cannot tell launches from bandwidth; near the other cards with stacked memory",
    "layer_us.arc": "rows of two cards, which cannot tell launches from bandwidth; as Apple's start",
    "first_token_s": "no row states it; request handling and scheduling",
    "hop_us": "too small beside the spread of rows with several cards; a copy over the bus with its wait",
    "prefill.cdna": "MI300X and MI355X by llama.cpp's pull requests 19806 and 21570 and its discussion 14640, of two models; no other row has these kernels",
    "prefill.radeon": "builds with and without matrix kernels differ twofold in these rows; between them",
    "efficiency.cache": "rows with a deep cache are few and do not say whether flash attention was on",
    "efficiency.paged_cache": "the same; paged kernels read nearly as fast as weights",
    "offload_upload_gb_s": "no row states its link; what PCIe 4.0 x16 carries",
}
"""Kept at their starting values, with the reason: no usable measurement, or the unit of the others."""

STIFFNESS = 0.35
SCALE = 0.12


def usable(row: Row) -> bool:
    """Whether a row may teach: what it measured is known well enough."""
    if row.doubt == DIMENSIONS_UNKNOWN or (row.doubt.startswith("quantisation") and row.x.server != "ollama"):
        return False
    return not any(name in row.x.server.lower() for name in NOT_OURS[:1]) and not row.doubt.startswith("barely") and row.x.devices <= 8


def fit(rows: list[Row], near: Mapping[str, float] | None = None) -> dict[str, float]:
    """Constants that suit these rows.

    Args:
        rows: the measurements.
        near: where to begin; the end is the same, sooner if this is near it.
    """
    names = [name for name in START if name not in FIXED]
    rows = [row for row in rows if usable(row)]
    single = [row for row in rows if not row.total]
    loaded = [row for row in rows if row.total]
    prompts = [row for row in rows if row.prefill and not row.total and not row.doubt.startswith(("rocWMMA", OLD_KERNELS))]
    weight = {id(group): Counter((row.family, row.source) for row in group) for group in (single, loaded, prompts)}

    def weights(group: list[Row]) -> np.ndarray:
        return np.array([weight[id(group)][row.family, row.source] ** -0.35 * (0.5 if row.kind == "multi_gpu" else 1.0) for row in group])

    w_single, w_loaded, w_prompts = weights(single), weights(loaded), weights(prompts)
    first = np.log(np.array([(near or START)[name] for name in names]))
    prior = np.log(np.array([START[name] for name in names]))

    def residuals(vector: np.ndarray) -> np.ndarray:
        c = dict(START)
        c.update(zip(names, np.exp(vector), strict=True))
        parts = [
            w_single * [math.log(decode_of(row.x, c) / row.decode) for row in single],
            w_loaded * [0.5 * math.log(decode_of(row.x, c) / row.decode) for row in loaded],
            w_prompts * [0.5 * math.log(prefill_tps(row.x, c) / row.prefill) for row in prompts],
            0.3 * SCALE * (vector - prior) / STIFFNESS,
        ]
        return np.concatenate([part for part in parts if len(part)])

    solved = least_squares(residuals, first, loss="soft_l1", f_scale=SCALE, max_nfev=12 if near else 30)
    return START | dict(zip(names, (float(value) for value in np.exp(solved.x)), strict=True))


def main() -> None:
    """Fit, calibrate the ranges, print, write."""
    paths = [Path(argument) for argument in sys.argv[1:] if not argument.startswith("-")]
    rows = load(paths[0] if paths else None)
    constants = fit(rows)
    for name, value in constants.items():
        print(f"{name:24s} {START[name]:9.3f} -> {value:9.3f}{'  kept' if name in FIXED else ''}")
    print(f"{len(START) - len(FIXED)} fitted, {len(FIXED)} kept, {sum(map(usable, rows))} rows")
    if "--dry-run" not in sys.argv:
        loaded = held_out(rows, "model", fit, constants, [row for row in rows if row.total], LOADED_FOLDS)
        widths = spreads(held_out(rows, "family", fit, constants), loaded)
        write(TARGET, constants, widths, [row for row in rows if usable(row)], FIXED)


if __name__ == "__main__":
    main()
