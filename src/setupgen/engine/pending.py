"""The effects of rules that hold for a host, settled step by step: each deployment, model and set of weights answers a part of their selectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from setupgen.engine.rules import matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from setupgen.engine.rules import Effect

    Left = tuple[tuple[Effect, tuple[tuple[str, tuple[Any, ...]], ...] | None], ...]
    """Effects with the part of the selector that nobody has answered; `None` for a requirement that was not met."""

REFUSALS = ("exclude", "require")
EARLY = frozenset({"server", "backend", "runtime", "model", "family", "mixture", "attention", "format", "quant"})
"""Tags that are known before anything is placed."""


class Pending(NamedTuple):
    """What is left of the effects of a host.

    Attributes:
        early: refusals that are decided before anything is placed, excludes first.
        late: refusals that ask for more.
        others: preferences, settings and warnings.
    """

    early: Left
    late: Left
    others: Left

    @classmethod
    def of(cls, effects: Iterable[Effect]) -> Pending:
        """All effects of a judgement, with nothing answered."""
        found = list(effects)
        refusals = [effect for kind in REFUSALS for effect in found if effect.kind == kind]
        early = [effect for effect in refusals if all(key in EARLY for key, _ in effect.selector)]
        late = [effect for effect in refusals if effect not in early]
        others = [effect for effect in found if effect.kind not in REFUSALS]
        return cls(*(_settled(tuple((effect, effect.selector) for effect in part), {}) for part in (early, late, others)))

    def settled(self, tags: Mapping[str, Any]) -> Pending:
        """What is left once these tags are known, too."""
        return Pending(_settled(self.early, tags), _settled(self.late, tags), _settled(self.others, tags))

    def refusing(self) -> list[Effect]:
        """What refuses something of which all tags of `EARLY` are settled."""
        return [effect for effect, left in self.early if not left]

    def refusing_late(self, tags: Mapping[str, Any]) -> list[Effect]:
        """What else refuses it, once these tags are known and no more will be: a missing tag matches nothing."""
        return [effect for effect, left in _settled(self.late, tags) if not left or effect.kind == "require"]

    def holding(self, tags: Mapping[str, Any]) -> list[Effect]:
        """The preferences, settings and warnings that hold for it then."""
        return [effect for effect, left in _settled(self.others, tags) if not left]


def _settled(effects: Left, tags: Mapping[str, Any]) -> Left:
    kept: list[tuple[Effect, tuple[tuple[str, tuple[Any, ...]], ...] | None]] = []
    for item in effects:
        effect, selector = item
        if selector is None:
            kept.append(item)
            continue
        left = []
        for key, wanted in selector:
            if key not in tags:
                left.append((key, wanted))
            elif not matches(tags[key], wanted):
                if effect.kind == "require":
                    kept.append((effect, None))
                break
        else:
            if len(left) == len(selector) and selector:
                kept.append(item)
            elif left or effect.kind != "require":
                kept.append((effect, tuple(left)))
    return tuple(kept)


def refusing(effects: Iterable[Effect], tags: Mapping[str, Any]) -> list[Effect]:
    """The excludes and requirements among these effects that refuse something with these tags, excludes first; a missing tag matches nothing."""
    found = [effect for effect in effects if effect.kind in REFUSALS]
    return [effect for kind in REFUSALS for effect in found if effect.kind == kind and effect.selects(tags) == (kind == "exclude")]
