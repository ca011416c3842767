"""A setup's files as one zip archive, for those who take them from the page. Pure: the same files and keys give the same bytes."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from setupgen.errors import UsageError
from setupgen.written import MANIFEST, digest, manifest_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from setupgen.render.files import Rendered

EPOCH = (2026, 1, 1, 0, 0, 0)
"""The date of every file in it: nobody's clock is asked."""

PRIVATE, PUBLIC = "0600", "0644"
REGULAR = 0o100000 << 16
UNIX = 3


def with_values(text: str, names: Iterable[str], values: Mapping[str, str]) -> str:
    """The text of a file with secrets, with a value for each name that has none.

    Raises:
        UsageError: for a value that is missing or would need quoting.
    """
    lines = []
    wanted = {f"{name}=": name for name in names}
    if not wanted:
        return text
    for line in text.splitlines():
        name = wanted.get(line)
        if name is None:
            lines.append(line)
            continue
        value = values.get(name, "")
        if not value or not value.isascii() or not all(letter.isalnum() or letter in "-_" for letter in value):
            raise UsageError("expected a value of ASCII letters, digits, - and _.", place=f"keys, {name}")
        lines.append(line + value)
    return "".join(f"{line}\n" for line in lines)


def archive(rendered: Rendered, folder: str, values: Mapping[str, str]) -> bytes:
    """The archive: what `setupgen write` would put into a folder, with its list of it; keys in files of mode 0600.

    Args:
        rendered: the files.
        folder: name of the folder in it.
        values: the value of each secret by name.
    """
    secrets = {path: {name: values.get(name, "") for name in names} for path, names in rendered.secrets.items()}
    return pack_files(rendered.files, rendered.modes, secrets, folder)


def pack_files(
    files: Mapping[str, str],
    modes: Mapping[str, str],
    secrets: Mapping[str, Mapping[str, str]],
    folder: str,
    beside: Mapping[str, str] | None = None,
) -> bytes:
    """Files as an archive of one folder, with the list of what is in it.

    Args:
        files: path to text.
        modes: path to octal mode, where it is not 0644.
        secrets: path of a file with secrets to the values of its names.
        folder: name of the folder in it.
        beside: files that lie beside the folder.
    """
    texts = {path: with_values(text, secrets.get(path, ()), secrets.get(path, {})) for path, text in files.items()}
    known = {path: "" if path in secrets else digest(text.encode()) for path, text in texts.items()}
    inside = {f"{folder}/{path}": (text, PRIVATE if path in secrets else modes.get(path, PUBLIC)) for path, text in texts.items()}
    inside[f"{folder}/{MANIFEST}"] = manifest_text(known), PUBLIC
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for path, (text, mode) in sorted(({path: (text, PUBLIC) for path, text in (beside or {}).items()} | inside).items()):
            entry = zipfile.ZipInfo(path, EPOCH)
            entry.create_system = UNIX
            entry.external_attr = REGULAR | int(mode, 8) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(entry, text)
    return target.getvalue()
