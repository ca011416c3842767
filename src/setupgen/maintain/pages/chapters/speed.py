"""Speed explained: bandwidth, a whole turn, and what batching brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.engine.estimate import site
from setupgen.engine.memory import Workload
from setupgen.engine.weights import weight_bytes
from setupgen.maintain.pages.diagram import Bar, bars
from setupgen.maintain.pages.examples import CARD, MACHINE, MACHINES, SMALL_MODEL, WHOLE, backend_of, estimated, host_of, small_estimate
from setupgen.maintain.pages.text import GIB, rate, seconds, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


PROMPT, ANSWER = 12_000, 600
TURNS = (
    "H100 SXM, 80 GB",
    "RTX 3090, 24 GB",
    "RTX 3060, 12 GB",
    "Apple M2 Max, 64 GB",
    "Ryzen AI Max+ 395, 128 GB",
    "Desktop without a card, 16 GB",
)


def upper_limit(pack: Pack) -> Iterator[str]:
    """The calculation of the limit for the small model on the running example, beside the estimate."""
    found = small_estimate(pack, CARD, context=8_192)
    if found is None:
        return
    host = host_of(pack, CARD)
    where = site(host, backend_of(host))
    model = pack.model(SMALL_MODEL[0])
    read = weight_bytes(model.architecture, SMALL_MODEL[1], "gguf").read_per_token
    limit = where.bandwidth_gb_s * 1e9 / read
    yield (
        f"Qwen3 8B in Q4_K_M reads {read / GIB:.1f} GiB of weights for every token. An RTX 3090 reads {where.bandwidth_gb_s:,.0f} GB per second. "
        f"The division gives {rate(limit)} tokens per second. No program writes faster for one user, except by guessing ahead. The estimate of setupgen is "
        f"{span(found.speed.decode_tps)}, which is {found.speed.decode_tps.value / limit * 100:.0f} % of the limit: the rest goes into "
        f"launching work, reading the cache and unpacking."
    )


def bandwidth_bars(pack: Pack) -> Iterator[str]:
    """Writing speed of the small model by machine, slowest first."""
    rows = []
    for name, answers in MACHINES:
        found = small_estimate(pack, answers, context=8_192)
        if found and found.memory.fits in WHOLE:
            host = host_of(pack, answers)
            bandwidth = site(host, backend_of(host)).bandwidth_gb_s
            value = found.speed.decode_tps
            rows.append((value.value, Bar(f"{name}: {bandwidth:,.0f} GB/s", f"{span(value)} tokens/s", (value.value,))))
    yield from bars(
        "speed-bandwidth",
        "The same small model on eleven machines: writing speed follows bandwidth",
        [bar for _, bar in sorted(rows, key=lambda row: row[0])],
        caption="Qwen3 8B in Q4_K_M, one user, short prompt. Two cards take turns at their layers, so two are no faster than one.",
    )


def turn(pack: Pack) -> Iterator[str]:
    """How a turn of an agent is spent: reading 12,000 tokens, then writing 600."""
    rows = []
    for name in TURNS:
        found = estimated(pack, MACHINE[name], *SMALL_MODEL, Workload(PROMPT + 4_096, 1), prompt=PROMPT)
        if found is None or found.memory.fits not in WHOLE:
            continue
        reads, writes = found.speed.ttft_s.value, ANSWER / found.speed.decode_tps.value
        rows.append((reads + writes, Bar(name, f"{seconds(reads)} reading + {seconds(writes)} writing", (reads, writes))))
    slowest = sorted(rows, key=lambda row: row[0])
    shown = [bar for _, bar in slowest if sum(bar.parts) < 20 * slowest[0][0]]
    left_out = [bar for _, bar in slowest if bar not in shown]
    caption = " ".join(f"{bar.label} would need {bar.words}, too long for this picture." for bar in left_out)
    yield from bars(
        "speed-turn",
        f"One turn of an agent: {PROMPT:,} tokens read, {ANSWER} written (Qwen3 8B)",
        shown,
        key=("reading the prompt (prefill)", "writing the answer (decode)"),
        caption=caption,
    )


def batch(pack: Pack) -> Iterator[str]:
    """What each and all get as users are added, on one RTX 4090 with vLLM."""
    rows = []
    for users in (1, 4, 16, 32):
        found = small_estimate(
            pack, {"hardware": ["rtx-4090"], "ram": "64G"}, context=4_096, parallel=users, quant="AWQ-INT4", server="vllm"
        )
        if found and found.memory.fits == "full":
            each, all_ = found.speed.decode_tps.value, found.speed.aggregate_tps.value
            rows.append(Bar(f"{users} at once" if users > 1 else "1 user", f"{rate(each)} each, {rate(all_)} together", (all_,)))
    yield from bars("speed-batch", "One RTX 4090, Qwen3 8B in 4 bits on vLLM: tokens per second of all users together", rows)


PARTS = {"upper-limit": upper_limit, "bandwidth": bandwidth_bars, "turn": turn, "batch": batch}
