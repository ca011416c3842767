"""The variants of one model on one deployment that are worth trying: cards, slots, contexts, cache types, placements. Pure choices, no search."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from setupgen.engine.clusters import CARDS_PER_NODE
from setupgen.engine.paged import sglang_share
from setupgen.engine.stacks import RUNTIME
from setupgen.knowledge import GIB

if TYPE_CHECKING:
    from setupgen.engine.deployments import Deployment
    from setupgen.engine.estimate import Site
    from setupgen.engine.host import Host
    from setupgen.knowledge import Model, Server, Weights

CLAIM = 0.9
"""Share of a card that a server claims whose file does not say."""

UNKNOWN_PROJECTOR = 1_000_000_000
"""Bytes taken for a vision projector whose size nobody published. A judgement, on the safe side."""

STATIC = "static"
"""A `memory_claim` that the program works out from the card, for weights and cache alone."""

EIGHT = 8

QUEUE = 4
"""How many times the users that a server serves well it may be given at all; preferences speak against it long before."""


def capacity_reason(server: Server, model: Model, users: int) -> str:
    """Why the server cannot serve this many at once, or empty."""
    most = server.concurrency.get("maximum_users", 0)
    most *= QUEUE
    if most and users > most:
        return f"{server.name} serves at most about {most} at the same time well; {users} would wait in a queue."
    if users > 1 and {model.family, model.architecture.type} & set(server.raw.get("no_parallel_families", ())):
        return f"{server.name} serves {model.name} to one user at a time only."
    return ""


def pooled(host: Host, server: Server, model: Model, contexts: tuple[int, ...]) -> tuple[int, ...]:
    """The contexts per slot, without those whose sum a server cannot hold that shares out the model's own context among its slots."""
    if not server.settings.get("pool_within_model"):
        return contexts
    slots = parallel_for(host, server, 1)
    return tuple(context for context in contexts if context * slots <= model.maximum_context)


def pool_reason(host: Host, server: Server, model: Model) -> str:
    """Why `pooled` leaves nothing."""
    slots = parallel_for(host, server, 1)
    return (
        f"{server.name} shares one context among its {slots} slots here, at most the {model.maximum_context} tokens that {model.name} was made"
        f" for: too little for {contexts_for(host, model)[-1]} each."
    )


def cache_choices(host: Host, model: Model, deployment: Deployment) -> list[str]:
    """Cache types worth trying, the most precise first; none below the use case's floor."""
    server = deployment.server
    floor = int(host.use_case["cache_floor_bits"])
    offered = server.settings.get("cache_types", ["f16"])
    names = [server.settings.get("default_cache_type", "f16")]
    eight = next((name for name in ("q8_0", "fp8") if name in offered), "")
    quantises = eight and floor <= EIGHT and not model.architecture.encoder
    if quantises and all(group.head_dim % 32 == 0 for group in model.architecture.attention if group.kind in {"full", "sliding"}):
        capability = str(host.lookup.get("hardware.capability") or "")
        if eight != "fp8" or (deployment.backend == "cuda" and _at_least(capability, server.settings.get("fp8_minimum_capability", "8.9"))):
            names.append(eight)
    return names


def _at_least(capability: str, minimum: str) -> bool:
    try:
        return [int(part) for part in capability.split(".")] >= [int(part) for part in minimum.split(".")]
    except ValueError:
        return False


def placement_kinds(server: Server, model: Model, backend: str) -> list[str]:
    """Placements worth trying, the fastest first."""
    if backend == "cpu":
        return ["cpu"]
    kinds = ["full"]
    features = server.raw.get("features", {})
    if model.is_mixture and features.get("expert_offload"):
        kinds.append("experts")
    if features.get("partial_offload"):
        kinds.append("layers")
    return kinds


def card_choices(host: Host, server: Server, backend: str) -> list[tuple[int, int]]:
    """How many accelerators one copy of the server uses, and how many copies there are then.

    Servers that split layers get one card or all of them; servers with tensor parallelism get each power of two of equal cards.
    """
    group = host.group
    if backend == "cpu" or group is None:
        return [(0, 1)]
    total = group.count
    features = server.raw.get("features", {})
    if total == 1:
        return [(1, 1)]
    if features.get("tensor_parallel") and not features.get("layer_split"):
        most = min(total, CARDS_PER_NODE) if host.needs.runtime == RUNTIME else total
        sizes = [size for size in (1, 2, 4, 8, 16) if size <= most and (group.equal or size == 1)]
        users = host.needs.users
        return [(size, max(1, min(total // size, users))) for size in sizes]
    if host.needs.runtime == RUNTIME and total > CARDS_PER_NODE:
        return [(1, 1), (CARDS_PER_NODE, 1)]
    return [(1, 1), (total, 1)]


def parallel_for(host: Host, server: Server, replicas: int) -> int:
    """Requests that one copy of the server holds at the same time."""
    if "parallel" in server.settings:
        return int(server.settings["parallel"])
    users = -(-host.needs.users // replicas)
    if host.use_case["task"] == "embedding":
        return min(users, int(server.concurrency.get("default_parallel", 1)) or 1)
    return users


def contexts_for(host: Host, model: Model) -> list[int]:
    """Contexts per slot worth trying, the largest first; the first that fits is taken.

    One where it is stated. Where it is assumed, or as much as possible is wanted, halves down to the use case's minimum follow.
    """
    needs = host.needs
    assumed = host.facts.origins.get("needs.context") == "assumed"
    if needs.context > 0 and not assumed:
        return [needs.context]
    context = model.maximum_context if needs.context <= 0 else min(needs.context, model.maximum_context)
    least = min(int(host.use_case["minimum_context"]), context)
    steps = [context]
    while context // 2 >= least:
        context //= 2
        steps.append(context)
    return steps


def typical_depth(host: Host, context: int) -> int:
    """Tokens that usually lie in the cache when an answer is written: the use case's prompt, at most half the context."""
    return min(int(host.use_case["prompt_tokens"]), context // 2)


def ubatch_for(server: Server, model: Model, context: int, slots: int, *, pictures: bool = False) -> int:
    """Tokens that the server computes at once.

    Encoders must take a whole text in one go, and models whose image tokens see each other a whole picture (llama-server aborts else); Ollama
    grows the number with its context.
    """
    ubatch = int(server.settings.get("ubatch", 512))
    if model.architecture.encoder:
        return max(ubatch, min(context, model.maximum_context))
    whole = model.raw.get("image_tokens", {})
    if pictures and whole.get("at_once") and server.settings.get("ubatch_holds_picture"):
        ubatch = max(ubatch, int(whole["most"]))
    for step in server.settings.get("ubatch_by_context", ()):
        if context * slots > step["above"]:
            ubatch = int(step["ubatch"])
    return ubatch


def claim_share(host: Host, server: Server, where: Site, model: Model, size: int) -> float:
    """Share of each card that a server claims which claims memory at its start.

    SGLang's is what the program itself would work out for the card; it holds weights and cache only.

    For text all that it is used to; for small models that make no text (embeddings, speech) what they need, in steps of a twentieth.
    """
    if server.settings.get("memory_claim") == STATIC and where.machine.slots:
        latent = any(group.kind == "latent" for group in model.architecture.attention)
        pictures = "image" in model.inputs and "vision" in host.use_case["capabilities"]
        usual = sglang_share(where.machine.slots[0].capacity_bytes, len(where.machine.slots), pictures=pictures, latent=latent)
    else:
        usual = float(server.settings.get("memory_claim", CLAIM))
    if host.use_case["task"] == "text-generation" or not where.machine.slots:
        return usual
    needed = (size * 1.5 + SMALL_MODEL_BYTES) / where.machine.slots[0].capacity_bytes
    return min(usual, ceil(needed * 20) / 20)


SMALL_MODEL_BYTES = 5 * GIB
"""What vLLM is given beside the weights of a small model for graphs, activations and a little cache. A judgement."""


def projector_bytes(host: Host, server: Server, model: Model, weights: Weights) -> int:
    """Bytes of the vision projector, which is loaded only where pictures are read, or always by servers that do not ask."""
    wanted = weights.projector and ("vision" in host.use_case["capabilities"] or server.settings.get("projector") == "always")
    return (model.projector_bytes or UNKNOWN_PROJECTOR) if wanted else 0
