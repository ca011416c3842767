"""What the templates of LiteLLM, nginx, Olla and llama-swap read: `choice.proxy` worked out for the program that reads the result.

Nothing is decided here but what a program needs to be told: names, paths, which variable holds which secret. What a program cannot do is
refused with the reason, before a file is written.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from setupgen.engine.plan import path_of
from setupgen.errors import UsageError
from setupgen.render.backends import Group, backends_of, groups_of, is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Raw = Mapping[str, Any]

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  compared, not bound
CONTAINER_PORTS = {"litellm": 4000, "nginx": 8080, "olla": 40114}
API_PREFIXES = {
    "litellm": {"openai": "/v1", "anthropic": ""},
    "nginx": {"openai": "/v1", "anthropic": "", "ollama": ""},
    "olla": {"openai": "/olla/openai/v1", "anthropic": "/olla/anthropic", "ollama": "/olla/ollama"},
    "llama-swap": {"openai": "/v1", "anthropic": ""},
}
NAMES = {"hops": "HOPS", "litellm": "LiteLLM", "nginx": "nginx", "olla": "Olla", "llama-swap": "llama-swap"}
HEALTH = {"litellm": "/health/liveliness", "nginx": "/health", "olla": "/internal/health", "llama-swap": "/health"}
ASKS_FOR_KEYS = ("litellm", "nginx", "llama-swap")
"""Proxies that can ask callers for a key themselves."""

_OLLA_TYPES = {
    "ollama": "ollama",
    "llama-cpp": "llamacpp",
    "ik-llama-cpp": "llamacpp",
    "vllm": "vllm",
    "vllm-mlx": "vllm-mlx",
    "sglang": "sglang",
    "lm-studio": "lm-studio",
    "lemonade": "lemonade",
    "litellm": "litellm",
    "lmdeploy": "lmdeploy",
    "docker-model-runner": "docker-model-runner",
    "omlx": "omlx",
}
_OLLA_BUILT_IN = ("ollama", "llamacpp", "lm-studio", "openai-compatible")
"""Types that Olla knows without the files of `config/profiles`, which its image has; a single program ends at once on any other."""

_ONE_MODEL_SERVERS = ("llama-cpp", "ik-llama-cpp")
"""Servers that answer with their one model, whatever name a request holds."""

_LITELLM_MODES = {"chat": "chat", "embedding": "embedding", "rerank": "rerank", "speech": "audio_transcription"}
STEADY, FLEETING = 100, 50
"""Olla's priorities: hosts that may be taken away come second."""

NGINX_PATHS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "chat": {
        "openai": ("/v1/chat/completions", "/v1/completions", "/v1/responses"),
        "anthropic": ("/v1/messages", "/v1/messages/count_tokens"),
        "ollama": ("/api/chat", "/api/generate", "/api/show", "/api/tags", "/api/version", "/api/ps"),
    },
    "embedding": {"openai": ("/v1/embeddings",), "ollama": ("/api/embed", "/api/embeddings")},
    "rerank": {"openai": ("/v1/rerank", "/v2/rerank", "/rerank")},
    "speech": {"openai": ("/v1/audio/transcriptions", "/v1/audio/translations")},
}
"""What nginx passes on, by task and API. Everything else, such as /metrics or /slots, stays inside."""


def gateway_of(proxy: Raw, runtime: str) -> dict[str, Any]:
    """The variables of a proxy's templates.

    Args:
        proxy: `choice.proxy` with `backends`.
        runtime: ``docker``, ``podman`` or ``native``.

    Raises:
        UsageError: for what the proxy cannot do, with what can.
    """
    id_ = str(proxy["id"])
    backends = backends_of(proxy)
    groups = groups_of(backends)
    bind, port = str(proxy.get("bind") or "127.0.0.1"), int(proxy["port"])
    key = _key(proxy, id_, bind)
    container = runtime != "native" and id_ in CONTAINER_PORTS
    shares_network = container and any(is_loopback(urlsplit(backend["url"]).hostname or "") for backend in backends)
    inside = container and not shares_network
    scheme = "https" if proxy.get("tls") else "http"
    listen = "0.0.0.0" if inside else bind  # noqa: S104  inside a container, published on `bind` alone
    shown = "127.0.0.1" if bind in EVERYWHERE else bind
    base = f"{scheme}://{f'[{shown}]' if ':' in shown else shown}:{port}"
    return {
        "id": id_,
        "container": container,
        "shares_network": shares_network,
        "listen": listen,
        "listen_port": CONTAINER_PORTS[id_] if inside else port,
        "address": f"[{listen}]" if ":" in listen else listen,
        "health_host": "127.0.0.1" if listen in EVERYWHERE else (f"[{listen}]" if ":" in listen else listen),
        "key": key,
        "tls": bool(proxy.get("tls")),
        "base_url": base,
        "health_url": base + HEALTH[id_],
        "health_path": HEALTH[id_],
        "urls": {api: base + prefix for api, prefix in API_PREFIXES[id_].items() if _speaks(groups, api, id_)},
        "backends": backends,
        "openai_path": API_PREFIXES[id_]["openai"],
        "models": [_shown(group, id_, len(groups)) for group in groups],
        "check": _check(groups, id_),
        "webui_urls": _webui_urls(groups, id_) if "open-webui" in proxy.get("clients", ()) and inside and not proxy.get("tls") else [],
        "name": NAMES[id_],
        # A fleet knows its hosts' keys; nobody but the user knows what the inventory names.
        "to_fill": sorted({secret for backend in backends for secret in _variables(backend)} - set(proxy.get("filled") or ())),
        "secrets": sorted({secret for backend in backends for secret in _variables(backend)}),
        "whole": sorted({value["env"] for backend in backends for value in backend["headers"].values() if "env" in value}),
        "fleeting": [backend["name"] for backend in backends if backend["preemptible"]],
        "timeout_s": max(backend["timeout_s"] for backend in backends),
        **_DETAILS[id_](groups, backends, bool(key)),
    }


def entries_of(gateway: Raw) -> Iterator[tuple[str, str, bool]]:
    """What `.env` must hold for a proxy: name, what it is, and whether it is made here."""
    if gateway["key"]:
        yield gateway["key"], "key that every client must send to the proxy", True
    for backend in gateway["backends"]:
        if backend["key_env"]:
            yield backend["key_env"], f"key that {backend['name']} asks for: the value in the .env of that host", False
        for header, value in backend["headers"].items():
            if "env" in value:
                yield value["env"], f"whole value of the header {header} that {backend['name']} wants, such as: Bearer abc", False


def _key(proxy: Raw, id_: str, bind: str) -> str:
    auth = proxy.get("auth") or {}
    key = str(auth["env"]) if auth.get("kind") == "api-key" else ""
    if not key and not is_loopback(bind):
        raise UsageError(
            f"others could use the proxy without a key: it is to listen on {bind}.",
            place="proxy.auth",
            hint="Let it ask for a key, or bind it to 127.0.0.1.",
        )
    if not key and id_ == "litellm":
        raise UsageError("LiteLLM does not start without a key.", place="proxy.auth", hint="Let it ask for one, or choose nginx or olla.")
    if key and id_ not in ASKS_FOR_KEYS:
        raise UsageError(
            f"{id_} cannot ask for a key.", place="proxy.auth", hint="Choose litellm or nginx, or bind it to 127.0.0.1 without a key."
        )
    return key


def _speaks(groups: Sequence[Group], api: str, id_: str) -> bool:
    """Whether clients of this API find something behind the proxy. LiteLLM and Olla translate Anthropic's."""
    if api == "anthropic" and id_ in {"litellm", "olla"}:
        return any(group.task == "chat" for group in groups)
    return any(api in group.apis for group in groups)


def _check(groups: Sequence[Group], id_: str) -> dict[str, str]:
    """The smallest request that shows that a model answers; empty where none of them chats."""
    group = next((group for group in groups if group.task == "chat"), None)
    if group is None:
        return {}
    body = {"model": group.alias, "messages": [{"role": "user", "content": "Say hello in one sentence."}]}
    return {"prefix": _shown(group, id_, len(groups))["prefix"], "body": json.dumps(body)}


def _webui_urls(groups: Sequence[Group], id_: str) -> list[str]:
    """Where Open WebUI finds the models that chat, inside the network of the containers; behind nginx each model has an address of its own."""
    base = f"http://{id_}:{CONTAINER_PORTS[id_]}"
    prefixes = [_shown(group, id_, len(groups))["prefix"] for group in groups if group.task == "chat"]
    return [base + prefix + API_PREFIXES[id_]["openai"] for prefix in sorted(set(prefixes))]


def _shown(group: Group, id_: str, count: int) -> dict[str, Any]:
    return {
        # nginx tells models apart by path.
        "prefix": f"/{path_of(group.alias)}" if id_ == "nginx" and count > 1 else "",
        "alias": group.alias,
        "task": "code completion" if group.fill else group.task,
        "context": group.context,
        "slots": group.slots,
        "tools": group.tools,
        "vision": group.vision,
        "hosts": [member.backend["name"] for member in group.members],
    }


def _variables(backend: Raw) -> Iterator[str]:
    if backend["key_env"]:
        yield backend["key_env"]
    for value in backend["headers"].values():
        if "env" in value:
            yield value["env"]


def _litellm(groups: Sequence[Group], backends: Sequence[Raw], has_key: bool) -> dict[str, Any]:
    del backends, has_key
    deployments = [
        {
            "alias": group.alias,
            "model": _litellm_model(group.task, member.backend, member.name),
            "base": member.backend["url"] + (member.backend["endpoints"].get("openai", "/v1") if _openai(member.backend) else ""),
            "key_env": member.backend["key_env"] or "",
            "headers": {
                name: f"os.environ/{value['env']}" if "env" in value else value["text"] for name, value in member.backend["headers"].items()
            },
            "timeout_s": member.backend["timeout_s"],
            "weight": member.backend["slots"],
            "order": 2 if member.backend["preemptible"] else 1,
            "id": f"{member.backend['name']}/{group.alias}",
            "mode": _LITELLM_MODES[group.task],
            "context": _context(member.backend, member.name),
            "tools": group.tools,
            "vision": group.vision,
        }
        for group in groups
        for member in group.members
    ]
    return {
        "deployments": deployments,
        "fallbacks": {group.alias: others for group in groups if (others := [other.alias for other in groups if _replaces(other, group)])},
    }


def _context(backend: Raw, name: str) -> int:
    return next(int(model["context"]) for model in backend["models"] if model["name"] == name)


def _openai(backend: Raw) -> bool:
    return "openai" in backend["apis"]


def _litellm_model(task: str, backend: Raw, name: str) -> str:
    if task == "rerank":
        return f"hosted_vllm/{name}"
    if _openai(backend):
        return f"openai/{name}"
    if task == "speech":
        raise UsageError(f"{backend['name']} has no OpenAI API for speech.", place="proxy.backends", hint="Choose another server for it.")
    return f"{'ollama_chat' if task == 'chat' else 'ollama'}/{name}"


def _replaces(other: Group, group: Group) -> bool:
    """Whether a model may answer for another when all hosts of that one are down: it can do all that the other can.

    Embeddings of two models cannot be compared, so they never stand in for one another. Nor do models that fill in the middle: each has words of its
    own that mark where, which the editor writes into the prompt.
    """
    return (
        other.alias != group.alias
        and other.task == group.task == "chat"
        and other.context >= group.context
        and other.tools >= group.tools
        and other.vision >= group.vision
        and not group.fill
    )


def _olla(groups: Sequence[Group], backends: Sequence[Raw], has_key: bool) -> dict[str, Any]:
    del has_key
    aliases = {group.alias: names for group in groups if (names := sorted({member.name for member in group.members})) != [group.alias]}
    return {
        "endpoints": [
            {
                "name": backend["name"],
                "url": backend["url"],
                "prefixed": bool(urlsplit(backend["url"]).path),
                "type": (type_ := _OLLA_TYPES.get(backend["server"], "openai-compatible")),
                "built_in_type": type_ if type_ in _OLLA_BUILT_IN else "openai-compatible",
                "priority": FLEETING if backend["preemptible"] else STEADY,
                "health": backend["health"],
                "key_env": backend["key_env"] or "",
                "headers": {
                    name: f"${{{value['env']}}}" if "env" in value else value["text"] for name, value in backend["headers"].items()
                },
                "models": sorted({model["name"] for model in backend["models"]}),
            }
            for backend in backends
        ],
        "aliases": aliases,
        "balancer": "priority" if any(backend["preemptible"] for backend in backends) else "least-connections",
        "sticky": any(group.task == "chat" and len(group.members) > 1 for group in groups),
    }


def _nginx(groups: Sequence[Group], backends: Sequence[Raw], has_key: bool) -> dict[str, Any]:
    for group in groups:
        for member in group.members:
            if member.name != group.alias and member.backend["server"] not in _ONE_MODEL_SERVERS:
                raise UsageError(
                    f"nginx cannot rename models: {member.backend['name']} calls it {member.name!r}, and clients ask for {group.alias!r}.",
                    place="proxy.backends",
                    hint=f"Serve it there as {group.alias!r}, or choose litellm or olla.",
                )
        if not any(api in NGINX_PATHS[group.task] for api in group.apis):
            raise UsageError(
                f"the hosts of {group.alias!r} have no API for it in common.",
                place="proxy.backends",
                hint="Choose litellm, which translates.",
            )
    for backend in backends:
        if len(backend["models"]) > 1 and backend["server"] in _ONE_MODEL_SERVERS:
            raise UsageError(
                f"{backend['name']} runs several models behind one address.", place="proxy.backends", hint="Choose litellm or olla."
            )
    hosts = {backend["name"]: f"host-{index}" for index, backend in enumerate(backends, 1)}
    made = [
        {
            "upstream": f"model-{index}",
            "alias": group.alias,
            "prefix": f"/{path_of(group.alias)}",
            "members": [
                {"socket": hosts[member.backend["name"]], "weight": member.backend["slots"], "backup": _is_backup(group, member.backend)}
                for member in sorted(group.members, key=lambda member: member.backend["preemptible"])
            ],
            "patterns": _patterns(group, groups),
        }
        for index, group in enumerate(groups, 1)
    ]
    if len({item["prefix"] for item in made}) < len(made):
        raise UsageError("two models would have the same path.", place="proxy.backends", hint="Choose litellm or olla.")
    listing = {
        "object": "list",
        "data": [{"id": group.alias, "object": "model", "created": 0, "owned_by": "setupgen"} for group in groups],
    }
    return {
        "upstreams": made,
        "inner": [_inner(backend, hosts[backend["name"]]) for backend in backends],
        "listing": json.dumps(listing, separators=(",", ":")),
        "stranger": has_key,
        "verifies": any(backend["url"].startswith("https:") for backend in backends),
    }


def _is_backup(group: Group, backend: Raw) -> bool:
    return bool(backend["preemptible"]) and not all(member.backend["preemptible"] for member in group.members)


def _patterns(group: Group, groups: Sequence[Group]) -> list[str]:
    """Regular expressions for the paths of a model: below its own name, and at the root where no other model has its task."""
    alone = sum(other.task == group.task for other in groups) == 1
    apis = group.apis
    paths = [path for api in apis for path in NGINX_PATHS[group.task].get(api, ())]
    prefix = "/" + path_of(group.alias).replace(".", r"\.")
    patterns = [rf"^{prefix}(?<path>{'|'.join([*paths, *(['/v1/models'] if 'openai' in apis else [])])})\z"]
    if alone:
        patterns.append(rf"^(?<path>{'|'.join(paths)})\z")
    return patterns


def _inner(backend: Raw, socket: str) -> dict[str, Any]:
    """The server inside nginx that adds what one host wants: its own name, its key, its headers."""
    parts = urlsplit(backend["url"])
    headers: dict[str, dict[str, str]] = dict(backend["headers"])
    names = {name.lower() for name in headers}
    if backend["key_env"]:
        headers["Authorization"] = {"secret": f"bearer_{backend['key_env']}"}
    elif "authorization" not in names:
        headers["Authorization"] = {"text": ""}
    if "x-api-key" not in names:
        headers["X-Api-Key"] = {"text": ""}
    return {
        "name": backend["name"],
        "socket": socket,
        "url": backend["url"],
        "host": parts.netloc,
        "hostname": parts.hostname or "",
        "tls": parts.scheme == "https",
        "prefixed": bool(parts.path),
        "headers": {
            name: {"text": value.get("text", ""), "secret": value.get("secret") or (f"whole_{value['env']}" if "env" in value else "")}
            for name, value in sorted(headers.items())
        },
        "timeout_s": backend["timeout_s"],
    }


def _llama_swap(groups: Sequence[Group], backends: Sequence[Raw], has_key: bool) -> dict[str, Any]:
    del has_key
    for backend in backends:
        if extra := [name for name in backend["headers"] if name.lower() != "authorization"]:
            raise UsageError(f"llama-swap cannot send the header {extra[0]}.", place="proxy.backends", hint="Choose litellm or nginx.")
        if backend["headers"]:
            raise UsageError(
                "llama-swap sends a key, not a whole header Authorization.",
                place="proxy.backends",
                hint="Give the key alone as key_env, or choose litellm or nginx.",
            )
        if not _openai(backend):
            raise UsageError(f"{backend['name']} has no OpenAI API.", place="proxy.backends", hint="Choose olla or hops.")
    return {
        "peers": [
            {
                "name": backend["name"],
                "url": backend["url"] + backend["endpoints"].get("openai", "/v1").removesuffix("/v1"),
                "key_env": backend["key_env"] or "",
                "models": sorted({model["name"] for model in backend["models"]}),
            }
            for backend in backends
        ],
        "selectors": [
            {
                "alias": group.alias,
                "targets": [
                    f"{member.backend['name']}/{member.name}"
                    for member in sorted(group.members, key=lambda member: member.backend["preemptible"])
                ],
                "spillover": min(member.backend["slots"] for member in group.members),
                "context": group.context,
            }
            for group in groups
        ],
    }


_DETAILS: dict[str, Callable[[Sequence[Group], Sequence[Raw], bool], dict[str, Any]]] = {
    "litellm": _litellm,
    "olla": _olla,
    "nginx": _nginx,
    "llama-swap": _llama_swap,
}
GATEWAYS = tuple(_DETAILS)
