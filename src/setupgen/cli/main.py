"""Parses the command line, runs one command and turns errors into exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, NoReturn

from setupgen import __version__
from setupgen.errors import ManyErrors, NothingFitsError, RefusedError, SetupgenError, UsageError, nearest, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE, FAILED, USAGE, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130

COMMANDS = {
    "setup": "detect this machine, ask, plan and write a setup (what `setupgen` alone does on a terminal)",
    "detect": "the facts of this machine",
    "plan": "the recommended setup for a need and a machine",
    "write": "write a setup's files",
    "explain": "why this, and why not that",
    "estimate": "memory and speed of one model in numbers",
    "cost": "self-host, buy or mix: what each costs, and the break-even",
    "upgrade": "which hardware to buy or rent for a need, or what one more part would change",
    "fleet": "many hosts behind one address: what runs where, and all their files",
    "fleet add": "add a host to an inventory, by what `setupgen detect --json` printed on it",
    "fleet init": "make an inventory: asks on a terminal",
    "doctor": "what this host lacks for a plan, and what will go wrong in an existing setup",
    "verify": "ask a running setup whether it does what its plan promised",
    "kb": "the knowledge base: lint, show, list, add, check-links",
}


class Parser(argparse.ArgumentParser):
    """A parser that reports wrong usage as our own error and takes no abbreviated options: a new option must break no script."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **(named | {"allow_abbrev": False}))

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuses unknown words where they stand: with the command that has no use for them and the options that look like them."""
        if args is not None and " " not in self.prog:
            args = _joined(list(args))
        found, unknown = super().parse_known_args(args, namespace)
        if not unknown:
            return found, unknown
        word = unknown[0].partition("=")[0]
        close = nearest(word, self._option_string_actions) if word.startswith("-") else []
        hint = f"Did you mean {', '.join(close)}?" if close else f"`{self.prog} --help` shows what is possible."
        raise UsageError(f"unknown {'option' if word.startswith('-') else 'word'} {shorten(word)!r}.", place=self.prog, hint=hint)

    def error(self, message: str) -> NoReturn:
        """Raises instead of leaving, so that one place decides the exit code."""
        raise UsageError(f"{message.rstrip('.')}.", place=self.prog, hint=f"`{self.prog} --help` shows what is possible.")


def parser(commands: Sequence[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """The parser with these commands."""
    top = Parser(
        prog="setupgen",
        description="Ready-to-run setups for language models on your own hardware.",
        epilog="Without a command, on a terminal: detect, ask, plan, show, write.",
    )
    top.add_argument("--version", action="version", version=f"setupgen {__version__}")
    subparsers = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for name in commands:
        _module(name).add_parser(subparsers)
    return top


def _module(command: str) -> Any:
    return import_module(f"setupgen.cli.{command.replace(' ', '_')}")


def _joined(arguments: list[str]) -> list[str]:
    """The arguments with a command of two words as one."""
    two = " ".join(arguments[:2])
    return [two, *arguments[2:]] if len(arguments) > 1 and two in COMMANDS else arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    _prepare_streams()
    try:
        code = _run(arguments)
        sys.stdout.flush()  # a full disk or a reader who left is noticed here and not when Python ends
    except RefusedError as error:
        return _say(error, REFUSED)
    except UsageError as error:
        return _say(error, USAGE)
    except NothingFitsError as error:
        return _say(error, FAILED)
    except SetupgenError as error:
        return _say(error, FAILED)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except SystemExit as stop:  # argparse leaves this way after --help and --version
        return int(stop.code or 0)
    except OSError as error:
        return _stream_failed(error)
    else:
        return code


def _prepare_streams() -> None:
    """Output is UTF-8 wherever it does not go to a terminal, the same bytes under every locale; what cannot be written is spelled out."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - as long as the program lives
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def _stream_failed(error: OSError) -> int:
    """The exit code when stdout cannot be written: a reader who left, as `head` does, is no failure.

    Raises:
        OSError: for any other error, which is a fault of the program.
    """
    if not isinstance(error, BrokenPipeError) and error.filename is not None:
        raise error
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE if isinstance(error, BrokenPipeError) else _say(SetupgenError(f"the output cannot be written: {error.strerror}."), FAILED)


def _run(arguments: list[str]) -> int:
    if not arguments:
        if sys.stdin.isatty() and sys.stdout.isatty():
            arguments = ["setup"]
        else:
            parser().print_help(sys.stderr)
            return USAGE
    arguments = _joined(arguments)
    name = arguments[0]
    if name in COMMANDS:
        parsed = parser((name,)).parse_args(arguments)
        return int(_module(name).run(parsed))
    if not name.startswith("-"):
        close = nearest(name, COMMANDS)
        message = f"unknown command {name[:80]!r}."
        raise UsageError(message, place="setupgen", hint=f"Did you mean {', '.join(close)}?" if close else "`setupgen --help` lists them.")
    parser().parse_args(arguments)
    return USAGE


def _say(error: SetupgenError, code: int) -> int:
    errors = error.errors if isinstance(error, ManyErrors) else [error]
    lines = ("".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in str(one)) for one in errors)
    text = "\n".join(lines)
    print(text if text.startswith(("setupgen ", "setupgen:")) else f"setupgen: {text}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
