"""How many parameters safetensors files hold, by type: from their headers, or from the index of a sharded set.

The format: https://huggingface.co/docs/safetensors/index. A file begins with eight bytes of length and a JSON header.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from setupgen.errors import UsageError, shorten

if TYPE_CHECKING:
    from pathlib import Path

INDEX = "model.safetensors.index.json"
MOST_HEADER = 100 * 1024**2


@dataclass(frozen=True, slots=True)
class Stored:
    """What safetensors files beside a configuration hold.

    Attributes:
        bytes: of all tensors, or 0 where no file tells.
        elements: numbers by type, where headers could be read; empty where only the index is there.
        names: names of tensors.
    """

    bytes: int
    elements: dict[str, int]
    names: frozenset[str]


def stored_beside(config: Path) -> Stored | None:
    """What the safetensors files in the folder of a `config.json` hold, or none where there are none.

    Raises:
        UsageError: for a file that is truncated or contradicts itself.
    """
    folder = config.parent
    index = folder / INDEX
    files = sorted(folder.glob("*.safetensors"))
    if index.is_file():
        document = read_json(index)
        names = document.get("weight_map")
        if not isinstance(names, dict) or not all(isinstance(value, str) for value in names.values()):
            raise UsageError("weight_map is missing or no mapping of names to files.", place=str(index))
        wanted = {folder / name for name in set(names.values())}
        if wanted <= set(files):
            return _headers(sorted(wanted))
        size = document.get("metadata", {}).get("total_size", 0) if isinstance(document.get("metadata"), dict) else 0
        return Stored(size if isinstance(size, int) else 0, {}, frozenset(names))
    return _headers(files) if files else None


def _headers(files: list[Path]) -> Stored:
    elements: dict[str, int] = {}
    names: set[str] = set()
    total = 0
    for file in files:
        for name, tensor in _header(file).items():
            count = prod(tensor["shape"])
            elements[tensor["dtype"]] = elements.get(tensor["dtype"], 0) + count
            start, end = tensor["data_offsets"]
            total += end - start
            names.add(name)
    return Stored(total, elements, frozenset(names))


def _header(path: Path) -> dict[str, Any]:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0  # noqa: PLR2004 - bytes of a 64-bit number
            if not 0 < length <= min(MOST_HEADER, size - 8):
                raise UsageError("not a safetensors file, or truncated.", place=str(path), hint="Fetch the file again.")
            document = json.loads(file.read(length))
    except OSError as error:
        raise UsageError(f"the file cannot be read ({error.strerror}).", place=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise UsageError("its header is not JSON.", place=str(path), hint="Fetch the file again.") from error
    document.pop("__metadata__", None)
    for name, tensor in document.items():
        if not _is_sound(tensor, size - 8 - length):
            message = f"the tensor {shorten(str(name))!r} has no sound shape, type or place."
            raise UsageError(message, place=str(path), hint="The file is truncated or damaged; fetch it again.")
    return dict(document)


def _is_sound(tensor: Any, room: int) -> bool:
    """Whether a tensor has a type, a shape, and a place within `room` bytes."""
    if not isinstance(tensor, dict) or not isinstance(tensor.get("dtype"), str) or not _numbers(tensor.get("shape")):
        return False
    match tensor.get("data_offsets"):
        case [int(start), int(end)]:
            return 0 <= start <= end <= room
    return False


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, int) and not isinstance(item, bool) and item >= 0 for item in value)


def read_json(path: Path, limit: int = 64 * 1024**2) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        UsageError: where it cannot be read, is larger than `limit` bytes, or holds something else.
    """
    try:
        if path.stat().st_size > limit:
            raise UsageError(f"larger than {limit // 1024**2} MiB, which no such file is.", place=str(path))
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"the file cannot be read ({error.strerror}).", place=str(path)) from error
    except (ValueError, RecursionError) as error:
        place = f"{path}, line {getattr(error, 'lineno', 1)}"
        raise UsageError("not JSON.", place=place, hint="Is it the model's config.json?") from error
    if not isinstance(document, dict):
        raise UsageError("expected a JSON object.", place=str(path), hint="Is it the model's config.json?")
    return document
