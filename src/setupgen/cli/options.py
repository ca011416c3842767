"""The options that describe a need and hardware, shared by `plan`, `write`, `explain` and `estimate`, and the facts they amount to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from setupgen.errors import UsageError, shorten, shorten_path

if TYPE_CHECKING:
    import argparse

    from setupgen.engine.intake import Answers
    from setupgen.facts import Facts
    from setupgen.knowledge import Pack

MAXIMUM_FILE_BYTES = 5_000_000


def add_need_options(command: argparse.ArgumentParser) -> None:
    """Adds the options of the contract that say what is needed."""
    group = command.add_argument_group("the need")
    group.add_argument(
        "--use-case",
        metavar="ID",
        help="coding-agent, code-completion, chat, documents, summarization, translation, extraction, creative-writing, vision, embeddings or speech",
    )
    group.add_argument("--experience", metavar="ID", help="balanced, quality, throughput, latency or creativity")
    group.add_argument("--users", metavar="N", help="people or agents at the same time")
    group.add_argument("--context", metavar="SIZE", help="tokens that each of them needs: 32768, 32k or max")
    group.add_argument("--os", metavar="OS", help="linux, macos, windows or wsl")
    group.add_argument("--runtime", metavar="HOW", help="docker, podman, native, kubernetes or nixos")
    group.add_argument("--exposure", metavar="WHO", help="local (this host only), lan or internet")
    group.add_argument("--privacy", metavar="WHERE", help="local (data must not leave) or any")
    group.add_argument("--license", metavar="CLASS", help="any, commercial or open")
    group.add_argument("--offline", action="store_const", const=True, help="nothing may be downloaded at run time")
    group.add_argument("--server", metavar="ID", help="insist on a server")
    group.add_argument("--model", metavar="ID", help="insist on a model")
    group.add_argument("--quant", metavar="ID", help="insist on a quantisation")
    group.add_argument("--weights-file", metavar="FILE", help="use this GGUF file instead of downloading one")
    group.add_argument(
        "--also", action="append", metavar="ID", help="a further use case with a model of its own behind the same server; may be repeated"
    )
    group.add_argument("--answers", metavar="FILE", help="the same answers as YAML; an option overrides it")


def add_hardware_options(command: argparse.ArgumentParser) -> None:
    """Adds the options of the contract that say what it runs on."""
    group = command.add_argument_group("the hardware")
    group.add_argument(
        "--hardware", action="append", metavar="SPEC", help="auto (this machine, default), NAME or '2x NAME'; may be repeated"
    )
    group.add_argument("--ram", metavar="SIZE", help="main memory beside the accelerator: 64, 64G or 64GiB")
    group.add_argument("--cpu", metavar="NAME", help="processor beside the accelerator")
    group.add_argument("--facts", metavar="FILE", help="what `setupgen detect --json` printed, on any machine")


OPTIONS = (
    "use_case", "experience", "users", "context", "os", "runtime", "exposure", "privacy", "license", "offline", "server", "model",
    "quant", "weights_file", "also", "hardware", "ram", "cpu", "facts",
)  # fmt: skip


def answers_of(arguments: argparse.Namespace) -> Answers:
    """The answers that the options and the answers file state; an option overrides the file."""
    from setupgen.engine.intake import Answers

    answers = Answers()
    stated = {key: getattr(arguments, key, None) for key in OPTIONS}
    for key, value in (*stated.items(), ("answers", arguments.answers)):
        if value == "":
            raise UsageError("nothing is given.", place=f"--{key.replace('_', '-')}", hint="Leave it out, or say a value.")
    if arguments.answers is not None:
        values, places = read_answers(arguments.answers)
        if isinstance(values.get("facts"), str):  # a path in the file is meant from where the file lies
            from pathlib import Path

            values["facts"] = str(Path(arguments.answers).parent / values["facts"])
        answers.update(values, places)
        _describe_once(answers)
        for key, other in (("hardware", "facts"), ("facts", "hardware")):
            if stated[key]:
                answers.values.pop(other, None)
    answers.update(stated)
    _describe_once(answers)
    return answers


def _describe_once(answers: Answers) -> None:
    if answers.values.get("facts") and answers.values.get("hardware"):
        raise UsageError(
            f"the machine is already described by {answers.place('facts')}.", place=answers.place("hardware"), hint="Give one."
        )


def facts_from(pack: Pack, answers: Answers) -> Facts:
    """The facts that answers state; this machine is looked at, once, where no hardware is named."""
    from setupgen.engine.intake import facts_of

    named = answers.values.get("hardware")
    named = [named] if isinstance(named, str) else named
    if answers.detected is None:
        if "facts" in answers.values:
            answers.detected = read_facts(str(answers.values["facts"]))
        elif not named or list(named) == ["auto"]:
            from setupgen.detect import detect

            answers.detected = detect()
        elif "auto" in named:
            message = "auto stands for this machine alone and cannot be mixed with names."
            raise UsageError(message, place=answers.place("hardware"))
    return facts_of(pack, answers, detected=answers.detected)


def read_text(path: str) -> str:
    """A text file of reasonable size, or an error that says what is wrong with it."""
    place = shorten_path(path)
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs a cold start
            content = file.read(MAXIMUM_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot be read: {reason[:1].lower()}{reason[1:]}.", place=place) from error
    if len(content) > MAXIMUM_FILE_BYTES:
        raise UsageError(f"larger than {MAXIMUM_FILE_BYTES // 1_000_000} MB.", place=place)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError("not text in UTF-8.", place=f"{place}, line {line}") from error


def read_facts(path: str) -> dict[str, Any]:
    """A detection document from a JSON file.

    Raises:
        UsageError: with file, line and key where it is not JSON, or not of the shape that `setupgen detect` writes.
    """
    from setupgen.engine.document import check_document, dotted

    hint = "`setupgen detect --json` writes such a file."
    text = read_text(path)
    try:
        document = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        message = f"not JSON ({getattr(error, 'msg', None) or shorten(str(error))})."
        raise UsageError(message, place=f"{path}, line {line}", hint=hint) from error
    if not isinstance(document, dict):
        message = "expected a JSON object."
        raise UsageError(message, place=f"{path}, line 1", hint=hint)
    check_document(document, lambda keys: f"{path}, {_line_of(text, keys)}{dotted(keys)}")
    return document


def _no_constant(name: str) -> None:
    message = f"{name} is no number"
    raise ValueError(message)


def _line_of(text: str, keys: tuple[str | int, ...]) -> str:
    """``line 3, `` for a key of a JSON text, or nothing where YAML, which knows lines, does not read the text."""
    import yaml

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return ""
    for key in keys:
        if isinstance(node, yaml.SequenceNode) and isinstance(key, int):
            node = node.value[key]
        elif isinstance(node, yaml.MappingNode):
            node = next((inner for name, inner in node.value if name.value == key), node)
    return f"line {node.start_mark.line + 1}, " if node else ""


def read_nodes(path: str, wrong: str, hint: str = "") -> Any:
    """What a YAML file says, as nodes that know their lines; nothing for an empty one. Values are texts.

    Raises:
        UsageError: that begins with `wrong`, with file and line.
    """
    import yaml

    text = read_text(path)
    try:
        return yaml.compose(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}, line {mark.line + 1}" if mark else path
        problem = "nested too deeply" if isinstance(error, RecursionError) else getattr(error, "problem", None) or shorten(str(error))
        raise UsageError(f"{wrong} ({problem}).", place=place, hint=hint) from error


def read_answers(path: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Answers from a YAML file, with the place of each. Values stay as they are written: what they mean is decided where options are read.

    Raises:
        UsageError: with file, line and key.
    """
    import yaml

    node = read_nodes(path, "not YAML")
    if node is None:
        return {}, {}
    if not isinstance(node, yaml.MappingNode):
        message = "expected keys with values, such as `use_case: chat`."
        raise UsageError(message, place=f"{path}, line {node.start_mark.line + 1}")
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    for key, value in node.value:
        line = f"{path}, line {key.start_mark.line + 1}"
        if not isinstance(key, yaml.ScalarNode):
            raise UsageError("a key must be one word.", place=line)
        place = f"{line}, {shorten(key.value)}"
        if key.value in places:
            raise UsageError("stated twice.", place=place)
        places[key.value] = place
        values[key.value] = _answer(key.value, value, place)
    return values, places


LISTS = {"hardware", "also"}
NOTHING = {"", "~", "null", "Null", "NULL"}


def _answer(key: str, node: Any, place: str) -> Any:
    """One answer: text, a flag, nothing, or the list of texts that some may be."""
    if node.id == "scalar":
        if node.style is None and node.value in NOTHING:
            return None
        if not node.value:
            raise UsageError("nothing is given.", place=place, hint="Leave it out, or say a value.")
        return {"true": True, "false": False}.get(node.value.lower(), node.value) if key == "offline" else node.value
    if key in LISTS and node.id == "sequence" and node.value and all(item.id == "scalar" for item in node.value):
        return [item.value for item in node.value]
    expected = "a name or a list of names" if key in LISTS else "one value"
    raise UsageError(f"expected {expected}, got {'a list' if node.id == 'sequence' else 'keys with values'}.", place=place)
