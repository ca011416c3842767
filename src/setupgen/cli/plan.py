"""`setupgen plan`: the recommended setup, on a terminal or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from setupgen.cli.options import add_hardware_options, add_need_options, answers_of, facts_from
from setupgen.errors import UsageError

if TYPE_CHECKING:
    import argparse

MAXIMUM_ALTERNATIVES = 50


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    command = subparsers.add_parser("plan", help="the recommended setup for a need and a machine", description=__doc__)
    add_need_options(command)
    add_hardware_options(command)
    command.add_argument("-n", "--alternatives", metavar="N", default="3", help="how many alternatives to show (default 3)")
    command.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """Plans and prints; 1 where nothing fits."""
    from setupgen.cli.pack import load_pack
    from setupgen.engine.planning import plan

    pack = load_pack()
    count = alternatives_count(arguments.alternatives)
    result = plan(pack, facts_from(pack, answers_of(arguments)), count=count)
    if arguments.json:
        import json

        print(json.dumps(result.to_json(), ensure_ascii=False, sort_keys=True, indent=1))
    else:
        from setupgen.output.show import show_plan

        show_plan(result.to_json())
    return 1 if result.verdict == "nothing-fits" else 0


def alternatives_count(text: str) -> int:
    """The number of alternatives.

    Raises:
        UsageError: unless it is a whole number from 0.
    """
    if not text.isdecimal() or int(text) > MAXIMUM_ALTERNATIVES:
        message = f"{text[:40]!r}, expected a whole number from 0 to {MAXIMUM_ALTERNATIVES}."
        raise UsageError(message, place="-n")
    return int(text)
