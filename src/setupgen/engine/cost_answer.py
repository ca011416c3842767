"""Self-host, buy or mix: the document of `setupgen cost`, from a plan and the terms that somebody stated. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from setupgen.engine import costing
from setupgen.engine.costing import cents, digits
from setupgen.engine.host import Host
from setupgen.engine.hosting import market
from setupgen.facts import Assumption
from setupgen.words import amount

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from setupgen.engine.costing import Money, Offer, Terms, Work
    from setupgen.engine.plan import Choice, Plan
    from setupgen.knowledge import Pack

GATEWAY = "litellm"
"""The gateway that is named for mixing, where the knowledge base has it."""


@dataclass(frozen=True)
class Account:
    """Everything that the document is written from.

    Attributes:
        work: none where no setup fits, or how fast it is is not known.
        against: the offer to compare with, if there is one.
        hard: the offer for cases too hard for the local model.
        barred: why nothing may be bought, or empty.
    """

    host: Host
    plan: Plan
    terms: Terms
    money: Money
    work: Work | None
    tokens: int
    input_share: float
    hard_share: float
    offers: list[Offer]
    against: Offer | None
    hard: Offer | None
    barred: str
    assumed: list[Assumption]

    @property
    def served(self) -> int:
        """Tokens of these that the setup can serve."""
        return min(self.tokens, self.work.capacity(self.money)) if self.work else 0

    @property
    def overloaded(self) -> bool:
        """Whether more is wanted than it can serve."""
        return self.served < self.tokens

    @property
    def own_usd(self) -> float | None:
        """What a month of serving it here costs; none where it cannot be worked out."""
        if self.work is None or not self.money.energy_known:
            return None
        return self.money.usd_per_month(self.served * self.work.seconds_per_token)

    @property
    def bought_usd(self) -> float | None:
        """What a month of the offer costs."""
        return self.tokens * self.against.usd_per_mtok(self.input_share) / 1e6 if self.against else None

    @property
    def mixed(self) -> tuple[int, float] | None:
        """Tokens that stay local and dollars per month where the hard cases, and what is too much, are bought."""
        if self.work is None or self.hard is None or not self.money.energy_known:
            return None
        local = min(round(self.tokens * (1 - self.hard_share)), self.served)
        bought = (self.tokens - local) * self.hard.usd_per_mtok(self.input_share) / 1e6
        return local, self.money.usd_per_month(local * self.work.seconds_per_token) + bought


def cost(pack: Pack, plan: Plan, terms: Terms) -> dict[str, Any]:
    """The document."""
    account = _account(pack, plan, terms)
    answer, because = _advice(account)
    against = account.against
    return {
        "schema": 1,
        "verdict": plan.verdict,
        "answer": answer,
        "because": because,
        "setup": _setup(plan.choice),
        "questions": list(_questions(account)),
        "constraints": list(_constraints(account)),
        "use": _use(account),
        "self_host": _self_host(account),
        "offers": [_offer(account, offer) for offer in account.offers],
        "break_even": _break_even(account),
        "utilisation": [
            costing.utilisation_row(percent, account.money, account.work, against.usd_per_mtok(account.input_share) if against else None)
            for percent in costing.UTILISATIONS
        ]
        if account.work
        else [],
        "mixed": _mixed(account),
        "assumptions": [item.to_json() for item in (*plan.assumptions, *account.assumed)],
        "open_questions": list(_open_questions(account)),
        "sources": list(_sources(account)),
        "knowledge": dict(plan.knowledge),
    }


def _account(pack: Pack, plan: Plan, terms: Terms) -> Account:
    host = Host(pack, plan.facts)
    choice = plan.choice
    money, assumed = costing.money_of(host, terms)
    share = costing.usual_input_share(host) if terms.input_share is None else terms.input_share
    if terms.input_share is None:
        assumed.append(
            Assumption("cost.input_share", share, "Not stated; of the tokens of this use case's usual turn, those that are read.")
        )
    work = costing.work_of(host, choice.speed, int(choice.settings.get("replicas", 1)), terms) if choice else None
    if work is not None and not work.possible:
        work = None
    tokens, because = costing.usual_tokens(host, money)
    if terms.tokens_per_month is None:
        assumed.append(Assumption("cost.tokens_per_month", tokens, because))
    else:
        tokens = terms.tokens_per_month
    hard_share = costing.HARD_SHARE if terms.hard_share is None else terms.hard_share
    if terms.hard_share is None:
        assumed.append(
            Assumption("cost.hard_share", hard_share, "Not stated; share of tokens in cases too hard for the local model. Judgement.")
        )
    if terms.curiosity is None:
        assumed.append(
            Assumption("cost.curiosity", value=False, because="Not stated; learning how it works is taken to be no goal by itself.")
        )
    offers = [*terms.offers, *market(host, None, choice.model.id if choice else "")]
    better = plan.verdict != "self-host"
    against = costing.reference(offers, share, better=better, license_class=host.needs.license)
    strong = [offer for offer in offers if offer.frontier or offer.own]
    hard = costing.reference(strong, share, better=True, license_class=host.needs.license)
    barred = "you asked that no data leave the house" if host.needs.privacy == "local" else ""
    barred = barred or ("you asked for a setup without network" if host.needs.offline else "")
    return Account(host, plan, terms, money, work, tokens, share, hard_share, offers, against, hard, barred, assumed)


def _advice(account: Account) -> tuple[str, str]:
    """The answer and the reason in a sentence or two."""
    plan = account.plan
    if plan.choice is None:
        if account.barred or account.against is None:
            barred = account.barred or "no hosted offer of this kind is known"
            return "nothing-fits", f"Nothing fits this hardware, and buying is out: {barred}."
        return "hosted", str(plan.hosted["because"])
    name = plan.choice.model.name
    if account.barred:
        too_much = (
            f" It serves only {amount(account.served)} of the {amount(account.tokens)} tokens a month, though."
            if account.overloaded
            else ""
        )
        return "self-host", f"Buying is out: {account.barred}. {name} runs here; the prices below only tell what that costs.{too_much}"
    if account.against is None:
        return "self-host", "No hosted offer of this kind is known, so there is nothing to compare with. Give yours with --prices."
    if plan.verdict == "hosted":
        if account.terms.curiosity and account.mixed:
            return "mixed", f"{plan.hosted['because']} Learning is a goal, so what {name} can do stays here and the rest is bought."
        return "hosted", str(plan.hosted["because"])
    return _cheaper(account, name, _at(account.host, account.against))


def _cheaper(account: Account, name: str, offer: str) -> tuple[str, str]:
    """The answer where both ways do the work and may be gone: what costs less, or learning."""
    own, bought, mixed = account.own_usd, account.bought_usd or 0.0, account.mixed
    if own is None:
        return "self-host", f"{name} does the work here. What it draws is not known, so costs cannot be compared: say it with --load-watts."
    sums = f"${own:,.2f} a month against ${bought:,.2f} for {offer}"
    if account.overloaded:
        text = (
            f"{name} can serve {amount(account.served)} of the {amount(account.tokens)} tokens a month in the hours that the machine is on."
        )
        if mixed and mixed[1] < bought:
            return (
                "mixed",
                f"{text} With the hard cases and the rest bought it is ${mixed[1]:,.2f} a month, against ${bought:,.2f} for {offer} alone.",
            )
        return "hosted", f"{text} All of it from {offer} is ${bought:,.2f} a month."
    if own <= bought and not account.money.price_known:
        text = f"{name} does the work here for {sums}, without the price of the machine, which is not known."
        return "depends", f"{text} It pays if the machine costs up to ${worth_up_to(account) or 0:,.0f}."
    if own <= bought:
        return "self-host", f"{name} does the work here, and it is the cheaper way: {sums}."
    if account.terms.curiosity:
        return "self-host", f"It is the dearer way, {sums}; the difference is the price of learning, which you want."
    if mixed and mixed[1] < bought:
        return "mixed", f"{sums}; with the hard cases alone bought, ${mixed[1]:,.2f}."
    return "hosted", f"{name} does the work here, but buying is cheaper: {sums}."


def _at(host: Host, offer: Offer) -> str:
    """An offer and who sells it, by name."""
    return f"{offer.model} at {host.pack.hosted.get(offer.provider, {}).get('name', offer.provider)}"


def _setup(choice: Choice | None) -> dict[str, Any] | None:
    if choice is None:
        return None
    model = {"id": choice.model.id, "name": choice.model.name, "license": choice.model.license_id}
    return {"model": model, "quant": choice.weights.quant, "server": choice.server.id}


def _questions(account: Account) -> Iterator[dict[str, str]]:
    """Cost, agreement, trust and curiosity: what was said or assumed, and what follows."""
    needs, origins, choice = account.host.needs, account.plan.facts.origins, account.plan.choice

    def origin(*keys: str) -> str:
        return "answered" if any(origins.get(f"needs.{key}") == "answered" for key in keys) else "assumed"

    yield {
        "id": "cost", "question": "How much is used, and is it cheaper here?", "answer": f"{amount(account.tokens)} tokens a month",
        "origin": "assumed" if account.terms.tokens_per_month is None else "answered", "effect": str(_break_even(account)["because"]),
    }  # fmt: skip
    licence = f" The licence of {choice.model.name} ({choice.model.license_id}) allows that." if choice and needs.license != "any" else ""
    alone = needs.users == 1 and needs.exposure == "local"
    yield {
        "id": "agreement", "question": "Who relies on it, and under which licence?",
        "answer": f"{needs.users} user{'s' * (needs.users > 1)}, reached from {needs.exposure}, licence {needs.license}",
        "origin": origin("users", "exposure", "license"),
        "effect": ("Nobody but you waits when it is down." if alone else "Others wait when it is down: you are on call, or a provider is.") + licence,
    }  # fmt: skip
    yield {
        "id": "trust", "question": "May others see the data?", "answer": "no" if account.barred else "yes", "origin": origin("privacy", "offline"),
        "effect": f"Buying is out: {account.barred}." if account.barred else "Buying is allowed. Confidential texts are not: then say --privacy local.",
    }  # fmt: skip
    curious = account.terms.curiosity
    yield {
        "id": "curiosity", "question": "Is learning how it works a goal by itself?", "answer": "yes" if curious else "no",
        "origin": "assumed" if curious is None else "answered",
        "effect": "A dearer local setup is worth its price to you." if curious else "Only money, quality and trust decide.",
    }  # fmt: skip


def _constraints(account: Account) -> Iterator[dict[str, Any]]:
    needs = account.host.needs
    if account.barred:
        id_ = "privacy" if needs.privacy == "local" else "offline"
        yield {"id": id_, "rules_out": ["hosted", "mixed"], "text": f"Buying is out: {account.barred}. Its numbers are shown to compare."}
    closed = sorted({offer.model for offer in account.offers if offer.license_class != "open"})
    if needs.license == "open" and closed:
        text = f"You asked for open licences; of these hosted models none is known to have one: {', '.join(closed)}."
        yield {"id": "license", "rules_out": closed, "text": text}


def _use(account: Account) -> dict[str, Any]:
    """Tokens against what the setup can serve."""
    money, work = account.money, account.work
    found: dict[str, Any] = {
        "tokens_per_month": account.tokens, "input_share": account.input_share, "hours_per_day": money.hours_per_day,
        "hours_per_month": round(money.hours_per_month, 1), "work_seconds_per_month": None, "utilisation_percent": None,
        "capacity_tokens_per_month": None, "serves": False, "because": "No setup fits, so nothing is served here.",
    }  # fmt: skip
    choice = account.plan.choice
    if work is None or choice is None:
        return found
    capacity = {
        bound: costing.work_of(account.host, choice.speed, int(choice.settings.get("replicas", 1)), account.terms, bound).capacity(money)
        for bound in ("low", "value", "high")
    }
    seconds = account.tokens * work.seconds_per_token
    percent = 100 * seconds / (money.hours_per_month * 3600)
    if account.overloaded:
        because = f"It cannot serve that: {seconds / 3600:,.0f} hours of work in {money.hours_per_month:,.0f} hours a month."
    else:
        because = f"{seconds / 3600:,.1f} hours of work in {money.hours_per_month:,.0f} hours a month."
    return found | {
        "work_seconds_per_month": round(seconds), "utilisation_percent": digits(percent), "capacity_tokens_per_month": capacity,
        "serves": not account.overloaded, "because": because,
    }  # fmt: skip


def _self_host(account: Account) -> dict[str, Any] | None:
    """A month of this machine, part by part."""
    money, work, own = account.money, account.work, account.own_usd
    if work is None:
        return None
    rented = money.rent_usd_per_hour is not None
    kwh = money.kwh(account.served * work.seconds_per_token)
    bought = money.purchase_usd
    return {
        "kind": "rented" if rented else "unknown-price" if bought is None else "bought" if bought else "there-already",
        "purchase_usd": bought,
        "resale_usd": None if bought is None else cents(bought * money.resale_share),
        "lifetime_months": None if rented else money.lifetime_months,
        "rent_usd_per_hour": money.rent_usd_per_hour,
        "hardware_usd_per_month": None if bought is None and not rented else cents(money.hardware_usd_per_month),
        "load_w": money.load_w,
        "idle_w": None if money.load_w is None else money.idle_w,
        "energy_kwh_per_month": cents(kwh) if money.energy_known and not rented else None,
        "price_per_kwh_usd": None if rented else money.price_per_kwh_usd,
        "energy_usd_per_month": cents(kwh * money.price_per_kwh_usd) if money.energy_known and not rented else None,
        "counts_hardware": money.price_known,
        "worth_up_to_usd": cents(worth_up_to(account)),
        "total_usd_per_month": cents(own),
        "usd_per_mtok": digits(own / account.served * 1e6) if own is not None and account.served else None,
    }


def worth_up_to(account: Account) -> float | None:
    """The purchase price up to which these tokens cost no more here than bought; none where that cannot be worked out."""
    money, own, bought = account.money, account.own_usd, account.bought_usd
    if own is None or bought is None or money.rent_usd_per_hour is not None or money.resale_share >= 1 or account.overloaded:
        return None
    saved = bought - (own - money.hardware_usd_per_month)
    return max(0.0, saved) * money.lifetime_months / (1 - money.resale_share)


def _offer(account: Account, offer: Offer) -> dict[str, Any]:
    price = offer.usd_per_mtok(account.input_share)
    even = costing.break_even(account.money, account.work, price) if account.work else None
    return offer.to_json() | {
        "same_model": offer.same,
        "own": offer.own,
        "license_class": offer.license_class or None,
        "usd_per_mtok": digits(price),
        "usd_per_month": cents(account.tokens * price / 1e6),
        "break_even_tokens_per_month": even,
    }


def _break_even(account: Account) -> dict[str, Any]:
    """Where the lines cross, against the cheapest offer that does as well."""
    money, work, against, choice = account.money, account.work, account.against, account.plan.choice
    found: dict[str, Any] = {
        "against": {"provider": against.provider, "model": against.model} if against else None, "tokens_per_month": None,
        "low_tokens_per_month": None, "high_tokens_per_month": None, "utilisation_percent": None, "within_capacity": False,
        "counts_purchase": money.price_known,
    }  # fmt: skip
    if work is None or choice is None:
        return found | {"because": "Nothing runs here, so nothing can pay for itself."}
    if against is None:
        return found | {"because": "No hosted offer of this kind is known. Give yours with --prices."}
    if not money.energy_known:
        return found | {"because": "What this hardware draws is not known. Say it with --load-watts."}
    price = against.usd_per_mtok(account.input_share)
    even = costing.break_even(money, work, price)
    energy = costing.energy_usd_per_mtok(money, work)
    offer = f"{_at(account.host, against)}, ${price:.3g} per million tokens"
    if even is None:
        return found | {"because": f"Never, because power alone costs ${energy:.3g} per million tokens here, against {offer}."}
    capacity = work.capacity(money)
    replicas = int(choice.settings.get("replicas", 1))
    bounds = {
        name: costing.break_even(money, costing.work_of(account.host, choice.speed, replicas, account.terms, bound), price)
        for name, bound in (("low_tokens_per_month", "high"), ("high_tokens_per_month", "low"))
    }
    text = f"From {amount(even)} tokens a month it costs less than {offer}"
    text += "." if even <= capacity else f", but it can serve only {amount(capacity)} in the hours that it is on: in practice never."
    if not found["counts_purchase"]:
        text += " What the machine costs is not known and not in this: with it the point lies higher."
    percent = digits(100 * even / capacity) if capacity else None
    return found | bounds | {"tokens_per_month": even, "utilisation_percent": percent, "within_capacity": even <= capacity, "because": text}


def _mixed(account: Account) -> dict[str, Any] | None:
    """Local first, hosted for the hard cases, through a gateway."""
    if account.mixed is None or account.hard is None:
        return None
    local, total = account.mixed
    gateway = account.host.pack.servers.get(GATEWAY)
    hard = account.hard
    bought = (account.tokens - local) * hard.usd_per_mtok(account.input_share) / 1e6
    sources = account.host.pack.urls(gateway.sources[:1]) if gateway else []
    return {
        "allowed": not account.barred,
        "hard_share": account.hard_share,
        "local_tokens_per_month": local,
        "hosted_tokens_per_month": account.tokens - local,
        "provider": hard.provider,
        "model": hard.model,
        "local_usd_per_month": cents(total - bought),
        "hosted_usd_per_month": cents(bought),
        "usd_per_month": cents(total),
        "gateway": gateway.id if gateway else None,
        "because": "The local model answers first; a gateway sends what is named hard, or is too much, to the hosted one under a spending limit.",
        "sources": sources,
    }


def _open_questions(account: Account) -> Iterator[str]:
    money = account.money
    if not money.price_known:
        yield "What does this machine cost? Its price is not known: say it with --purchase (0 if it is there anyway)."
    if not money.energy_known:
        yield "What does this machine draw at work? It is not known: say it with --load-watts."
    if account.terms.tokens_per_month is None:
        yield "How many tokens a month are used? A provider's bill or a server's log tells: say it with --tokens-per-month."


def _sources(account: Account) -> Iterator[Mapping[str, Any]]:
    """Where each price comes from."""
    yield from account.money.priced
    for offer in account.offers:
        for url in offer.sources:
            what = _at(account.host, offer)
            yield {"what": what, "date": offer.date, "url": url}
