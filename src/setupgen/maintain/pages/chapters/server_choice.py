"""Choosing a server: what plans take as users are added, and what each server can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.pages.examples import MACHINE, choice_of, model_link
from setupgen.maintain.pages.text import rate, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


SHOWN = ("llama-cpp", "ollama", "vllm", "sglang", "lm-studio", "mlx-lm", "omlx", "lemonade", "koboldcpp", "tabbyapi", "tei", "speaches")
WHERE = (
    ("Chat for one, Windows desktop", {**MACHINE["RTX 3060, 12 GB"], "use_case": "chat", "os": "windows"}),
    ("Chat for one, Mac", {**MACHINE["Apple M2 Max, 64 GB"], "use_case": "chat"}),
    ("Chat for one, Linux", {**MACHINE["RTX 3090, 24 GB"], "use_case": "chat"}),
    ("Coding agent for one, Linux", {**MACHINE["RTX 3090, 24 GB"], "use_case": "coding-agent"}),
    ("Chat for four", {"hardware": ["rtx-4090"], "ram": "64G", "use_case": "chat", "users": 4}),
    ("Chat for sixteen", {"hardware": ["rtx-4090"], "ram": "64G", "use_case": "chat", "users": 16}),
    ("Chat for fifty", {**MACHINE["H100 SXM, 80 GB"], "use_case": "chat", "users": 50}),
    ("Stories", {**MACHINE["RTX 3090, 24 GB"], "use_case": "creative-writing"}),
    ("Speech", {**MACHINE["RTX 3060, 12 GB"], "use_case": "speech"}),
)


def picked(pack: Pack) -> Iterator[str]:
    """The server of plans for needs of several kinds."""
    rows = []
    for words, answers in WHERE:
        choice = choice_of(pack, answers)
        if choice:
            together = rate(choice.speed.aggregate_tps.value) if answers.get("users") else ""
            rows.append(
                [words, f"**{choice.server.name}**", f"{model_link(choice.model)} `{choice.weights.quant}`", choice.runtime, together]
            )
    yield from table(["Need", "Server", "Model", "Run by", "All users, tokens/s"], rows, numbers=(4,))


def compared(pack: Pack) -> Iterator[str]:
    """Formats, interfaces, port and way of serving many of the usual servers."""
    rows = []
    for id_ in SHOWN:
        raw = pack.raw["servers"].get(id_)
        if raw is None:
            continue
        kind = str(raw.get("concurrency", {}).get("kind", "")).replace("-", " ")
        apis, formats = ", ".join(raw.get("apis") or ()), ", ".join(raw.get("formats") or ())
        rows.append([f"[{raw['name']}](../reference/servers/{id_}.md)", formats, apis, kind, raw.get("port", ""), raw["license"]])
    yield from table(["Server", "Formats", "Interfaces", "Many requests", "Port", "Licence"], rows, numbers=(4,))


PARTS = {"picked": picked, "compared": compared}
