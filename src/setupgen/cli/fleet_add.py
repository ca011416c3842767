"""`setupgen fleet add`: a host for an inventory, described by what `setupgen detect --json` printed on it."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from setupgen.cli.options import MAXIMUM_FILE_BYTES, read_facts, read_text
from setupgen.errors import SetupgenError, UsageError, shorten, shorten_path

if TYPE_CHECKING:
    import argparse

    from setupgen.strict_yaml import At, Document

USUAL_PORT = 11434
"""Where the hosts of an inventory have no port yet."""


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    command = subparsers.add_parser(
        "fleet add",
        help="add a host to an inventory",
        description="Add a host to an inventory, by what `setupgen detect --json` printed on it. Comments and order of the file stay.",
    )
    command.add_argument("inventory", metavar="INVENTORY", help="the inventory, as `setupgen fleet init` makes one")
    command.add_argument("facts", metavar="FACTS", help="file with what `setupgen detect --json` printed there; the inventory refers to it")
    command.add_argument("--name", help="name of the host (default: the file's name without .json)")
    command.add_argument("--address", metavar="URL", help="what the proxy dials (default: the name, with the port that most hosts have)")
    command.set_defaults(command="fleet")


def run(arguments: argparse.Namespace) -> int:
    """Adds the host; 0, or an error says what is wrong and the file stays as it is.

    Raises:
        UsageError: for files that cannot be read, a name or address that is taken, or a host that cannot be planned with.
    """
    from setupgen.cli.fleet import inventory_from
    from setupgen.cli.inventory_text import with_host
    from setupgen.cli.pack import load_pack
    from setupgen.strict_yaml import parse

    path = Path(arguments.inventory)
    shown = shorten_path(arguments.inventory)
    text = read_text(arguments.inventory)
    read_facts(arguments.facts)
    document = parse(text, shown, maximum=MAXIMUM_FILE_BYTES)
    hosts = document.data.get("hosts") if isinstance(document.data, dict) else document.data
    if not isinstance(document.data, dict) or not isinstance(hosts or [], list):
        hint = "`setupgen fleet init` makes an inventory to begin with."
        raise UsageError("expected the keys hosts and needs, with a list behind each.", place=document.place(), hint=hint)
    hosts = [host if isinstance(host, dict) else {} for host in hosts or []]
    name = Path(arguments.facts).stem if arguments.name is None else arguments.name
    address = f"http://{name}:{_usual_port(hosts)}" if arguments.address is None else arguments.address
    _refuse_taken(document, hosts, {"name": name, "address": address})
    entry = {"name": name, "address": address, "facts": _reference(arguments.facts, path.parent)}
    made = with_host(text, entry, shown, maximum=MAXIMUM_FILE_BYTES)
    changed = parse(made, shown, maximum=MAXIMUM_FILE_BYTES)

    def place(at: At) -> str:
        """Words for a place: what was given for the new host, else the file as it is."""
        given = {"name": "--name", "address": "--address"}
        if at[:2] == ("hosts", len(hosts)):
            return given.get(str(at[2]) if len(at) > 2 else "", str(arguments.facts))  # noqa: PLR2004 - the key in the host
        return document.place(at)

    inventory_from(load_pack(), changed, path.parent, place)
    _replace(path, made)
    print(f"{arguments.inventory}: {name} added at {address}.")
    if arguments.address is None:
        print(f"The address is taken from the name: change it if the proxy reaches {name} elsewhere.", file=sys.stderr)
    return 0


def _refuse_taken(document: Document, hosts: list[dict[str, Any]], wanted: dict[str, str]) -> None:
    for key, value in wanted.items():
        for index, host in enumerate(hosts):
            if isinstance(host.get(key), str) and host[key].rstrip("/").lower() == value.rstrip("/").lower():
                raise UsageError(
                    f"the {key} {shorten(repr(value))} is taken already: {document.place(('hosts', index, key))}.",
                    place=f"--{key}",
                    hint=f"Give another --{key}.",
                )


def _usual_port(hosts: list[dict[str, Any]]) -> int:
    ports: Counter[int] = Counter()
    for host in hosts:
        try:
            ports[urlsplit(str(host.get("address", ""))).port or 0] += 1
        except ValueError:
            continue
    ports.pop(0, None)
    return ports.most_common(1)[0][0] if ports else USUAL_PORT


def _reference(facts: str, folder: Path) -> str:
    """The path of the facts as the inventory names it: from its own folder."""
    try:
        return Path(os.path.relpath(facts, folder)).as_posix()
    except ValueError:  # another drive
        return Path(facts).resolve().as_posix()


def _replace(path: Path, text: str) -> None:
    """Puts a text in place of a file's, all or nothing; links and permissions stay."""
    target = path.resolve()
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        try:
            with temporary.open("x", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(target.stat().st_mode & 0o777)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise SetupgenError(f"cannot be written: {error.strerror}.", place=str(path)) from error
