"""What HOPS accepts in its `hosts.yml`: a list of mappings, whose rest goes to httpx as keyword arguments.

HOPS stops at the first entry that it cannot use, so every rule is held here, before a file is written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from setupgen.errors import UsageError, shorten
from setupgen.headers import SECRET, variable_of

if TYPE_CHECKING:
    from collections.abc import Mapping

# Anything else is handed to httpx, which stops with a TypeError.
_KEYS = ("id", "host", "headers", "timeout", "verify", "follow_redirects", "max_redirects", "trust_env", "proxy")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def hosts_of(proxy: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of `hosts.yml`, checked, in their order; a secret header stands as ``${NAME}``.

    Raises:
        UsageError: for what HOPS would refuse or silently drop; the place names the host and the key.
    """
    hosts = [_host(raw, index) for index, raw in enumerate(proxy.get("hosts", ()))]
    if not hosts:
        raise UsageError("HOPS has no host to send requests to.", place="proxy.hosts", hint="Place a model on at least one host.")
    seen: dict[str, int] = {}
    for index, host in enumerate(hosts):
        key = host["host"].rstrip("/").lower()
        if key in seen:
            _refuse(index, "host", f"{host['host']!r} is the address of hosts[{seen[key]}] too", "HOPS keeps one entry per address.")
        seen[key] = index
    return hosts


def _refuse(index: int, key: str, message: str, hint: str) -> None:
    raise UsageError(f"{shorten(message, 200)}.", place=f"proxy.hosts[{index}].{key}", hint=hint)


def _host(raw: Mapping[str, Any], index: int) -> dict[str, Any]:
    for key in raw:
        if key not in _KEYS:
            _refuse(index, str(key), f"HOPS has no setting {key!r} and would stop", f"It knows {', '.join(_KEYS)}.")
    for key in ("id", "host"):
        if not isinstance(raw.get(key), str) or not raw[key]:
            _refuse(index, key, f"{raw.get(key)!r} is not a text", "HOPS wants texts for id and host; quote a number.")
    _check_address(raw["host"], index)
    host: dict[str, Any] = {"id": raw["id"], "host": raw["host"]}
    if headers := raw.get("headers"):
        host["headers"] = {name: _header(name, value, index) for name, value in headers.items()}
    if raw.get("timeout") is not None:
        if isinstance(raw["timeout"], bool) or not isinstance(raw["timeout"], (int, float)):
            _refuse(index, "timeout", f"{raw['timeout']!r} is not a number of seconds", "Give a number, or leave it out.")
        host["timeout"] = raw["timeout"]
    if "verify" in raw:
        if not isinstance(raw["verify"], (bool, str)):
            _refuse(index, "verify", f"{raw['verify']!r} is neither true, false nor a path", "Give the path of a CA bundle.")
        host["verify"] = raw["verify"]
    return host | {key: raw[key] for key in ("follow_redirects", "max_redirects", "trust_env", "proxy") if key in raw}


def _check_address(address: str, index: int) -> None:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        parts, port = urlsplit(""), None
        _refuse(index, "host", f"{address!r} is not an address: {error}", "Write it as http://10.0.0.5:11434.")
    if parts.scheme not in {"http", "https"} or not parts.hostname or re.search(r"\s", address):
        _refuse(index, "host", f"{address!r} is not an address with a scheme", "Write it as http://10.0.0.5:11434.")
    if port is None:
        _refuse(index, "host", f"{address!r} has no port, and HOPS would take 80 or 443", "Ollama's port is 11434.")
    if parts.username is not None or parts.password is not None:
        _refuse(index, "host", "HOPS drops a user name and password in an address", "Use a header: Authorization: {env: NAME}.")


def _header(name: Any, value: Any, index: int) -> str:
    key = f"headers.{name}"
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
        _refuse(index, key, f"{name!r} is not the name of a header", "Header names have letters, digits and dashes.")
    if isinstance(value, dict):
        variable = variable_of(value)
        if variable is None:
            _refuse(index, key, f"{value!r} does not name a variable", "Write {env: NAME} with letters, digits and underscores.")
        return f"${{{variable}}}"
    if not isinstance(value, str):
        _refuse(index, key, f"{value!r} is not a text", "HOPS stops at numbers and lists; quote it.")
    if name.lower() in SECRET:
        _refuse(index, key, "a secret may not stand in a file", "Write {env: NAME} and put the value into .env.")
    if "${" in value or not value.isascii():
        _refuse(index, key, f"{value!r} cannot be sent as a header", "HOPS sends it literally: use ASCII, and {env: NAME} for variables.")
    return str(value)
