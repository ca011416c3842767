"""Says in sentences why a plan is what it is: decisions, warnings and open questions."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from setupgen.engine import clusters
from setupgen.engine.blessed import EXACT, blessing_of, value_of
from setupgen.engine.conditions import holds
from setupgen.engine.intake import USUAL_RUNTIME
from setupgen.engine.pictures import picture_decision
from setupgen.engine.plan import Caution, Decision
from setupgen.engine.published import comparable, expected_score, lead
from setupgen.engine.ranking import effective_billions, expected_quality
from setupgen.knowledge import GIB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.engine.candidates import Candidate, Field
    from setupgen.engine.host import Host
    from setupgen.engine.plan import Choice
    from setupgen.engine.rules import Effect, RuleBook


def decisions(host: Host, best: Candidate, choice: Choice) -> Iterator[Decision]:
    """One decision per part of the choice, in the order in which a reader asks."""
    yield _model(host, best)
    yield _quality(host, best)
    yield from _blessed(host, best)
    yield _weights(host, best)
    yield _server(host, best)
    yield _backend(host, best)
    yield _context(host, best)
    yield from _slots(host, best)
    yield from _cache(host, best)
    yield from _placement(best)
    yield _runtime(host, best)
    yield from _exposure(host, choice)
    yield from _drafting(host, best)
    yield from picture_decision(host, best)
    yield from _by_rules(host, best)
    yield from clusters.decisions(host, best, choice)


def _because(host: Host, best: Candidate, kind: str, key: str) -> tuple[list[str], list[str]]:
    """Sentences and source addresses of the preferences that name `key` and speak for the candidate."""
    hits = [effect for effect in best.effects if effect.kind == kind and any(name == key for name, _ in effect.selector)]
    return [effect.rule.because for effect in hits], [url for effect in hits for url in host.pack.urls(list(effect.rule.sources))]


REGARD = {3: "a usual expert pick for", 2: "good for", 1: "usable for", 0: "not usually recommended for"}


def _model(host: Host, best: Candidate) -> Decision:
    model = best.model
    reasons, urls = _because(host, best, "prefer", "model")
    mixture = f", of which {model.active_parameters / 1e9:.1f}B work per token" if model.is_mixture else ""
    text = (
        f"{model.name} ({model.total_parameters / 1e9:.1f}B parameters{mixture}, {model.released}, {model.license_id}) is"
        f" {REGARD[best.suitability]} {host.use_case['label'].lower()}, and scored best of what fits with enough speed."
    )
    return Decision(
        "model",
        model.id,
        " ".join([text, *reasons]),
        "ranking.total",
        tuple(host.pack.urls(model.sources[:2])) + tuple(urls),
        (("needs.use_case", host.needs.use_case), ("needs.experience", host.needs.experience)),
    )


def _quality(host: Host, best: Candidate) -> Decision:
    """What the expected quality of the answers rests on: published scores where they can be compared, else size and date alone."""
    model, label = best.model, host.use_case["label"].lower()
    expected = expected_quality(model)
    found = list(comparable(host.pack, model, host.needs.use_case))
    names = host.pack.vocabulary("benchmarks")
    told = [
        f"{names[score['benchmark']]['label']} {score['value']:g} ({score.get('harness', 'harness unknown')}, {score.get('date') or 'undated'};"
        f" models of its size and date reach {expected_score(line, expected):.0f} by a line through {line['models']})"
        for score, line in found
    ]
    quality = round(expected + lead(host.pack, model, host.needs.use_case, expected), 3)
    basis = f"its size class ({effective_billions(model):.3g}B) and date ({model.released})"
    if told:
        text = f"Expected from {basis} and from what was published: {'; '.join(told)}."
    else:
        text = f"Expected from {basis} alone: no published score of it says much about {label} and can be compared with other models'."
    urls = dict.fromkeys(host.pack.url(score["source"]) for score, _ in found)
    return Decision("model.quality", quality, text, "ranking.quality", tuple(urls), (("needs.use_case", host.needs.use_case),))


def _blessed(host: Host, best: Candidate) -> Iterator[Decision]:
    hit = blessing_of(host.blessings, best)
    if hit:
        id_, raw = hit
        proofs = [proof["says"] for proof in raw["evidence"]]
        known = "were run together on this hardware" if value_of(raw) == EXACT else "were run or advised with a difference that is told"
        text = " ".join([f"Blessed setup {raw['name']!r}: model, quantisation and server {known}.", *proofs])
        urls = dict.fromkeys(host.pack.url(proof["source"]) for proof in raw["evidence"])
        yield Decision("setup", id_, text, f"setup:{id_}", tuple(urls))


def _weights(host: Host, best: Candidate) -> Decision:
    weights = best.weights
    size = float(best.facts["weights.gib"])
    entry = host.pack.vocabulary("quantisations").get(weights.quant, {})
    text = f"{weights.quant} takes {size:.1f} GiB ({best.bits:.1f} bits per weight) and leaves room for the cache. {entry.get('description', '')}"
    return Decision("weights.quant", weights.quant, text.strip(), "ranking.precision", tuple(host.pack.urls(best.model.sources[:1])))


def _server(host: Host, best: Candidate) -> Decision:
    server = best.deployment.server
    reasons, urls = _because(host, best, "prefer", "server")
    text = f"{server.name} {server.version} reads {best.weights.format} and runs on {best.deployment.backend} here."
    return Decision(
        "server", server.id, " ".join([text, *reasons]), "ranking.rules", tuple(host.pack.urls(server.sources[:1])) + tuple(urls)
    )


def _backend(host: Host, best: Candidate) -> Decision:
    backend = best.deployment.backend
    reasons, urls = _because(host, best, "prefer", "backend")
    label = host.pack.vocabulary("backends").get(backend, {}).get("label", backend)
    device = host.group.devices[0].name if host.group and backend != "cpu" else host.cpu.name
    return Decision(
        "backend", backend, " ".join([f"{label} is what {device} offers this server.", *reasons]), "deployment.backend", tuple(urls)
    )


def _context(host: Host, best: Candidate) -> Decision:
    context = best.workload.context
    origin = host.facts.origins.get("needs.context", "assumed")
    floor = int(host.use_case["minimum_context"])
    usual = min(host.needs.context, best.model.maximum_context)
    if origin != "assumed":
        text = f"{context} tokens per user, as {'much as fits' if host.needs.context <= 0 else 'you asked'}"
    elif context < usual:
        text = f"{context} tokens per user, cut from the usual {usual} so that this model fits"
    else:
        text = f"{context} tokens per user, usual for {host.use_case['label'].lower()}"
    text += f" (it needs {floor} at least). It is written out, because servers' own defaults differ and cut prompts silently."
    return Decision(
        "settings.context",
        context,
        text,
        "context",
        tuple(host.pack.urls(best.deployment.server.sources[:1])),
        (("needs.context", context),),
    )


def _slots(host: Host, best: Candidate) -> Iterator[Decision]:
    workload = best.workload
    users = host.needs.users
    shared = best.facts["server.concurrency"] == "continuous-batching" or best.deployment.server.settings.get("kv_unified")
    own = f"up to {workload.context} tokens each, from one shared cache" if shared else f"each slot has its own {workload.context} tokens"
    copies = f" in each of {best.replicas} copies" if best.replicas > 1 else ""
    text = f"{workload.parallel} at the same time{copies} for {users} user{'s' * (users > 1)}; {own}."
    yield Decision("settings.parallel", workload.parallel, text, "parallel", (), (("needs.users", users),))


def _cache(host: Host, best: Candidate) -> Iterator[Decision]:
    cache = best.workload.cache_k
    size = best.estimate.memory.kv_cache_bytes / GIB
    kept = cache == best.deployment.server.settings.get("default_cache_type", "f16")
    text = f"The cache takes {size:.2f} GiB"
    text += (
        " in full precision, which fits."
        if kept
        else " at 8 bits, half of what full precision takes and quicker to read; below 8 bits tool calls begin to fail."
    )
    sources = [url for effect in best.effects if effect.rule.topic == "cache" for url in host.pack.urls(list(effect.rule.sources))]
    yield Decision("settings.cache_type_k", cache, text, "memory.kv_cache", tuple(dict.fromkeys(sources)))


PLACES = {
    "full": "Everything lies on the accelerator; nothing spills into main memory.",
    "experts": "The experts of {n} layers lie in main memory and everything else on the accelerator, which is far faster than moving whole layers.",
    "layers": "{g} layers lie on the accelerator and the rest in main memory, which is slow.",
    "cpu": "It runs on the CPU from main memory.",
}


def _placement(best: Candidate) -> Iterator[Decision]:
    placement = best.estimate.memory.placement
    text = PLACES[placement.kind].format(n=placement.n_cpu_moe, g=placement.gpu_layers)
    margin = float(best.facts["fit.memory_margin_gib"])
    yield Decision("settings.offload", placement.kind, f"{text} {margin:.1f} GiB stay free on the fullest device.", "memory.place")
    if placement.tensor_parallel > 1:
        yield Decision(
            "settings.tensor_parallel",
            placement.tensor_parallel,
            "The cards share each layer, because one alone is too small or too slow.",
            "memory.place",
        )
    if best.replicas > 1:
        yield Decision(
            "settings.replicas",
            best.replicas,
            "The model fits one card, so copies serve more users than sharing layers would.",
            "memory.place",
        )


def _runtime(host: Host, best: Candidate) -> Decision:
    runtime = best.deployment.runtime
    stated = host.facts.origins.get("needs.runtime") != "assumed"
    text = (
        "As you asked."
        if stated
        else f"{best.deployment.server.name}, which you asked for, runs in this way only."
        if host.needs.server and best.deployment.server.runtimes == (runtime,) != (USUAL_RUNTIME[host.needs.os],)
        else "Usual for this operating system; GPU containers do not exist on macOS."
        if host.needs.os == "macos"
        else "Usual for this operating system."
    )
    return Decision("runtime", runtime, text, "needs.runtime")


def _exposure(host: Host, choice: Choice) -> Iterator[Decision]:
    port = choice.settings["port"]
    reach = "Only the proxy on this host can reach the server itself" if choice.proxy else "Only this host can reach it"
    if choice.cluster.get("node"):
        port = choice.proxy["port"] if choice.proxy else port
        reach = "A Service leads from this port of the node to Caddy, which asks for the key, and only Caddy reaches the server"
    elif choice.cluster:
        reach = "Pods of its own namespace reach it by its Service, and this machine by a forwarded port that listens here only"
    text = f"{reach}, on port {port}, which is written out because defaults have moved between versions."
    yield Decision("settings.bind", choice.settings["bind"], text, "exposure.local", (), (("needs.exposure", host.needs.exposure),))
    if choice.proxy:
        yield Decision("proxy", choice.proxy["id"], choice.proxy["because"], "exposure.proxy")


def _drafting(host: Host, best: Candidate) -> Iterator[Decision]:
    """What drafting brought others: told apart, because it depends on the text and is in none of the numbers."""
    for entry in best.model.raw.get("drafting", ()):
        if entry["server"] == best.deployment.server.id:
            gains = sorted(entry["gains"])
            pairs = f"{len(gains)} published pair{'s' * (len(gains) > 1)} of runs"
            text = (
                f"Drafting is off, and no number here counts it. With {entry['kind']} {pairs} were {gains[0]:g} to {gains[-1]:g} times faster"
                f" (median {median(gains):.2g}); what it brings depends on the text."
            )
            yield Decision("settings.drafting", False, text, "ranking.drafting", (host.pack.url(entry["source"]),))


def _by_rules(host: Host, best: Candidate) -> Iterator[Decision]:
    for effect in best.effects:
        if effect.kind == "set":
            for key, value in effect.values:
                yield Decision(key, value, effect.rule.because, effect.rule.id, tuple(host.pack.urls(list(effect.rule.sources))))


def warnings(host: Host, field: Field, best: Candidate | None, choice: Choice | None, *, hosted: bool) -> Iterator[Caution]:
    """What rules warn of, what sources disagreed about, and what follows from the numbers."""
    effects: tuple[Effect, ...] | list[Effect] = best.effects if best else field.judgement.effects if field.judgement else []
    seen = set()
    for effect in sorted((effect for effect in effects if effect.kind == "warn"), key=lambda item: item.rule.id):
        if effect.rule.id not in seen:
            seen.add(effect.rule.id)
            yield Caution(effect.rule.id, effect.text, tuple(host.pack.urls(list(effect.rule.sources))))
    for number, clash in enumerate(host.facts.clashes, 1):
        yield Caution(f"facts-disagree-{number}", clash)
    for part in (part for part in host.unused_parts if part.id):  # what nobody knows is asked about instead
        yield Caution("accelerator-left-idle", f"{part.name} is left idle: it cannot work together with the other accelerators.")
    if hosted:
        yield Caution(
            "hosted-spending-limit",
            "If you buy: set a spending limit at the provider first, and send nothing that must not leave the house.",
        )
    if best and choice:
        yield from _own_files(host, best)
        yield from _faults(host, best)
        disk = host.lookup["hardware.disk_free_gib"]
        if disk is not None and choice.download_bytes * 1.1 > disk * GIB:
            text = f"The download takes {choice.download_bytes / 1e9:.1f} GB and {disk:.0f} GiB of disk are free: make room first."
            yield Caution("disk-too-small", text)


def _own_files(host: Host, best: Candidate) -> Iterator[Caution]:
    """What of the choice rests on the user's own files instead of the reviewed ones."""
    parts = [part.id for part in host.hardware.parts] + [host.cpu.id]
    used = [f"models/{best.model.id}", f"servers/{best.deployment.server.id}", *(f"hardware/{id_}" for id_ in parts)]
    own = [name for name in dict.fromkeys(used) if name in host.pack.overlay]
    if own:
        yield Caution("own-knowledge", f"From your own knowledge folder, reviewed by nobody else: {', '.join(own)}.")


def _faults(host: Host, best: Candidate) -> Iterator[Caution]:
    known = {**host.lookup, **best.facts}
    for number, fault in enumerate(best.model.raw.get("faults", ()), 1):
        text, when = (fault, None) if isinstance(fault, str) else (fault["text"], fault["when"])
        if when is None or holds(when, known.get):
            yield Caution(f"known-fault-{number}", f"{best.model.name}: {text}", tuple(host.pack.urls(best.model.sources[:1])))


def open_questions(host: Host, book: RuleBook, field: Field) -> Iterator[str]:
    """Questions whose answers could change the plan: facts that rules wanted and nobody knows."""
    asked = set()
    for _rule, facts in field.judgement.unknown if field.judgement else ():
        for fact in facts:
            question = book.question(fact)
            if question and question not in asked:
                asked.add(question)
                yield question
    for part in host.hardware.parts:
        if not part.id:
            yield f"What is {part.name}? The knowledge base does not know it, so it was left out."
