"""The one door: `plan(pack, facts)` gives the plan. Same pack and facts give the same plan, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from setupgen.engine import clusters, reasons
from setupgen.engine.alternatives import alternatives
from setupgen.engine.candidates import survey
from setupgen.engine.companions import with_companions
from setupgen.engine.host import Host
from setupgen.engine.hosting import hosted_answer
from setupgen.engine.intake import MAXIMUM
from setupgen.engine.nearest import nearest_needs
from setupgen.engine.plan import Plan
from setupgen.engine.ranking import rank
from setupgen.engine.remedies import would_fit
from setupgen.engine.rules import rule_book
from setupgen.engine.settings import choose
from setupgen.errors import UsageError

if TYPE_CHECKING:
    from setupgen.facts import Facts
    from setupgen.knowledge import Pack

DEFAULT_ALTERNATIVES = 3
MAXIMUM_CONTEXT = 16 * 1024**2
MAXIMUM_USERS = 100_000


def plan(pack: Pack, facts: Facts, *, count: int = DEFAULT_ALTERNATIVES) -> Plan:
    """The recommended setup for these facts, with `count` alternatives and everything that explains them.

    Raises:
        UsageError: for facts that make no sense, such as no users.
    """
    check(facts)
    host = Host(pack, facts)
    book = rule_book(pack)
    field = survey(host, book)
    ranked = rank(host, field.candidates)
    best = ranked[0] if ranked else None
    choice = choose(host, *best) if best else None
    choice, beside, cautions = with_companions(host, book, choice) if choice else (None, (), ())
    hosted = hosted_answer(host, best[0] if best else None)
    verdict = "nothing-fits" if choice is None else "hosted" if hosted["recommended"] else "self-host"
    return Plan(
        verdict=verdict,
        facts=facts,
        choice=choice,
        alternatives=alternatives(host, ranked, count),
        rejected=tuple(sorted(field.rejected, key=lambda item: (item.server, item.model, item.quant, item.by))),
        decisions=(*reasons.decisions(host, best[0], choice), *beside) if best and choice else (),
        assumptions=(*facts.assumptions, *clusters.assumptions(choice)),
        warnings=(*reasons.warnings(host, field, best[0] if best else None, choice, hosted=hosted["recommended"]), *cautions),
        open_questions=tuple(reasons.open_questions(host, book, field)),
        hosted=hosted,
        knowledge=_knowledge(pack),
        would_fit=(*would_fit(host, field), *nearest_needs(host, book)) if choice is None else (),
        considered=field.tried,
        ranked=tuple(ranked),
    )


def _knowledge(pack: Pack) -> dict[str, Any]:
    """Which knowledge base the plan is from; `overlay` names the entries of the user's own folder."""
    own = {"overlay": list(pack.overlay)} if pack.overlay else {}
    return {"digest": pack.digest, "version": pack.version, "oldest_review": pack.oldest_review, **own}


def check(facts: Facts) -> None:
    """Refuses facts that make no sense.

    Raises:
        UsageError: naming the fact, the limits and the value.
    """
    needs = facts.needs
    _within("users", needs.users, 1, MAXIMUM_USERS)
    if needs.context != MAXIMUM:
        _within("context", needs.context, 1, MAXIMUM_CONTEXT)
    if facts.hardware.ram_bytes <= 0:
        message = f"main memory must be more than nothing, got {facts.hardware.ram_bytes} bytes."
        raise UsageError(message, place="hardware.ram_bytes")


def _within(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        message = f"{name} must be between {low} and {high}, got {value}."
        raise UsageError(message, place=f"needs.{name}")


__all__ = ["check", "plan"]
