"""Which paths may be written below a directory, and what stands there now."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from setupgen.errors import SetupgenError, UsageError, shorten_path
from setupgen.written import MANIFEST

if TYPE_CHECKING:
    from pathlib import Path

STAGE = ".setupgen.tmp"
_LONGEST_PART = 255


def check_relative(path: str) -> str:
    """The path, if it stays inside the directory that it is relative to and means the same on every system.

    Raises:
        UsageError: for any other path.
    """
    parts = path.split("/")
    wrong = (
        not path
        or any(part in {"", ".", ".."} or len(part.encode("utf-8", "replace")) > _LONGEST_PART for part in parts)
        or any(character in '\\:*?"<>|' or not character.isprintable() for character in path)
        or any(part != part.strip() or part.endswith(".") for part in parts)
        or parts[0] in {MANIFEST, STAGE}
    )
    if wrong:
        raise UsageError(f"{shorten_path(path)!r} is not a path inside the setup's directory.", place="files", hint="Nothing was written.")
    return path


def check_directory(directory: Path) -> None:
    """Refuse a directory that cannot be one.

    Raises:
        UsageError: where the path, or a part of it, is something else, or cannot be looked at.
    """
    if "\x00" in str(directory):
        raise UsageError("a directory's name cannot hold a NUL.", place="DIR", hint="Name a directory.")
    try:
        for place in (directory, *directory.parents):
            if os.path.lexists(place):
                if not place.is_dir():
                    raise UsageError(f"{shorten_path(str(place))!r} is not a directory.", place="DIR", hint="Name another directory.")
                return
    except OSError as error:
        raise refused_by_system(error, directory) from error


def obstacle(directory: Path, path: str) -> str:
    """Why nothing can be written at this path even with permission to overwrite; empty where something can."""
    current = directory
    parts = path.split("/")
    for index, part in enumerate(parts):
        current = current / part
        try:
            mode = current.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return ""
        if stat.S_ISLNK(mode):
            return "is a symbolic link" if index == len(parts) - 1 else f"lies behind the symbolic link {part}"
        if index < len(parts) - 1:
            if not stat.S_ISDIR(mode):
                return f"lies below {part}, which is a file"
        elif not stat.S_ISREG(mode):
            return "is a directory" if stat.S_ISDIR(mode) else "is not a regular file"
    return ""


def read_bytes(path: Path) -> bytes | None:
    """The bytes of a file, or `None` where there is none.

    Raises:
        UsageError: where there is one that cannot be read.
    """
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise refused_by_system(error, path) from error


def refused_by_system(error: OSError, path: Path) -> SetupgenError:
    """What the operating system said, as a message for the user."""
    hints = {
        errno.ENOSPC: "Free some space, then run it again. Nothing was changed.",
        errno.EDQUOT: "Free some of your quota, then run it again. Nothing was changed.",
        errno.EACCES: "Choose a directory that you may write to.",
        errno.EPERM: "Choose a directory that you may write to.",
        errno.EROFS: "The file system is read-only: choose another directory.",
    }
    hint = hints.get(error.errno or 0, "Choose another directory.")
    return UsageError(f"{error.strerror or type(error).__name__}.", place=shorten_path(str(error.filename or path), 200), hint=hint)
