"""Writes a setup: compares, refuses what would lose the user's work, then puts all files in place or none."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from setupgen.errors import RefusedError, SetupgenError, UsageError
from setupgen.output import compare, dotenv, transaction
from setupgen.output.compare import Change
from setupgen.output.paths import STAGE, check_directory, check_relative, obstacle, read_bytes, refused_by_system
from setupgen.output.transaction import Put
from setupgen.written import MANIFEST, digest, manifest_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT_MODE = 0o644
SECRET_MODE = 0o600

State = dict[str, str]


def read_state(directory: Path) -> State:
    """Path to digest of what setupgen wrote here before; an empty digest stands for a file with secrets.

    Raises:
        UsageError: for a manifest that cannot be read.
    """
    content = read_bytes(directory / MANIFEST)
    if content is None:
        return {}
    try:
        files = json.loads(content)["files"]
        return {str(path): str(entry["sha256"]) for path, entry in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(
            "the list of what setupgen wrote here cannot be read.",
            place=str(directory / MANIFEST),
            hint="Restore it, or delete it: then no file here counts as setupgen's.",
        ) from None


def plan_writes(
    files: Mapping[str, str],
    directory: str | Path,
    state: State | None = None,
    *,
    modes: Mapping[str, str] | None = None,
    secrets: Mapping[str, Sequence[str]] | None = None,
    partial: bool = False,
) -> list[Change]:
    """What writing would do to each file, in order of path. Changes nothing and makes no secret.

    Args:
        files: relative path to text.
        directory: where the setup lies or will lie.
        state: as `read_state` gives it; read from the directory if absent.
        modes: relative path to octal mode, where it is not 0644.
        secrets: path of a file with secrets to the names whose values are made once.
        partial: the files are only some of the setup's: others are not looked at.

    Raises:
        UsageError: for a path outside the directory, or something that cannot be read.
    """
    place = Path(directory)
    check_directory(place)
    for path in files:
        check_relative(path)
    known = read_state(place) if state is None else state
    secret = secrets or {}
    changes = [_change(place, path, text, known=known, mode=_mode(modes, path), make=secret.get(path)) for path, text in files.items()]
    if not partial:
        changes += [change for path in known if path not in files and (change := _stale(place, path, known[path]))]
    return sorted(changes, key=lambda change: change.path)


def write(
    files: Mapping[str, str],
    directory: str | Path,
    *,
    overwrite: bool = False,
    modes: Mapping[str, str] | None = None,
    secrets: Mapping[str, Sequence[str]] | None = None,
    partial: bool = False,
) -> list[Change]:
    """Write the files, all or none, and the list of them. Returns what was done to each.

    Raises:
        RefusedError: where a file was edited or is not setupgen's, and `overwrite` is not given; it names every such file.
        UsageError: where the directory cannot be written. Nothing was changed then.
    """
    place = Path(directory)
    check_directory(place)
    try:
        if not place.is_dir():
            return _write_new(files, place, modes, secrets)
        with transaction.locked(place):
            transaction.recover(place)
            return _write_into(files, place, overwrite=overwrite, modes=modes, secrets=secrets, partial=partial)
    except SetupgenError:
        raise
    except OSError as error:
        raise refused_by_system(error, place) from error


def _write_new(
    files: Mapping[str, str], place: Path, modes: Mapping[str, str] | None, secrets: Mapping[str, Sequence[str]] | None
) -> list[Change]:
    changes = plan_writes(files, place, {}, modes=modes, secrets=secrets)
    made = [parent for parent in place.parents if not parent.exists()]
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        transaction.create(place, _puts(changes, {}, secrets, partial=False, manifest=None))
    except BaseException:
        for parent in made:
            with contextlib.suppress(OSError):
                parent.rmdir()
        raise
    return changes


def _write_into(
    files: Mapping[str, str],
    place: Path,
    *,
    overwrite: bool,
    modes: Mapping[str, str] | None,
    secrets: Mapping[str, Sequence[str]] | None,
    partial: bool,
) -> list[Change]:
    state = read_state(place)
    changes = plan_writes(files, place, state, modes=modes, secrets=secrets, partial=partial)
    refused = [change for change in changes if change.word in compare.REFUSED and (change.word == compare.BLOCKED or not overwrite)]
    if refused:
        raise RefusedError(
            f"{len(refused)} of the files here would be lost: {'; '.join(f'{change.path} {_why(change)}' for change in refused)}.",
            place=str(place),
            hint="`--diff` shows the differences; `--overwrite` replaces edited and foreign files. Nothing was written.",
        )
    changes = [_overwritten(change) if change.word in compare.REFUSED else change for change in changes]
    manifest = read_bytes(place / MANIFEST)
    puts = _puts(changes, state, secrets, partial=partial, manifest=manifest)
    if len(puts) > 1 or puts[0].content != manifest:
        transaction.commit(place, puts)
    return changes


def _why(change: Change) -> str:
    return change.reason or compare.MEANING[change.word]


def _overwritten(change: Change) -> Change:
    return Change(change.path, compare.OVERWRITE, change.old, change.new, change.mode, change.secret)


def _mode(modes: Mapping[str, str] | None, path: str) -> int:
    return int((modes or {}).get(path, "0644"), 8)


def _change(place: Path, path: str, text: str, *, known: State, mode: int, make: Sequence[str] | None) -> Change:
    if reason := obstacle(place, path):
        return Change(path, compare.BLOCKED, reason=reason, mode=mode)
    old, new = read_bytes(place / path), text.encode()
    if make is not None:
        return _secret_change(place, path, text, old)
    if old is None:
        word = compare.CREATE
    elif old == new:
        word = compare.UNCHANGED
    elif path not in known:
        word = compare.FOREIGN
    else:
        word = compare.UPDATE if digest(old) == known[path] else compare.EDITED
    return Change(path, word, old, new, mode)


def _secret_change(place: Path, path: str, text: str, old: bytes | None) -> Change:
    """Files with secrets are merged, never refused; the values that will be made are not made for a plan."""
    existing = None if old is None else old.decode("utf-8", "replace")
    new = dotenv.merge(text, existing, ()).encode()
    loose = old is not None and bool((place / path).stat().st_mode & 0o077)
    word = compare.CREATE if old is None else compare.UPDATE if new != old or loose else compare.UNCHANGED
    return Change(path, word, old, new, SECRET_MODE, secret=True)


def _stale(place: Path, path: str, known: str) -> Change | None:
    """A file that an earlier setup wrote and this one does not."""
    try:
        check_relative(path)
    except UsageError:
        return None
    if obstacle(place, path):
        return Change(path, compare.LEFT)
    old = read_bytes(place / path)
    if old is None:
        return None
    return Change(path, compare.REMOVE if known and digest(old) == known else compare.LEFT, old, secret=not known)


def _puts(
    changes: list[Change], state: State, secrets: Mapping[str, Sequence[str]] | None, *, partial: bool, manifest: bytes | None
) -> list[Put]:
    """The moves, the manifest last; secrets are made here."""
    puts: list[Put] = []
    written: State = dict(state) if partial else {}
    for change in changes:
        old = None if change.old is None else digest(change.old)
        if change.word == compare.REMOVE:
            puts.append(Put(change.path, None, change.mode, old))
        elif change.secret and change.new is not None:
            existing = None if change.old is None else change.old.decode("utf-8", "replace")
            content = dotenv.merge(change.new.decode(), existing, (secrets or {})[change.path]).encode()
            written[change.path] = ""
            if content != change.old or change.word == compare.UPDATE:
                puts.append(Put(change.path, content, SECRET_MODE, old))
        elif change.new is not None:
            written[change.path] = digest(change.new)
            if change.word != compare.UNCHANGED:
                puts.append(Put(change.path, change.new, change.mode, old))
    return [*puts, _manifest(written, manifest)]


def _manifest(written: State, existing: bytes | None) -> Put:
    content = manifest_text(written).encode()
    return Put(MANIFEST, content, DEFAULT_MODE, None if existing is None else digest(existing))


__all__ = ["MANIFEST", "STAGE", "Change", "plan_writes", "read_state", "write"]
