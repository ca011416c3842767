"""Security: the version floor of each server, and what stands open by design."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.pages.diagram import Box, flow
from setupgen.maintain.pages.text import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


SHOWN = ("ollama", "llama-cpp", "vllm", "sglang", "lm-studio", "lemonade", "litellm", "olla", "hops", "nginx")


def floors(pack: Pack) -> Iterator[str]:
    """Version floors and lasting weaknesses of the usual programs."""
    rows = []
    for id_ in SHOWN:
        raw = pack.raw["servers"].get(id_)
        if raw is None:
            continue
        version = raw["version"]
        lasting = [item["note"] for item in raw.get("security", ()) if not item.get("fixed_in")]
        rows.append(
            [
                f"[{raw['name']}](../reference/servers/{id_}.md)",
                version.get("minimum", ""),
                version.get("minimum_because", ""),
                " ".join(lasting),
            ]
        )
    yield from table(["Program", "At least", "Because", "Open by design, or not fixed"], rows)


def rings(_: Pack) -> Iterator[str]:
    """Who can reach a server, ring by ring."""
    yield from flow(
        "security-rings",
        "Who can reach it: open one ring at a time",
        [
            [Box("this machine", ("127.0.0.1, no key needed: the default",), 1)],
            [Box("your network", ("a key, and a proxy that speaks TLS",))],
            [Box("other places", ("a VPN; the server itself stays where it is",))],
            [Box("the internet", ("never the server itself",), 5)],
        ],
        arrows=("add a key", "add a tunnel", "do not"),
    )


PARTS = {"floors": floors, "rings": rings}
