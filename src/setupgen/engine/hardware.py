"""Reads hardware as people and tools write it: sizes such as ``24G``, names such as ``2x NVIDIA GeForce RTX 3090``.

A name is matched as a whole, never by a part of it, so that a laptop GPU is never taken for its desktop namesake. What may differ are
case, punctuation, trade mark signs, brand words, and what tools put around a name.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from setupgen.errors import UnknownNameError, UsageError, shorten
from setupgen.knowledge import GIB, MAXIMUM_NAME, MIB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from setupgen.knowledge import Device, Pack

MAXIMUM_COUNT = 1024
MAXIMUM_BYTES = 1024**5

_UNITS = {"": GIB, "m": MIB, "g": GIB, "t": 1024 * GIB}
_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?)\s*([mgt]?)(?:i?b)?", re.IGNORECASE)
_COUNT = re.compile(r"([0-9]+)(?:[x\u00d7*]\s*|\s+[x\u00d7*]\s+)(?=\S)", re.IGNORECASE)
_SUFFIX = re.compile(r"(?P<name>.*\S)[\s_(-]+(?P<size>[0-9]{1,5}(?:\.[0-9]{1,3})?)\s*g(?:i?b)?\)?", re.IGNORECASE)
_SIZE_INSIDE = re.compile(r"(?<![0-9.a-z])([0-9]{1,4})\s*g(?:i?b)?(?![0-9a-z])", re.IGNORECASE)
_TRADE_MARKS = re.compile(r"\((?:r|tm|c)\)|[®™©]", re.IGNORECASE)
_NO_WORD = re.compile(r"[^0-9a-z]+")
_AROUND = re.compile(r"\s*\([^()]*\)\s*$")
_BRACKETS = re.compile(r"\[([^\[\]]+)\][^\[\]]*$")
_BRANDS = frozenset({"nvidia", "geforce", "amd", "radeon", "intel", "apple", "graphics", "gpu", "corporation", "inc"})
_MOBILE = frozenset({"laptop", "mobile", "notebook", "max-q"})
# How far what a driver reports may lie from the size on the box: firmware and error correction take their part.
_REPORTED_TOLERANCE = 0.1


def parse_size(text: str, *, place: str = "") -> int:
    """Bytes of a size such as ``24``, ``24G``, ``24GB``, ``24GiB`` or ``512M``; a bare number counts GiB, and all units are binary.

    Raises:
        UsageError: for what is not such a size, is not above zero, or is more than a PiB.
    """
    hint = "Write it as 24, 24G, 24GiB or 512M."
    stated = text.strip()
    if stated.startswith(("-", "+")):
        raise UsageError(f"the size {shorten(stated)!r} has a sign.", place=place, hint=hint)
    found = _SIZE.fullmatch(stated)
    if not found:
        raise UsageError(f"{shorten(text)!r} is not a size.", place=place, hint=hint)
    number = float(found[1]) * _UNITS[found[2].lower()]
    if number < 1:
        raise UsageError(f"the size {shorten(stated)!r} is nothing.", place=place, hint=hint)
    if number > MAXIMUM_BYTES:
        raise UsageError(f"the size {shorten(stated)!r} is more than a PiB.", place=place, hint=hint)
    return round(number)


def resolve_device(pack: Pack, name: str, *, place: str = "") -> tuple[Device, int | None, int]:
    """Device, bytes of memory and count of ``NAME``, ``NAME 24GB`` or ``2x NAME``.

    The memory is none where the device is sold with several sizes and the name tells none of them, or where it has none of its own.

    Raises:
        UnknownNameError: for a name that the knowledge base does not have, with the nearest.
        UsageError: for a count out of range, or a size that the device is not sold with.
    """
    whole = len(name) <= MAXIMUM_NAME and _key(name) in _keys(pack)  # such as "7900 XTX", which is not 7900 of something
    count, stated = (1, name.strip()) if whole else _split_count(name.strip(), place)
    if not stated:
        raise UsageError("no hardware is named.", place=place, hint="Name it as a tool prints it, such as 'NVIDIA GeForce RTX 3090'.")
    if len(stated) > MAXIMUM_NAME:
        raise UsageError(f"the name {shorten(stated)!r} is longer than {MAXIMUM_NAME} characters.", place=place)
    if device := _find(pack, stated):
        return device, _memory_of(device, stated), count
    suffix = _SUFFIX.fullmatch(stated)
    if suffix and (device := _find_tolerantly(pack, suffix["name"])):
        return device, _option(device, float(suffix["size"]), place), count
    if device := _find_tolerantly(pack, stated):
        return device, _memory_of(device, stated), count
    raise UnknownNameError("device", stated, _names_like(pack, stated), place=place)


def identify(pack: Pack, name: str, memory_bytes: int = 0) -> Device | None:
    """The device behind a name that a tool printed, or none; the memory decides between cards that print one name.

    Args:
        pack: the knowledge base.
        name: as the tool printed it.
        memory_bytes: what the driver reports, or 0 where it did not tell.
    """
    device = _find_tolerantly(pack, name) if len(name) <= MAXIMUM_NAME else None
    if device is None or device.kind != "gpu" or not memory_bytes or _sold_with(device, memory_bytes):
        return device
    namesake = _find_tolerantly(pack, f"{name} {round(memory_bytes / GIB)}GB")
    return namesake or device


def _sold_with(device: Device, memory_bytes: int) -> bool:
    return any(abs(option - memory_bytes) <= _REPORTED_TOLERANCE * option for option in device.memory_options)


def _split_count(text: str, place: str) -> tuple[int, str]:
    found = _COUNT.match(text)
    if not found:
        return 1, text
    count = int(found[1]) if len(found[1]) <= len(str(MAXIMUM_COUNT)) else MAXIMUM_COUNT + 1
    if not 1 <= count <= MAXIMUM_COUNT:
        raise UsageError(f"{shorten(found[1])} times a device.", place=place, hint=f"The count goes from 1 to {MAXIMUM_COUNT}.")
    return count, text[found.end() :]


def _option(device: Device, gib: float, place: str) -> int:
    """The size that was named, as one that the device is sold with."""
    if not device.memory_options:
        raise UsageError(f"{device.name} has no memory of its own.", place=place, hint="Say how much main memory there is with --ram.")
    for option in device.memory_options:
        if option == round(gib * GIB):
            return option
    sizes = ", ".join(f"{option / GIB:g}" for option in device.memory_options)
    raise UsageError(f"{device.name} is not sold with {gib:g} GB.", place=place, hint=f"It has {sizes} GB.")


def _memory_of(device: Device, stated: str) -> int | None:
    """The only size, or the one that is part of the name (``A100-SXM4-80GB``); what stands in parentheses is not the memory."""
    if len(device.memory_options) == 1:
        return device.memory_options[0]
    for found in _SIZE_INSIDE.finditer(_AROUND.sub("", stated)):
        if int(found[1]) * GIB in device.memory_options:
            return int(found[1]) * GIB
    return None


def _key(text: str) -> str:
    """Letters and digits in lower case."""
    return _NO_WORD.sub("", _without_marks(text).lower())


def _short_key(text: str) -> str:
    """The key without the words that say who made it."""
    return "".join(word for word in _NO_WORD.split(_without_marks(text).lower()) if word not in _BRANDS)


def _without_marks(text: str) -> str:
    return text if text.isascii() and "(" not in text else _TRADE_MARKS.sub(" ", text)


def _spellings(text: str) -> Iterator[str]:
    """The text, and the name in what tools put around it: ``NAME (RADV NAVI31)``, ``GA102 [NAME] (rev a1)``."""
    yield text
    bare = _without_marks(text)
    while bare.rstrip().endswith(")") and (shorter := _AROUND.sub("", bare)) != bare:
        bare = shorter
    if bare != text:
        yield bare
    if "[" in bare and (inside := _BRACKETS.search(bare)):
        yield inside[1]


def _spelled(pack: Pack) -> Iterator[tuple[str, str]]:
    """Every spelling with its id: ids before names, names before aliases, and the first id in order among equals."""
    devices = pack.devices
    for id_ in devices:
        yield id_, id_
        yield id_.rsplit("/", maxsplit=1)[-1], id_
    for id_, device in devices.items():
        yield from ((spelling, id_) for spelling in _spellings(device.name))
    for id_, device in devices.items():
        yield from ((spelling, id_) for alias in device.aliases for spelling in _spellings(alias))


def _first_of_each(pairs: Iterator[tuple[str, str]]) -> Mapping[str, str]:
    index: dict[str, str] = {}
    for key, id_ in pairs:
        index.setdefault(key, id_)
    index.pop("", None)
    return index


@lru_cache(maxsize=4)
def _keys(pack: Pack) -> Mapping[str, str]:
    return _first_of_each((_key(spelling), id_) for spelling, id_ in _spelled(pack))


@lru_cache(maxsize=4)
def _short_keys(pack: Pack) -> Mapping[str, str]:
    return _first_of_each((_short_key(spelling), id_) for spelling, id_ in _spelled(pack))


def _find(pack: Pack, text: str) -> Device | None:
    id_ = _keys(pack).get(_key(text)) or _short_keys(pack).get(_short_key(text))
    return pack.devices[id_] if id_ else None


def _find_tolerantly(pack: Pack, text: str) -> Device | None:
    return next((device for spelling in _spellings(text) if (device := _find(pack, spelling))), None)


def _names_like(pack: Pack, text: str) -> set[str]:
    """Names to suggest: of laptop GPUs where a laptop is meant, of all else where not."""
    mobile = any(word in text.lower() for word in _MOBILE)
    devices = [device for device in pack.devices.values() if (device.segment == "laptop") == mobile]
    return {label for device in devices for label in (device.name, device.id.rsplit("/", maxsplit=1)[-1])}
