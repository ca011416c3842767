"""`setupgen verify`: asks a running setup whether it does what its plan promised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from pathlib import Path

    from setupgen.knowledge import Pack
    from setupgen.verify import Examination, Expected, Options

LONGEST_S = 24 * 3600


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    command = subparsers.add_parser(
        "verify",
        help="asks a running setup whether it does what its plan promised",
        description="Asks the running setup of a folder for everything that its plan promises: health, the model's name, chat, streaming, tool "
        "calls, the whole context, structured output, embeddings, the key, who can reach it, users at once and speed. Exit code 1 if a promise is broken.",
    )
    command.add_argument("directory", metavar="DIR", help="the folder of a setup or of a fleet")
    command.add_argument("--url", metavar="URL", help="where the setup, or the fleet's proxy, is reached, if not where its plan says")
    command.add_argument("--json", action="store_true", help="print one JSON document")
    command.add_argument("--contribute", action="store_true", help="write what was measured into DIR/measurements/, for the knowledge base")
    command.add_argument("--wait", metavar="SECONDS", default="0", help="how long the server may still take to load (default 0)")
    command.add_argument("--budget", metavar="SECONDS", default="120", help="how long reading the longest prompt may take (default 120)")
    command.add_argument(
        "--timeout", metavar="SECONDS", default="60", help="how long an answer may rest before it counts as stalled (default 60)"
    )
    command.add_argument("--skip", metavar="CHECK", action="append", default=[], help="leave a check out; may be repeated")


def run(arguments: argparse.Namespace) -> int:
    """Asks, and prints; 1 if a promise is broken."""
    from pathlib import Path

    from setupgen.cli.pack import load_pack
    from setupgen.errors import UsageError
    from setupgen.verify import BROKEN
    from setupgen.verify.fleet import is_fleet

    if not arguments.directory or "\0" in arguments.directory:
        raise UsageError("is no path.", place="DIR", hint="Give the folder that `setupgen write` wrote.")
    folder = Path(arguments.directory)
    options = _options(arguments)
    pack = load_pack()
    document = (_fleet if is_fleet(folder) else _setup)(pack, folder, options, arguments)
    document |= {"schema": 1, "title": str(folder), "knowledge": {"digest": pack.digest, "version": pack.version}}
    if arguments.json:
        import json

        print(json.dumps(document, ensure_ascii=True, sort_keys=True, indent=1))
    else:
        from setupgen.output.verify import show_verify

        show_verify(document)
    return 1 if document["verdict"] == BROKEN else 0


def _setup(pack: Pack, folder: Path, options: Options, arguments: argparse.Namespace) -> dict[str, Any]:
    from setupgen.output.verify import Bar
    from setupgen.verify import examine, read_plan, read_promise

    promise = read_promise(folder, url=_url(arguments.url), expected=_expected(pack, read_plan(folder)))
    with Bar() as bar:
        found = examine(promise, options, bar)
    contribution = _contribute(pack, folder, found) if arguments.contribute else None
    return {"kind": "setup", **found.to_json(), "members": [], "contribution": contribution}


def _fleet(pack: Pack, folder: Path, options: Options, arguments: argparse.Namespace) -> dict[str, Any]:
    from setupgen.output.verify import Bar
    from setupgen.verify.fleet import FLEET, read_fleet
    from setupgen.verify.fleet_examination import examine_fleet
    from setupgen.verify.promise import read_document

    proxy = read_document(folder / FLEET, missing=f"holds no {FLEET}.").get("proxy")
    id_ = str(proxy.get("id")) if isinstance(proxy, dict) else ""
    endpoints = pack.servers[id_].raw.get("endpoints", {}) if id_ in pack.servers else {}
    fleet = read_fleet(folder, url=_url(arguments.url), endpoints=endpoints, expected=lambda plan: _expected(pack, plan))
    with Bar() as bar:
        found = examine_fleet(fleet, options, bar)
    because = "the hosts of a fleet are measured one by one: `setupgen verify DIR/hosts/NAME --url ADDRESS --contribute`."
    return {"kind": "fleet", **found.to_json(), "contribution": {"file": None, "because": because} if arguments.contribute else None}


def _url(text: str | None) -> str:
    from setupgen.errors import UsageError

    if text is not None and not text.strip():
        raise UsageError("nothing is given.", place="--url", hint="Leave it out, or give it like http://127.0.0.1:9931.")
    return text or ""


def _options(arguments: argparse.Namespace) -> Options:
    from setupgen.detect.addresses import own_addresses
    from setupgen.errors import UnknownNameError
    from setupgen.verify import IDS, Options
    from setupgen.verify.client import Limits

    for name in arguments.skip:
        if name not in IDS:
            raise UnknownNameError("check", name, IDS, place="--skip")
    rest = _seconds(arguments.timeout, "--timeout", least=0.1)
    return Options(
        wait_s=_seconds(arguments.wait, "--wait", least=0),
        budget_s=_seconds(arguments.budget, "--budget", least=1),
        addresses=own_addresses(),
        skip=frozenset(arguments.skip),
        limits=Limits(connect_s=min(5, rest), first_byte_s=rest, gap_s=rest, total_s=3 * rest),
    )


def _seconds(text: str, place: str, *, least: float) -> float:
    from setupgen.errors import UsageError, shorten

    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not least <= value <= LONGEST_S:
        hint = f"Give a number of seconds from {least:g} to {LONGEST_S}."
        raise UsageError(f"{shorten(text)!r} is no such number.", place=place, hint=hint)
    return value


def _expected(pack: Pack, plan: Mapping[str, Any]) -> Expected:
    """What the knowledge base adds to the plan; a plan of another version may name what it does not know."""
    from setupgen.verify import Expected

    needs, choice = plan["facts"]["needs"], plan["choice"]
    use_case = pack.vocabulary("use-cases").get(str(needs.get("use_case")), {})
    model = choice.get("model")
    id_ = str(model.get("id")) if isinstance(model, dict) else ""
    raw = pack.models[id_].raw if id_ in pack.models else {}
    dimensions = raw.get("architecture", {}).get("hidden", 0) if "embedding" in raw.get("tasks", ()) else 0
    context = int(choice["settings"].get("context") or 0)
    return Expected(prompt_tokens=min(int(use_case.get("prompt_tokens") or 0), max(context - 1, 1)), dimensions=int(dimensions))


def _contribute(pack: Pack, folder: Path, found: Examination) -> dict[str, Any]:
    """Writes the measurement, and says where it lies or why there is none."""
    from setupgen.errors import UsageError
    from setupgen.verify.measurement import Refused, measurement

    try:
        name, document = measurement(found, device_of_cpu=lambda cpu: pack.id_of("hardware", cpu) or "")
    except Refused as refused:
        return {"file": None, "because": str(refused)}
    import yaml

    class Plain(yaml.SafeDumper):
        """Writes every value out: the knowledge base reads no anchors."""

        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - of no value
            """Of nothing."""
            return True

    path = folder / "measurements" / name
    text = "# Made by `setupgen verify --contribute`. It belongs into knowledge/measurements/.\n"
    text += yaml.dump(document, Dumper=Plain, sort_keys=False, allow_unicode=True, width=140)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}.", place=str(path)) from error
    return {"file": str(path), "because": "read it, mend what is not so, and put it into knowledge/measurements/ in the same place."}
