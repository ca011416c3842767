"""The nearest need that can be met: where nothing fits, one stated thing after the other is given up, and what then fits is told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from setupgen.engine.candidates import survey
from setupgen.engine.host import Host
from setupgen.engine.ranking import rank

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from setupgen.engine.candidates import Candidate
    from setupgen.engine.rules import RuleBook
    from setupgen.facts import Facts, Needs

WORDS = {"server": "server", "model": "model", "quant": "quantisation", "weights_file": "file"}
STATED = ("answered", "declared")
SHOWN = 3
"""Needs that are told."""


def nearest_needs(host: Host, book: RuleBook) -> Iterator[str]:
    """Needs that differ in one stated thing and can be met here, each with what would serve it; or, if none can, with all of them given up.

    Fewer users and shorter contexts are tried by halves, so what is told fits, and somewhat more may.
    """
    found = [sentence for given_up in _ladders(host) for sentence in _first(host, book, given_up)][:SHOWN]
    yield from found or _first(host, book, _together(host))


def _ladders(host: Host) -> Iterator[Iterator[tuple[str, Needs]]]:
    """For each stated thing the needs to try, nearest first."""
    needs = host.needs
    for key, word in WORDS.items():
        if value := getattr(needs, key):
            yield iter([(f"Without insisting on the {word} ({_name(host, key, value)})", _freed(needs, [key]))])
    if needs.license != "any":
        yield iter([(f"With any licence instead of {needs.license} ones", replace(needs, license="any"))])
    if needs.users > 1:
        yield (
            (f"With {users} user{'s' * (users > 1)} at the same time instead of {needs.users}", replace(needs, users=users))
            for users in _halves(needs.users, 1)
        )
    least = int(host.use_case["minimum_context"])
    if host.facts.origins.get("needs.context") in STATED and needs.context > least:
        yield (
            (f"With {context} tokens of context each instead of {needs.context}", replace(needs, context=context))
            for context in _halves(needs.context, least)
        )
    if host.facts.origins.get("needs.runtime") in STATED:
        others = [runtime for runtime in ("native", "docker") if runtime != needs.runtime]
        yield ((f"With runtime {runtime} instead of {needs.runtime}", replace(needs, runtime=runtime)) for runtime in others)


def _together(host: Host) -> Iterator[tuple[str, Needs]]:
    needs = host.needs
    freed = replace(_freed(needs, WORDS), license="any")
    least = int(host.use_case["minimum_context"])
    context = min(needs.context, least) if needs.context > 0 else least
    words = f"With {context} tokens of context each{', any licence' * (needs.license != 'any')}"
    words += ", and nothing insisted on" * any(getattr(needs, key) for key in WORDS)
    for users in dict.fromkeys((needs.users, *_halves(needs.users, 1))):
        yield f"{words}, for {users} user{'s' * (users > 1)}", replace(freed, users=users, context=context)


def _halves(value: int, least: int) -> Iterator[int]:
    while value // 2 >= least:
        value //= 2
        yield value


def _name(host: Host, key: str, value: str) -> str:
    if key == "server":
        return host.pack.servers[value].name
    return host.pack.models[value].name if key == "model" else value


def _freed(needs: Needs, keys: Iterable[str]) -> Needs:
    """The needs without what was insisted on."""
    changes: dict[str, Any] = dict.fromkeys(keys, "")
    return replace(needs, **changes)


def _first(host: Host, book: RuleBook, given_up: Iterator[tuple[str, Needs]]) -> Iterator[str]:
    """The first of these needs that can be met."""
    for words, needs in given_up:
        origins = {**host.facts.origins, "needs.context": "answered"} if needs.context != host.needs.context else host.facts.origins
        found = best_for(host, book, replace(host.facts, needs=needs, origins=origins))
        if found:
            speed = f" about {found.estimate.speed.decode_tps.value:.3g} tokens/s for each," * (host.use_case["task"] == "text-generation")
            yield (
                f"{words} it can be done: {found.model.name} in {found.weights.quant} on {found.deployment.server.name},{speed}"
                f" {found.workload.context} tokens of context."
            )
            return


def best_for(host: Host, book: RuleBook, facts: Facts) -> Candidate | None:
    """The best setup for other facts of the same host, or none."""
    other = Host(host.pack, facts)
    ranked = rank(other, survey(other, book).candidates)
    return ranked[0][0] if ranked else None
