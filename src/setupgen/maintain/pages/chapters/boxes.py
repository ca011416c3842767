"""Several boxes: a small fleet behind one address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.engine.memory import Workload
from setupgen.maintain.pages.diagram import Box, flow
from setupgen.maintain.pages.examples import MACHINE, choice_of, estimated, model_link
from setupgen.maintain.pages.text import rate, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


HOSTS = (
    ("tower", "RTX 3090, 24 GB", "coding-agent"),
    ("laptop", "Laptop with an RTX 4060, 8 GB", "chat"),
    ("mac", "Apple M2 Max, 64 GB", "documents"),
    ("shelf", "Raspberry Pi 5, 8 GB", "embeddings"),
)


def fleet(_: Pack) -> Iterator[str]:
    """Clients, one proxy, four hosts."""
    yield from flow(
        "boxes-fleet",
        "Four unequal boxes behind one address",
        [
            [Box("clients", ("one address, one list of models",), 1)],
            [Box("proxy", ("knows which host has which model",), 2)],
            [Box("tower", ("RTX 3090",)), Box("laptop", ("may sleep",), 5), Box("Mac", ("unified",)), Box("Pi", ("vectors",))],
        ],
        arrows=("", "each host runs whole models of its own"),
        caption="The dashed box may be gone at any time; the proxy must find that out by itself.",
    )


def alone(pack: Pack) -> Iterator[str]:
    """What each host is best at by itself."""
    rows = []
    for name, machine, use in HOSTS:
        choice = choice_of(pack, {**MACHINE[machine], "use_case": use})
        if choice:
            speed = (
                rate(choice.speed.decode_tps.value)
                if "text-generation" in choice.model.tasks
                else f"reads {rate(choice.speed.prefill_tps.value)}"
            )
            label = pack.vocabulary("use-cases")[use]["label"]
            rows.append([name, machine, label, f"{model_link(choice.model)} `{choice.weights.quant}`", choice.server.name, speed])
    yield from table(["Host", "Machine", "Given to", "Model", "Server", "Tokens/s"], rows, numbers=(5,))


def copies(pack: Pack) -> Iterator[str]:
    """Two hosts with the same card: what two copies give."""
    found = estimated(pack, MACHINE["RTX 3060, 12 GB"], "qwen/qwen3-8b", "Q4_K_M", Workload(8_192, 2))
    if found:
        both = 2 * found.speed.aggregate_tps.value
        yield (
            f"Two desktops with an RTX 3060 each run Qwen3 8B in Q4_K_M for two people: {rate(found.speed.aggregate_tps.value)} tokens per second "
            f"together on each, so {rate(both)} in all. Nothing crosses the network but prompts and answers, a few kilobytes each."
        )


PARTS = {"fleet": fleet, "alone": alone, "copies": copies}
