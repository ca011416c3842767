"""How much a model thinks before it answers, and how a server tells it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from setupgen.knowledge import Model, Server

SWITCH = "enable_thinking"
"""The variable of chat templates that servers have a word of their own for."""


def thinking_words(model: Model, server: Server, wish: str) -> Mapping[str, Any]:
    """Variables of the chat template that ask for ``less`` or ``more`` thinking; none where nobody knows how, or the server cannot pass them on."""
    found = model.raw.get("thinking", {})
    able = server.raw.get("features", {}).get("template_variables")
    return found.get(wish, {}) if able and server.id in found.get("servers", (server.id,)) else {}


def thinking_settings(model: Model, server: Server, wish: str) -> dict[str, Any]:
    """The settings that `launch` reads: ``reasoning`` (on, off) where a template has the usual switch, and ``template_variables`` as JSON."""
    words = thinking_words(model, server, wish)
    if not words:
        return {"reasoning": None, "template_variables": None}
    switch = {True: "on", False: "off"}[bool(words[SWITCH])] if set(words) == {SWITCH} else None
    return {"reasoning": switch, "template_variables": json.dumps(words, sort_keys=True, separators=(",", ":"))}
