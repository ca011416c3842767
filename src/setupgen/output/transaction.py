"""Puts many files in place at once: an interruption leaves the old files or the new ones.

All new texts are first written and flushed beside the old files, in a staging folder; a journal then says what moves where; only then are
files renamed, the manifest last. A failure before the end puts the old files back. After a kill or a power cut the next run reads the
journal and finishes; without a journal nothing had been touched, and the staging folder is thrown away.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from setupgen.errors import UsageError
from setupgen.output.paths import STAGE
from setupgen.written import digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_JOURNAL = "journal.json"


@dataclass(frozen=True, slots=True)
class Put:
    """A file to put in place, or to take away where `content` is `None`; `old` is the digest of what stands there now."""

    path: str
    content: bytes | None
    mode: int
    old: str | None


@dataclass(frozen=True, slots=True)
class _Step:
    """A line of the journal: where the new bytes and the saved old ones lie in the staging folder."""

    path: str
    new: str | None
    saved: str | None
    old: str | None


def checkpoint(name: str) -> None:
    """Called before each step; does nothing. Tests put faults here."""


def commit(directory: Path, puts: list[Put]) -> None:
    """Put all files in place, or none.

    Raises:
        OSError: what the system refused; the directory is then as it was.
    """
    stage = directory / STAGE
    stage.mkdir(mode=0o700)
    steps: list[_Step] = []
    try:
        for index, put in enumerate(puts):
            steps.append(_prepare(directory, stage, index, put))
        checkpoint("journal")
        _write(stage / f"{_JOURNAL}.new", json.dumps([asdict(step) for step in steps]).encode(), 0o600)
        (stage / f"{_JOURNAL}.new").replace(stage / _JOURNAL)
        _flush_folder(stage)
    except BaseException:
        _discard(stage)
        raise
    made: list[Path] = []
    done: list[_Step] = []
    try:
        for step in steps:
            checkpoint(f"move {step.path}")
            made += _make_folders(directory, step)
            done.append(step)
            _move(directory, stage, step)
        checkpoint("flush")
        _flush_folder(directory)
    except BaseException:
        _roll_back(directory, stage, done, made)
        raise
    checkpoint("clean")
    # All is in place: what cannot be cleaned away now is harmless, and goes at the next run.
    with contextlib.suppress(OSError):
        _discard(stage)


def create(directory: Path, puts: list[Put]) -> None:
    """Make a directory that does not exist yet, complete, by one rename.

    Raises:
        OSError: what the system refused; nothing is then left behind.
    """
    stage = directory.parent / f".{directory.name}{STAGE}"
    with locked(directory.parent):
        if stage.is_dir() and not stage.is_symlink():
            shutil.rmtree(stage)
        stage.mkdir()
        try:
            for put in puts:
                checkpoint(f"stage {put.path}")
                target = stage / put.path
                target.parent.mkdir(parents=True, exist_ok=True)
                _write(target, put.content or b"", put.mode)
            for folder in {(stage / put.path).parent for put in puts}:
                _flush_folder(folder)
            checkpoint("rename")
            stage.rename(directory)
        except BaseException:
            shutil.rmtree(stage, ignore_errors=True)
            raise
        _flush_folder(directory.parent)


def recover(directory: Path) -> bool:
    """Finish what an interrupted run began, or throw away what it only prepared. Whether there was anything.

    A file that somebody edited meanwhile keeps the edit.
    """
    stage = directory / STAGE
    if stage.is_symlink() or not stage.is_dir():
        return False
    try:
        steps = [_Step(**step) for step in json.loads((stage / _JOURNAL).read_text("utf-8"))]
    except (OSError, ValueError, TypeError):
        _discard(stage)
        return True
    for step in steps:
        checkpoint(f"recover {step.path}")
        target = directory / step.path
        current = digest(target.read_bytes()) if target.is_file() and not target.is_symlink() else None
        if current in {step.old, None} and (step.new is None or (stage / step.new).exists()):
            _make_folders(directory, step)
            _move(directory, stage, step)
    _discard(stage)
    return True


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the directory against another setupgen, where the system has such locks.

    Raises:
        UsageError: while another one writes there.
    """
    try:
        import fcntl  # noqa: PLC0415  POSIX only
    except ImportError:
        yield
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise UsageError("another setupgen is writing here.", place=str(directory), hint="Wait for it, then run this again.") from None
    except OSError:
        # A file system without locks, such as some network mounts: go on without.
        pass
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def _prepare(directory: Path, stage: Path, index: int, put: Put) -> _Step:
    checkpoint(f"stage {put.path}")
    target = directory / put.path
    new = saved = None
    if put.content is not None:
        new = f"new-{index}"
        _write(stage / new, put.content, put.mode)
    if put.old is not None:
        saved = f"old-{index}"
        try:
            os.link(target, stage / saved)
        except OSError:
            shutil.copy2(target, stage / saved)
    return _Step(put.path, new, saved, put.old)


def _write(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _make_folders(directory: Path, step: _Step) -> list[Path]:
    made: list[Path] = []
    if step.new is not None:
        folder = directory
        for part in step.path.split("/")[:-1]:
            folder = folder / part
            if not folder.exists():
                folder.mkdir()
                made.append(folder)
    return made


def _move(directory: Path, stage: Path, step: _Step) -> None:
    target = directory / step.path
    if step.new is None:
        target.unlink(missing_ok=True)
    else:
        (stage / step.new).replace(target)


def _roll_back(directory: Path, stage: Path, done: list[_Step], made: list[Path]) -> None:
    """Put the old files back. If this is interrupted too, the journal and all new texts are still there and `recover` finishes."""
    for step in reversed(done):
        target = directory / step.path
        if step.new is not None and not (stage / step.new).exists():
            target.replace(stage / step.new)
        if step.saved is not None and not target.exists():
            (stage / step.saved).replace(target)
    for folder in reversed(made):
        with contextlib.suppress(OSError):
            folder.rmdir()
    _discard(stage)


def _discard(stage: Path) -> None:
    """Remove the staging folder; the journal goes first, so that a half-removed one is never followed."""
    (stage / _JOURNAL).unlink(missing_ok=True)
    shutil.rmtree(stage)


def _flush_folder(folder: Path) -> None:
    """Make renames in the folder durable, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
