"""Reads hosted offers that a user wrote down, from YAML or JSON. Strict: a price that is not understood is never guessed."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

from setupgen.cli.options import read_nodes
from setupgen.errors import UnknownNameError, UsageError, shorten

if TYPE_CHECKING:
    from setupgen.engine.costing import Offer

KEYS = ("provider", "model", "input_per_mtok_usd", "output_per_mtok_usd", "date")
MAXIMUM_OFFERS = 200
MAXIMUM_USD = 100_000
HINT = "For example: `- {provider: acme, model: big-1, input_per_mtok_usd: 0.5, output_per_mtok_usd: 2, date: 2026-11-01}`."


def read_prices(path: str) -> tuple[Offer, ...]:
    """The offers of a file: a list, or the same under the key `offers`.

    Raises:
        UsageError: with file, line and key.
    """
    import yaml

    node = read_nodes(path, "neither YAML nor JSON", HINT)
    if isinstance(node, yaml.MappingNode) and len(node.value) == 1 and getattr(node.value[0][0], "value", "") == "offers":
        node = node.value[0][1]
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        line = f"{path}, line {node.start_mark.line + 1}" if node else path
        raise UsageError("expected a list of offers.", place=line, hint=HINT)
    if len(node.value) > MAXIMUM_OFFERS:
        raise UsageError(f"{len(node.value)} offers, expected at most {MAXIMUM_OFFERS}.", place=path)
    return tuple(_offer(item, path) for item in node.value)


def _offer(node: Any, path: str) -> Offer:
    from setupgen.engine.costing import Offer

    line = f"{path}, line {node.start_mark.line + 1}"
    if node.id != "mapping":
        raise UsageError("expected the keys of an offer.", place=line, hint=HINT)
    values: dict[str, tuple[str, str]] = {}
    for key, value in node.value:
        place = f"{path}, line {key.start_mark.line + 1}, {shorten(str(key.value))}" if key.id == "scalar" else line
        if key.id != "scalar" or key.value not in KEYS:
            kind = "key"
            raise UnknownNameError(kind, str(key.value) if key.id == "scalar" else "?", KEYS, place=place)
        if key.value in values:
            raise UsageError("stated twice.", place=place)
        if value.id != "scalar" or not value.value.strip() or len(value.value) > MAXIMUM_OFFERS:
            raise UsageError("expected one short value.", place=place, hint=HINT)
        values[key.value] = (value.value.strip(), place)
    missing = [key for key in KEYS if key not in values]
    if missing:
        raise UsageError(f"{', '.join(missing)} missing.", place=line, hint=HINT)
    day, place = values["date"]
    return Offer(
        _name(*values["provider"]), _name(*values["model"]), _price(*values["input_per_mtok_usd"]), _price(*values["output_per_mtok_usd"]),
        _day(day, place), own=True,
    )  # fmt: skip


def _name(text: str, place: str) -> str:
    if not text.isprintable():
        raise UsageError(f"{shorten(text)!r}, expected a name on one line.", place=place)
    return text


def _price(text: str, place: str) -> float:
    """US dollars per million tokens."""
    if not re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,12})?", text, re.ASCII) or float(text) > MAXIMUM_USD:
        message = f"{shorten(text)!r}, expected US dollars per million tokens, 0 to {MAXIMUM_USD}, as a plain number."
        raise UsageError(message, place=place)
    return float(text)


def _day(text: str, place: str) -> str:
    """The day of a price."""
    try:
        found = date.fromisoformat(text if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII) else "")
    except ValueError as error:
        raise UsageError(f"{shorten(text)!r}, expected a day such as 2026-11-21.", place=place) from error
    return found.isoformat()
