"""Finds results in the document of `verify --json`."""

from __future__ import annotations

from typing import Any


def check(document: dict[str, Any], id_: str) -> dict[str, Any]:
    """The one result with this id."""
    (found,) = [check for check in document["checks"] if check["id"] == id_]
    return found


def statuses(document: dict[str, Any]) -> dict[str, str]:
    return {check["id"]: check["status"] for check in document["checks"]}
