"""Reads what tools print: cleans it, and turns words into numbers or into unknown values.

What a tool prints is not trusted: it may hold escape codes, zero bytes or lines of any length. All of it passes through here before it
gets into a document or onto a terminal.
"""

from __future__ import annotations

import json
import re
import unicodedata
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from setupgen.errors import shorten
from setupgen.facts import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MIB = 1024**2
GIB = 1024**3
LINE_LIMIT = 160
BLOCK_LIMIT = 65_536
LARGEST_BYTES = 2**50
_JSON_ATTEMPTS = 50

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B|iB)?", re.IGNORECASE)
_FACTORS = {"": 1, "K": 1024, "M": MIB, "G": GIB, "T": 1024**4}
_VERSION = re.compile(r"(?<![\d.])\d{1,8}(?:\.\d{1,8}){1,5}(?:[-+.][0-9A-Za-z]{1,40}){0,4}")
_PLACEHOLDER = re.compile(r"to be filled|default string|system product name|system manufacturer|not specified", re.IGNORECASE)
_ABSENT = {
    "",
    "n/a",
    "[n/a]",
    "none",
    "null",
    "unknown",
    "[not supported]",
    "not supported",
    "[unknown error]",
    "[insufficient permissions]",
}
_SECRETS = (
    re.compile(r"\b(GPU|MIG)-[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    re.compile(
        r"(?i)(\"?(?:serial(?:[ _]?number)?|asset tag|platform_uuid|provisioning_udid|unique id|asic_serial|product_serial|uuid)\"?\s*:\s*)\"?[^\"\n,}]+\"?"
    ),
)


def clean(text: str, limit: int = LINE_LIMIT) -> str:
    """One line without escape codes, control and invisible characters, at most `limit` characters long."""
    plain = _ESCAPES.sub("", text[: limit * 20])
    plain = "".join(" " if character in "\t\n\r\v\f" else character for character in plain if _is_visible(character))
    return shorten(" ".join(plain.split()), limit)


def clean_block(text: str, limit: int = BLOCK_LIMIT) -> str:
    """Several lines, cleaned as `clean` does it but with their line ends and tabs."""
    plain = _ESCAPES.sub("", text[: limit * 2]).replace("\r\n", "\n").replace("\r", "\n")
    plain = "".join(character for character in plain if character in "\t\n" or (_is_visible(character) and character not in "\v\f"))
    return plain if len(plain) <= limit else plain[:limit] + "\n[cut]"


def _is_visible(character: str) -> bool:
    return character in "\t\n\r\v\f" or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def without_identity(text: str) -> str:
    """The text without serial numbers and UUIDs: `--raw` is meant to be posted in bug reports."""
    for pattern in _SECRETS:
        text = pattern.sub(lambda match: f"{match[1]}[removed]", text)
    return text


def tidy(value: Any) -> Any:
    """A JSON value with every string in it cleaned; unknown values become ``{"unknown": reason}``."""
    if isinstance(value, Unknown):
        return {"unknown": clean(value.reason)}
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): tidy(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [tidy(item) for item in value]
    return value


def is_absent(word: str) -> bool:
    """Whether a tool printed this to say that it has no value."""
    return word.strip().lower() in _ABSENT


def to_int(word: Any) -> int | None:
    """The number that the word is, or None where it is none or beyond what a machine can have."""
    if isinstance(word, bool):
        return None
    if isinstance(word, (int, float)):
        return int(word) if 0 <= word <= LARGEST_BYTES else None
    match = _NUMBER.fullmatch(str(word).strip()[:32])
    number = int(float(match[0])) if match and "." in match[0] else int(match[0]) if match else None
    return number if number is not None and number <= LARGEST_BYTES else None


def to_bytes(text: Any) -> int | None:
    """Bytes of ``16 GB``, ``1536 MB``, ``24576MiB``: firmware and drivers mean powers of 1024 by all of these."""
    match = _SIZE.fullmatch(str(text).strip()[:32])
    if not match:
        return None
    size = int(float(match[1]) * _FACTORS[match[2].upper()])
    return size if 0 < size <= LARGEST_BYTES else None


def version_in(text: str, *, last: bool = False) -> str | None:
    """The first (or last) thing in the text that looks like a version."""
    found = _VERSION.findall(text[:BLOCK_LIMIT])
    return found[-1 if last else 0] if found else None


def glimpse(text: str) -> str:
    """The start of what a tool printed, for a message; nothing where it is no text."""
    plain = clean(text, 60)
    if not plain:
        return "nothing at all"
    return plain if sum(character.isascii() for character in plain) * 4 > len(plain) * 3 else "bytes that are no text"


def first_line(text: str) -> str:
    """The first line that says something, cleaned."""
    return next((line for line in map(clean, text[:BLOCK_LIMIT].splitlines()) if line), "")


def json_in(text: str) -> Any:
    """The JSON document in the text, after any warnings that a tool printed before it; None where there is none."""
    for match in islice(re.finditer(r"[\[{]", text[:BLOCK_LIMIT]), _JSON_ATTEMPTS):
        with suppress(ValueError, RecursionError):
            return json.JSONDecoder().raw_decode(text, match.start())[0]
    return None


def pairs(text: str, separator: str = ":") -> Iterable[tuple[str, str]]:
    """The ``key: value`` lines of a text."""
    for line in text.splitlines():
        key, found, value = line.partition(separator)
        if found:
            yield key.strip(), value.strip()


def entries(value: Any) -> list[dict[str, Any]]:
    """The dictionaries in a JSON value that should be a list of them (PowerShell unwraps lists of one)."""
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def word_of(entry: Mapping[str, Any], *keys: str) -> str:
    """The first of these keys that has a text in the dictionary, cleaned; empty where none has."""
    for key in keys:
        value = entry.get(key)
        if isinstance(value, (str, int, float)) and not isinstance(value, bool) and not is_absent(str(value)):
            return clean(str(value))
    return ""


def model_name(maker: str, *products: str) -> str:
    """Maker and product of a machine, without the words that board makers leave in; empty where no product is named."""
    product = next((word for word in map(clean, products) if word and not _PLACEHOLDER.search(word)), "")
    maker = "" if _PLACEHOLDER.search(maker) else clean(maker)
    return product if not maker or product.upper().startswith(maker.upper()) else f"{maker} {product}" if product else ""


def pci_address(text: str) -> str:
    """``00000000:01:00.0`` and ``01:00.0`` as ``0000:01:00.0``; empty where it is no PCI address."""
    match = re.fullmatch(r"(?:([0-9a-fA-F]{4,8}):)?([0-9a-fA-F]{2}):([0-9a-fA-F]{2})\.([0-7])", text.strip())
    if not match:
        return ""
    return f"{int(match[1] or '0', 16):04x}:{match[2]}:{match[3]}.{match[4]}".lower()
