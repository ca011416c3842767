"""An inventory as a short text for an address, and back. What it leaves out: addresses, values of headers, and what was detected. Pure."""

from __future__ import annotations

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from setupgen.engine import offering
from setupgen.engine.fleet.fronts import is_loopback
from setupgen.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from setupgen.engine.fleet.records import FleetHost, Inventory
    from setupgen.knowledge import Pack

KEPT = ("hardware", "ram", "cpu", "os", "runtime", "tags", "availability", "preemptible", "usd_per_hour", "link", "node")
LARGEST = 300_000
"""Bytes that a link may unfold to."""

LONGEST = 6000
"""Letters that an address may have; browsers and servers take longer ones, messengers cut them."""


def without_secrets(pack: Pack, inventory: Inventory, data: Mapping[str, Any]) -> dict[str, Any]:
    """The inventory as it may be shown to anybody: hosts are called by their names, headers name variables, detected hosts are hardware.

    Args:
        pack: the knowledge base.
        inventory: the inventory, checked.
        data: the document that it was made from.
    """
    hosts = []
    for host, raw in zip(inventory.hosts, data["hosts"], strict=True):
        facts = inventory.kinds[host.kind]
        shown = {"name": host.name, "address": _address(host), **{key: raw[key] for key in KEPT if raw.get(key) is not None}}
        if "hardware" not in shown:
            shown |= {**offering.named(pack, facts.hardware), "os": facts.needs.os}
        headers = {name: value for name, value in host.headers.items() if isinstance(value, dict)}
        hosts.append({**shown, "headers": headers} if headers else shown)
    kept = {key: data[key] for key in ("needs", "clients", "expose", "proxy") if key in data}
    return {"name": inventory.name, "hosts": hosts, **kept}


def _address(host: FleetHost) -> str:
    """The address with the host's own name in the place of what the network calls it; its own machine stays that."""
    if is_loopback(host):
        return host.address
    port = urlsplit(host.address).port
    return f"{urlsplit(host.address).scheme}://{host.name.replace('_', '-')}" + (f":{port}" if port else "")


def packed(document: Mapping[str, Any]) -> str:
    """A document as letters that an address takes; empty where they would be too many."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    letters = urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode("ascii").rstrip("=")
    return letters if len(letters) <= LONGEST else ""


def unpacked(letters: str) -> dict[str, Any]:
    """The document in such letters.

    Raises:
        UsageError: where they hold none.
    """
    try:
        unfold = zlib.decompressobj()
        content = unfold.decompress(urlsafe_b64decode(letters[: 2 * LONGEST] + "=" * (-len(letters) % 4)), LARGEST)
        document = json.loads(content.decode()) if unfold.eof else None
    except (ValueError, zlib.error, RecursionError):
        document = None
    if not isinstance(document, dict) or not all(isinstance(document.get(key), list) for key in ("hosts", "needs")):
        raise UsageError("the link holds no inventory.", place="fleet", hint="It may have been cut: copy it once more, as a whole.")
    return document
