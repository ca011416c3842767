"""`setupgen setup`, and `setupgen` alone on a terminal: detect, ask, plan, show, write."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from setupgen.cli.options import add_hardware_options, add_need_options, answers_of, facts_from
from setupgen.cli.write import print_report, write_setup
from setupgen.errors import NothingFitsError

if TYPE_CHECKING:
    import argparse

    from setupgen.engine.intake import Answers
    from setupgen.engine.plan import Plan
    from setupgen.knowledge import Pack

DEFAULT_DIRECTORY = "my-setup"


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    command = subparsers.add_parser(
        "setup",
        help="detect this machine, ask, plan, show and write a setup",
        description="Detect, ask, plan, show, write. Without a terminal nothing is asked and stated defaults are taken.",
    )
    command.add_argument(
        "directory", nargs="?", metavar="DIR", default=DEFAULT_DIRECTORY, help=f"folder to write into (default {DEFAULT_DIRECTORY})"
    )
    command.add_argument("--defaults", action="store_true", help="ask nothing, even on a terminal")
    command.add_argument("--overwrite", action="store_true", help="replace files that you edited or that setupgen did not make")
    add_need_options(command)
    add_hardware_options(command)


def run(arguments: argparse.Namespace) -> int:
    """The guided path; 130 where somebody leaves it."""
    from setupgen.cli.pack import load_pack
    from setupgen.engine.intake import stated
    from setupgen.output.show import show_plan

    pack = load_pack()
    answers = answers_of(arguments)
    asks = sys.stdin.isatty() and sys.stdout.isatty() and not arguments.defaults
    found: Any = answers.values.get("hardware")
    if not found and "facts" not in answers.values:
        print("Looking at this machine ...", file=sys.stderr)
    if asks:
        from setupgen.cli.guided import ask

        result = ask(pack, answers)
        if result is None:
            raise KeyboardInterrupt
    else:
        result = _by_defaults(pack, answers)
    document = result.to_json()
    show_plan(document)
    if result.choice is None:
        message = "nothing fits, so nothing was written."
        raise NothingFitsError(message, hint=" ".join(result.would_fit))
    document["answers"] = stated(answers, document)
    if asks:
        from setupgen.cli.guided import confirm_write

        if not confirm_write(arguments.directory):
            print("Nothing was written.", file=sys.stderr)
            return 0
    report = write_setup(pack, document, Path(arguments.directory), detected=answers.detected, overwrite=arguments.overwrite)
    print_report(report)
    return 0


def _by_defaults(pack: Pack, answers: Answers) -> Plan:
    """The plan without questions; says on stderr what was taken for granted."""
    from setupgen.engine.planning import plan

    result = plan(pack, facts_from(pack, answers))
    for item in result.facts.assumptions:
        if item.fact.startswith("needs."):
            print(f"Taken: {item.fact.removeprefix('needs.').replace('_', ' ')} = {item.value} ({item.because})", file=sys.stderr)
    return result
