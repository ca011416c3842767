"""What each check found: promised against measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KEPT, BROKEN, UNCLEAR, SKIPPED = "kept", "broken", "unclear", "skipped"
STATUSES = (KEPT, BROKEN, UNCLEAR, SKIPPED)


@dataclass(frozen=True)
class Result:
    """One check.

    Attributes:
        id: stable, for scripts.
        label: what was checked, in a word or three.
        status: `kept`, `broken`, `unclear` (it answered, but not so that anything is proven) or `skipped` (not asked, and `text` says why).
        promised: what the plan says, in words.
        measured: what was found, in words.
        text: a sentence on what is wrong or remarkable; empty where nothing is.
        fix: what to do about it.
        numbers: what was measured, by name with unit.
    """

    id: str
    label: str
    status: str
    promised: str
    measured: str
    text: str = ""
    fix: str = ""
    seconds: float = 0.0
    numbers: Mapping[str, float | int | str | bool] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As the public JSON writes it."""
        return {
            "id": self.id,
            "label": self.label,
            "status": self.status,
            "promised": self.promised,
            "measured": self.measured,
            "text": self.text,
            "fix": self.fix,
            "seconds": round(self.seconds, 3),
            "numbers": {key: round(value, 4) if isinstance(value, float) else value for key, value in self.numbers.items()},
        }


def counts(results: Sequence[Result]) -> dict[str, int]:
    """How many checks have each status."""
    return {status: sum(result.status == status for result in results) for status in STATUSES}
