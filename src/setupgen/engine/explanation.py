"""Explains a plan or one part of it in sentences, from the trace: nothing here is a canned text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from setupgen.engine.comparing import beside, given_up, scores_of, sum_of, title_of
from setupgen.engine.host import Host
from setupgen.engine.refusals import groups_of, nearest
from setupgen.engine.rule_story import rule_section
from setupgen.engine.weights import weight_bytes
from setupgen.errors import UnknownNameError
from setupgen.knowledge import GIB
from setupgen.names import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from setupgen.engine.candidates import Candidate
    from setupgen.engine.plan import Plan, Rejection
    from setupgen.knowledge import Pack

    Ranked = tuple[Candidate, Mapping[str, float]]

Section = dict[str, Any]

RUNNERS_UP = 4
"""Other models whose scores are shown beside the choice's."""

MAXIMUM_REASONS = 8
"""Reasons of one refused thing that are told."""

REASONS_OF_ALL = 8
"""Reasons that ruled out most, in the story of the choice."""


def explain(pack: Pack, result: Plan, subject: str) -> list[Section]:
    """Sections with a title, sentences and source addresses; some have `scores` of setups beside each other.

    Args:
        pack: the knowledge base.
        result: the plan to explain.
        subject: a model, server, quantisation, rule or setting; empty for the whole choice.

    Raises:
        UnknownNameError: where nothing has that name.
    """
    if not subject:
        return list(_story(pack, result))
    wanted = plain(subject)
    sections = [*_setting(result, wanted), *rule_section(pack, result, wanted)]
    sections += [*_model(pack, result, wanted), *_server(pack, result, wanted), *_quant(pack, result, wanted)]
    if not sections:
        known = [*pack.models, *pack.servers, *pack.rules, *pack.vocabulary("quantisations"), *(item.what for item in result.decisions)]
        kind = "model, server, quantisation, rule or setting"
        raise UnknownNameError(kind, subject, known)
    return sections


def _story(pack: Pack, result: Plan) -> Iterator[Section]:
    """What was looked at, what ruled most out, each part of the choice, its score beside others', what was given up, what else there is."""
    host = Host(pack, result.facts)
    yield _section("What was looked at", list(_looked_at(pack, result)), [])
    if result.rejected:
        yield _ruled_out(pack, result)
    for item in result.decisions:
        yield _section(f"{item.what}: {_shown(item.value)}", [item.because], list(item.sources))
    if result.ranked:
        shown = [result.ranked[0], *_best_of_others(result)[:RUNNERS_UP]]
        section = _section("Its score beside the best of other models", [sum_of(item) for item in shown], [])
        yield {**section, "scores": [scores_of(item) for item in shown]}
        lost = given_up(host, result.ranked)
        if lost:
            yield _section("What was given up", lost, [])
    for alternative in result.alternatives:
        choice = alternative.choice
        title = f"Instead ({alternative.like}): {choice.model.name} {choice.weights.quant} on {choice.server.name}"
        yield _section(title, [alternative.tradeoff], [])
    if result.choice is None:
        yield _section("Nothing fits", list(result.would_fit) or [str(result.hosted.get("because", ""))], [])


def _looked_at(pack: Pack, result: Plan) -> Iterator[str]:
    suited = {item.model for item in result.rejected if item.model and item.server} | {item[0].model.id for item in result.ranked}
    yield (
        f"Of {len(pack.models)} models in the knowledge base {len(suited)} suit the need; with their quantisations, the servers that run here,"
        f" cards, cache types, placements and contexts that made {result.considered} combinations whose memory was worked out."
    )
    if result.ranked:
        models = {item[0].model.id for item in result.ranked}
        servers = {item[0].deployment.server.name for item in result.ranked}
        yield f"{_count(len(result.ranked), 'of them fits and was', 'of them fit and were')} ranked: {_count(len(models), 'model', 'models')} on {', '.join(sorted(servers))}."
    if result.choice:
        choice = result.choice
        yield (
            f"The choice is {choice.model.name} in {choice.weights.quant} on {choice.server.name} with {choice.settings['context']} tokens of context;"
            " why each part, and what it beat, follows."
        )


def _ruled_out(pack: Pack, result: Plan) -> Section:
    """The reasons that ruled most out, each with how much, and one of those that came nearest as the example."""
    groups = groups_of(pack, result, result.rejected)
    sentences: list[str] = []
    urls: list[str] = []
    for group in groups[:REASONS_OF_ALL]:
        where = f" on {', '.join(group.servers)}" if group.models and group.servers else ""
        plainly = group.by in pack.rules or group.by.startswith("pairing:")
        lead = group.example.because if plainly else f"for instance: {group.example.because}"
        sentences.append(f"{group.by} ruled out {group.who}{where}: {lead}")
        urls += group.example.sources
    rest = sum(group.count for group in groups[REASONS_OF_ALL:])
    if rest:
        sentences.append(f"{_count(len(groups) - REASONS_OF_ALL, 'other reason', 'other reasons')} ruled out {rest} more.")
    return _section("What ruled most out", sentences, urls)


def _best_of_others(result: Plan) -> list[Ranked]:
    """The best setup of every other model, best first."""
    found: dict[str, Ranked] = {}
    for item in result.ranked:
        found.setdefault(item[0].model.id, item)
    found.pop(result.ranked[0][0].model.id, None)
    return list(found.values())


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _section(title: str, sentences: list[str], sources: list[str]) -> Section:
    return {"title": title, "sentences": [sentence for sentence in sentences if sentence], "sources": list(dict.fromkeys(sources))}


def _shown(value: Any) -> str:
    return str(value) if not isinstance(value, float) else f"{value:g}"


def _setting(result: Plan, wanted: str) -> list[Section]:
    return [
        _section(f"{item.what}: {_shown(item.value)}", [item.because], list(item.sources))
        for item in result.decisions
        if wanted in {plain(item.what), plain(item.what.rsplit(".", maxsplit=1)[-1])}
        or (item.by.startswith("setup:") and wanted == plain(item.by))
    ]


def _model(pack: Pack, result: Plan, wanted: str) -> list[Section]:
    id_ = pack.id_of("models", wanted)
    return _named(pack, result, "model", id_, pack.models[id_].name) if id_ else []


def _server(pack: Pack, result: Plan, wanted: str) -> list[Section]:
    id_ = pack.id_of("servers", wanted)
    return _named(pack, result, "server", id_, pack.servers[id_].name) if id_ else []


def _quant(pack: Pack, result: Plan, wanted: str) -> list[Section]:
    id_ = pack.quantisation(wanted)
    return _named(pack, result, "quant", id_, id_) if id_ else []


def _id(candidate: Candidate, kind: str) -> str:
    return {"model": candidate.model.id, "server": candidate.deployment.server.id, "quant": candidate.weights.quant}[kind]


def _named(pack: Pack, result: Plan, kind: str, id_: str, name: str) -> list[Section]:
    """Whether the thing was chosen, came second, or why it was refused."""
    host = Host(pack, result.facts)
    ranked = [item for item in result.ranked if _id(item[0], kind) == id_]
    chosen = bool(ranked) and ranked[0] is result.ranked[0]
    sections = []
    if chosen:
        sections.append(_chosen(host, result, kind, name))
    for alternative in result.alternatives:
        other = alternative.choice
        if {"model": other.model.id, "server": other.server.id, "quant": other.weights.quant}[kind] == id_ and not chosen:
            sections.append(_section(f"{name} is an alternative ({alternative.like})", [alternative.tradeoff], []))
    if ranked and not chosen:
        sections.append(_lost(host, result, kind, name, ranked))
    sections += _refused(pack, result, kind, id_, name, chosen=chosen or bool(ranked))
    if not sections:
        text = f"No combination with it was made: {name} is published for no model that suits this need and runs here."
        sections.append(_section(f"Why not {name}", [text], []))
    return sections


def _chosen(host: Host, result: Plan, kind: str, name: str) -> Section:
    """Why it was chosen: the decision, its score, and the best setup that does without it."""
    what = {"model": "model", "server": "server", "quant": "weights.quant"}[kind]
    picked = [item for item in result.decisions if item.what == what]
    best = result.ranked[0]
    sentences = [*(item.because for item in picked), sum_of(best)]
    scores = [scores_of(best)]
    rival = next((item for item in result.ranked if _id(item[0], kind) != _id(best[0], kind)), None)
    if rival:
        without = {"model": "Of other models", "server": "Of other servers", "quant": "Of other quantisations"}[kind]
        sentences += _led(f"{without} ", beside(host, best, rival))
        scores.append(scores_of(rival))
    return {**_section(f"{name} was chosen", sentences, [url for item in picked for url in item.sources]), "scores": scores}


def _led(lead: str, sentences: list[str]) -> list[str]:
    return [f"{lead}{sentences[0]}", *sentences[1:]]


def _lost(host: Host, result: Plan, kind: str, name: str, ranked: list[Ranked]) -> Section:
    """It fits and lost: its best setup's score beside the choice's, and for a server or quantisation also that of the chosen model with it."""
    best = result.ranked[0]
    shown = [ranked[0]]
    same = next((item for item in ranked if item[0].model.id == best[0].model.id), None)
    if same and same is not ranked[0]:
        shown.append(same)
    sentences = [sentence for item in shown for sentence in beside(host, best, item)]
    place = _place(result, kind, ranked[0])
    return {
        **_section(f"{name} works here and came {place}", sentences, list(host.pack.urls(ranked[0][0].model.sources[:1]))),
        "scores": [scores_of(item) for item in (best, *shown)],
    }


def _place(result: Plan, kind: str, item: Ranked) -> str:
    """Which place it took among all of its kind that fit: ``5th of 40 models``."""
    order = list(dict.fromkeys(_id(other[0], kind) for other in result.ranked))
    number = order.index(_id(item[0], kind)) + 1
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")  # noqa: PLR2004 - 11th, 12th, 13th
    words = {"model": "models", "server": "servers", "quant": "quantisations"}[kind]
    return f"{number}{ending} of {len(order)} {words} that fit"


def _refused(pack: Pack, result: Plan, kind: str, id_: str, name: str, *, chosen: bool) -> list[Section]:
    refused = [item for item in result.rejected if getattr(item, kind) == id_]
    general = [item for item in refused if kind == "server" and not item.model] or refused
    reasons = list(dict.fromkeys(item.because for item in general))
    if not reasons:
        return []
    title = f"Where {name} was not possible" if chosen else f"Why not {name}"
    told = reasons if len(reasons) <= MAXIMUM_REASONS else _grouped(pack, result, general)
    if kind == "model" and not chosen:
        told += _about_refused(pack, result, id_, general)
    return [_section(title, told, [url for item in general for url in item.sources])]


def _grouped(pack: Pack, result: Plan, refused: list[Rejection]) -> list[str]:
    """Many refusals by what refused them, rules first, each with how many models it hit and the one that came nearest."""
    groups: dict[str, list[Rejection]] = {}
    for item in refused:
        groups.setdefault(item.by[0] if item.by else "", []).append(item)
    order = sorted(groups, key=lambda by: (by not in pack.rules, -len(groups[by]), by))[:MAXIMUM_REASONS]
    told = []
    for by in order:
        count = len({item.model for item in groups[by]})
        example = nearest(pack, result, groups[by])
        name = pack.models[example.model].name if example.model in pack.models else ""
        whose = f", such as {name}" if name and name not in example.because else ""
        told.append(f"{by}, {_count(count, 'model', 'models')}{whose}: {example.because}")
    return told


def _about_refused(pack: Pack, result: Plan, id_: str, refused: list[Rejection]) -> Iterator[str]:
    """What a refusal leaves open: the fate of the successor, what the model is recommended for instead, the smallest file there is."""
    model = pack.models[id_]
    by = {formula for item in refused for formula in item.by}
    if "model.superseded" in by:
        newer = str(model.raw["superseded_by"])
        if newer in pack.models:
            yield _fate(result, newer, pack.models[newer].name)
    if "model.use_case" in by and model.use_cases:
        labels = {use: entry["label"].lower() for use, entry in pack.vocabulary("use-cases").items()}
        uses = sorted(model.use_cases.items(), key=lambda item: (-item[1], item[0]))
        yield f"It is recommended for {', '.join(f'{labels[use]} ({regard} of 3)' for use, regard in uses)}."
    if by & {"memory.weights", "memory.fit"} and model.weights:
        sizes = {f"{item.quant} ({item.format})": weight_bytes(model.architecture, item.quant, item.format).total for item in model.weights}
        least = min(sizes, key=lambda key: (sizes[key], key))
        most = max(sizes, key=lambda key: (sizes[key], key))
        yield f"Its weights take from {sizes[least] / GIB:.1f} GiB in {least} to {sizes[most] / GIB:.1f} GiB in {most}."


def _fate(result: Plan, id_: str, name: str) -> str:
    """What became of a model in this plan, in a sentence."""
    order = list(dict.fromkeys(item[0].model.id for item in result.ranked))
    if id_ in order:
        best = next(item for item in result.ranked if item[0].model.id == id_)
        place = "is the choice" if order[0] == id_ else f"came {_place(result, 'model', best)}"
        return f"{name} {place} ({title_of(best[0])}, score {best[1]['total']:.2f})."
    return next((f"{name} is refused too: {item.because}" for item in result.rejected if item.model == id_), "")
