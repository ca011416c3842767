"""Finds out what machine this is. `detect` gives the public JSON; `Runner` is what tests put in the machine's place."""

from __future__ import annotations

from setupgen.detect.machine import detect

__all__ = ["detect"]
