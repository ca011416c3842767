"""A rule in words: when it holds, whether it held here and on what, what it did, and which cases hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from setupgen.engine.conditions import facts_read, holds
from setupgen.engine.host import Host
from setupgen.engine.ranking import RULE_UNIT
from setupgen.engine.rules import rule_book
from setupgen.names import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from setupgen.engine.plan import Plan
    from setupgen.engine.rules import Rule
    from setupgen.knowledge import Pack

OPERATORS = {
    "is": "is",
    "is_not": "is not",
    "in": "is one of",
    "not_in": "is none of",
    "at_least": "is at least",
    "at_most": "is at most",
    "above": "is above",
    "below": "is below",
    "contains": "has",
    "matches": "looks like",
}

SHOWN = 4
"""Names in a list that are told."""


def rule_section(pack: Pack, result: Plan, wanted: str) -> list[dict[str, Any]]:
    """The section of the rule or pairing with this plain name, if there is one."""
    rules = [rule for rule in rule_book(pack).rules if plain(rule.id) == wanted]
    if not rules:
        return []
    rule = rules[0]
    sentences = [rule.because, f"It holds when {in_words(pack, rule.when)}.", *effects_in_words(rule), *_here(pack, result, rule)]
    cases = pack.raw.get("cases", {}).get(rule.id, ())
    if cases:
        sentences.append(f"Cases that hold it: {', '.join(cases)}.")
    return [{"title": f"Rule {rule.id}", "sentences": sentences, "sources": list(dict.fromkeys(pack.urls(list(rule.sources))))}]


def in_words(pack: Pack, condition: Mapping[str, Any]) -> str:
    """A condition in the words of the vocabulary of facts: ``concurrent users is at least 8``."""
    for branch, joint in (("all", " and "), ("any", " or ")):
        if branch in condition:
            parts = [in_words(pack, part) for part in condition[branch]]
            return joint.join(f"({part})" if len(parts) > 1 and " or " in part else part for part in parts) or "always"
    if "not" in condition:
        return f"not ({in_words(pack, condition['not'])})"
    operator, value = next((key, value) for key, value in condition.items() if key != "fact")
    name = label(pack, condition["fact"])
    if operator == "exists":
        return f"{name} is {'known' if value else 'unknown'}"
    return f"{name} {OPERATORS[operator]} {_value(value)}"


def label(pack: Pack, fact: str) -> str:
    """What a fact is called."""
    return str(pack.vocabulary("facts").get(fact, {}).get("label", fact))


def _value(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, (list, tuple)):
        return ", ".join(_value(item) for item in value) or "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def effects_in_words(rule: Rule) -> Iterator[str]:
    """What the rule does where it holds."""
    for effect in rule.then:
        kind = next(key for key in effect if key != "weight")
        body = effect[kind]
        if kind == "warn":
            yield f"It warns: {body if isinstance(body, str) else body['text']}"
        elif kind == "set":
            yield f"It sets {', '.join(f'{key} to {_value(value)}' for key, value in body.items())}."
        else:
            what = ", ".join(f"{key} {_value(value)}" for key, value in (body or {}).items()) or "it"
            weight = float(effect.get("weight", 1))
            points = f" by {weight:+g} points ({weight * RULE_UNIT:+.2f} of the score)" if kind == "prefer" else ""
            yield f"It {kind}s {what}{points}."


def _here(pack: Pack, result: Plan, rule: Rule) -> Iterator[str]:
    """What it did in this plan, counted from the trace; where it did nothing, the facts that kept it from it."""
    refused = [item for item in result.rejected if rule.id in item.by]
    if refused:
        count = len(refused)
        names = list(dict.fromkeys(_refused_name(pack, item.model, item.server) for item in refused))
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        yield f"Here it ruled out {count} combination{'s' * (count != 1)}: {', '.join(names[:SHOWN])}{more}."
    ranked = result.ranked
    moved = [item for item in ranked if any(effect.rule.id == rule.id and effect.kind == "prefer" for effect in item[0].effects)]
    if moved:
        chosen = "among them the choice" if moved[0] is ranked[0] else "the choice not among them"
        yield f"Here it counted for {len(moved)} of {len(ranked)} setups that fit, {chosen}."
    if any(item.id == rule.id for item in result.warnings):
        yield "Here it gave a warning."
    decided = [item for item in result.decisions if item.by == rule.id]
    if decided:
        yield f"Here it decided {', '.join(f'{item.what} ({_value(item.value)})' for item in decided)}."
    if not (refused or moved or decided or any(item.id == rule.id for item in result.warnings)):
        yield _idle(pack, result, rule)
    facts = _facts_here(pack, result, rule)
    if facts:
        yield f"Read here: {facts}."


def _refused_name(pack: Pack, model: str, server: str) -> str:
    names = [pack.models[model].name if model in pack.models else model, pack.servers[server].name if server in pack.servers else server]
    return " on ".join(name for name in names if name)


def _lookup(pack: Pack, result: Plan) -> dict[str, Any]:
    """The facts of the host, and those of the choice where there is one."""
    best = result.ranked[0][0].facts if result.ranked else {}
    return {**Host(pack, result.facts).lookup, **best}


def _facts_here(pack: Pack, result: Plan, rule: Rule) -> str:
    known = _lookup(pack, result)
    names = list(dict.fromkeys(facts_read(rule.when)))
    scope = {name: pack.vocabulary("facts").get(name, {}).get("scope") for name in names}
    return "; ".join(
        f"{label(pack, name)}: {_value(known.get(name))}{' (of the choice)' * (scope[name] == 'candidate' and name in known)}"
        for name in names
    )


def _idle(pack: Pack, result: Plan, rule: Rule) -> str:
    answer = holds(rule.when, _lookup(pack, result).get)
    if answer is None:
        return "Here it could not be judged: a fact that it reads is unknown, and unknown never counts as satisfied."
    if answer:
        return "Here it held and changed nothing: nothing that it speaks of was there to be ruled out, preferred or set."
    return "Here it did not hold for the choice."
