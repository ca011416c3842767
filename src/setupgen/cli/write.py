"""`setupgen write`: writes the files of the recommended setup into a folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from setupgen.cli.options import add_hardware_options, add_need_options, answers_of, facts_from
from setupgen.errors import NothingFitsError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from setupgen.knowledge import Pack


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    command = subparsers.add_parser("write", help="write a setup's files", description=__doc__)
    command.add_argument("directory", metavar="DIR", help="folder to write into; made if it does not exist")
    command.add_argument("--target", action="append", metavar="ID", help="write only this kind of files; may be repeated")
    command.add_argument("--dry-run", action="store_true", help="say what would be written and write nothing")
    command.add_argument("--diff", action="store_true", help="show the differences and write nothing")
    command.add_argument("--overwrite", action="store_true", help="replace files that you edited or that setupgen did not make")
    command.add_argument("--json", action="store_true", help="print what was done as one JSON document")
    add_need_options(command)
    add_hardware_options(command)


def run(arguments: argparse.Namespace) -> int:
    """Plans, renders and writes; 1 where nothing fits."""
    from setupgen.cli.pack import load_pack
    from setupgen.engine.intake import stated
    from setupgen.engine.planning import plan

    pack = load_pack()
    answers = answers_of(arguments)
    result = plan(pack, facts_from(pack, answers)).to_json()
    if result["choice"] is None:
        reasons = " ".join(result["would_fit"]) or result["hosted"]["because"]
        message = f"nothing fits this need on this hardware, so there is nothing to write. {reasons}"
        raise NothingFitsError(message)
    result["answers"] = stated(answers, result)
    report = write_setup(
        pack, result, Path(arguments.directory),
        detected=answers.detected, targets=arguments.target,
        dry_run=arguments.dry_run, diff=arguments.diff, overwrite=arguments.overwrite,
    )  # fmt: skip
    if arguments.json:
        print(json.dumps(report, ensure_ascii=False, sort_keys=True, indent=1))
    elif arguments.diff:
        print(report["diff"], end="")
    else:
        print_report(report)
    return 0


def write_setup(
    pack: Pack,
    result: Mapping[str, Any],
    directory: Path,
    *,
    detected: Mapping[str, Any] | None = None,
    targets: Sequence[str] | None = None,
    dry_run: bool = False,
    diff: bool = False,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Renders a plan and writes it; gives what was done, by file."""
    from setupgen.engine.intake import AGAIN, FACTS
    from setupgen.output.compare import diff as show_diff
    from setupgen.output.write import plan_writes, write
    from setupgen.render.files import render_setup

    rendered = render_setup(result, pack.templates, targets=targets, command=AGAIN)
    partial = rendered.partial
    if detected is not None and not partial:
        rendered.files[FACTS] = json.dumps(detected, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    if diff or dry_run:
        changes = plan_writes(rendered.files, directory, modes=rendered.modes, secrets=rendered.secrets, partial=partial)
    else:
        changes = write(rendered.files, directory, overwrite=overwrite, modes=rendered.modes, secrets=rendered.secrets, partial=partial)
    return {
        "directory": str(directory),
        "written": not (diff or dry_run),
        "targets": list(rendered.targets),
        "files": {change.path: change.word for change in changes},
        "diff": show_diff(changes) if diff else "",
    }


def print_report(report: Mapping[str, Any]) -> None:
    """One line per file, and what to do next."""
    for path, word in sorted(report["files"].items()):
        print(f"{word:<10} {path}")
    if report["written"]:
        print(f"\nNext: read {report['directory']}/README.md", file=sys.stderr)
    else:
        print("\nNothing was written.", file=sys.stderr)
