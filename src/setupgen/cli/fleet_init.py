"""`setupgen fleet init`: an inventory to begin with, from options or from answers on a terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from setupgen.errors import ManyErrors, RefusedError, SetupgenError, UsageError, shorten

if TYPE_CHECKING:
    import argparse

    from setupgen.knowledge import Pack
    from setupgen.strict_yaml import At

DEFAULT_FILE = "fleet.yaml"
HOST_FORM, NEED_FORM = "NAME=HARDWARE@ADDRESS", "USE_CASE[:USERS]"

TEXT = """\
# The hosts of a fleet and what they are needed for. `setupgen fleet FILE` plans it, `setupgen fleet FILE -o DIR` writes all its files.

hosts:
  # name: also of its folder. address: what the proxy dials. hardware: a name, or a list of names such as "2x RTX 4090".
  # Instead of hardware, facts: FILE with what `setupgen detect --json` printed there; `setupgen fleet add` adds such a host.
  # Where it matters: ram: 64G, os: windows, runtime: native, link: wifi, availability: "08:00-18:00", preemptible: true,
  # usd_per_hour: 0.4, tags: [office], runtime: kubernetes for the node of a cluster, headers: {{Authorization: {{env: NAME}}}}. Secrets have no place in this file.
{hosts}
needs:
  # use_case or model, and how many use it at the same time. Where it matters: context, replicas, server, quant, experience, license, tags.
{needs}
# What clients speak: ollama, openai, anthropic.
# clients: [openai]

# Who reaches the proxy: local (programs on its own machine) or lan (others too, with a key).
# expose: lan

# auto, hops, olla, litellm, nginx or llama-swap.
proxy: auto

# Where it answers; left out, its usual port.
# proxy_port: 8100

# Hosts that each run a copy of it, behind a balancer: one may end while the other answers.
# proxy_hosts: [tower, box]
"""


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    command = subparsers.add_parser(
        "fleet init",
        help="make an inventory",
        description="Make an inventory. On a terminal it asks for what the options do not say; without one the options must say it all.",
    )
    command.add_argument("file", nargs="?", metavar="FILE", default=DEFAULT_FILE, help=f"the file to make (default {DEFAULT_FILE})")
    command.add_argument(
        "--host",
        action="append",
        metavar=HOST_FORM,
        default=[],
        help="a host, such as 'tower=RTX 3090@http://10.0.0.5:11434'; may be repeated",
    )
    command.add_argument("--need", action="append", metavar=NEED_FORM, default=[], help="a need, such as chat:3; may be repeated")
    command.set_defaults(command="fleet")


def run(arguments: argparse.Namespace) -> int:
    """Makes the file; 0, or 130 where somebody leaves.

    Raises:
        UsageError: with everything that is wrong with the options.
        RefusedError: where the file is there.
    """
    from setupgen.cli.pack import load_pack

    path = Path(arguments.file)
    if path.exists() or path.is_symlink():
        raise _there(path)
    hosts = [_host(text) for text in arguments.host]
    needs = [_need(text) for text in arguments.need]
    pack = load_pack()
    if sys.stdin.isatty() and sys.stdout.isatty():
        from setupgen.cli.fleet_questions import ask_hosts, ask_needs

        check(pack, hosts, needs, arguments)
        hosts = hosts or ask_hosts(pack)
        needs = needs or ask_needs(pack)
    elif not hosts or not needs:
        missing = " and ".join(name for name, given in (("--host", hosts), ("--need", needs)) if not given)
        raise UsageError(
            f"{missing} must be given where nobody can be asked.",
            place="setupgen fleet init",
            hint=f"Write --host {HOST_FORM} and --need {NEED_FORM}, each as often as needed.",
        )
    check(pack, hosts, needs, arguments)
    _write(path, text_of(hosts, needs))
    print(f"{path}: {len(hosts)} host{'s'[: len(hosts) != 1]} and {len(needs)} need{'s'[: len(needs) != 1]}.")
    return 0


def text_of(hosts: list[dict[str, Any]], needs: list[dict[str, Any]]) -> str:
    """The text of an inventory with comments that say what else can be stated."""
    from setupgen.strict_yaml import flow

    entries = ("".join(f"  - {flow(entry)}\n" for entry in part) for part in (hosts, needs))
    return TEXT.format(hosts=next(entries), needs=next(entries))


def check(pack: Pack, hosts: list[dict[str, Any]], needs: list[dict[str, Any]], arguments: argparse.Namespace) -> None:
    """Refuses hosts and needs that no inventory may have, each problem at the option that it comes from.

    Raises:
        ManyErrors: with every problem.
    """

    def place(at: At) -> str:
        given = {"hosts": arguments.host, "needs": arguments.need}.get(str(at[0]) if at else "", [])
        if len(at) > 1 and isinstance(at[1], int) and at[1] < len(given):
            key = f", {at[2]}" if len(at) > 2 else ""  # noqa: PLR2004 - the key in an entry
            return f"--{str(at[0]).removesuffix('s')} {shorten(repr(given[at[1]]))}{key}"
        return "setupgen fleet init"

    if found := problems(pack, hosts or [SAMPLE_HOST], needs or [SAMPLE_NEED], place):
        raise ManyErrors(found)


SAMPLE_HOST: dict[str, Any] = {"name": "host", "address": "http://host:11434", "hardware": "cpu"}
SAMPLE_NEED: dict[str, Any] = {"use_case": "chat", "users": 1}
"""Stand in for what is not said yet, so that what is said can be judged alone."""


def problems(pack: Pack, hosts: Any, needs: Any, place: Any) -> list[UsageError]:
    """What is wrong with hosts and needs."""
    from setupgen.engine.fleet.intake import inventory_of

    try:
        inventory_of(pack, {"hosts": list(hosts), "needs": list(needs)}, place, {})
    except ManyErrors as error:
        return error.errors
    return []


def _host(text: str) -> dict[str, Any]:
    name, equals, rest = text.partition("=")
    hardware, at, address = rest.rpartition("@")
    if not equals or not at or not hardware.strip():
        hint = "Write for example --host 'tower=RTX 3090@http://10.0.0.5:11434'."
        raise UsageError(f"{shorten(repr(text))} is not {HOST_FORM}.", place="--host", hint=hint)
    return {"name": name.strip(), "address": address.strip(), "hardware": hardware.strip()}


def _need(text: str) -> dict[str, Any]:
    use_case, colon, users = text.partition(":")
    if not use_case or (colon and not (users.isascii() and users.isdigit() and len(users) < 10)):  # noqa: PLR2004 - digits
        raise UsageError(f"{shorten(repr(text))} is not {NEED_FORM}.", place="--need", hint="Write for example --need chat:3.")
    return {"use_case": use_case, "users": int(users or 1)}


def _there(path: Path) -> RefusedError:
    return RefusedError("is there already.", place=str(path), hint="Name another file; `setupgen fleet add` adds a host to this one.")


def _write(path: Path, text: str) -> None:
    """Writes a new file, whole or not at all."""
    made = False
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            made = True
            file.write(text)
    except FileExistsError as error:
        raise _there(path) from error
    except (OSError, ValueError) as error:
        if made:
            path.unlink(missing_ok=True)
        raise SetupgenError(f"cannot be written: {getattr(error, 'strerror', None) or error}.", place=str(path)) from error
