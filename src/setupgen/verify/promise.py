"""What a setup promised: the parts of its plan that a running server can be asked about, and the key out of `.env`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from setupgen.errors import UsageError, shorten_path
from setupgen.verify import address
from setupgen.verify.address import Address

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PLAN, SECRETS = "setupgen.plan.json", ".env"
LARGEST = 64 * 1024 * 1024
DIALECTS = ("openai", "ollama", "anthropic")
TEXT, VECTORS, SPEECH = "text", "vectors", "speech"
_NONE = type(None)
_OBJECT, _TEXT, _NUMBER = ((dict,), "an object"), ((str,), "text"), ((int,), "a whole number")
SHAPE: dict[str, tuple[tuple[type, ...], str]] = {
    "choice": _OBJECT,
    "choice.clients": ((list,), "a list"),
    "choice.connection": _OBJECT,
    "choice.connection.base_url": _TEXT,
    **{f"choice.connection.{name}_url": ((str, _NONE), "text or null") for name in DIALECTS},
    "choice.connection.context": _NUMBER,
    "choice.connection.key_env": ((str, _NONE), "text or null"),
    "choice.connection.model": _TEXT,
    "choice.model": _OBJECT,
    "choice.model.id": _TEXT,
    "choice.proxy": ((dict, _NONE), "an object or null"),
    "choice.proxy.port": ((int, _NONE), "a whole number"),
    "choice.server": _OBJECT,
    "choice.server.endpoints": _OBJECT,
    "choice.server.id": _TEXT,
    "choice.settings": _OBJECT,
    "choice.settings.offload": ((dict, _NONE), "an object or null"),
    "choice.settings.parallel": ((int, _NONE), "a whole number"),
    "choice.settings.port": ((int, _NONE), "a whole number"),
    "choice.settings.replicas": ((int, _NONE), "a whole number"),
    "choice.speed": ((dict, _NONE), "an object or null"),
    "choice.weights": _OBJECT,
    "facts": _OBJECT,
    "facts.hardware": ((dict, _NONE), "an object"),
    "facts.needs": _OBJECT,
    "facts.needs.use_case": _TEXT,
    "facts.needs.users": _NUMBER,
    "facts.origins": ((dict, _NONE), "an object"),
}
"""Of a plan, what is read here: place -> kinds that may stand there, and their name."""
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)")
_AGAIN = "Write the setup again with `setupgen write`."


@dataclass(frozen=True, slots=True)
class Range:
    """A promised number with its bounds; `basis` says whether it was measured or estimated."""

    low: float
    value: float
    high: float
    basis: str = ""


@dataclass(frozen=True)
class Expected:
    """What the knowledge base adds to a plan; zero is unknown.

    Attributes:
        prompt_tokens: length of the prompt that the plan's time to first token is for.
        dimensions: numbers in a vector of an embedding model.
    """

    prompt_tokens: int = 0
    dimensions: int = 0


@dataclass(frozen=True)
class Promise:
    """One running server and what its plan says of it.

    Attributes:
        base: where clients reach it, after `--url` if that was given.
        urls: dialect to address: `openai` ends in the path of its API, the others are bases.
        model: the name under which clients ask for it.
        key: the secret itself, or nothing where none is promised. Never printed.
        task: `text`, `vectors` or `speech`.
        users: people or agents at once; `slots` is how many of them the server answers at the same time.
        speed: `decode_tps`, `prefill_tps`, `ttft_s`, `aggregate_tps` as far as the plan has them.
        backend_port: the server's own port behind a proxy on the same host, or 0.
        headers: what else every request must carry, by name; values may be secret.
    """

    base: Address
    urls: Mapping[str, str]
    health_url: str
    model: str
    server: str
    key: str = field(repr=False)
    key_name: str
    exposure: str
    runtime: str
    use_case: str
    task: str
    context: int
    users: int
    slots: int
    tools: bool
    vision: bool
    rerank_url: str
    speed: Mapping[str, Range]
    proxy: str
    backend_port: int
    expected: Expected
    folder: Path
    plan: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return tuple(value for value in (*self.headers.values(), self.key) if value)

    @property
    def dialect(self) -> str:
        """The one that most checks use."""
        return next((name for name in DIALECTS if name in self.urls), "")


def read_promise(folder: Path, *, url: str = "", expected: Expected | None = None) -> Promise:
    """The promise that lies in a folder.

    Args:
        folder: what `setupgen write` wrote.
        url: where the setup is reached, if not where its plan says.
        expected: what the knowledge base adds.

    Raises:
        UsageError: where the folder holds no usable plan, or the key that it promises has no value.
    """
    plan = read_plan(folder)
    place = str(folder / PLAN)
    choice = plan["choice"]
    connection, settings = choice["connection"], choice["settings"]
    needs: Mapping[str, Any] = plan["facts"]["needs"]
    written = str(connection.get("base_url") or "")
    planned = address.parse(written, f"{place}, choice.connection.base_url")
    base = _moved(address.parse(url, "--url"), connection, written) if url else planned
    tails = {name: address.tail(str(connection.get(f"{name}_url") or ""), written) for name in DIALECTS if connection.get(f"{name}_url")}
    urls = {name: f"{base}{tail}" if tail is not None else str(connection[f"{name}_url"]) for name, tail in tails.items()}
    if not urls:
        raise UsageError("the plan names no address that clients could ask.", place=place, hint=_AGAIN)
    endpoints: Mapping[str, str] = choice["server"]["endpoints"]
    key_name = str(connection.get("key_env") or "")
    use_case = str(needs.get("use_case") or "")
    proxy = choice.get("proxy") or {}
    behind = bool(proxy) and int(proxy.get("port") or 0) != int(settings.get("port") or 0)
    rerank = settings.get("rerank") and endpoints.get("rerank")
    return Promise(
        base=base,
        urls=urls,
        health_url=f"{base}{endpoints.get('health') or '/'}",
        model=str(connection.get("model") or settings.get("alias") or ""),
        server=str(choice["server"].get("id") or ""),
        key=_key(folder, key_name) if key_name else "",
        key_name=key_name,
        exposure=str(needs.get("exposure") or "local"),
        runtime=str(choice.get("runtime") or ""),
        use_case=use_case,
        task=VECTORS if use_case == "embeddings" or settings.get("embeddings") else SPEECH if use_case == "speech" else TEXT,
        context=int(connection.get("context") or settings.get("context") or 0),
        users=max(1, int(needs.get("users") or 1)),
        slots=max(1, int(settings.get("parallel") or 1)) * max(1, int(settings.get("replicas") or 1)),
        tools=bool(settings.get("tool_calls")),
        vision=use_case == "vision",
        rerank_url=f"{base}{endpoints['rerank']}" if rerank else "",
        speed={name: found for name, raw in (choice.get("speed") or {}).items() if (found := _range(raw))},
        proxy=str(proxy.get("id") or ""),
        backend_port=int(settings.get("port") or 0) if behind else 0,
        expected=expected or Expected(),
        folder=folder,
        plan=plan,
    )


def read_plan(folder: Path) -> dict[str, Any]:
    """The plan of a folder.

    Raises:
        UsageError: where there is none, or not a whole one.
    """
    path = folder / PLAN
    plan = read_document(path, missing=f"holds no {PLAN}, so nothing was promised here.")
    for place, (kinds, what) in SHAPE.items():
        found: Any = plan
        for part in place.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        if not isinstance(found, kinds) or (isinstance(found, bool) and int in kinds):
            raise UsageError(f"is no plan of a setup: {place} is not {what}.", place=str(path), hint=_AGAIN)
    endpoints = plan["choice"]["server"]["endpoints"]
    if not all(isinstance(tail, str) and (not tail or tail.startswith("/")) for tail in endpoints.values()):
        raise UsageError("is no plan of a setup: choice.server.endpoints holds something else than paths.", place=str(path), hint=_AGAIN)
    return plan


def read_document(path: Path, *, missing: str) -> dict[str, Any]:
    """A JSON object out of a file that setupgen wrote.

    Raises:
        UsageError: where it is not there, not readable or something else.
    """
    if not path.parent.is_dir():
        raise UsageError("is no folder.", place=shorten_path(str(path.parent)), hint="Name the folder that `setupgen write` wrote.")
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError("is too large to be what setupgen writes.", place=str(path), hint=_AGAIN)
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(missing, place=str(path.parent), hint="Name the folder that `setupgen write` wrote.") from None
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}.", place=str(path)) from error
    except (ValueError, RecursionError):
        raise UsageError("is no JSON.", place=str(path), hint=_AGAIN) from None
    if not isinstance(found, dict):
        raise UsageError("is not what setupgen writes.", place=str(path), hint=_AGAIN)
    return found


def secrets_of(folder: Path) -> dict[str, str]:
    """The names and values of `.env`; empty where there is none.

    Raises:
        UsageError: where it cannot be read.
    """
    path = folder / SECRETS
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        hint = "Run this as the user who owns the setup." if isinstance(error, PermissionError) else ""
        raise UsageError(f"cannot be read: {reason}.", place=str(path), hint=hint) from error
    found = (_LINE.fullmatch(line.strip()) for line in text.splitlines())
    return {match[1]: _unquoted(match[2].strip()) for match in found if match}


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def _key(folder: Path, name: str) -> str:
    return usable_secret(secrets_of(folder).get(name, ""), name, str(folder / SECRETS))


def usable_secret(value: str, name: str, place: str, *, spaces: bool = False) -> str:
    """A secret that may stand in a header.

    Raises:
        UsageError: where it has no value, or one that would break out of the header; the message never holds it.
    """
    if not value:
        hint = "`setupgen write` makes it; on another machine copy .env from where the setup runs."
        raise UsageError(f"{name} has no value, and the plan promises that it is asked for.", place=place, hint=hint)
    if not value.isascii() or not value.isprintable() or (" " in value and not spaces):
        raise UsageError(f"the value of {name} cannot stand in a header.", place=place, hint="Use letters, digits, - and _.")
    return value


def _moved(found: Address, connection: Mapping[str, Any], written: str) -> Address:
    """The address from the user, without an API's path, should it have one."""
    for name in DIALECTS:
        ending = address.tail(str(connection.get(f"{name}_url") or ""), written)
        if ending and found.path.endswith(ending):
            return Address(found.scheme, found.host, found.port, found.path.removesuffix(ending))
    return found


def _range(raw: Any) -> Range | None:
    if not isinstance(raw, dict) or not all(isinstance(raw.get(key), int | float) for key in ("low", "value", "high")):
        return None
    return Range(float(raw["low"]), float(raw["value"]), float(raw["high"]), str(raw.get("basis") or ""))
