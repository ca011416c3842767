"""What a proxy stands in front of: the entries of `choice.proxy.backends`, checked, and gathered by the model that clients ask for.

Proxies differ in what they can do (rename a model, ask for a key, choose by model), so each has its own rules in `gateways`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from setupgen.errors import UsageError, shorten
from setupgen.headers import SECRET, VARIABLE, variable_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Raw = Mapping[str, Any]

TASKS = ("chat", "embedding", "rerank", "speech")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", "[::1]"})
SHORTEST_TIMEOUT_S = 600
"""A long prompt on modest hardware is silent for minutes: no proxy gives up earlier."""

_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,99}")
_HEADER_TEXT = re.compile(r"[A-Za-z0-9 ._~+/=:,;@()-]{0,500}")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@+-]{0,199}")
_PATH = re.compile(r"[A-Za-z0-9._/-]*")
_KEYS = frozenset(
    {"name", "url", "server", "apis", "health", "headers", "key_env", "slots", "preemptible", "timeout_s", "models", "endpoints"}
)


@dataclass(frozen=True, slots=True)
class Member:
    """A model on one backend.

    Attributes:
        backend: the checked entry of the backend.
        name: what that backend calls the model.
    """

    backend: dict[str, Any]
    name: str


@dataclass(frozen=True, slots=True)
class Group:
    """A model that clients ask for by one name, on one backend or on several.

    Attributes:
        alias: what clients ask for.
        task: one of `TASKS`.
        context: tokens that every backend of it holds.
        tools: whether every backend of it calls tools.
        vision: whether every backend of it reads pictures.
        fill: whether it is asked to fill in the middle of a text, as editors do.
        members: its backends, in order of name.
    """

    alias: str
    task: str
    context: int
    tools: bool
    vision: bool
    fill: bool
    members: tuple[Member, ...]

    @property
    def apis(self) -> tuple[str, ...]:
        """The APIs that every backend of it speaks."""
        return tuple(sorted(set.intersection(*(set(member.backend["apis"]) for member in self.members))))

    @property
    def slots(self) -> int:
        """Requests that all its backends answer at the same time."""
        return sum(member.backend["slots"] for member in self.members)


def backends_of(proxy: Raw) -> list[dict[str, Any]]:
    """The backends, checked, with every key that may be absent filled in; in order of name.

    Raises:
        UsageError: naming the entry and the key.
    """
    found = [_backend(raw, index) for index, raw in enumerate(proxy.get("backends") or ())]
    if not found:
        raise UsageError("the proxy has nothing to send requests to.", place="proxy.backends", hint="Place a model on at least one host.")
    seen: dict[str, int] = {}
    for index, backend in enumerate(found):
        if (key := backend["name"].lower()) in seen:
            refuse(index, "name", f"{backend['name']!r} is the name of backends[{seen[key]}] too", "Give each host a name of its own.")
        seen[key] = index
    return sorted(found, key=lambda backend: str(backend["name"]))


def groups_of(backends: Sequence[dict[str, Any]]) -> list[Group]:
    """The models, in order of alias.

    Raises:
        UsageError: where one name stands for models with different tasks, or twice on one backend.
    """
    members: dict[str, list[tuple[dict[str, Any], Raw]]] = {}
    for backend in backends:
        for model in backend["models"]:
            members.setdefault(model["alias"], []).append((backend, model))
    return [_group(alias, found) for alias, found in sorted(members.items())]


def _group(alias: str, found: Sequence[tuple[Raw, Raw]]) -> Group:
    place = f"proxy.backends ({alias})"
    if len({model["task"] for _, model in found}) > 1:
        tasks = " and ".join(sorted({model["task"] for _, model in found}))
        raise UsageError(f"{alias!r} stands for {tasks}.", place=place, hint="Give each model a name of its own.")
    names = [backend["name"] for backend, _ in found]
    if len(set(names)) < len(names):
        raise UsageError(f"a host has the model {alias!r} twice.", place=place, hint="Place it once, with more slots.")
    return Group(
        alias=alias,
        task=found[0][1]["task"],
        context=min(model["context"] for _, model in found),
        tools=all(model["tools"] for _, model in found),
        vision=all(model["vision"] for _, model in found),
        fill=any(model["fill_in_the_middle"] for _, model in found),
        members=tuple(Member(dict(backend), model["name"]) for backend, model in found),
    )


def refuse(index: int, key: str, message: str, hint: str) -> NoReturn:
    """Say what is wrong with a backend, by its place in the list."""
    raise UsageError(f"{shorten(message, 200)}.", place=f"proxy.backends[{index}].{key}", hint=hint)


def is_loopback(address: str) -> bool:
    """Whether only the machine itself reaches this address."""
    return address in LOOPBACK or address.startswith("127.")


def _backend(raw: Raw, index: int) -> dict[str, Any]:
    for key in raw:
        if key not in _KEYS:
            refuse(index, str(key), f"{key!r} is not known", f"A backend has {', '.join(sorted(_KEYS))}.")
    name, server = raw.get("name"), raw.get("server")
    if not isinstance(name, str) or not _HOST.fullmatch(name):
        refuse(index, "name", f"{name!r} is not a name", "A name has up to 63 letters, digits, dots, dashes and underscores.")
    key_env = raw.get("key_env")
    if key_env is not None and not (isinstance(key_env, str) and VARIABLE.fullmatch(key_env)):
        refuse(index, "key_env", f"{key_env!r} is not the name of a variable", "Use letters, digits and underscores.")
    endpoints = dict(raw.get("endpoints") or {"openai": "/v1"})
    health = raw.get("health") or "/health"
    for key, path in {**endpoints, "health": health}.items():
        if not isinstance(path, str) or not _PATH.fullmatch(path) or (path and not path.startswith("/")):
            refuse(index, key, f"{path!r} is not a path", "Write it as /v1.")
    models = [_model(model, index, position) for position, model in enumerate(raw.get("models") or ())]
    if not models:
        refuse(index, "models", f"{name} serves no model", "Leave the host out, or place a model on it.")
    headers = {str(key): _header(key, value, index) for key, value in (raw.get("headers") or {}).items()}
    if key_env and any(key.lower() in {"authorization", "x-api-key"} for key in headers):
        refuse(index, "key_env", f"{name} has a key and a header that holds one", "Give either key_env or the header.")
    return {
        "name": name,
        "url": _url(raw.get("url"), index),
        "server": str(server or ""),
        "apis": [str(api) for api in raw.get("apis") or ("openai",)],
        "endpoints": endpoints,
        "health": health,
        "headers": dict(sorted(headers.items())),
        "key_env": key_env,
        "slots": _whole(raw.get("slots", 1), index, "slots"),
        "preemptible": bool(raw.get("preemptible")),
        "timeout_s": max(SHORTEST_TIMEOUT_S, _whole(raw.get("timeout_s") or SHORTEST_TIMEOUT_S, index, "timeout_s")),
        "models": models,
    }


def _model(raw: Raw, index: int, position: int) -> dict[str, Any]:
    key = f"models[{position}]"
    for field in ("name", "alias"):
        value = raw.get(field, raw.get("name"))
        if not isinstance(value, str) or not _MODEL.fullmatch(value):
            refuse(index, f"{key}.{field}", f"{value!r} is not the name of a model", "It has letters, digits and . _ / : @ + - only.")
    task = raw.get("task", "chat")
    if task not in TASKS:
        refuse(index, f"{key}.task", f"{task!r} is not a task", f"Tasks are {', '.join(TASKS)}.")
    return {
        "name": raw["name"],
        "alias": raw.get("alias", raw["name"]),
        "context": _whole(raw.get("context", 0), index, f"{key}.context", least=0),
        "task": task,
        "tools": bool(raw.get("tools")),
        "vision": bool(raw.get("vision")),
        "fill_in_the_middle": bool(raw.get("fill_in_the_middle")),
    }


def _whole(value: Any, index: int, key: str, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value) or value < least:
        refuse(index, key, f"{value!r} is not a whole number of {least} or more", "Write it in digits.")
    return int(value)


def _url(value: Any, index: int) -> str:
    hint = "Write it as http://10.0.0.5:11434."
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        parts.port  # noqa: B018  refuses a port that is no number
    except ValueError as error:
        refuse(index, "url", f"{value!r} is not an address: {error}", hint)
    plain = isinstance(value, str) and re.fullmatch(
        r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?(/[A-Za-z0-9._/-]*)?", value
    )
    if parts.username is not None or parts.password is not None:
        refuse(index, "url", "a secret may not stand in an address", "Use a header: Authorization: {env: NAME}.")
    if not plain:
        refuse(index, "url", f"{value!r} is not an address with a scheme", hint)
    return str(value).rstrip("/")


def _header(name: Any, value: Any, index: int) -> dict[str, str]:
    """A header as ``{"text": ...}``, or ``{"env": NAME}`` for one whose value stands in `.env`."""
    key = f"headers.{name}"
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
        refuse(index, key, f"{name!r} is not the name of a header", "Header names have letters, digits and dashes.")
    if isinstance(value, dict):
        variable = variable_of(value)
        if variable is None:
            refuse(index, key, f"{value!r} does not name a variable", "Write {env: NAME} with letters, digits and underscores.")
        return {"env": variable}
    if not isinstance(value, str) or not _HEADER_TEXT.fullmatch(value):
        refuse(index, key, f"{value!r} cannot be sent as a header", "Use plain ASCII text without quotes, and {env: NAME} for secrets.")
    if name.lower() in SECRET:
        refuse(index, key, "a secret may not stand in a file", "Write {env: NAME} and put the value into .env.")
    return {"text": value}
