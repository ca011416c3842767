"""Asks a running setup whether it does what its plan promised.

`promise` reads what was promised, `examination` runs the checks (`check_*`), `client` and `dialects` ask, `results` holds what was found.
Everything that a server may do wrong is a `Trouble` and becomes a finding.
"""

from __future__ import annotations

from setupgen.verify.examination import IDS, Examination, Watcher, examine
from setupgen.verify.promise import Expected, read_plan, read_promise
from setupgen.verify.results import BROKEN, KEPT, SKIPPED, UNCLEAR
from setupgen.verify.session import Options

__all__ = [
    "BROKEN",
    "IDS",
    "KEPT",
    "SKIPPED",
    "UNCLEAR",
    "Examination",
    "Expected",
    "Options",
    "Watcher",
    "examine",
    "read_plan",
    "read_promise",
]
