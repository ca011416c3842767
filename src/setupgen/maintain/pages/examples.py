"""The machines and the model that the booklet keeps coming back to, and the engine's answers about them, worked out once each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from setupgen.engine.estimate import Estimate, estimate, site
from setupgen.engine.estimation import weights_of
from setupgen.engine.host import Host
from setupgen.engine.intake import Answers, facts_of
from setupgen.engine.memory import Workload
from setupgen.engine.planning import plan
from setupgen.errors import SetupgenError
from setupgen.maintain.pages.models import place
from setupgen.maintain.pages.text import gib, span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from setupgen.engine.plan import Choice, Plan
    from setupgen.knowledge import Model, Pack

CARD = {"hardware": ["rtx-3090"], "ram": "64G", "os": "linux"}
"""The machine that chapters use as their running example."""

SMALL_MODEL = ("qwen/qwen3-8b", "Q4_K_M")
"""A plain dense model that fits nearly everywhere, so that rows differ by hardware alone."""

MACHINES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Raspberry Pi 5, 8 GB", {"hardware": ["Raspberry Pi 5 8GB"]}),
    ("Desktop without a card, 16 GB", {"hardware": ["cpu"], "ram": "16G"}),
    ("Laptop with an RTX 4060, 8 GB", {"hardware": ["rtx-4060-laptop"], "ram": "16G"}),
    ("RTX 3060, 12 GB", {"hardware": ["rtx-3060"], "ram": "32G"}),
    ("RTX 3090, 24 GB", {"hardware": ["rtx-3090"], "ram": "64G"}),
    ("RX 7900 XTX, 24 GB", {"hardware": ["rx-7900-xtx"], "ram": "64G"}),
    ("Two RTX 4090, 48 GB", {"hardware": ["2x rtx-4090"], "ram": "128G"}),
    ("Apple M2 Max, 64 GB", {"hardware": ["Apple M2 Max 64GB"]}),
    ("Ryzen AI Max+ 395, 128 GB", {"hardware": ["AMD Ryzen AI Max+ 395 128GB"]}),
    ("NVIDIA GB10, 128 GB", {"hardware": ["NVIDIA GB10"]}),
    ("H100 SXM, 80 GB", {"hardware": ["NVIDIA H100 80GB HBM3"], "ram": "256G"}),
)

MACHINE = dict(MACHINES)

WHOLE = ("full", "cpu")
"""Estimates whose weights and cache lie in one kind of memory."""

_PLANS: dict[tuple[str, str], Plan] = {}
"""By digest of the knowledge base and answers: chapters, tables and gallery ask for the same ones."""


def answers_of(values: Mapping[str, Any]) -> Answers:
    """Answers as the questions take them."""
    answers = Answers()
    answers.update(values)
    return answers


def plan_of(pack: Pack, values: Mapping[str, Any]) -> Plan:
    """The plan for these answers.

    Raises:
        SetupgenError: where this knowledge base lacks what the answers name.
    """
    key = (pack.digest, json.dumps(values, sort_keys=True))
    if key not in _PLANS:
        _PLANS[key] = plan(pack, facts_of(pack, answers_of(values)))
    return _PLANS[key]


def planned(pack: Pack, values: Mapping[str, Any]) -> Plan | None:
    """The plan, or None where this knowledge base lacks what the answers name."""
    try:
        return plan_of(pack, values)
    except SetupgenError:
        return None


def choice_of(pack: Pack, values: Mapping[str, Any]) -> Choice | None:
    """What the plan chooses, if anything."""
    result = planned(pack, values)
    return result.choice if result else None


def backend_of(host: Host) -> str:
    """What drives the accelerators of this host by default."""
    return host.group.devices[0].backends[0] if host.group else "cpu"


def host_of(pack: Pack, values: Mapping[str, Any]) -> Host:
    """The machine of these answers."""
    return Host(pack, facts_of(pack, answers_of(values)))


def estimated(
    pack: Pack,
    values: Mapping[str, Any],
    model: str,
    quant: str,
    workload: Workload,
    *,
    prompt: int = 512,
    server: str = "llama-cpp",
    kind: str | None = None,
    backend: str = "",
) -> Estimate | None:
    """Memory and speed of this model on these machines, or None where this knowledge base lacks what the row names.

    Args:
        pack: the knowledge base.
        values: answers that name the machine.
        model: id or name of the model.
        quant: its quantisation.
        workload: context, slots and cache types.
        prompt: tokens of the prompt that the wait is for.
        server: id of the server.
        kind: insist on a placement (``full``, ``experts``, ``layers``, ``cpu``).
        backend: what drives the accelerators; by default the first that the device has.
    """
    try:
        host = host_of(pack, values)
        known = pack.model(model)
        weights = weights_of(pack, known, quant, pack.server(server), "")
    except SetupgenError:
        return None
    where = site(host, backend or backend_of(host))
    return estimate(where, known, weights, server, workload, prompt_tokens=prompt, depth=min(prompt, workload.context), kind=kind)


def small_estimate(
    pack: Pack,
    values: Mapping[str, Any],
    *,
    context: int,
    parallel: int = 1,
    prompt: int = 512,
    quant: str = SMALL_MODEL[1],
    server: str = "llama-cpp",
) -> Estimate | None:
    """The small model on these machines."""
    return estimated(pack, values, SMALL_MODEL[0], quant, Workload(context, parallel), prompt=prompt, server=server)


def model_link(model: Model) -> str:
    """The model's name, leading to its entry in the reference."""
    return f"[{model.name}](../reference/{place(model.id)})"


def setup_cells(choice: Choice) -> list[str]:
    """Model, quantisation, server, speed and memory of a setup, for a row."""
    tasks, speed = choice.model.tasks, choice.speed
    shown = span(speed.decode_tps) if "text-generation" in tasks else f"reads {span(speed.prefill_tps)}" if "embedding" in tasks else ""
    return [model_link(choice.model), f"`{choice.weights.quant}`", choice.server.name, shown, gib(choice.memory.total_bytes)]
