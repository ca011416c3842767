"""Whether buying a hosted endpoint is the honest answer, with dated offers and the break-even that `setupgen cost` works out in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from setupgen.engine.costing import Offer, Terms, break_even, money_of, reference, work_of
from setupgen.engine.ranking import capable_size, effective_billions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from setupgen.engine.candidates import Candidate
    from setupgen.engine.host import Host

MAXIMUM_OFFERS = 5
MAXIMUM_SAME = 3
"""Offers of the same model that are shown where there are others."""

CONTEXT_SLACK = 0.95
"""Of the context that is needed, what an offer must take: providers write a million for 2^20."""

LONG_CONTEXT = 262_144
"""Tokens above which local hardware is rarely the right place."""

PATIENCE_S = 600
"""Seconds that reading a full context may take before a hosted endpoint is the better answer."""


LONGEST_WAIT = 12.0
"""Multiple of the use case's patience from which waiting for the first word makes the setup no answer to the need; a judgement."""


def hosted_answer(host: Host, best: Candidate | None) -> dict[str, Any]:
    """The `hosted` part of a plan: whether to buy, why, and what it would cost per million tokens."""
    offers = market(host, best)
    recommended, because = _verdict(host, best)
    return {
        "recommended": recommended and bool(offers),
        "because": because,
        "offers": [offer.to_json() for offer in offers],
        "break_even_tokens_per_month": break_even_tokens(host, best, offers, better=recommended),
    }


def _verdict(host: Host, best: Candidate | None) -> tuple[bool, str]:
    needs, use_case = host.needs, host.use_case
    if needs.privacy == "local":
        return False, "You asked that no data leave the house, so a hosted endpoint is out of the question."
    if needs.offline:
        return False, "You asked for a setup without network, so a hosted endpoint is out of the question."
    if best is None:
        return True, "Nothing that the knowledge base has does all of this on this hardware; a hosted endpoint does it today."
    capable = capable_size(use_case, needs.experience)
    size = effective_billions(best.model)
    if size < capable:
        text = (
            f"What serves best of all that fits ({best.model.name}) is of the {size:.0f}B class;"
            f" {use_case['label'].lower()} works from about {capable:.0f}B."
        )
        return True, text
    context, prefill = best.workload.context, best.estimate.speed.prefill_tps
    if context > LONG_CONTEXT and prefill.value > 0 and context / prefill.value > PATIENCE_S:
        text = f"Reading a full context of {context} tokens would take about {context / prefill.value / 60:.0f} minutes here."
        return True, text
    wait, patience = best.estimate.speed.ttft_s.value, float(use_case["patience_s"])
    if wait > patience * LONGEST_WAIT and use_case["task"] == "text-generation":
        return (
            True,
            f"The first word of an answer takes about {wait:.0f} s here; {use_case['label'].lower()} should begin within {patience:.0f} s.",
        )
    comfortable = float(use_case["comfortable_tps"])
    speed = best.estimate.speed.decode_tps
    if comfortable and speed.high * 5 < comfortable:
        text = f"At {speed.value:.1f} tokens/s it would be five times slower than {use_case['label'].lower()} should be."
        return True, text
    if comfortable and speed.value < comfortable * 0.5:
        text = f"{best.model.name} runs at about {speed.value:.0f} tokens/s here; {comfortable:.0f} would be comfortable for {use_case['label'].lower()}."
        return False, text
    return False, f"{best.model.name} runs at about {speed.value:.0f} tokens/s here, which is good enough for {use_case['label'].lower()}."


def market(host: Host, best: Candidate | None, model: str = "") -> list[Offer]:
    """Dated offers of the same model and of frontier ones that take the context, the cheapest of each first.

    Args:
        host: the host.
        best: the best local setup.
        model: id of its model, where only that is at hand.
    """
    local = best.model.id if best else model
    if host.use_case["task"] != "text-generation":
        return []
    found: list[Offer] = []
    for provider_id, provider in sorted(host.pack.hosted.items()):
        for raw in provider["offers"]:
            same, frontier = bool(local) and raw.get("model") == local, raw.get("tier") == "frontier"
            wanted = same or frontier or (not local and _capable(host, raw))
            if wanted and raw.get("context", host.needs.context) >= host.needs.context * CONTEXT_SLACK:
                found.append(_offer(host, provider_id, raw, same=same, frontier=frontier))
    found.sort(key=lambda offer: (not offer.same, offer.input_per_mtok_usd + offer.output_per_mtok_usd, offer.provider, offer.model))
    alike = [offer for offer in found if offer.same]
    other = [offer for offer in found if not offer.same]
    return [*alike[: max(MAXIMUM_SAME, MAXIMUM_OFFERS - len(other))], *other][:MAXIMUM_OFFERS]


def _offer(host: Host, provider: str, raw: Mapping[str, Any], *, same: bool, frontier: bool) -> Offer:
    known = host.pack.models.get(str(raw.get("model", "")))
    sources = (host.pack.url(raw["source"]),)
    prices = float(raw["input_per_mtok_usd"]), float(raw["output_per_mtok_usd"])
    return Offer(provider, raw["name"], *prices, str(raw["date"]), sources, same, frontier, known.license_class if known else "")


def _capable(host: Host, offer: Mapping[str, Any]) -> bool:
    """Whether an offered model that the knowledge base has is recommended for the use case."""
    model = host.pack.models.get(str(offer.get("model", "")))
    return model is not None and model.use_cases.get(host.needs.use_case, 0) > 1


def break_even_tokens(host: Host, best: Candidate | None, offers: list[Offer], *, better: bool) -> int:
    """Tokens per month above which this setup costs less than the cheapest offer that does as well; 0 where unknown or never.

    The terms are those that `setupgen cost` assumes.
    """
    if best is None:
        return 0
    money, _ = money_of(host, Terms())
    work = work_of(host, best.estimate.speed, best.replicas, Terms())
    against = reference(offers, work.input_share, better=better, license_class=host.needs.license)
    return break_even(money, work, against.usd_per_mtok(work.input_share)) or 0 if against else 0
