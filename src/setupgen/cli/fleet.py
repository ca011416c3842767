"""`setupgen fleet INVENTORY`: many hosts behind one address: what runs where, each host's files and the proxy's."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from setupgen.cli.options import MAXIMUM_FILE_BYTES, read_facts, read_text
from setupgen.errors import ManyErrors, UsageError, shorten_path

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from setupgen.engine.fleet.records import Inventory
    from setupgen.knowledge import Pack
    from setupgen.render.files import Rendered
    from setupgen.strict_yaml import At, Document

DESCRIPTION = f"{__doc__} `setupgen fleet init` makes an inventory, and `setupgen fleet add` adds a host to it."
PLAN = "setupgen.fleet.json"
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)")


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    command = subparsers.add_parser("fleet", help="many hosts behind one address", description=DESCRIPTION)
    command.add_argument("inventory", metavar="INVENTORY", help="hosts and needs as YAML; `setupgen fleet init` makes one")
    command.add_argument("-o", "--output", metavar="DIR", help="write the fleet's folder here")
    command.add_argument("--keep", metavar="DIR", help="this fleet's folder as it runs now: move as little as possible of it")
    command.add_argument("--dry-run", action="store_true", help="say what would be written and write nothing")
    command.add_argument("--diff", action="store_true", help="show the differences and write nothing")
    command.add_argument("--overwrite", action="store_true", help="replace files that you edited or that setupgen did not make")
    command.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """Plans a fleet, prints it, writes it where that is asked for; 1 where a need found no place."""
    from setupgen.cli.pack import load_pack
    from setupgen.engine.fleet.planning import fleet_steps, member_plans
    from setupgen.output.show_fleet import followed
    from setupgen.render.fleet import Member, render_fleet

    if (arguments.dry_run or arguments.diff or arguments.overwrite) and arguments.output is None:
        raise UsageError("nothing is written without a folder.", place="setupgen fleet", hint="Name one with -o DIR.")
    pack = load_pack()
    inventory = read_inventory(pack, arguments.inventory)
    plan = followed(fleet_steps(pack, inventory, read_before(arguments.keep) if arguments.keep else None))
    document = plan.to_json()
    made: tuple[Rendered, Rendered] | None = None
    if plan.placed:
        members = [Member(*entry) for entry in member_plans(pack, plan)]
        made = render_fleet(document, members, plan.front, pack.templates, command=_command(arguments))
    document["files"] = made[0].files if made else {}
    report = _write(document, made, arguments) if made and arguments.output is not None else None
    if arguments.json:
        print(json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1))
    elif report and arguments.diff:
        print(report["diff"], end="")
    else:
        from setupgen.output.show_fleet import show_fleet

        show_fleet(document, report)
    return 1 if document["unplaced"] else 0


def _command(arguments: argparse.Namespace) -> str:
    from shlex import quote

    name = Path(arguments.inventory).name
    return f"setupgen fleet {quote(name)} -o {quote(Path(arguments.output or 'fleet').name or '.')}"


# -------------------------------------------------------------------------------------------------- reading


def read_inventory(pack: Pack, path: str) -> Inventory:
    """The inventory in a file.

    Raises:
        ManyErrors: with every problem, each with file and line.
        UsageError: where the file cannot be read.
    """
    from setupgen.strict_yaml import parse

    name = shorten_path(path)
    document = parse(read_text(path), name, maximum=MAXIMUM_FILE_BYTES)
    return inventory_from(pack, document, Path(path).parent, document.place)


def inventory_from(pack: Pack, document: Document, folder: Path, place: Callable[[At], str]) -> Inventory:
    """The inventory that a document states.

    Args:
        pack: the knowledge base.
        document: what was read.
        folder: where paths of facts in it begin.
        place: words for the place of a key.

    Raises:
        ManyErrors: with every problem.
    """
    from setupgen.engine.fleet.described import documents_of
    from setupgen.engine.fleet.intake import inventory_of

    facts, problems = documents_of(
        document.data, document.place, lambda path: read_facts(str(folder / path)), lambda path: _gathered(folder / path)
    )
    try:
        inventory = inventory_of(pack, document.data, place, facts)
    except ManyErrors as error:
        raise ManyErrors([*problems, *error.errors]) from error
    if problems:
        raise ManyErrors(problems)
    return inventory


def _gathered(path: Path) -> dict[str, dict[str, Any]]:
    """Detection documents of a folder, by name of file, or of a file with one JSON document in each line, by its `host`."""
    from setupgen.engine.fleet.described import in_lines

    if path.is_dir():
        return {file.stem: read_facts(str(file)) for file in sorted(path.glob("*.json"))}
    return in_lines(read_text(str(path)), str(path))


def read_before(path: str) -> dict[str, Any]:
    """The plan that a fleet's folder was written from, or that `setupgen fleet --json` printed.

    Raises:
        UsageError: where there is none.
    """
    file = Path(path) / PLAN if Path(path).is_dir() else Path(path)
    hint = "Name the folder that `setupgen fleet INVENTORY -o DIR` wrote, or the JSON that it printed."
    try:
        found = json.loads(read_text(str(file)))
        for item in found["placements"]:
            _ = item["host"], item["need"], item["model"], item["format"], item["quant"], item["server"], item["devices"]
            _ = item["settings"]["context"] + item["slots"] + item["share"]
        _ = [(item["need"], item["label"]) for item in found["capacity"]]
    except (KeyError, TypeError, ValueError, IndexError):
        raise UsageError("this is no plan of a fleet.", place=shorten_path(str(file)), hint=hint) from None
    return dict(found)


# -------------------------------------------------------------------------------------------------- writing


def _write(document: Mapping[str, Any], made: tuple[Rendered, Rendered], arguments: argparse.Namespace) -> dict[str, Any]:
    """Writes the fleet's folder; gives what was done, by file."""
    from setupgen.output.compare import diff as show_diff
    from setupgen.output.write import plan_writes, write
    from setupgen.render.fleet_keys import with_keys

    directory = Path(arguments.output)
    parts, own = made
    plain = {key: value for key, value in document.items() if key != "files"}
    files = {**parts.files, **own.files, PLAN: json.dumps(plain, ensure_ascii=False, indent=1, sort_keys=True) + "\n"}
    modes, secrets = {**parts.modes, **own.modes}, {**parts.secrets, **own.secrets}
    if arguments.diff or arguments.dry_run:
        changes = plan_writes(files, directory, modes=modes, secrets=secrets)
    else:
        files = with_keys(files, document["secrets"], _keys(document["secrets"], directory))
        changes = write(files, directory, overwrite=arguments.overwrite, modes=modes, secrets=secrets)
    return {
        "directory": str(directory),
        "written": not (arguments.diff or arguments.dry_run),
        "files": {change.path: change.word for change in changes},
        "diff": show_diff(changes) if arguments.diff else "",
    }


def _keys(links: Mapping[str, Mapping[str, str]], directory: Path) -> dict[tuple[str, str], str]:
    """Each host's key by file and name: the one that the host has already, else a new one."""
    from secrets import token_urlsafe

    wanted = {(link["file"], link["name"]) for link in links.values()}
    return {(file, name): _value_in(directory / file, name) or token_urlsafe(32) for file, name in sorted(wanted)}


def _value_in(path: Path, name: str) -> str:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    found = [match[2].strip().strip("\"'") for line in text.splitlines() if (match := _LINE.fullmatch(line)) and match[1] == name]
    return found[-1] if found else ""
