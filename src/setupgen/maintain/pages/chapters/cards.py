"""Several cards: layers in turn, tensors in parallel, or a copy on each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.engine.memory import Workload
from setupgen.maintain.pages.diagram import Box, flow
from setupgen.maintain.pages.examples import choice_of, estimated, model_link
from setupgen.maintain.pages.text import rate, span, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


ROWS = (
    ("Qwen3 32B, one card", 1, "qwen/qwen3-32b", "Q4_K_M", "llama-cpp"),
    ("Llama 3.1 70B, one card and main memory", 1, "meta/llama-3.1-70b", "Q4_K_M", "llama-cpp"),
    ("Llama 3.1 70B, two cards, layers in turn", 2, "meta/llama-3.1-70b", "Q4_K_M", "llama-cpp"),
    ("Qwen3 32B, two cards, tensors in parallel", 2, "qwen/qwen3-32b", "AWQ-INT4", "vllm"),
    ("Qwen3 32B, four cards, tensors in parallel", 4, "qwen/qwen3-32b", "AWQ-INT4", "vllm"),
)


def pictures(_: Pack) -> Iterator[str]:
    """The three ways as boxes."""
    yield from flow(
        "cards-ways",
        "Three ways to use two cards",
        [
            [
                Box("layers in turn", ("holds more,", "no faster"), 1),
                Box("tensor parallel", ("holds more,", "and faster"), 2),
                Box("two copies", ("holds less,", "serves more"), 0),
            ],
            [Box("card 1", ("layers 1-32",), 1), Box("card 1", ("half of every", "layer"), 2), Box("card 1", ("whole model",))],
            [Box("card 2", ("layers 33-64",), 1), Box("card 2", ("other half of", "every layer"), 2), Box("card 2", ("whole model",))],
        ],
        arrows=("a token passes", ""),
        caption="Read it column by column.",
    )


def ways(pack: Pack) -> Iterator[str]:
    """Speed of one user on RTX 3090 cards, by number and way."""
    rows = []
    for words, count, id_, quant, server in ROWS:
        found = estimated(
            pack, {"hardware": [f"{count}x rtx-3090"], "ram": "128G", "os": "linux"}, id_, quant, Workload(8_192, 1), server=server
        )
        if found:
            rows.append([words, f"`{quant}`", pack.servers[server].name, span(found.speed.decode_tps), span(found.speed.prefill_tps)])
    yield from table(["RTX 3090, 24 GB each", "Quantisation", "Server", "Writing, tokens/s", "Reading, tokens/s"], rows, numbers=(3, 4))


def plans(pack: Pack) -> Iterator[str]:
    """What plans do with two equal and with two unequal cards."""
    rows = []
    for words, answers in (
        ("Two RTX 3090, chat for one", {"hardware": ["2x rtx-3090"], "use_case": "chat"}),
        ("Two RTX 3090, coding agent, best answers", {"hardware": ["2x rtx-3090"], "use_case": "coding-agent", "experience": "quality"}),
        ("Two RTX 4090, chat for 16", {"hardware": ["2x rtx-4090"], "use_case": "chat", "users": 16}),
        ("Four RTX 3090, coding agents for 4", {"hardware": ["4x rtx-3090"], "use_case": "coding-agent", "users": 4}),
        ("RTX 3090 and RTX 3060, chat for one", {"hardware": ["rtx-3090", "rtx-3060"], "use_case": "chat"}),
    ):
        choice = choice_of(pack, {**answers, "ram": "128G", "os": "linux"})
        if choice is None:
            continue
        placement = choice.memory.placement
        used = sum(device.used_bytes > 0 for device in choice.memory.devices)
        split = (
            f"tensor parallel over {placement.tensor_parallel}"
            if placement.tensor_parallel > 1
            else "layers in turn"
            if used > 1
            else "one card is enough"
        )
        copies = f"{placement.replicas} copies, {split}" if placement.replicas > 1 else split
        rows.append(
            [words, f"{model_link(choice.model)} `{choice.weights.quant}`", choice.server.name, copies, rate(choice.speed.decode_tps.value)]
        )
    yield from table(["Machine and need", "Model", "Server", "How it uses the cards", "Each, tokens/s"], rows, numbers=(4,))


PARTS = {"pictures": pictures, "ways": ways, "plans": plans}
