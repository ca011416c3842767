"""Everything that doctor can find, and how a finding is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.doctor.kinds import SETTINGS
from setupgen.doctor.kinds_machine import MACHINE
from setupgen.doctor.records import Finding, Place
from setupgen.errors import visible

if TYPE_CHECKING:
    from setupgen.knowledge import Pack

KINDS = SETTINGS | MACHINE


def finding(pack: Pack, id_: str, what: str, place: Place, *, fix: str = "", why: str = "", severity: str = "") -> Finding:
    """A finding of this kind; what the case knows better than the catalogue replaces it."""
    kind = KINDS[id_]
    urls = tuple(pack.url(source) for source in kind.sources if source in pack.sources)
    shown = Place(visible(place.file), place.line)
    return Finding(
        id_, severity or kind.severity, visible(what, 400), shown, visible(why or kind.why, 600), visible(fix or kind.fix, 400), urls
    )
