"""Pictures in prompts: how many tokens they take, and what servers must be told so that text in them can be read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from setupgen.engine.plan import Decision

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.engine.candidates import Candidate
    from setupgen.engine.host import Host
    from setupgen.knowledge import Model


def wants_pictures(host: Host, model: Model) -> bool:
    """Whether the use case sends pictures and the model reads them."""
    return "vision" in host.use_case["capabilities"] and "image" in model.inputs


def picture_settings(host: Host, model: Model) -> dict[str, Any]:
    """The settings that `launch` reads: ``image_min_tokens`` (floor for small pictures) and ``picture_words`` (JSON for a server's processor)."""
    known = model.raw.get("image_tokens", {}) if wants_pictures(host, model) else {}
    words = {known["budget"]: known["most"]} if "budget" in known else None
    return {"image_min_tokens": known.get("reading"), "picture_words": json.dumps(words) if words else None}


def picture_decision(host: Host, best: Candidate) -> Iterator[Decision]:
    """What a picture costs and what becomes of small print, where pictures are sent."""
    if not wants_pictures(host, best.model):
        return
    known = best.model.raw.get("image_tokens")
    if not known:
        text = (
            "How many tokens a picture takes of the context is not known here for this model; it grows with the resolution, up to the model's own limit."
            " Larger pictures are scaled down to that, so send pages one by one and cut out small print."
        )
        yield Decision("settings.image_tokens", None, text, "context.image_tokens", ())
        return
    most = int(known["most"])
    share = round(100 * most / best.workload.context)
    parts = [f"A picture takes up to {most} tokens, {share} % of a slot's context, by its resolution; larger ones are scaled down to that."]
    if known.get("reading") and best.deployment.server.settings.get("ubatch_holds_picture"):
        parts.append(f"Small ones are enlarged to {known['reading']} tokens, because with fewer the model misreads and misplaces.")
    if known.get("at_once") and best.deployment.server.settings.get("ubatch_holds_picture"):
        parts.append(
            f"Its tokens are computed in one piece, so the micro-batch is {best.workload.ubatch}: with the usual 512 the server aborts."
        )
    parts.append("Send pages one by one, and cut out small print rather than sending a whole large scan.")
    yield Decision("settings.image_tokens", most, " ".join(parts), "context.image_tokens", (host.pack.url(known["source"]),))
