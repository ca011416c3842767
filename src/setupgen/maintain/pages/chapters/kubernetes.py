"""Kubernetes: how long a model takes to be ready, and the engines that are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.pages.examples import MACHINE, choice_of, model_link
from setupgen.maintain.pages.text import gib, seconds, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


LINE, DISK = 125_000_000, 1_000_000_000
PROBE_S = 10


def loading(pack: Pack) -> Iterator[str]:
    """Download and loading time of three plans, and the probe that allows for it."""
    rows = []
    for machine, answers in (
        ("RTX 3090, 24 GB", {"use_case": "chat"}),
        ("Two RTX 4090, 48 GB", {"use_case": "chat", "users": 16}),
        ("H100 SXM, 80 GB", {"use_case": "coding-agent", "users": 16}),
    ):
        choice = choice_of(pack, {**MACHINE[machine], **answers})
        if choice:
            size = choice.weights_bytes
            first = size / LINE + size / DISK
            rows.append(
                [
                    machine,
                    f"{model_link(choice.model)} `{choice.weights.quant}`",
                    gib(size),
                    seconds(size / LINE),
                    seconds(size / DISK),
                    int(first / PROBE_S) + 1,
                ]
            )
    heads = ["Machine", "Model", "GiB", "Download at 1 Gbit/s", "Reading at 1 GB/s", f"Probes of {PROBE_S} s, at least"]
    yield from table(heads, rows, numbers=(2, 3, 4, 5))


def engines(pack: Pack) -> Iterator[str]:
    """Cluster engines with their state and what they are for."""
    rows = []
    for id_, raw in sorted(pack.raw["servers"].items(), key=lambda item: (item[1]["status"] != "active", item[0])):
        if raw["kind"] == "cluster" and "kubernetes" in (raw.get("runtimes") or ()):
            note = next(iter(raw.get("notes", ())), "")
            rows.append([f"[{raw['name']}](../reference/servers/{id_}.md)", raw["status"], ", ".join(raw.get("formats") or ()), note])
    yield from table(["Engine", "State", "Formats", "What to know"], rows)


PARTS = {"loading": loading, "engines": engines}
