"""What ruled the other candidates out, in groups: for an explanation by the names of rules and formulas, for a page in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from setupgen.engine.plan import Plan, Rejection
    from setupgen.knowledge import Pack

LABELS: Mapping[str, str] = {
    "memory.fit": "Do not fit with their context",
    "memory.weights": "Too large for the memory",
    "model.capabilities": "Lack something that the need asks for",
    "model.context": "Take too little context",
    "model.license": "Under another licence than you allow",
    "model.superseded": "Replaced by a newer version",
    "model.task": "Made for other work",
    "model.use_case": "Recommended by no source for this",
    "needs.model": "Not the model that you asked for",
    "needs.quant": "Not the quantisation that you asked for",
    "needs.server": "Not the server that you asked for",
    "deployment.backend": "Cannot use this hardware",
    "server.concurrency": "Serve too few at once",
    "server.formats": "In no format that the server reads",
    "server.launch": "Known, but no files are written for them",
    "server.models": "Not served by the server",
    "server.on_request": "Set up only for who asks for them",
    "server.platforms": "Do not run on this system",
    "server.runtimes": "Not started in this way",
    "server.source": "Nowhere to be pulled from",
    "server.stack": "Not run by the cluster's engine",
    "server.status": "No longer kept up",
    "speed.minimum": "Too slow here",
}
"""What a page calls a formula that refuses. Rules and pairings are called by what they say."""

BY_RULE = "Against a rule"


@dataclass(frozen=True, slots=True)
class Group:
    """What one rule or formula refused.

    Attributes:
        by: the rule or formula.
        count: how many candidates.
        models: how many models.
        servers: names of the servers, in order; of whole models none.
        example: one refusal that shows it: of the best regarded model, and of those the smallest.
    """

    by: str
    count: int
    models: int
    servers: tuple[str, ...]
    example: Rejection

    @property
    def who(self) -> str:
        """How many models, or servers where no model was looked at."""
        number, word = (self.models, "model") if self.models else (len(self.servers), "server")
        return f"{number} {word}{'' if number == 1 else 's'}"


def groups_of(pack: Pack, result: Plan, refused: Iterable[Rejection]) -> list[Group]:
    """The refusals by what refused them, those that refused most first."""
    found: dict[str, list[Rejection]] = {}
    for item in refused:
        found.setdefault(item.by[0] if item.by else "", []).append(item)
    made = [_group(pack, result, by, items) for by, items in found.items()]
    return sorted(made, key=lambda group: (-group.count, group.by))


def _group(pack: Pack, result: Plan, by: str, refused: list[Rejection]) -> Group:
    models = {item.model for item in refused} - {""}
    servers = sorted({item.server for item in refused} - {""})
    return Group(by, len(refused), len(models), tuple(pack.servers[id_].name for id_ in servers), nearest(pack, result, refused))


def nearest(pack: Pack, result: Plan, refused: list[Rejection]) -> Rejection:
    """The refusal that makes the best example."""

    def order(item: Rejection) -> tuple[int, float, str, str, str]:
        model = pack.models.get(item.model)
        regard = model.use_cases.get(result.facts.needs.use_case, 0) if model else 0
        return (-regard, model.total_parameters if model else 0, item.model, item.server, item.quant)

    return min(refused, key=order)
