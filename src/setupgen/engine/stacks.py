"""The stacks of a cluster: plain objects, or an operator or platform that makes them. What each runs, passes on and is reached by. Pure.

The plan's stack is what a rule set (`settings.cluster`), or the one that the user insists on (`--server kserve`). `choice.cluster.stacks` holds
every other one that could serve the same choice, so that `write --target` can take it without planning anew.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from setupgen.engine.candidates import Candidate
    from setupgen.engine.deployments import Deployment
    from setupgen.engine.host import Host
    from setupgen.knowledge import Model, Server

RUNTIME = "kubernetes"
PLAIN = "kubernetes"
"""The stack without an operator: a Deployment or StatefulSet and what belongs to it."""

NAMESPACE = "llm"
RELEASE = "llm"
"""Name of a Helm release."""

API_PREFIX = "/v1"
DOOR_PORT = 443

_GPU = frozenset({"cuda"})
_OLLAMA_IMAGE = re.compile(r"[a-z0-9_.-]+(:[A-Za-z0-9._-]+)?")
"""What the ollama-operator takes for a model: its parser refuses capitals before the tag, and it loads the last part of a path only."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What is particular to a stack.

    Attributes:
        passed: words that it gives to the server by itself, so that they must not come twice; "model" is the first argument.
        backends: backends that it can run; empty for all.
        loads_before: whether the weights are on the volume before the server's start-up probe counts.
        router: how it spreads requests over copies, for the reader; empty where the Service does it.
        routing: the name of that in its own files.
        drops_key: whether the server's own check of a key is left out.
    """

    passed: tuple[str, ...] = ()
    backends: frozenset[str] = frozenset()
    loads_before: bool = False
    router: str = ""
    routing: str = ""
    drops_key: bool = False


STACKS: dict[str, Stack] = {
    PLAIN: Stack(routing="ClientIP"),
    "ollama-operator": Stack(backends=frozenset({"cuda", "cpu"}), loads_before=True),
    "kubeai": Stack(
        passed=("model", "--served-model-name"),
        backends=_GPU,
        router="Its proxy hashes the beginning of a prompt (PrefixHash), so a conversation stays with one copy, and starts copies on demand.",
        routing="PrefixHash",
    ),
    "vllm-production-stack": Stack(
        passed=("model", "--host", "--port", "--max-model-len", "--max-num-seqs", "--tensor-parallel-size", "--enable-prefix-caching",
                "--enable-auto-tool-choice", "--tool-call-parser", "--gpu-memory-utilization"),
        backends=_GPU,
        router="Its router sends a request to the copy that served the same prefix (prefixaware), so caches are used instead of filled again.",
        routing="prefixaware",
    ),
    "kserve": Stack(
        passed=("model", "--served-model-name", "--host", "--port", "--tensor-parallel-size"),
        backends=_GPU,
        loads_before=True,
        router="The endpoint picker of its InferencePool looks at prefix caches and queues of all copies before it sends a request "
        "(longest prefix, least loaded).",
        routing="endpoint picker",
    ),
    "ray-serve-llm": Stack(
        passed=("model", "--served-model-name", "--host", "--port", "--sse-keep-alive-interval", "--disable-fastapi-docs"),
        backends=_GPU,
        router="Ray Serve's prefix-aware request router keeps prompts with the same beginning on one copy.",
        routing="PrefixCacheAffinityRouter",
        drops_key=True,
    ),
}  # fmt: skip


def stacks_of(host: Host) -> tuple[str, ...]:
    """Servers that the stack which the user insists on can run, or nothing where none was asked for."""
    wanted = host.pack.servers[host.needs.server] if host.needs.server else None
    return tuple(wanted.raw.get("fronts", ())) if wanted and wanted.kind == "cluster" and wanted.settings.get("manifests") else ()


def stack_id(host: Host, settings: Mapping[str, Any]) -> str:
    """The stack that the user insists on, else the rules' choice, else plain objects."""
    return host.needs.server if stacks_of(host) else str(settings.get("cluster") or PLAIN)


def asks_for_a_key(host: Host, server: Server) -> bool:
    """Whether the server checks a key even where it is not exposed: the other pods of a cluster are no part of this setup."""
    return host.needs.runtime == RUNTIME and bool(server.raw.get("key_variable"))


def why_not(host: Host, id_: str, deployment: Deployment, model: Model, source: str, replicas: int = 1) -> str:
    """Why a stack cannot serve this server, with a model of this pull name and in so many copies, as a sentence; or empty."""
    server = deployment.server
    stack = STACKS[id_]
    if id_ == PLAIN:
        return ""
    known = host.pack.servers[id_]
    fronts = tuple(known.raw.get("fronts", ()))
    if server.id not in fronts:
        below = " or ".join(host.pack.servers[name].name for name in fronts if name in host.pack.servers)
        return f"{known.name} runs {below}, not {server.name}. `--server {id_}` plans for it."
    if host.needs.exposure != "local" and (stack.drops_key or server.id == "ollama"):
        return f"{known.name} asks for no key, so that others must not reach it."
    if stack.backends and deployment.backend not in stack.backends:
        return f"{known.name} is written for {' or '.join(sorted(stack.backends))} here, not for {deployment.backend}."
    architectures = known.backends.get(deployment.backend, {}).get("architectures")
    if architectures and host.architecture not in architectures:
        return f"{known.name} has images for {' and '.join(architectures)} only, not for {host.architecture}."
    unknown = known.settings.get("lacks_architectures", ()), known.settings.get("lacks_models", ())
    if model.architecture.type in unknown[0] or model.id in unknown[1]:
        return f"The engine that {known.name} {known.version} brings is too old for {model.name}."
    if id_ == "ollama-operator" and not _OLLAMA_IMAGE.fullmatch(source):
        return f"{known.name} takes plain names of Ollama's library only, and this model is {source}."
    if id_ == "ollama-operator" and replicas > 1:
        return f"Copies of {known.name} share one claim, which only some storage lets several nodes write."
    return ""


def words_for(id_: str, server: Server, flags: Sequence[str]) -> list[str]:
    """The server's words without those that the stack passes by itself."""
    given = STACKS[id_].passed
    kept: list[str] = []
    skip = False
    for index, word in enumerate(flags):
        if skip:
            skip = False
        elif index == 0 and not word.startswith("-") and "model" in given:
            continue
        elif word in given:
            skip = bool(dict(server.flags.get(word, {})).get("takes"))
        else:
            kept.append(word)
    return kept


def keywords_of(words: Sequence[str]) -> dict[str, Any]:
    """Options of a command line as Python keywords: `--max-model-len 8192 --language-model-only` as names with a number and true."""
    found: dict[str, Any] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name = word.removeprefix("--").replace("-", "_")
            off = name.startswith("no_")
            name = name.removeprefix("no_")
            found[name] = not off
        else:
            found[name] = _value(word)
    return found


def _value(word: str) -> Any:
    """A number, a mapping or a list where the word is one in JSON; else the word."""
    try:
        value = json.loads(word)
    except ValueError:
        return word
    return value if isinstance(value, (int, float, dict, list)) else word


def model_name(id_: str, name: str, settings: Mapping[str, Any], candidate: Candidate) -> str:
    """The name under which clients ask: KubeAI takes the object's, the ollama-operator the one that was pulled."""
    if id_ == "kubeai":
        return name
    return candidate.source if id_ == "ollama-operator" else str(settings["alias"])


def door_of(id_: str, name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The Service that clients are led to, and the path before the API's own."""
    doors: dict[str, tuple[str, int, str]] = {
        "kubeai": ("kubeai", 80, "/openai"),
        "vllm-production-stack": (f"{RELEASE}-router-service", 80, ""),
        "kserve": ("", 80, f"/{NAMESPACE}/{name}"),
        "ray-serve-llm": (f"{name}-serve-svc", 8000, ""),
    }
    service, port, prefix = doors.get(id_, (name, int(settings["port"]), ""))
    return {"service": service, "port": port, "prefix": prefix}


def endpoints_of(id_: str, server: Server, prefix: str) -> dict[str, str]:
    """The server's addresses as the stack passes them on: the OpenAI API everywhere, others only where nothing stands between."""
    known = server.raw.get("endpoints", {})
    if id_ in {PLAIN, "ollama-operator"}:
        return dict(known)
    kept = {"openai": prefix + API_PREFIX}
    if id_ in {"vllm-production-stack", "kserve"} and "anthropic" in known:
        kept["anthropic"] = prefix
    return kept


def proxy_of(host: Host, id_: str, settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """What stands between clients and copies: the stack's router, and an Ingress or Gateway where others reach it."""
    copies = int(settings["replicas"])
    exposed = host.needs.exposure != "local"
    stack = STACKS[id_]
    reasons = []
    if copies > 1:
        reasons.append(stack.router or "The Service keeps each client on the copy that has its prefix in the cache (session affinity).")
    if exposed:
        reasons.append(
            f"Others can reach it ({host.needs.exposure}): TLS ends at the cluster's door, and only {API_PREFIX} is let through."
        )
    if not reasons:
        return None
    known = host.pack.servers.get(id_)
    return {
        "id": id_ if stack.router and copies > 1 else "ingress" if exposed else "service",
        "version": known.version if known and stack.router and copies > 1 else "",
        "image": "",
        "because": " ".join(reasons),
        "tls": exposed,
        "auth": dict(settings["auth"]),
        "port": DOOR_PORT if exposed else int(settings["port"]),
        "address": "",
    }
