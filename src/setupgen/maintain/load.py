"""Reads files of strict YAML, as `setupgen.strict_yaml` understands it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.errors import UsageError
from setupgen.strict_yaml import MAXIMUM_BYTES, At, Document, dotted, parse

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["At", "Document", "dotted", "parse", "read"]


def read(path: Path, root: Path | None = None) -> Document:
    """The document in a file, named by its path from `root`.

    Raises:
        UsageError: where the file cannot be read or is not strict YAML.
    """
    name = path.relative_to(root).as_posix() if root else str(path)
    try:
        if path.stat().st_size > MAXIMUM_BYTES:
            message = f"the file is larger than {MAXIMUM_BYTES // 1000} kB."
            raise UsageError(message, place=name, hint="Split it.")
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}.", place=name) from error
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError("the file is not UTF-8 text.", place=f"{name}, line {line}", hint="Save it as UTF-8.") from error
    return parse(text, name)
