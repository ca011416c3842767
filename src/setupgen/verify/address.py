"""Addresses of a setup: parsed, checked, and moved to where the setup really runs."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from setupgen.errors import UsageError, shorten

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """A base address: scheme, host, port, and a path without a slash at its end."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def tls(self) -> bool:
        """Whether it is encrypted."""
        return self.scheme == "https"

    @property
    def is_loopback(self) -> bool:
        """Whether only this host can be meant."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        """As it stands in a client's settings."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


def is_loopback(host: str) -> bool:
    """Whether a host name or address means the machine that says it."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def parse(text: str, place: str) -> Address:
    """An address out of a plan or from the user.

    Raises:
        UsageError: for anything that is no address of a web server; what it says never holds a password.
    """
    hint = "Give it like http://127.0.0.1:9931."
    try:
        parts = urlsplit(text.strip())
        port = parts.port
        host = parts.hostname or ""
    except ValueError:
        raise UsageError("is no address.", place=place, hint=hint) from None
    if parts.username is not None or parts.password is not None:
        raise UsageError("holds a name or password.", place=place, hint="Keys belong into .env, never into an address.")
    if parts.scheme not in PORTS or not host or any(character.isspace() or not character.isprintable() for character in text.strip()):
        raise UsageError(f"{shorten(text)!r} is no address.", place=place, hint=hint)
    if parts.query or parts.fragment:
        raise UsageError(f"{shorten(text)!r} has more than host, port and path.", place=place, hint=hint)
    return Address(parts.scheme, host, PORTS[parts.scheme] if port is None else port, parts.path.rstrip("/"))


def tail(url: str, base: str) -> str | None:
    """What an address of an API has beyond the base address; nothing where it lies elsewhere."""
    return url[len(base) :] if url == base or url.startswith(f"{base}/") else None
