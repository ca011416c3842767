"""For a plan in which nothing fits: what stood in the way, and what would help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.engine.stacks import stacks_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.engine.candidates import Field
    from setupgen.engine.host import Host
    from setupgen.engine.plan import Rejection

MEMORY = ("memory.fit", "memory.weights")
WITHOUT_SERVER = "Another operating system, runtime or machine: no server runs here."
CHOSEN_BY_USER = ("needs.model", "needs.quant", "needs.server")
NOT_OFFERED = ("server.launch", "server.on_request", "server.status")
"""Servers that are never offered: that they are not is no reason for anything, unless one was insisted on."""
SHOWN = 3


def would_fit(host: Host, field: Field) -> Iterator[str]:
    """What came nearest and what would make it fit, the most useful sentence first; never nothing."""
    found = list(_sentences(host, field))
    if not found:
        texts = dict.fromkeys(item.because for item in field.rejected if item.by[0] not in NOT_OFFERED)
        found = [f"Another need: {' '.join(list(texts)[:SHOWN]) or 'the knowledge base has no model for this one.'}"]
    return iter(found)


def _sentences(host: Host, field: Field) -> Iterator[str]:
    yield from _insisted(host, field)
    by_reason: dict[str, list[Rejection]] = {}
    for item in field.rejected:
        by_reason.setdefault(item.by[0] if item.by else "", []).append(item)
    if crowded := [item for reason in MEMORY for item in by_reason.get(reason, ())]:
        yield f"More memory, a smaller context or fewer users: {_smallest(host, crowded).because}"
    if slow := by_reason.get("speed.minimum"):
        yield f"A faster memory or a smaller model: {_smallest(host, slow).because}"
    barred = [host.pack.models[item.model] for item in by_reason.get("model.license", ())]
    if licensed := [model for model in barred if model.use_cases.get(host.needs.use_case)]:
        names = ", ".join(model.name for model in licensed[:SHOWN])
        yield f"A wider choice of licences than {host.needs.license}: it leaves out {names}{' and more' * (len(licensed) > SHOWN)}."
    if short := by_reason.get("model.context"):
        model = max((host.pack.models[item.model] for item in short), key=lambda item: (item.maximum_context, item.id))
        yield f"A smaller context: {host.needs.context} tokens are needed, and {model.name} takes the most with {model.maximum_context}."
    if queued := by_reason.get("server.concurrency"):
        texts = dict.fromkeys(item.because for item in queued)
        yield f"Fewer users, or several machines behind a proxy: {' '.join(list(texts)[:SHOWN])}"
    if not any(item.model and item.server for item in field.rejected):
        refused = [
            item.because for item in field.rejected if item.server and not item.model and item.by[0] not in {*CHOSEN_BY_USER, *NOT_OFFERED}
        ]
        if refused:
            yield f"{WITHOUT_SERVER} {' '.join(dict.fromkeys(refused))}"


def _smallest(host: Host, refused: list[Rejection]) -> Rejection:
    """The refusal of the smallest model: it came nearest."""
    return min(refused, key=lambda item: (host.pack.models[item.model].total_parameters, item.model, item.quant, item.server))


def _insisted(host: Host, field: Field) -> Iterator[str]:
    """Why what was insisted on cannot be, and that others might."""
    needs, pack = host.needs, host.pack
    if needs.server and pack.servers[needs.server].kind != "inference" and not stacks_of(host):
        yield f"Not insisting on {pack.servers[needs.server].name}: it is a {pack.servers[needs.server].kind} and runs no model by itself."
        return
    words = [word for word, value in (("server", needs.server), ("model", needs.model), ("quantisation", needs.quant)) if value]
    if not words:
        return
    reasons: dict[str, None] = {}
    if needs.model and needs.quant:
        model = pack.models[needs.model]
        quants = list(dict.fromkeys(weights.quant for weights in model.weights))
        if needs.quant not in quants:
            reasons[f"{model.name} is published in {', '.join(quants)}, not in {needs.quant}."] = None
    wanted = [
        item
        for item in field.rejected
        if item.by
        and item.by[0] not in CHOSEN_BY_USER
        and (needs.server or item.by[0] not in NOT_OFFERED)
        and (not needs.model or item.model in {needs.model, ""})
        and (needs.model or not item.by[0].startswith("model."))
        and (not needs.server or item.server in {needs.server, ""})
    ]
    for item in wanted:
        reasons.setdefault(item.because)
    yield " ".join([f"Not insisting on the {' and the '.join(words)}.", *list(reasons)[:SHOWN]])
