"""All setups that could run on a host: model x weights x server x backend x placement x cache type, and why the others cannot.

Nothing is searched: every combination is made, tested by formulas and rules, and kept or rejected with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from setupgen.engine.deployments import deployments
from setupgen.engine.estimate import Estimate, site, speed_of
from setupgen.engine.memory import Workload
from setupgen.engine.pending import REFUSALS, Pending, refusing
from setupgen.engine.placement import place
from setupgen.engine.plan import Rejection
from setupgen.engine.speed_classes import class_of_server
from setupgen.engine.stacks import stacks_of, why_not
from setupgen.engine.suitability import bits_per_weight, model_reason
from setupgen.engine.thinking import thinking_words
from setupgen.engine.variants import (
    EIGHT,
    cache_choices,
    capacity_reason,
    card_choices,
    claim_share,
    parallel_for,
    placement_kinds,
    pool_reason,
    projector_bytes,
    typical_depth,
    ubatch_for,
)
from setupgen.engine.ways import About, Room, Way
from setupgen.engine.weights import remember, weight_bytes
from setupgen.knowledge import GIB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from setupgen.engine.deployments import Deployment
    from setupgen.engine.estimate import Site
    from setupgen.engine.host import Host
    from setupgen.engine.memory import Memory
    from setupgen.engine.rules import Effect, Judgement, RuleBook
    from setupgen.engine.speed import Speed
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
    claim_share: float
    divergence: float | None = None
    """How far the quantisation moves the distribution of next tokens (KL), where the vocabulary has a measurement."""

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
    return _Survey(host, book).field


OF_SERVER = frozenset({"server.id", "server.concurrency", "server.api_key", "backend", "runtime"})
"""Facts that are the same for all candidates of one deployment."""

SHARED = frozenset({
    "server.id", "server.concurrency", "server.api_key", "model.id", "model.family", "model.mixture", "model.attention",
    "model.capabilities", "model.total_b", "model.active_b", "model.license_class", "model.native_context", "model.thinking", "model.suitability",
    "backend", "runtime",
})  # fmt: skip
"""Facts that are the same for all candidates of one model on one deployment."""

NEAREST = {
    "server.formats": 0,
    "server.models": 1,
    "needs.quant": 0,
    "memory.weights": 1,
    "server.source": 2,
    "server.stack": 2,
    "memory.fit": 3,
}
"""How near a miss was, by what refused it; rules (not named here) are nearest of all. The nearest miss is the one to tell."""


DOUBT = 1.5
"""Factor by which an estimate may be too low before a setup counts as too slow; the same for all, however wide their ranges are."""


class _Survey:
    """One look at everything: host, rules and what was found so far."""

    def __init__(self, host: Host, book: RuleBook) -> None:
        self.host = host
        self.judgement = book.judge_host(host.lookup.get)
        self.book = book.narrow(host.lookup.get)
        ways, refused = deployments(host, self.judgement)
        self.field = Field(rejected=refused, judgement=self.judgement)
        self._sites: dict[tuple[str, int], Site] = {}
        self._books: dict[int, RuleBook] = {}
        self._server_books: dict[int, RuleBook] = {}
        self._workloads: dict[Workload, Workload] = {}
        self._speeds: dict[tuple[int, str, str], tuple[Memory, Speed]] = {}
        self._overridden = {effect.rule.overrides for effect in self.judgement.effects}
        pending = Pending.of(self.judgement.effects)
        answered = [(way, pending.settled({"server": way.server.id, "backend": way.backend, "runtime": way.runtime})) for way in ways]
        for head in (host.pack.heads[id_] for id_ in host.pack.models):
            if reason := model_reason(host, head):
                self._refuse(Rejection(head.id, "", "", (reason[0],), reason[1], tuple(host.pack.urls(head.sources[:1]))))
            else:
                model = host.pack.models[head.id]
                remember(model.architecture, host.pack.raw.get("sizes", {}).get(model.id, {}))
                self._model(model, answered)

    def _refuse(self, rejection: Rejection) -> None:
        self.field.rejected.append(rejection)

    def _site(self, backend: str, cards: int) -> Site:
        key = (backend, cards)
        if key not in self._sites:
            self._sites[key] = site(self.host, backend, cards=cards)
        return self._sites[key]

    def _book(self, way: Way, facts: Mapping[str, Any]) -> RuleBook:
        """The rules with all facts settled that candidates of the present model on one deployment share."""
        key = id(way.deployment)
        if key not in self._books:
            if key not in self._server_books:
                self._server_books[key] = self.book.narrow(facts.get, OF_SERVER.__contains__)
            self._books[key] = self._server_books[key].narrow(facts.get, SHARED.__contains__)
        return self._books[key]

    def _model(self, model: Model, ways: list[tuple[Deployment, Pending]]) -> None:
        """Adds the model's candidates and, for each server that could not take it, the nearest miss."""
        self._books.clear()
        misses: dict[str, Rejection] = {}
        accepted: set[str] = set()
        asked = self.host.needs.quant
        about = About(self.host, model)
        for weights in model.weights:
            if asked and weights.quant.lower() != asked.lower():
                misses.setdefault("", Rejection(model.id, weights.quant, "", ("needs.quant",), f"You asked for {asked}."))
                continue
            size = weight_bytes(model.architecture, weights.quant, weights.format).total
            for deployment, pending in ways:
                server = deployment.server
                if weights.format not in server.formats:
                    text = f"{server.name} does not read {weights.format} files."
                    misses.setdefault(server.id, Rejection(model.id, "", server.id, ("server.formats",), text))
                    continue
                for outcome in self._outcomes(about.way(weights, deployment, size, pending), about.unfit(server)):
                    if isinstance(outcome, Rejection):
                        _keep_nearest(misses, server.id, outcome)
                    else:
                        accepted.add(server.id)
                        self.field.candidates.append(outcome)
        for server_id, miss in sorted(misses.items()):
            if server_id not in accepted and (server_id or not accepted):
                self._refuse(miss)

    def _outcomes(self, way: Way, unfit: tuple[str, str] | None) -> Iterator[Candidate | Rejection]:
        """Candidates of one model, weights and deployment, or the reasons why there are none."""
        model, server, urls = way.model, way.server, self.host.pack.urls
        if not way.source:
            yield way.refused("server.source", f"No {way.weights.quant} of {model.name} that {server.name} can pull is known.")
            return
        if unfit:
            yield way.refused(*unfit, tuple(urls(server.sources[:1])))
            return
        if stacks_of(self.host) and (reason := why_not(self.host, self.host.needs.server, way.deployment, model, way.source)):
            yield way.refused("server.stack", reason)
            return
        if found := way.pending.refusing():
            yield way.excluded(found, tuple(urls(found[0].rule.sources)))
            return
        embeds = self.host.use_case["task"] == "embedding"
        if not embeds and (
            reason := capacity_reason(server, model, self.host.needs.users)
            or ("" if way.contexts else pool_reason(self.host, server, model))
        ):
            yield way.refused("server.concurrency", reason, tuple(urls(server.sources[:1])))
            return
        yield from self._placements(way)

    def _placements(self, way: Way) -> Iterator[Candidate | Rejection]:
        server = way.server
        fitted = False
        nearest = ""
        for cards, replicas in card_choices(self.host, server, way.deployment.backend):
            where = self._site(way.deployment.backend, cards * replicas)
            room = _room(where, server) / replicas
            if way.size > room:
                text = f"its weights take {way.size / GIB:.1f} GiB, and {room / GIB:.1f} GiB can be used"
                yield way.refused("memory.weights", f"{way.model.name} in {way.weights.quant} does not fit: {text}.")
                continue
            for outcome in self._stores(way, where, cards, replicas):
                if isinstance(outcome, str):
                    nearest = nearest or outcome
                else:
                    fitted = fitted or isinstance(outcome, Candidate)
                    yield outcome
        if not fitted and nearest:
            yield way.refused("memory.fit", nearest)

    def _stores(self, way: Way, where: Site, cards: int, replicas: int) -> Iterator[Candidate | Rejection | str]:
        """Cache types and placements that fit, or why they do not.

        A split is not tried where all of it fits, and a smaller cache only where it answers at less than a comfortable speed then.
        """
        host, server, model = self.host, way.server, way.model
        comfortable = float(host.use_case["comfortable_tps"]) * float(host.experience["pace"])
        share = claim_share(host, server, where, model, way.size)
        room = Room(where, cards, replicas, parallel_for(host, server, replicas), share, projector_bytes(host, server, model, way.weights))
        whole = False
        for cache in cache_choices(host, model, way.deployment):
            for kind in placement_kinds(server, model, way.deployment.backend):
                if whole and kind not in {"full", "cpu"}:
                    continue
                found, workload = self._largest(way, room, cache, kind)
                if found is None:
                    yield _no_room(way, workload, where)
                    continue
                outcome = self._judged(way, workload, found, room)
                yield outcome
                if kind in {"full", "cpu"} and workload.context == way.contexts[0]:
                    whole = True
                    if isinstance(outcome, Candidate) and outcome.estimate.speed.decode_tps.value >= comfortable:
                        return

    def _largest(self, way: Way, room: Room, cache: str, kind: str) -> tuple[Estimate | None, Workload]:
        """The estimate with the largest context that fits in this placement, or none with the smallest workload tried."""
        host, model, weights, server = self.host, way.model, way.weights, way.server
        workload = Workload(0, room.slots)
        for context in way.contexts:
            ubatch = ubatch_for(server, model, context, room.slots, pictures=room.projector > 0)
            workload = Workload(context, room.slots, cache, cache, ubatch, embeddings=host.use_case["task"] == "embedding")
            workload = self._workloads.setdefault(workload, workload)
            self.field.tried += 1
            memory = place(
                model.architecture, weights.quant, weights.format, server.id, room.where.machine, workload,
                kind=kind, tensor_parallel=room.cards, replicas=room.replicas,
                claim_share=room.share, projector_bytes=room.projector,
            )  # fmt: skip
            if memory.fits != "no" and memory.placement.kind == kind:
                return Estimate(memory, self._speed(way, room.where, workload, memory)), workload
        return None, workload

    def _speed(self, way: Way, where: Site, workload: Workload, memory: Memory) -> Speed:
        """The speed in this placement; servers of one class that share a placement share the answer."""
        key = (id(memory), way.model.id, class_of_server(way.server.id))
        found = self._speeds.get(key)
        if found is None:
            prompt = min(int(self.host.use_case["prompt_tokens"]), max(workload.context - 1, 1))
            depth = typical_depth(self.host, workload.context)
            speed = speed_of(where, way.model, way.weights, way.server.id, workload, memory, prompt_tokens=prompt, depth=depth)
            found = self._speeds[key] = memory, speed
        return found[1]

    def _judged(self, way: Way, workload: Workload, found: Estimate, room: Room) -> Candidate | Rejection:
        """The candidate, or what excludes it: too slow for the use case, or a rule."""
        host = self.host
        speed = found.speed.decode_tps
        minimum = float(host.use_case["minimum_tps"])
        if minimum and speed.value * DOUBT < minimum:
            label = host.use_case["label"]
            return way.refused(
                "speed.minimum", f"At about {speed.value:.1f} tokens/s it would be slower than the {minimum:.0f} that {label} needs."
            )
        facts = _facts(host, way, workload, found, room.replicas)
        known = host.lookup
        own = self._book(way, facts).judge(lambda name: facts[name] if name in facts else known.get(name)).effects
        tags = {**way.tags, "offload": found.memory.placement.kind, "cache_type": workload.cache_k}
        if by := [*refusing(own, tags), *way.pending.refusing_late(tags)]:
            return way.excluded(by, tuple(host.pack.urls(by[0].rule.sources)))
        effects = (*way.pending.holding(tags), *(effect for effect in own if effect.kind not in REFUSALS and effect.selects(tags)))
        if own and (overridden := self._overridden | {effect.rule.overrides for effect in own}):
            effects = tuple(effect for effect in effects if effect.kind != "set" or effect.rule.id not in overridden)
        return Candidate(
            way.model, way.weights, way.deployment, workload, room.replicas, room.cards, way.source, found, int(facts["model.suitability"]),
            float(facts["weights.bits"]), facts, effects, room.share,
            host.divergences.get(way.weights.quant) if way.weights.format == "gguf" else None,
        )  # fmt: skip


def _facts(host: Host, way: Way, workload: Workload, found: Estimate, replicas: int) -> dict[str, Any]:
    """The facts of one candidate, by the names in the vocabulary of facts."""
    model, server, memory = way.model, way.server, found.memory
    margin = min((device.capacity_bytes - device.used_bytes for device in memory.devices), default=0)
    return {
        "server.id": server.id,
        "server.concurrency": server.concurrency.get("kind"),
        "server.api_key": bool(server.raw.get("features", {}).get("api_key")),
        "model.id": model.id,
        "model.family": model.family,
        "model.mixture": model.is_mixture,
        "model.attention": way.tags["attention"],
        "model.capabilities": list(model.capabilities),
        "model.total_b": model.total_parameters / 1e9,
        "model.active_b": model.active_parameters / 1e9,
        "model.license_class": model.license_class,
        "model.native_context": model.native_context,
        "model.thinking": "adjustable" if thinking_words(model, server, "less") else "fixed",
        "model.suitability": model.use_cases.get(host.needs.use_case, 0),
        "weights.format": way.weights.format,
        "weights.quant": way.weights.quant,
        "weights.bits": bits_per_weight(model, way.size),
        "weights.gib": way.size / GIB,
        "backend": way.deployment.backend,
        "runtime": way.deployment.runtime,
        "offload.kind": memory.placement.kind,
        "settings.context": workload.context,
        "settings.parallel": workload.parallel,
        "settings.cache_bits": EIGHT if workload.cache_k in {"q8_0", "fp8"} else 16,
        "settings.tensor_parallel": memory.placement.tensor_parallel,
        "settings.replicas": replicas,
        "fit.memory_margin_gib": margin / GIB,
        "speed.decode_tps": found.speed.decode_tps.value,
        "speed.ttft_s": found.speed.ttft_s.value,
    }


def _keep_nearest(misses: dict[str, Rejection], server_id: str, miss: Rejection) -> None:
    kept = misses.get(server_id)
    if kept is None or NEAREST.get(miss.by[0], 4) > NEAREST.get(kept.by[0], 4):
        misses[server_id] = miss


def _room(where: Site, server: Server) -> int:
    """Bytes that weights could take at the very most: accelerators, and main memory for servers that can split."""
    slots = where.machine.slots
    room = sum(slot.usable_bytes for slot in slots)
    splits = not slots or server.raw.get("features", {}).get("partial_offload", False)
    if splits and not any(slot.unified for slot in slots):
        room += where.machine.ram_usable_bytes
    return room


def _no_room(way: Way, workload: Workload, where: Site) -> str:
    slots = where.machine.slots
    room = sum(slot.usable_bytes for slot in slots) if slots else where.machine.ram_usable_bytes
    return (
        f"{way.model.name} in {way.weights.quant} ({way.size / GIB:.1f} GiB) with {workload.parallel} x {workload.context} tokens of context"
        f" does not fit: {room / GIB:.1f} GiB can be used."
    )
