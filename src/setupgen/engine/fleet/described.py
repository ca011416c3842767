"""Which detection documents an inventory refers to. Pure: whoever asks says how one is read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from setupgen.engine.document import check_document, dotted
from setupgen.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from setupgen.engine.fleet.intake import Place

    Documents = dict[str, dict[str, Any]]


def documents_of(
    data: Any, place: Place, read: Callable[[str], dict[str, Any]], gather: Callable[[str], Documents]
) -> tuple[Documents, list[UsageError]]:
    """Detection documents by name of the host: of hosts that name a file, and of all in the file or folder that the inventory names.

    Args:
        data: the inventory as it was read; the facts of a host that cannot be read are taken out of it, because that is told already.
        place: words for the place of a key.
        read: gives the document at a path.
        gather: gives the documents in the folder or file at a path, by name of host.
    """
    facts: Documents = {}
    problems: list[UsageError] = []
    data = data if isinstance(data, dict) else {}
    if isinstance(common := data.get("facts"), str):
        try:
            facts.update(gather(common))
        except UsageError as error:
            problems.append(error)
    elif common is not None:
        problems.append(UsageError("facts must be the path of a folder or file.", place=place(("facts",))))
    hosts = data.get("hosts")
    for index, host in enumerate(hosts if isinstance(hosts, list) else []):
        if not isinstance(host, dict) or "facts" not in host:
            continue
        at = ("hosts", index, "facts")
        if not isinstance(host["facts"], str) or not isinstance(host.get("name"), str):
            problems.append(UsageError("facts must be the path of a file.", place=place(at)))
            continue
        try:
            facts[host["name"]] = read(host["facts"])
        except UsageError as error:
            problems.append(UsageError(f"{error.place}: {error.message}", place=place(at), hint=error.hint))
            host.pop("facts")
            host["hardware"] = "cpu"  # told already: its hardware is no second problem
    return facts, problems


def in_lines(text: str, name: str) -> Documents:
    """The documents of a file with one JSON document in each line, by its `host`.

    Raises:
        UsageError: with file and line.
    """
    found: Documents = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        place = f"{name}, line {number}"
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UsageError(
                "not JSON.", place=place, hint="Each line is what `setupgen detect --json` printed, with the host's name."
            ) from error
        if not isinstance(entry, dict) or not isinstance(entry.get("host"), str):
            raise UsageError("no host is named.", place=place, hint='Add "host": NAME to what `setupgen detect --json` printed.')
        document = entry.get("facts", {key: value for key, value in entry.items() if key != "host"})
        check_document(document, lambda keys, place=place: f"{place}, {dotted(keys)}")  # type: ignore[misc]
        found[entry["host"]] = document
    return found


def among(files: Mapping[str, str], path: str) -> str | None:
    """The name under which a file was given that an inventory calls `path`: by its path, or by its last part where no other has the same."""
    wanted = path.replace("\\", "/").removeprefix("./")
    if wanted in files:
        return wanted
    same = [name for name in files if name.replace("\\", "/").rsplit("/", 1)[-1] == wanted.rsplit("/", 1)[-1]]
    return same[0] if len(same) == 1 else None
