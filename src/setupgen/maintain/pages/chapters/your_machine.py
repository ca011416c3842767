"""Your machine: the same four models on the devices of each maker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from setupgen.engine.estimate import site
from setupgen.engine.memory import Workload
from setupgen.maintain.pages.examples import WHOLE, backend_of, choice_of, estimated, host_of, model_link
from setupgen.maintain.pages.text import gib, rate, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from setupgen.knowledge import Pack

MODELS = (
    ("google/gemma-4-e4b", "Q4_K_M"),
    ("openai/gpt-oss-20b", "MXFP4"),
    ("qwen/qwen3.6-35b-a3b", "Q4_K_M"),
    ("qwen/qwen3.8-27b", "Q4_K_M"),
)
SMALL = (("qwen/qwen3-0.6b", "Q8_0"), ("qwen/qwen3-1.7b", "Q4_K_M"), ("google/gemma-4-e4b", "Q4_K_M"), ("qwen/qwen3-8b", "Q4_K_M"))

MACHINES: Mapping[str, Sequence[tuple[str, dict[str, Any]]]] = {
    "apple": tuple((name, {"hardware": [name]}) for name in ("Apple M1 16GB", "Apple M4 16GB", "Apple M4 Pro 48GB", "Apple M2 Max 64GB", "Apple M4 Max 128GB", "Apple M5 Max 128GB", "Apple M3 Ultra 256GB")),
    "amd": tuple((name, {"hardware": [key], "ram": "64G", "os": "linux"}) for name, key in (("RX 6700 XT, 12 GB", "rx-6700-xt"), ("RX 9060 XT, 16 GB", "rx-9060-xt"), ("RX 9070 XT, 16 GB", "rx-9070-xt"), ("RX 7900 XTX, 24 GB", "rx-7900-xtx"), ("Radeon AI PRO R9700, 32 GB", "radeon-ai-pro-r9700"))),
    "intel": tuple((name, {"hardware": [key], "ram": "64G", "os": "linux"}) for name, key in (("Arc A770, 16 GB", "Arc A770 16GB"), ("Arc B580, 12 GB", "arc-b580"), ("Arc Pro B60, 24 GB", "arc-pro-b60"), ("Arc Pro B70, 32 GB", "arc-pro-b70"))),
    "unified": tuple((name, {"hardware": [key]}) for name, key in (("Ryzen AI Max+ 395, 128 GB", "AMD Ryzen AI Max+ 395 128GB"), ("NVIDIA GB10, 128 GB", "NVIDIA GB10"), ("Jetson AGX Orin, 64 GB", "Jetson AGX Orin 64GB"), ("Apple M4 Max, 128 GB", "Apple M4 Max 128GB"))),
}  # fmt: skip

BOARDS = (
    ("Raspberry Pi 4, 8 GB", {"hardware": ["Raspberry Pi 4 8GB"]}),
    ("Raspberry Pi 5, 8 GB", {"hardware": ["Raspberry Pi 5 8GB"]}),
    ("Raspberry Pi 5, 16 GB", {"hardware": ["Raspberry Pi 5 16GB"]}),
    ("Intel N150, 16 GB", {"hardware": ["cpu"], "cpu": "Intel N150", "ram": "16G"}),
)


def rates(name: str) -> Callable[[Pack], Iterator[str]]:
    """The part with writing speeds of four models on these machines."""

    def part(pack: Pack) -> Iterator[str]:
        yield from _rates(pack, MACHINES[name], MODELS)

    return part


def boards(pack: Pack) -> Iterator[str]:
    """Small models on small boards."""
    yield from _rates(pack, BOARDS, SMALL)


def board_plans(pack: Pack) -> Iterator[str]:
    """What plans say to a Raspberry Pi, need by need."""
    rows = []
    for use in ("chat", "translation", "extraction", "embeddings"):
        choice = choice_of(pack, {"hardware": ["Raspberry Pi 5 8GB"], "use_case": use})
        if choice:
            value = choice.speed.decode_tps.value if "text-generation" in choice.model.tasks else choice.speed.prefill_tps.value
            rows.append(
                [
                    pack.vocabulary("use-cases")[use]["label"],
                    f"{model_link(choice.model)} `{choice.weights.quant}`",
                    choice.server.name,
                    rate(value),
                    gib(choice.memory.total_bytes),
                ]
            )
        else:
            rows.append([pack.vocabulary("use-cases")[use]["label"], "nothing fits", "", "", ""])
    yield from table(["Need", "Model", "Server", "Tokens/s", "GiB"], rows, numbers=(3, 4))


def limits(pack: Pack) -> Iterator[str]:
    """What the GPU may use of unified memory by default."""
    rows = []
    for name, answers in (*MACHINES["apple"], *MACHINES["unified"][:3]):
        try:
            host = host_of(pack, answers)
        except ValueError:
            continue
        if host.group is None:
            continue
        slot = site(host, backend_of(host)).machine.slots[0]
        rows.append([name, gib(slot.capacity_bytes), gib(slot.usable_bytes), f"{slot.usable_bytes / slot.capacity_bytes * 100:.0f} %"])
    yield from table(["Machine", "Memory, GiB", "Counted for the GPU, GiB", "Share"], rows, numbers=(1, 2, 3))


def wsl(pack: Pack) -> Iterator[str]:
    """The same card on Linux, Windows and WSL."""
    rows = []
    for words, os in (("Linux", "linux"), ("Windows", "windows"), ("WSL", "wsl")):
        choice = choice_of(pack, {"hardware": ["rtx-4060"], "ram": "32G", "os": os, "use_case": "coding-agent"})
        if choice:
            slot = site(host_of(pack, {"hardware": ["rtx-4060"], "ram": "32G", "os": os}), "cuda").machine.slots[0]
            rows.append(
                [words, gib(slot.usable_bytes), f"{model_link(choice.model)} `{choice.weights.quant}`", choice.server.name, choice.runtime]
            )
    yield from table(["System", "RTX 4060: usable, GiB", "Coding agent", "Server", "Run by"], rows, numbers=(1,))


def _rates(pack: Pack, machines: Sequence[tuple[str, Mapping[str, Any]]], models: tuple[tuple[str, str], ...]) -> Iterator[str]:
    rows = []
    for name, answers in machines:
        cells = []
        bandwidth = ""
        for id_, quant in models:
            found = estimated(pack, answers, id_, quant, Workload(8_192, 1), prompt=8_000)
            if found is None:
                continue
            if not bandwidth:
                host = host_of(pack, answers)
                bandwidth = f"{site(host, backend_of(host)).bandwidth_gb_s:,.0f}"
            writes, reads = found.speed.decode_tps.value, found.speed.prefill_tps.value
            words = f"{rate(writes)} / {rate(reads)}"
            cells.append(words if found.memory.fits in WHOLE else f"{words}, split" if found.memory.fits == "partial" else "does not fit")
        if cells:
            rows.append([name, bandwidth, *cells])
    heads = ["Machine", "GB/s", *(f"{pack.model(id_).name} `{quant}`" for id_, quant in models)]
    yield from table(heads, rows, numbers=tuple(range(1, len(heads))))


PARTS = {**{name: rates(name) for name in MACHINES}, "boards": boards, "board-plans": board_plans, "limits": limits, "wsl": wsl}
