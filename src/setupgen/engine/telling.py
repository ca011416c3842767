"""What a page shows of a plan, in words and shares: numbers are worded here once, so that a page computes no advice. Pure."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from setupgen.engine.glance import figures_of, memory_of, speed_of
from setupgen.engine.refusals import BY_RULE, LABELS, groups_of
from setupgen.words import COST_ANSWERS, amount, context_words, gib, money, people, rounded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from setupgen.engine.candidates import Candidate
    from setupgen.engine.plan import Plan
    from setupgen.knowledge import Pack

    Json = Mapping[str, Any]
    Ranked = tuple[Candidate, Mapping[str, float]]

MOST_POINTS = 30
"""Other models on the chart, at most."""

BY_COST = "By cost alone: buy it."
"""What the comparison of costs answers where the setup does the work well."""

MOST_REASONS = 8
"""Reasons that ruled others out, at most."""

LIKE = {
    "best-quality": "Better answers",
    "fastest": "Faster",
    "smallest": "Smaller",
    "least-effort": "Easier to run",
    "next-best": "Next best",
}

TITLES = {
    "model": "The model",
    "model.quality": "How good it is",
    "setup": "Seen running",
    "weights.quant": "The quantisation",
    "server": "The server",
    "settings.context": "The context",
    "settings.parallel": "Requests at once",
    "settings.cache_type_k": "The cache",
    "settings.offload": "Where it lies",
    "settings.bind": "Who can reach it",
    "proxy": "The proxy",
    "runtime": "How it is started",
    "backend": "The backend",
}

ORIGINS = {"answered": "you said", "declared": "you said", "detected": "detected", "assumed": "assumed"}


def told(pack: Pack, plan: Plan, document: Json, cost: Json) -> dict[str, Any]:
    """Everything of the plan that is told at a glance.

    Args:
        pack: the knowledge base.
        plan: the plan.
        document: the plan as JSON.
        cost: the document of `cost_answer.cost`.
    """
    choice = document["choice"]
    speed = list(speed_of(pack, document)) if choice else []
    shown = {
        "title": _title(document),
        "sentence": _sentence(pack, document),
        "verdict": document["verdict"],
        "points": list(_points(document)) if choice else [],
        "facts": list(_facts(pack, document)),
        "would_fit": document["would_fit"],
        "figures": list(figures_of(document, speed)) if choice else [],
        "memory": memory_of(document) if choice else None,
        "speed": speed,
        "alternatives": [_alternative(item) for item in document["alternatives"]],
        "chart": _chart(plan),
        "why": [_reason(item) for item in document["decisions"]],
        "why_not": _why_not(pack, plan),
        "warnings": [{"text": item["text"], "sources": item["sources"]} for item in document["warnings"]],
        "assumed": [f"{item['because']} ({_value(item)})" for item in document["assumptions"] if item["fact"].startswith("hardware")],
        "questions": document["open_questions"],
        "buy": _buy(pack, document, cost),
    }
    return {**shown, "announcement": f"{shown['title']}. {shown['sentence']}"}


def _title(document: Json) -> str:
    choice = document["choice"]
    if choice is None:
        return "Nothing fits"
    return f"{choice['model']['name']} on {choice['server']['name']}"


def _sentence(pack: Pack, document: Json) -> str:
    """The choice in a sentence, for somebody who never ran a model."""
    choice, needs = document["choice"], document["facts"]["needs"]
    use_case = pack.vocabulary("use-cases")[needs["use_case"]]["label"].lower()
    if choice is None:
        return f"No model of the knowledge base can do {use_case} on {_machine(document)}."
    runtime = pack.vocabulary("runtimes")[choice["runtime"]]["label"]
    started = "started natively" if choice["runtime"] == "native" else f"started by {runtime}"
    lead = "Buying is the better answer here; the best you can run yourself is" if document["verdict"] == "hosted" else "Run"
    return (
        f"{lead} {choice['model']['name']} in the {choice['weights']['quant']} size on {_machine(document)} for {use_case},"
        f" with {choice['server']['name']} {choice['server']['version']}, {started}."
    )


def _machine(document: Json) -> str:
    hardware = document["facts"]["hardware"]
    names = [f"{item['count']}x {item['name']}" if item["count"] > 1 else item["name"] for item in hardware["devices"]]
    return " and ".join(names) or hardware["cpu"]


def _points(document: Json) -> Iterator[str]:
    choice, needs = document["choice"], document["facts"]["needs"]
    yield f"{people(needs['users'])} at the same time, {context_words(choice['settings']['context'])} of context each"
    yield f"Licence of the model: {choice['model']['license']}"


def _facts(pack: Pack, document: Json) -> Iterator[dict[str, str]]:
    """What the plan is for, and who said so."""
    needs, origins = document["facts"]["needs"], document["facts"]["origins"]
    for key, vocabulary in (
        ("use_case", "use-cases"),
        ("experience", "experiences"),
        ("os", "operating-systems"),
        ("runtime", "runtimes"),
    ):
        label = pack.vocabulary(vocabulary)[needs[key]]["label"]
        yield {"label": key.replace("_", " "), "value": label, "origin": ORIGINS[origins[f"needs.{key}"]]}
    hardware = document["facts"]["hardware"]
    yield {"label": "main memory", "value": gib(hardware["ram_bytes"]), "origin": ORIGINS[origins["hardware.ram_bytes"]]}


def _alternative(item: Json) -> dict[str, Any]:
    used = sum(device["used_bytes"] for device in item["memory"]["devices"])
    writes = not (item["settings"]["embeddings"] or item["settings"]["rerank"])
    speed = item["speed"]["decode_tps" if writes else "prefill_tps"]["value"]
    return {
        "like": LIKE[item["like"]],
        "name": f"{item['model']['name']} {item['weights']['quant']} on {item['server']['name']}",
        "speed": f"{rounded(speed)} tokens/s",
        "memory": gib(used),
        "tradeoff": item["tradeoff"],
        "answers": {"model": item["model"]["id"], "quant": item["weights"]["quant"], "server": item["server"]["id"]},
    }


def _chart(plan: Plan) -> dict[str, Any] | None:
    """The best setup of each model as a point: expected quality of answers against speed. None where there is nothing to compare."""
    if plan.choice is None or not plan.ranked:
        return None
    alternatives = {item.choice.model.id: LIKE[item.like] for item in plan.alternatives}
    writes = not (plan.choice.settings["embeddings"] or plan.choice.settings["rerank"])
    best: dict[str, Ranked] = {}
    for ranked in plan.ranked:
        best.setdefault(ranked[0].model.id, ranked)
    points, others = [], 0
    for id_, (candidate, score) in best.items():
        kind = "choice" if id_ == plan.choice.model.id else "alternative" if id_ in alternatives else "other"
        others += kind == "other"
        if kind == "other" and others > MOST_POINTS:
            continue
        speed = candidate.estimate.speed.decode_tps if writes else candidate.estimate.speed.prefill_tps
        points.append(
            {
                "name": f"{candidate.model.name} {candidate.weights.quant}",
                "kind": kind,
                "like": "The choice" if kind == "choice" else alternatives.get(id_, ""),
                "tps": round(speed.value, 2),
                "quality": round(score["quality"] + score["precision"], 4),
                "text": f"{rounded(speed.value)} tokens/s",
            }
        )
    if len(points) < 2:  # noqa: PLR2004 - one point compares with nothing
        return None
    x = "tokens per second, one reader" if writes else "tokens read per second"
    about = f"Each point is the best setup of one of {len(best)} models that fit. Further right is faster, further up is better."
    return {"x": x, "y": "expected quality of answers", "about": about, "points": points}


def title_of(what: str) -> str:
    """What a page calls a decision."""
    return TITLES.get(what) or what.removeprefix("settings.").replace("_", " ").capitalize()


def _reason(item: Json) -> dict[str, Any]:
    return {"title": title_of(item["what"]), "text": item["because"], "sources": item["sources"]}


def _why_not(pack: Pack, plan: Plan) -> dict[str, Any] | None:
    """What ruled most of the others out: for each reason what it is called, whom it hit, and one example."""
    groups = groups_of(pack, plan, plan.rejected)
    if not groups:
        return None
    shown, rest = groups[:MOST_REASONS], sum(group.count for group in groups[MOST_REASONS:])
    rows = [
        {
            "label": LABELS.get(group.by, BY_RULE),
            "who": f"{group.who} on {', '.join(group.servers)}" if group.models and group.servers else group.who,
            "text": group.example.because,
        }
        for group in shown
    ]
    sources = dict.fromkeys(url for group in shown for url in group.example.sources)
    return {"rows": rows, "rest": f"Other reasons ruled out {rest:,} more combinations." if rest else "", "sources": list(sources)}


def _value(item: Json) -> str:
    return gib(item["value"]) if item["fact"].endswith("_bytes") else str(item["value"])


def _buy(pack: Pack, document: Json, cost: Json) -> dict[str, Any]:
    """Self-host or buy: the plan's own word on it, and the comparison of a usual month."""
    own, against, rows = cost["self_host"], cost["break_even"]["against"], []
    if own and own["total_usd_per_month"] is not None:
        name = "This machine, a month" if own["counts_hardware"] else "This machine, a month of power"
        rows.append({"label": name, "value": money(own["total_usd_per_month"])})
    if against:
        offer = next(item for item in cost["offers"] if all(item[key] == against[key] for key in against))
        seller = pack.hosted.get(offer["provider"], {}).get("name", offer["provider"])
        rows.append({"label": f"{offer['model']} bought at {seller} (price of {offer['date']})", "value": money(offer["usd_per_month"])})
    because, even = document["hosted"].get("because", ""), cost["break_even"]["because"] if against and document["choice"] else ""
    even = f"Break-even: {even[:1].lower()}{even[1:]}" if even else ""
    return {
        "title": BY_COST if cost["answer"] == "hosted" and document["verdict"] == "self-host" else COST_ANSWERS[cost["answer"]],
        "sentences": [text for text in dict.fromkeys((because, cost["because"], even)) if text],
        "rows": rows,
        "use": f"For {amount(cost['use']['tokens_per_month'])} tokens a month. {cost['use']['because']}" if cost["use"] else "",
        "assumed": [f"{item['because']} ({item['value']})" for item in cost["assumptions"] if item["fact"].startswith("cost.")],
    }


FLAGS = (
    "use_case", "experience", "users", "context", "os", "runtime", "exposure", "privacy", "license", "model", "quant", "server",
    "hardware", "ram", "cpu", "facts",
)  # fmt: skip


def command_line(answers: Json) -> str:
    """The command that writes the same setup, quoted for a POSIX shell."""
    words = ["setupgen", "write", "my-setup"]
    for key in FLAGS:
        values = answers.get(key)
        for value in values if isinstance(values, list) else [values]:
            if value is not None:
                words += [f"--{key.replace('_', '-')}", str(value)]
    if answers.get("offline") is True:
        words.append("--offline")
    return shlex.join(words)
