"""One way to run a model: its weights on a deployment, what is known before anything is placed, and the room that a copy of the server gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from setupgen.engine.plan import Rejection
from setupgen.engine.suitability import server_reason, source_of
from setupgen.engine.variants import contexts_for, pooled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from setupgen.engine.deployments import Deployment
    from setupgen.engine.estimate import Site
    from setupgen.engine.host import Host
    from setupgen.engine.pending import Pending
    from setupgen.engine.rules import Effect
    from setupgen.knowledge import Model, Server, Weights


class Way(NamedTuple):
    """One model with one set of weights on one deployment: what the inner loops are about."""

    model: Model
    weights: Weights
    deployment: Deployment
    source: str
    size: int
    tags: Mapping[str, Any]
    pending: Pending
    contexts: tuple[int, ...]

    @property
    def server(self) -> Server:
        """The deployment's server."""
        return self.deployment.server

    def refused(self, by: str, because: str, sources: tuple[str, ...] = ()) -> Rejection:
        """Why it is out of the question, by a formula or a fact."""
        return Rejection(self.model.id, self.weights.quant, self.server.id, (by,), because, sources)

    def excluded(self, by: list[Effect], sources: tuple[str, ...]) -> Rejection:
        """That rules exclude it."""
        rules = tuple(dict.fromkeys(effect.rule.id for effect in by))
        return Rejection(self.model.id, self.weights.quant, self.server.id, rules, by[0].rule.because, sources)


class About:
    """What is the same for all weights of a model."""

    def __init__(self, host: Host, model: Model) -> None:
        self.host = host
        self.model = model
        self.contexts = tuple(contexts_for(host, model))
        self.tags = {
            "model": model.id,
            "family": model.family,
            "mixture": model.is_mixture,
            "attention": [group.kind for group in model.architecture.attention],
        }
        self._unfit: dict[str, tuple[str, str] | None] = {}
        self._pending: dict[int, Pending] = {}

    def unfit(self, server: Server) -> tuple[str, str] | None:
        """Why the server cannot run the model at all, as (formula id, sentence)."""
        if server.id not in self._unfit:
            self._unfit[server.id] = server_reason(self.host, server, self.model)
        return self._unfit[server.id]

    def way(self, weights: Weights, deployment: Deployment, size: int, pending: Pending) -> Way:
        """These weights of this size on a deployment, with what is left of the host's effects there."""
        if id(deployment) not in self._pending:
            self._pending[id(deployment)] = pending.settled(self.tags)
        source = source_of(deployment.server, weights, local_file=self.host.needs.weights_file)
        tags = {
            "server": deployment.server.id, "backend": deployment.backend, "runtime": deployment.runtime,
            **self.tags, "format": weights.format, "quant": weights.quant,
        }  # fmt: skip
        contexts = pooled(self.host, deployment.server, self.model, self.contexts)
        return Way(self.model, weights, deployment, source, size, tags, self._pending[id(deployment)].settled(tags), contexts)


class Room(NamedTuple):
    """What one copy of a server, or several side by side, is given on a site: cards of each, copies, slots of each, and more."""

    where: Site
    cards: int
    replicas: int
    slots: int
    share: float
    projector: int
