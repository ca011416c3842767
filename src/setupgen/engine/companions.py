"""Further models behind the same llama.cpp server: each is chosen for what the models before it leave free, and its router keeps all loaded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from setupgen.engine.candidates import survey
from setupgen.engine.host import Host
from setupgen.engine.launch import preset_options, router
from setupgen.engine.plan import Caution, Decision
from setupgen.engine.ranking import rank
from setupgen.engine.settings import choose
from setupgen.engine.suitability import model_reason
from setupgen.knowledge import GIB

if TYPE_CHECKING:
    from collections.abc import Sequence

    from setupgen.engine.memory import Memory
    from setupgen.engine.plan import Choice
    from setupgen.engine.rules import RuleBook
    from setupgen.facts import Hardware

LEAST_BYTES = GIB
"""What must be left on a card for a further model to go there; else it computes on the processor. A judgement."""

SPARE_BYTES = GIB
"""What stays free on a card beside all models, as a desktop and a browser take some of it. A judgement."""

GOOD = 2
"""From this regard (1 to 3) on a model that is there already serves a further use case too. A judgement."""

PRESET_FILE = "models.ini"
PRESET_IN_CONTAINER = "/setup/models.ini"


def with_companions(host: Host, book: RuleBook, choice: Choice) -> tuple[Choice, tuple[Decision, ...], tuple[Caution, ...]]:
    """The choice with a model for each further use case behind the same server, why, and what could not be had."""
    served: list[tuple[str, Choice]] = [(host.needs.use_case, choice)]
    decisions: list[Decision] = []
    cautions: list[Caution] = []
    for use_case in host.needs.also:
        label = host.pack.vocabulary("use-cases")[use_case]["label"].lower()
        there = [item for _, item in served]
        beside = _beside(host, use_case, there, card=True)
        if twin := next((item for _, item in served if _serves_too(beside, item)), None):
            because = f"{twin.model.name} is good for {label} too, so no further model takes memory for it."
            decisions.append(Decision(f"models.{use_case}", twin.settings["alias"], because, "needs.also"))
            continue
        found = _best(beside, book, choice.backend) or _best(_beside(host, use_case, there, card=False), book, choice.backend)
        if found is None:
            text = f"No model for {label} fits beside {choice.model.name} here: the setup goes without one."
            cautions.append(Caution("nothing-fits-beside", text))
            continue
        served.append((use_case, found))
        where = (
            "the processor computes it: the first model has the accelerator"
            if _apart(found, choice)
            else "it shares the first one's memory"
        )
        because = f"{found.model.name} in {found.weights.quant} is the best for {label} of what fits into what is left; {where}."
        decisions.append(Decision(f"models.{use_case}", found.settings["alias"], because, "needs.also"))
    return (_routed(host, choice, served) if len(served) > 1 else choice), tuple(decisions), tuple(cautions)


def _beside(host: Host, use_case: str, served: Sequence[Choice], *, card: bool) -> Host:
    """The host as the next model finds it, with what is left of the accelerator or without it."""
    needs = replace(
        host.needs,
        use_case=use_case,
        context=int(host.pack.vocabulary("use-cases")[use_case]["default_context"]),
        model="", quant="", weights_file="", also=(),
    )  # fmt: skip
    origins = {**host.facts.origins, "needs.context": "assumed"}
    return Host(host.pack, replace(host.facts, needs=needs, hardware=_left(host, served, card=card), origins=origins))


def _left(host: Host, served: Sequence[Choice], *, card: bool) -> Hardware:
    """The hardware with what is taken gone: one accelerator with the rest of its memory, or none where none is wanted or too little is left."""
    hardware, group = host.hardware, host.group
    taken = sum(use.used_bytes for item in served for use in item.memory.devices if not _apart(item, served[0]))
    apart = sum(item.memory.host_bytes for item in served)
    one_memory = hardware.unified or served[0].backend == "cpu"
    if one_memory:
        apart = taken + sum(item.memory.total_bytes for item in served if _apart(item, served[0]))
    ram = max(hardware.ram_bytes - apart, 1)
    if not card or group is None or group.count != 1 or served[0].backend == "cpu":
        return replace(hardware, parts=(), ram_bytes=ram)
    part = group.parts[0]
    free = ram if hardware.unified else part.memory_bytes - taken - SPARE_BYTES
    if free < LEAST_BYTES:
        return replace(hardware, parts=(), ram_bytes=ram)
    limit = max(part.gpu_limit_bytes - taken, 1) if part.gpu_limit_bytes else 0
    return replace(hardware, parts=(replace(part, memory_bytes=free, gpu_limit_bytes=limit),), ram_bytes=ram)


def _apart(item: Choice, first: Choice) -> bool:
    """Whether a model computes on the processor while the first one has an accelerator."""
    return item.backend == "cpu" and first.backend != "cpu"


def _serves_too(beside: Host, item: Choice) -> bool:
    """Whether a model that is there already is good for the use case as it is loaded."""
    use_case, needs = beside.use_case, beside.needs
    pictures = "vision" in use_case["capabilities"] and not item.settings.get("projector")
    long_enough = item.settings["context"] >= int(use_case["minimum_context"])
    regard = int(item.model.use_cases.get(needs.use_case, 0))
    return model_reason(beside, item.model) is None and regard >= GOOD and long_enough and not pictures


def _best(host: Host, book: RuleBook, backend: str) -> Choice | None:
    """The best setup that the same program can serve: wholly on its own backend, or wholly on the processor."""
    for item, score in rank(host, survey(host, book).candidates):
        if item.deployment.backend in {backend, "cpu"} and item.estimate.memory.placement.kind in {"full", "cpu"}:
            return choose(host, item, score)
    return None


def _routed(host: Host, first: Choice, served: Sequence[tuple[str, Choice]]) -> Choice:
    """The first choice, as a router that serves all."""
    settings = dict(first.settings)
    settings["models"] = [_entry(use_case, item, apart=_apart(item, first)) for use_case, item in served]
    place = {"preset_file": PRESET_IN_CONTAINER if first.container else PRESET_FILE, "model_count": len(served)}
    if first.container:
        place |= {"bind": "0.0.0.0", "port": first.container["port"]}  # noqa: S104 - inside the container; published on loopback only
    settings["flags"] = router(first.server, {**settings, **place})
    choices = [item for _, item in served]
    return replace(
        first,
        settings=settings,
        memory=_together(choices, one=host.hardware.unified or first.backend == "cpu"),
        download_bytes=sum(item.download_bytes for item in choices),
    )


def _entry(use_case: str, item: Choice, *, apart: bool) -> dict[str, Any]:
    """A model as templates need it; `options` are lines of its section, in order."""
    options = preset_options(item.server, item.settings["flags"])
    return {
        "alias": item.settings["alias"],
        "use_case": use_case,
        "name": item.model.name,
        "backend": item.backend,
        "context": item.settings["context"],
        "parallel": item.settings["parallel"],
        "memory_bytes": item.memory.total_bytes,
        "weights": item.to_json()["weights"],
        "options": ({"device": "none"} if apart else {}) | options | {"load-on-startup": "true"},
    }


def _together(choices: Sequence[Choice], *, one: bool) -> Memory:
    """The memory of all models: on the first one's devices, and in main memory."""
    first, *others = [item.memory for item in choices]
    devices = first.devices
    for item in choices[1:]:
        on_it = one or not _apart(item, choices[0])
        if on_it and devices and item.memory.devices:
            used = min(devices[0].used_bytes + item.memory.devices[0].used_bytes, devices[0].capacity_bytes)
            devices = (devices[0]._replace(used_bytes=used), *devices[1:])
    return first._replace(
        weights_bytes=first.weights_bytes + sum(item.weights_bytes for item in others),
        kv_cache_bytes=first.kv_cache_bytes + sum(item.kv_cache_bytes for item in others),
        compute_bytes=first.compute_bytes + sum(item.compute_bytes for item in others),
        overhead_bytes=first.overhead_bytes + sum(item.overhead_bytes for item in others),
        total_bytes=first.total_bytes + sum(item.total_bytes for item in others),
        devices=devices,
        host_bytes=first.host_bytes + sum(item.host_bytes for item in others),
    )
