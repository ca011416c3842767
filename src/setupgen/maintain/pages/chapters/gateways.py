"""Gateways and routers: the proxies that are known, by what they can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.pages.diagram import Box, flow
from setupgen.maintain.pages.text import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.knowledge import Pack


FEATURES = (
    ("health_checks", "Sees dead hosts"), ("retry", "Tries again"), ("sticky_sessions", "Same host again"), ("api_key", "Asks for keys"), ("tls", "TLS"),
)  # fmt: skip
SHOWN = (
    "caddy",
    "nginx",
    "haproxy",
    "hops",
    "olla",
    "litellm",
    "llama-swap",
    "ollama-herd",
    "paddler",
    "claude-code-router",
    "envoy-ai-gateway",
)


def compared(pack: Pack) -> Iterator[str]:
    """What each can do; empty where the knowledge base does not say."""
    rows = []
    for id_ in SHOWN:
        raw = pack.raw["servers"].get(id_)
        if raw is None:
            continue
        features = raw.get("features", {})
        cells = [_word(features.get(name)) for name, _ in FEATURES]
        rows.append(
            [
                f"[{raw['name']}](../reference/servers/{id_}.md)",
                raw["kind"],
                raw["status"],
                ", ".join(raw.get("apis") or ()),
                *cells,
                raw.get("port", ""),
            ]
        )
    yield from table(["Program", "Kind", "State", "Interfaces", *(words for _, words in FEATURES), "Port"], rows, numbers=(9,))


def places(_: Pack) -> Iterator[str]:
    """Where each kind of proxy stands."""
    yield from flow(
        "gateways-places",
        "Four jobs between a client and a model; one program may do several",
        [
            [Box("clients", ("chat window, agent, scripts",), 1)],
            [Box("reverse proxy", ("TLS, keys, long time-outs: Caddy, nginx",))],
            [Box("gateway", ("people, budgets, bought models: LiteLLM",))],
            [Box("balancer", ("which host is alive and free: Olla, HOPS",))],
            [Box("swapper", ("one host, many models: llama-swap, router",))],
            [Box("server", ("llama.cpp, Ollama, vLLM",), 2)],
        ],
    )


def _word(value: object) -> str:
    if value is None:
        return ""
    return "yes" if value is True else "no" if value is False else str(value)


PARTS = {"compared": compared, "places": places}
