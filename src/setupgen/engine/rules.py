"""Applies the rules of the knowledge base and keeps the trace.

A rule that reads only facts of the host is judged once (`judge_host`); one that reads facts of a candidate is judged for each candidate
(`RuleBook.judge`). Excludes and requires do not depend on order; preferences add up.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from setupgen.engine.conditions import made_ready

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from setupgen.engine.conditions import Test
    from setupgen.knowledge import Pack

    Lookup = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: when it holds, its effects, and the sentence that explains it; `model` names the only one that it is about, if so."""

    id: str
    topic: str
    when: Mapping[str, Any]
    then: tuple[Mapping[str, Any], ...]
    because: str
    sources: tuple[str, ...]
    per_candidate: bool
    overrides: str = ""
    model: str = ""


_ALWAYS = made_ready({"all": []})


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect of a rule that holds: its kind (exclude, require, prefer, set, warn) and what it says."""

    kind: str
    rule: Rule
    selector: tuple[tuple[str, tuple[Any, ...]], ...]
    weight: float = 0.0
    values: tuple[tuple[str, Any], ...] = ()
    text: str = ""

    def selects(self, tags: Mapping[str, Any]) -> bool:
        """Whether the selector covers a candidate with these tags; an empty selector covers all."""
        return all(matches(tags.get(key), wanted) for key, wanted in self.selector)


@dataclass
class Judgement:
    """The effects that hold for a host or a candidate, and the rules that could not be judged."""

    effects: list[Effect] = field(default_factory=list)
    unknown: list[tuple[Rule, tuple[str, ...]]] = field(default_factory=list)

    def of(self, kind: str) -> Iterator[Effect]:
        """The effects of one kind, in order of rule id."""
        return (effect for effect in self.effects if effect.kind == kind)


def without_overridden(effects: Iterable[Effect]) -> list[Effect]:
    """The effects without the settings of rules that another one of these overrides."""
    found = list(effects)
    overridden = {effect.rule.overrides for effect in found} - {""}
    return [effect for effect in found if effect.kind != "set" or effect.rule.id not in overridden] if overridden else found


def matches(value: Any, wanted: tuple[Any, ...]) -> bool:
    """Whether a tag, or one of several, is among those that are wanted."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(item in wanted for item in value)
    return value in wanted


def _tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list) else (value,)


def _effect(rule: Rule, raw: Mapping[str, Any]) -> Effect:
    for kind in ("exclude", "require", "prefer"):
        if kind in raw:
            selector = tuple((key, _tuple(value)) for key, value in sorted((raw[kind] or {}).items()))
            return Effect(kind, rule, selector, weight=float(raw.get("weight", 1)))
    if "set" in raw:
        return Effect("set", rule, (), values=tuple(sorted(raw["set"].items())))
    return Effect("warn", rule, (), text=raw["warn"]["text"] if isinstance(raw["warn"], dict) else str(raw["warn"]))


def _pairings(pack: Pack) -> Iterator[Rule]:
    """What is special about a pair of server and model, as rules."""
    by_name = {id_.rsplit("/", maxsplit=1)[-1]: id_ for id_ in pack.models}
    for id_, raw in pack.pairings.items():
        server, name = id_.split("/", maxsplit=1)
        if name in by_name:
            pair = [{"fact": "server.id", "is": server}, {"fact": "model.id", "is": by_name[name]}]
            effect = {"exclude": {}} if raw["effect"].get("exclude") else raw["effect"]
            when = {"all": [*pair, *([raw["when"]] if "when" in raw else [])]}
            yield Rule(f"pairing:{id_}", "pairing", when, (effect,), raw["because"], tuple(raw["sources"]), True, model=by_name[name])


@lru_cache(maxsize=4)
def rule_book(pack: Pack) -> RuleBook:
    """The rules of a pack; made once, since neither ever changes."""
    return RuleBook(pack)


class RuleBook:
    """All rules of a pack, ready to be judged."""

    def __init__(self, pack: Pack) -> None:
        self._scopes = scopes = {name: entry["scope"] for name, entry in pack.vocabulary("facts").items()}
        self._questions: dict[str, str] = {name: entry.get("ask", "") for name, entry in pack.vocabulary("facts").items()}
        own = [
            Rule(
                id=id_,
                topic=raw["topic"],
                when=raw["when"],
                then=tuple(raw["then"]),
                because=raw["because"],
                sources=tuple(raw["sources"]),
                per_candidate=any(scopes.get(name) == "candidate" for name in made_ready(raw["when"]).facts),
                overrides=raw.get("overrides", ""),
            )
            for id_, raw in pack.rules.items()
        ]
        self.rules = tuple(sorted([*own, *_pairings(pack)], key=lambda rule: rule.id))
        self._effects = {rule.id: tuple(_effect(rule, raw) for raw in rule.then) for rule in self.rules}
        tests = [(rule, made_ready(rule.when)) for rule in self.rules]
        self._host = tuple(pair for pair in tests if not pair[0].per_candidate)
        self._candidate = tuple(pair for pair in tests if pair[0].per_candidate)

    def judge_host(self, lookup: Lookup) -> Judgement:
        """Judges the rules that need no candidate."""
        return self._judge(self._host, lookup)

    def narrow(self, lookup: Lookup, is_settled: Callable[[str], bool] | None = None) -> RuleBook:
        """The same book with some facts settled: rules that cannot hold any more are gone, and the others are shorter.

        Args:
            lookup: gives the settled facts.
            is_settled: whether a fact is settled; the facts of the host by default.
        """
        settled = is_settled or self._is_of_host
        narrowed = copy(self)
        kept = []
        model = lookup("model.id") if settled("model.id") else None
        for rule, test in self._candidate:
            if model and rule.model not in {"", model}:
                continue
            shorter = test.narrowed(lookup, settled)
            if shorter is not False:
                kept.append((rule, _ALWAYS if shorter is True else shorter or test))
        narrowed._candidate = tuple(kept)  # noqa: SLF001 - a copy of itself
        return narrowed

    def _is_of_host(self, fact: str) -> bool:
        return self._scopes.get(fact) == "host"

    def judge(self, lookup: Lookup) -> Judgement:
        """Judges the rules that read facts of a candidate; `lookup` must know the host's facts too."""
        return self._judge(self._candidate, lookup)

    def _judge(self, rules: tuple[tuple[Rule, Test], ...], lookup: Lookup) -> Judgement:
        result = Judgement()
        for rule, test in rules:
            answer = test.answer(lookup)
            if answer:
                result.effects.extend(self._effects[rule.id])
            elif answer is None:
                missing = tuple(name for name in test.facts if lookup(name) is None)
                result.unknown.append((rule, missing))
        result.effects = without_overridden(result.effects)
        return result

    def question(self, fact: str) -> str:
        """The sentence that asks for a fact, or empty."""
        return self._questions.get(fact, "")
