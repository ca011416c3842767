"""All setups that could run on a host: model x weights x server x backend x placement x cache type, and why the others cannot.

Nothing is searched: every combination is made, tested by formulas and rules, and kept or rejected with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from setupgen.engine.deployments import deployments, excluding
from setupgen.engine.estimate import Estimate, site, speed_of
from setupgen.engine.memory import Workload
from setupgen.engine.placement import place
from setupgen.engine.plan import Rejection
from setupgen.engine.rules import RuleBook
from setupgen.engine.suitability import bits_per_weight, model_reason, source_of
from setupgen.engine.weights import weight_bytes
from setupgen.knowledge import GIB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from setupgen.engine.deployments import Deployment
    from setupgen.engine.estimate import Site
    from setupgen.engine.host import Host
    from setupgen.engine.rules import Effect, Judgement
    from setupgen.knowledge import Model, Server, Weights


@dataclass(frozen=True)
class Candidate:
    """One setup that fits, with its numbers and the rules that speak for or about it."""

    model: Model
    weights: Weights
    deployment: Deployment
    workload: Workload
    replicas: int
    cards: int
    source: str
    estimate: Estimate
    suitability: int
    bits: float
    facts: Mapping[str, Any]
    effects: tuple[Effect, ...]

    @property
    def key(self) -> tuple[str, ...]:
        """What ties are broken by."""
        workload = self.workload
        return (
            self.model.id,
            self.weights.quant,
            self.weights.repository,
            self.deployment.server.id,
            self.deployment.backend,
            workload.cache_k,
            self.estimate.memory.placement.kind,
            str(workload.context),
            str(self.cards),
        )


@dataclass
class Field:
    """The outcome of looking at every combination."""

    candidates: list[Candidate] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    judgement: Judgement | None = None
    tried: int = 0


def survey(host: Host, book: RuleBook) -> Field:
    """Looks at every combination of the knowledge base on this host."""
    result = Field(judgement=book.judge_host(host.lookup.get))
    ways, result.rejected = deployments(host, result.judgement)
    sites = _Sites(host)
    for model in host.pack.models.values():
        if reason := model_reason(host, model):
            result.rejected.append(Rejection(model.id, "", "", (reason[0],), reason[1], tuple(host.pack.urls(model.sources[:1]))))
            continue
        _survey_model(host, book, model, ways, sites, result)
    return result


class _Sites:
    """Sites by backend and number of cards, each made once."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._made: dict[tuple[str, int], Site] = {}

    def get(self, backend: str, cards: int) -> Site:
        key = (backend, cards)
        if key not in self._made:
            self._made[key] = site(self._host, backend, cards=cards)
        return self._made[key]


def _survey_model(host: Host, book: RuleBook, model: Model, ways: list[Deployment], sites: _Sites, result: Field) -> None:
    """Adds the model's candidates and, for each server that could not take it, the nearest miss."""
    misses: dict[str, Rejection] = {}
    accepted: set[str] = set()
    for weights in model.weights:
        if host.needs.quant and weights.quant.lower() != host.needs.quant.lower():
            misses.setdefault("", Rejection(model.id, weights.quant, "", ("needs.quant",), f"You asked for {host.needs.quant}."))
            continue
        for way in ways:
            server = way.server
            if weights.format not in server.formats:
                text = f"{server.name} does not read {weights.format} files."
                misses.setdefault(server.id, Rejection(model.id, "", server.id, ("server.formats",), text))
                continue
            for candidate in _variants(host, book, model, weights, way, sites, result):
                if isinstance(candidate, Rejection):
                    _keep_nearest(misses, server.id, candidate)
                else:
                    accepted.add(server.id)
                    result.candidates.append(candidate)
    result.rejected.extend(miss for server_id, miss in sorted(misses.items()) if server_id not in accepted and (server_id or not accepted))


NEAREST = {"server.formats": 0, "needs.quant": 0, "memory.weights": 1, "server.source": 2, "memory.fit": 3}
"""How near a miss was, by what refused it; rules (not named here) are nearest of all. The nearest miss is the one to tell."""


def _keep_nearest(misses: dict[str, Rejection], server_id: str, miss: Rejection) -> None:
    kept = misses.get(server_id)
    if kept is None or NEAREST.get(miss.by[0], 4) > NEAREST.get(kept.by[0], 4):
        misses[server_id] = miss


def _variants(
    host: Host, book: RuleBook, model: Model, weights: Weights, way: Deployment, sites: _Sites, result: Field
) -> Iterator[Candidate | Rejection]:
    """Candidates of one model, weights and deployment, or the reasons why there are none."""
    server = way.server
    judgement = result.judgement
    assert judgement is not None  # noqa: S101 - set by survey() before anything else
    source = source_of(server, weights, local_file=host.needs.weights_file)
    names = (model.id, weights.quant, server.id)
    if not source:
        yield Rejection(*names, ("server.source",), f"No {weights.quant} of {model.name} that {server.name} can pull is known.")
        return
    tags = {
        "server": server.id,
        "backend": way.backend,
        "runtime": way.runtime,
        "model": model.id,
        "family": model.family,
        "format": weights.format,
        "quant": weights.quant,
        "mixture": model.is_mixture,
        "attention": [group.kind for group in model.architecture.attention],
    }
    hits = list(excluding(judgement, tags, partial=True))
    if hits:
        yield Rejection(*names, tuple(hit[0] for hit in hits), hits[0][1], tuple(host.pack.urls(hits[0][2])))
        return
    users = host.needs.users
    reason = _capacity_reason(server, model, users)
    if reason:
        yield Rejection(*names, ("server.concurrency",), reason, tuple(host.pack.urls(server.sources[:1])))
        return
    yield from _placements(host, book, model, weights, way, sites, result, source, tags)


def _capacity_reason(server: Server, model: Model, users: int) -> str:
    """Why the server cannot serve this many at once, or empty."""
    most = server.concurrency.get("maximum_users", 0)
    if most and users > most:
        return f"{server.name} serves at most about {most} at the same time well; {users} would wait in a queue."
    if users > 1 and model.family in server.raw.get("no_parallel_families", ()):
        return f"{server.name} serves {model.name} to one user at a time only."
    return ""


def cache_choices(host: Host, server: Server, model: Model, way: Deployment) -> list[str]:
    """Cache types worth trying, the most precise first; none below the use case's floor."""
    floor = int(host.use_case["cache_floor_bits"])
    offered = server.settings.get("cache_types", ["f16"])
    names = [server.settings.get("default_cache_type", "f16")]
    eight = next((name for name in ("q8_0", "fp8") if name in offered), "")
    quantises = eight and floor <= EIGHT and not model.architecture.encoder
    if quantises and all(group.head_dim % 32 == 0 for group in model.architecture.attention if group.kind in {"full", "sliding"}):
        capability = str(host.lookup.get("hardware.capability") or "")
        if eight != "fp8" or (way.backend == "cuda" and _at_least(capability, server.settings.get("fp8_minimum_capability", "8.9"))):
            names.append(eight)
    return names


EIGHT = 8


def _at_least(capability: str, minimum: str) -> bool:
    try:
        return [int(part) for part in capability.split(".")] >= [int(part) for part in minimum.split(".")]
    except ValueError:
        return False


def _placements(
    host: Host,
    book: RuleBook,
    model: Model,
    weights: Weights,
    way: Deployment,
    sites: _Sites,
    result: Field,
    source: str,
    tags: dict[str, Any],
) -> Iterator[Candidate | Rejection]:
    server = way.server
    names = (model.id, weights.quant, server.id)
    contexts = contexts_for(host, model)
    sizes = weight_bytes(model.architecture, weights.quant, weights.format)
    fitted = False
    nearest = ""
    for cards, replicas in card_choices(host, server, way):
        where = sites.get(way.backend, cards * replicas)
        room = sum(slot.usable_bytes for slot in where.machine.slots)
        if not any(slot.unified for slot in where.machine.slots):
            room += where.machine.ram_usable_bytes if server.raw.get("features", {}).get("partial_offload", False) or not room else 0
        if sizes.total > room:
            text = f"its weights take {sizes.total / GIB:.1f} GiB, and {room / GIB:.1f} GiB can be used"
            yield Rejection(*names, ("memory.weights",), f"{model.name} in {weights.quant} does not fit: {text}.")
            continue
        slots = parallel_for(host, server, replicas)
        for cache in cache_choices(host, server, model, way):
            for kind in placement_kinds(server, model, way):
                found, workload = _largest(where, host, model, weights, server, contexts, slots, cache, kind, (cards, replicas), result)
                if found is None:
                    nearest = nearest or _no_room(model, weights, workload, where)
                    continue
                outcome = _judged(host, book, model, weights, way, workload, replicas, cards, source, sizes.total, found, result, tags)
                fitted = fitted or isinstance(outcome, Candidate)
                yield outcome
                if kind == "full" and cache == server.settings.get("default_cache_type", "f16"):
                    break
    if not fitted and nearest:
        yield Rejection(*names, ("memory.fit",), nearest)


def _largest(
    where: Site,
    host: Host,
    model: Model,
    weights: Weights,
    server: Server,
    contexts: list[int],
    slots: int,
    cache: str,
    kind: str,
    cards: tuple[int, int],
    result: Field,
) -> tuple[Estimate | None, Workload]:
    """The estimate with the largest context that fits in this placement, or none with the smallest workload tried."""
    embeds = host.use_case["task"] == "embedding"
    projector = projector_bytes(host, model, weights)
    prompt = int(host.use_case["prompt_tokens"])
    for context in contexts:
        workload = Workload(context, slots, cache, cache, server.settings.get("ubatch", 512), embeddings=embeds)
        result.tried += 1
        memory = place(
            model.architecture, weights.quant, weights.format, server.id, where.machine, workload,
            kind=kind, tensor_parallel=cards[0], replicas=cards[1],
            claim_share=float(server.settings.get("memory_claim", CLAIM)), projector_bytes=projector,
        )  # fmt: skip
        if memory.fits != "no" and memory.placement.kind == kind:
            depth = typical_depth(host, context)
            speed = speed_of(
                where, model, weights, server.id, workload, memory, prompt_tokens=min(prompt, max(context - 1, 1)), depth=depth
            )
            return Estimate(memory, speed), workload
    return None, workload


def placement_kinds(server: Server, model: Model, way: Deployment) -> list[str]:
    """Placements worth trying, the fastest first."""
    if way.backend == "cpu":
        return ["cpu"]
    kinds = ["full"]
    features = server.raw.get("features", {})
    if model.is_mixture and features.get("expert_offload"):
        kinds.append("experts")
    if features.get("partial_offload"):
        kinds.append("layers")
    return kinds


def card_choices(host: Host, server: Server, way: Deployment) -> list[tuple[int, int]]:
    """How many accelerators one copy of the server uses, and how many copies there are then.

    Servers that split layers get one card or all of them; servers with tensor parallelism get each power of two of equal cards.
    """
    group = host.group
    if way.backend == "cpu" or group is None:
        return [(0, 1)]
    total = group.count
    features = server.raw.get("features", {})
    if total == 1:
        return [(1, 1)]
    if features.get("tensor_parallel") and not features.get("layer_split"):
        sizes = [size for size in (1, 2, 4, 8, 16) if size <= total and (group.equal or size == 1)]
        users = host.needs.users
        return [(size, max(1, min(total // size, users))) for size in sizes]
    return [(1, 1), (total, 1)]


def parallel_for(host: Host, server: Server, replicas: int) -> int:
    """Requests that one copy of the server holds at the same time."""
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


CLAIM = 0.9
"""Share of a card that a server claims whose file does not say."""


def projector_bytes(host: Host, model: Model, weights: Weights) -> int:
    """Bytes of the vision projector, which is loaded only where pictures are read."""
    wanted = weights.projector and "vision" in host.use_case["capabilities"]
    return (model.projector_bytes or UNKNOWN_PROJECTOR) if wanted else 0


UNKNOWN_PROJECTOR = 1_000_000_000
"""Taken for a projector whose size nobody published; they are 0.4 to 1.2 GB."""


def _no_room(model: Model, weights: Weights, workload: Workload, where: Site) -> str:
    slots = where.machine.slots
    room = sum(slot.usable_bytes for slot in slots) if slots else where.machine.ram_usable_bytes
    size = weight_bytes(model.architecture, weights.quant, weights.format).total
    return (
        f"{model.name} in {weights.quant} ({size / GIB:.1f} GiB) with {workload.parallel} x {workload.context} tokens of context does not fit:"
        f" {room / GIB:.1f} GiB can be used."
    )


def _judged(
    host: Host,
    book: RuleBook,
    model: Model,
    weights: Weights,
    way: Deployment,
    workload: Workload,
    replicas: int,
    cards: int,
    source: str,
    size: int,
    found: Estimate,
    result: Field,
    tags: dict[str, Any],
) -> Candidate | Rejection:
    """The candidate, or the rule that excludes it."""
    judgement = result.judgement
    assert judgement is not None  # noqa: S101 - set by survey() before anything else
    memory, speed = found.memory, found.speed
    bits = bits_per_weight(model, size)
    margin = min((device.capacity_bytes - device.used_bytes for device in memory.devices), default=0)
    facts = {
        "server.id": way.server.id,
        "server.concurrency": way.server.concurrency.get("kind"),
        "server.api_key": bool(way.server.raw.get("features", {}).get("api_key")),
        "model.id": model.id,
        "model.family": model.family,
        "model.mixture": model.is_mixture,
        "model.attention": tags["attention"],
        "model.capabilities": list(model.capabilities),
        "model.total_b": model.total_parameters / 1e9,
        "model.active_b": model.active_parameters / 1e9,
        "model.license_class": model.license_class,
        "model.native_context": model.native_context,
        "model.suitability": model.use_cases.get(host.needs.use_case, 0),
        "weights.format": weights.format,
        "weights.quant": weights.quant,
        "weights.bits": bits,
        "weights.gib": size / GIB,
        "backend": way.backend,
        "runtime": way.runtime,
        "offload.kind": memory.placement.kind,
        "settings.context": workload.context,
        "settings.parallel": workload.parallel,
        "settings.cache_bits": EIGHT if workload.cache_k in {"q8_0", "fp8"} else 16,
        "settings.tensor_parallel": memory.placement.tensor_parallel,
        "settings.replicas": replicas,
        "fit.memory_margin_gib": margin / GIB,
        "speed.decode_tps": speed.decode_tps.value,
        "speed.ttft_s": speed.ttft_s.value,
    }
    names = (model.id, weights.quant, way.server.id)
    minimum = float(host.use_case["minimum_tps"])
    if minimum and speed.decode_tps.high < minimum:
        text = f"At about {speed.decode_tps.value:.1f} tokens/s it would be slower than the {minimum:.0f} that {host.use_case['label']} needs."
        return Rejection(*names, ("speed.minimum",), text)
    lookup = host.lookup
    own = book.judge(lambda name: facts[name] if name in facts else lookup.get(name))
    full_tags = {**tags, "offload": memory.placement.kind, "cache_type": workload.cache_k}
    hits = [*excluding(own, full_tags, partial=False), *excluding(judgement, full_tags, partial=False)]
    if hits:
        return Rejection(*names, tuple(dict.fromkeys(hit[0] for hit in hits)), hits[0][1], tuple(host.pack.urls(hits[0][2])))
    effects = tuple(
        effect
        for effect in (*judgement.effects, *own.effects)
        if effect.kind != "exclude" and effect.kind != "require" and effect.selects(full_tags)
    )
    return Candidate(
        model, weights, way, workload, replicas, cards, source, found, int(facts["model.suitability"]), bits, facts, effects
    )
