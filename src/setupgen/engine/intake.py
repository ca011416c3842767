"""Puts facts together from what people answer, declare or detect, and says what was assumed. Pure: files are read elsewhere.

Answers come as a mapping with the keys of `KEYS` (the command line's flags with underscores, the answers file, the page). A detection
document is what `setupgen detect --json` prints. Everything is checked here once, with one message per problem.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from setupgen.engine.hardware import parse_size
from setupgen.engine.inventory import detected_hardware, stated_hardware
from setupgen.errors import UnknownNameError, UsageError, shorten
from setupgen.facts import Assumption, Facts, Needs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from setupgen.engine.inventory import Found
    from setupgen.knowledge import Pack

CHOICES: Mapping[str, tuple[str, ...]] = {
    "os": ("linux", "macos", "windows", "wsl"),
    "runtime": ("docker", "podman", "native", "kubernetes", "nixos"),
    "exposure": ("local", "lan", "internet"),
    "privacy": ("local", "any"),
    "license": ("any", "commercial", "open"),
}

KEYS = (
    "use_case", "experience", "users", "context", "os", "runtime", "exposure", "privacy", "license", "offline",
    "server", "model", "quant", "weights_file", "also", "hardware", "ram", "cpu", "facts",
)  # fmt: skip

ROUTER = "llama-cpp"
"""The server that serves several models, each with settings of its own."""

MOST_BESIDE = 3
"""Further models behind one server: the router keeps four loaded by default."""

USUAL_RUNTIME = {"linux": "docker", "wsl": "docker", "macos": "native", "windows": "native"}

FACTS = "setupgen.facts.json"
"""What detection found, kept beside a setup's files so that the same plan can be made anywhere."""

AGAIN = "setupgen write . --answers setupgen.answers.yaml"
"""The command that makes a setup's files again, inside their folder."""

CONTEXT_UNITS = {"": 1, "k": 1024, "m": 1024**2}


class Answers:
    """Answers with the place of each, for messages. A later `update` overrides, with its own places.

    Attributes:
        values: answers by key.
        detected: the detection document that describes the machine, once somebody has read or made it.
    """

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.detected: dict[str, Any] | None = None
        self._places: dict[str, str] = {}

    def update(self, values: Mapping[str, Any], places: Mapping[str, str] | None = None, *, source: str = "") -> None:
        """Takes over the values that are stated.

        Raises:
            UnknownNameError: for a key that does not exist.
        """
        for key, value in values.items():
            place = (places or {}).get(key, source or f"--{key.replace('_', '-')}")
            if key not in KEYS:
                kind = "answer"
                raise UnknownNameError(kind, str(key), KEYS, place=place)
            if value is not None:
                self.values[key] = value
                self._places[key] = place

    def place(self, key: str) -> str:
        """Where the value was stated."""
        return self._places.get(key, f"--{key.replace('_', '-')}")


def facts_of(pack: Pack, answers: Answers, *, detected: Mapping[str, Any] | None = None, today: str = "") -> Facts:
    """The facts that these answers and this detection document state, with assumptions for the rest.

    Args:
        pack: the knowledge base.
        answers: what was answered or declared.
        detected: what `detect` printed, if the host was looked at.
        today: the date to plan for.

    Raises:
        UsageError: for a value that makes no sense, with its place and what was expected.
    """
    found = _hardware(pack, answers, detected)
    needs, origins, assumptions = _needs(pack, answers, found)
    return Facts(
        needs=needs,
        hardware=found.hardware,
        origins={**origins, **found.origins},
        assumptions=(*assumptions, *found.assumptions),
        clashes=found.clashes,
        today=today,
    )


def stated(answers: Answers, document: Mapping[str, Any]) -> dict[str, Any]:
    """The answers that make this plan again, on any machine: what was answered, and what describes the hardware.

    What was assumed is left out, so that better defaults of a later version reach the setup.

    Args:
        answers: as they were given.
        document: the plan as JSON.
    """
    needs, origins = document["facts"]["needs"], document["facts"]["origins"]
    found = {key: needs[key] for key in sorted(needs) if origins.get(f"needs.{key}") == "answered"}
    found.update({key: answers.values[key] for key in ("hardware", "ram", "cpu") if key in answers.values})
    if answers.detected is not None:
        found.pop("hardware", None)
        found["facts"] = FACTS
    return found


def _hardware(pack: Pack, answers: Answers, detected: Mapping[str, Any] | None) -> Found:
    specs = answers.values.get("hardware")
    if isinstance(specs, str):
        specs = [specs]
    if specs is not None and not isinstance(specs, (list, tuple)):
        raise _wrong(answers, "hardware", specs, "a name or a list of names such as '2x RTX 4090'")
    specs = [spec for spec in specs or () if spec != "auto"]
    ram = answers.values.get("ram")
    ram_bytes = parse_size(str(ram), place=answers.place("ram")) if ram is not None else 0
    cpu = str(answers.values.get("cpu", ""))
    if specs:
        for spec in specs:
            if not isinstance(spec, str):
                raise _wrong(answers, "hardware", spec, "a name or a list of names such as '2x RTX 4090'")
        return stated_hardware(pack, specs, ram_bytes=ram_bytes, cpu=cpu, place=answers.place("hardware"), cpu_place=answers.place("cpu"))
    if detected is None:
        message = "no hardware is stated."
        raise UsageError(
            message, place="--hardware", hint="Give a name such as `--hardware rtx-3090`, or `--facts FILE` from `setupgen detect --json`."
        )
    return detected_hardware(pack, detected, ram_bytes=ram_bytes, cpu=cpu, place=answers.place("facts"))


def _needs(pack: Pack, answers: Answers, found: Found) -> tuple[Needs, dict[str, str], list[Assumption]]:
    origins: dict[str, str] = {}
    assumptions: list[Assumption] = []

    def stated(key: str, default: Any, because: str) -> Any:
        if key in answers.values:
            origins[f"needs.{key}"] = "answered"
            return answers.values[key]
        origins[f"needs.{key}"] = "assumed"
        assumptions.append(Assumption(f"needs.{key}", default, because))
        return default

    use_case = _entry(pack, answers, "use_case", "use-cases", stated("use_case", "chat", "Not stated; chat is the usual first use."))
    experience = _entry(pack, answers, "experience", "experiences", stated("experience", "balanced", "Not stated."))
    users = _whole(answers, "users", stated("users", 1, "Not stated; one person."))
    default_context = pack.vocabulary("use-cases")[use_case]["default_context"]
    context = _context(answers, stated("context", default_context, "Not stated; usual for this use case."))
    os = _choice(answers, "os", found.os or "linux")
    origins["needs.os"] = "answered" if "os" in answers.values else found.os_origin or "assumed"
    if origins["needs.os"] == "assumed":
        assumptions.append(Assumption("needs.os", os, "Not stated."))
    if found.allowed_os and os not in found.allowed_os:
        message = f"{found.allowed_os_because} runs {', '.join(found.allowed_os)}, not {os}."
        raise UsageError(message, place=answers.place("os"), hint="Leave --os out or change the hardware.")
    runtime = _choice(answers, "runtime", _of_server(pack, answers, os) or found.runtime or USUAL_RUNTIME[os])
    origins["needs.runtime"] = "answered" if "runtime" in answers.values else "assumed"
    if origins["needs.runtime"] == "assumed":
        assumptions.append(
            Assumption(
                "needs.runtime",
                runtime,
                "The server that you asked for runs there."
                if _of_server(pack, answers, os)
                else found.runtime_because or "Not stated; usual for this operating system.",
            )
        )
    plain_choices = {}
    for key, default in (("exposure", "local"), ("privacy", "any"), ("license", "any")):
        plain_choices[key] = _choice(answers, key, default)
        origins[f"needs.{key}"] = "answered" if key in answers.values else "assumed"
    insisted = _insisted(pack, answers)
    also = _also(pack, answers, use_case, insisted)
    if also and "server" not in answers.values:
        because = "Several models behind one address, each with its own settings: llama.cpp's router does that without another program."
        assumptions.append(Assumption("needs.server", insisted["server"], because))
    origins.update({f"needs.{key}": "answered" if key in answers.values else "assumed" for key in insisted})
    offline = answers.values.get("offline", False)
    if not isinstance(offline, bool):
        raise _wrong(answers, "offline", offline, "true or false")
    origins |= {"needs.also": "answered"} if also else {}
    origins["needs.offline"] = "answered" if "offline" in answers.values else "assumed"
    needs = Needs(use_case, experience, users, context, os, runtime, offline=offline, also=also, **plain_choices, **insisted)
    return needs, origins, assumptions


def _of_server(pack: Pack, answers: Answers, os: str) -> str:
    """The runtime of a server that is insisted on and runs in one way only, or empty; where it runs at all is judged later."""
    name = answers.values.get("server")
    server = pack.server(str(name), place=answers.place("server")) if name is not None else None
    only = server is not None and (
        server.kind == "cluster" or (server.kind == "inference" and len(server.runtimes) == 1 and os in server.platforms)
    )
    return server.runtimes[0] if server and only else ""


def _entry(pack: Pack, answers: Answers, key: str, vocabulary: str, value: Any) -> str:
    known = pack.vocabulary(vocabulary)
    name = str(value).strip().lower().replace("_", "-").replace(" ", "-")
    if name not in known:
        kind = vocabulary.removesuffix("s").replace("-", " ")
        raise UnknownNameError(kind, str(value), known, place=answers.place(key))
    return name


def _insisted(pack: Pack, answers: Answers) -> dict[str, str]:
    """What is not to be chosen."""
    found = {}
    if "server" in answers.values:
        found["server"] = pack.server(str(answers.values["server"]), place=answers.place("server")).id
    if "model" in answers.values:
        found["model"] = pack.model(str(answers.values["model"]), place=answers.place("model")).id
    if "quant" in answers.values:
        found["quant"] = _quant(pack, answers)
    if "weights_file" in answers.values:
        found["weights_file"] = _file(answers)
    return found


def _also(pack: Pack, answers: Answers, use_case: str, insisted: dict[str, str]) -> tuple[str, ...]:
    """The further use cases, in the order stated; they settle which server it is, in `insisted`."""
    stated = answers.values.get("also", ())
    names = [stated] if isinstance(stated, str) else stated
    if not isinstance(names, (list, tuple)):
        raise _wrong(answers, "also", names, "a use case or a list of use cases")
    found = tuple(_entry(pack, answers, "also", "use-cases", name) for name in names)
    if len({use_case, *found}) <= len(found):
        raise _wrong(answers, "also", ", ".join(found), f"use cases that differ from each other and from {use_case}")
    if len(found) > MOST_BESIDE:
        raise _wrong(answers, "also", ", ".join(found), f"at most {MOST_BESIDE} use cases")
    server = insisted.setdefault("server", ROUTER) if found else ROUTER
    if server != ROUTER:
        message = f"{pack.servers[server].name} serves one model, and {', '.join(found)} is wanted beside {use_case}."
        raise UsageError(message, place=answers.place("also"), hint=f"Leave --server out, or say --server {ROUTER}.")
    return found


def _choice(answers: Answers, key: str, default: str) -> str:
    value = str(answers.values.get(key, default)).strip().lower()
    if value not in CHOICES[key]:
        raise _wrong(answers, key, value, "one of " + ", ".join(CHOICES[key]))
    return value


def _quant(pack: Pack, answers: Answers) -> str:
    value = str(answers.values["quant"])
    found = pack.quantisation(value)
    if found is None:
        kind = "quantisation"
        raise UnknownNameError(kind, value, pack.vocabulary("quantisations"), place=answers.place("quant"))
    return found


def _file(answers: Answers) -> str:
    value = str(answers.values["weights_file"])
    if not value or any(ord(character) < ord(" ") for character in value):
        raise _wrong(answers, "weights_file", value, "the path of a file")
    return value


def _whole(answers: Answers, key: str, value: Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"[+-]?\d{1,15}", str(value).strip()):
        raise _wrong(answers, key, value, "a whole number of at least 1")
    number = int(value)
    if number < 1:
        raise _wrong(answers, key, value, "a whole number of at least 1")
    return number


def _context(answers: Answers, value: Any) -> int:
    text = str(value).strip().lower()
    match = re.fullmatch(r"(\d{1,18})\s*([km]?)", text)
    if text == "max":
        return MAXIMUM
    if match is None or isinstance(value, bool):
        raise _wrong(answers, "context", value, "tokens such as 32768, 32k or max")
    number = int(match[1]) * CONTEXT_UNITS[match[2]]
    if number < 1:
        raise _wrong(answers, "context", value, "at least 1 token")
    return number


MAXIMUM = -1
"""The context `max`: as much as the model takes."""


def _wrong(answers: Answers, key: str, value: Any, expected: str) -> UsageError:
    return UsageError(f"{key.replace('_', ' ')} is {shorten(str(value))!r}, expected {expected}.", place=answers.place(key))
