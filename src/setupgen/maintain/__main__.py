"""`python -m setupgen.maintain compile|lint|schemas|pages|engine|protect|captures|mutations|changes`: what the Makefile and the checks call in a source tree."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from setupgen.errors import SetupgenError


def main(arguments: list[str] | None = None) -> int:
    """Run one of the maintainers' commands; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m setupgen.maintain", description="Work on the knowledge base of a source tree.")
    parser.add_argument("command", choices=("compile", "lint", "schemas", "pages", "engine", "protect", "captures", "mutations", "changes"))
    parser.add_argument("--root", type=Path, help="the source tree (default: found from here upward)")
    compared = parser.add_argument_group("changes", "What changes in the files of every case of tests/cases.")
    ways = compared.add_mutually_exclusive_group()
    ways.add_argument("--against", metavar="REV", default="", help="the commit to compare the tree with (default: HEAD)")
    ways.add_argument("--pin", metavar="SERVER=VERSION", default="", help="compare the tree with itself, but for this version of a server")
    compared.add_argument("--diff", action="store_true", help="print the changed lines, too")
    options = parser.parse_args(arguments)
    if options.command != "changes" and (options.against or options.pin or options.diff):
        parser.error("--against, --pin and --diff belong to the command changes")
    try:
        if options.command == "changes":
            from setupgen.maintain.changes import report

            return report(_root(options.root), against=options.against, pin=options.pin, whole=options.diff)
        return _run(options.command, options.root)
    except SetupgenError as error:
        print(f"setupgen.maintain: {error}", file=sys.stderr)  # noqa: T201  a command talks
        return 2


def _root(given: Path | None) -> Path:
    from setupgen.maintain.tree import find_root

    return find_root(given.resolve(), upward=False) if given else find_root(Path.cwd())


def _run(command: str, given: Path | None) -> int:
    root = _root(given)
    if command == "lint":
        from setupgen.maintain.report import lint

        return lint(root)
    if command == "mutations":
        from setupgen.maintain.mutations import report

        return report(root)
    if command == "compile":
        from setupgen.maintain.compile import write_pack

        paths = [write_pack(root)]
    elif command == "schemas":
        from setupgen.maintain.schemas import write_schemas

        paths = write_schemas(root)
    elif command == "engine":
        from setupgen.maintain.guide import write_engine

        paths = write_engine(root)
    elif command == "protect":
        from setupgen.maintain.offline import keep_offline
        from setupgen.maintain.protect import protect

        print(f"{len(protect(root / 'site'))} pages have a content security policy")  # noqa: T201  a command talks
        print(f"{keep_offline(root / 'site').name} knows what the guide needs without a network")  # noqa: T201  as above
        return 0
    elif command == "captures":
        from setupgen.maintain.pages.captures import write_captures

        paths = write_captures(root)
    else:
        from setupgen.maintain.pages import write_pages

        paths = write_pages(root)
    for path in paths:
        print(f"wrote {path.relative_to(root)}")  # noqa: T201  a command talks
    return 0


if __name__ == "__main__":
    sys.exit(main())
