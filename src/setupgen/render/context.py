"""What templates see beside the plan: names, the entries of `.env`, the answers. Words and layout only; nothing is decided here."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import setupgen
from setupgen.errors import UsageError
from setupgen.render.gateways import GATEWAYS, entries_of, gateway_of
from setupgen.render.hops import hosts_of
from setupgen.render.quoting import Quoted, find_forbidden

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ANSWERS_FILE = "setupgen.answers.yaml"
DEFAULT_COMMAND = f"setupgen write . --answers {ANSWERS_FILE}"
GIB = 1024**3
MIB = 1024**2
WEBUI_TLS_PORT = 8444
"""Where the proxy offers Open WebUI: a web front-end cannot live below a path of the API's address."""

_CONTAINER_RUNTIMES = ("docker", "podman")
_KEYED_METRICS = frozenset({"llama-cpp", "ramalama", "lemonade"})
"""Servers that ask for their key where their metrics are, too."""
_LONGEST_NAME = 50
_LONGEST_ANSWER = 32768
# The longest that a start may take before a health check counts: reading the weights, and downloading them at 100 Mbit/s.
_SHORTEST_START_S = 600
# Fields that hold sentences, where line breaks are fine.
_PROSE = frozenset({"because", "text", "tradeoff", "note"})


def context_of(plan: Mapping[str, Any], *, command: str, name: str = "") -> dict[str, Any]:
    """The variables of every template: the plan's own top-level keys, and ``setup``.

    Raises:
        UsageError: for a text in the plan that no file may hold; the message names the field.
    """
    check_texts(plan)
    choice = plan["choice"]
    runtime = choice.get("runtime") or "docker"
    proxy = choice.get("proxy") or {}
    settings = choice.get("settings") or {}
    auth = settings.get("auth") or {}
    needs = plan.get("facts", {}).get("needs", {})
    offline = bool(needs.get("offline"))
    is_windows = needs.get("os") == "windows"
    gateway = gateway_of(proxy, runtime) if proxy.get("id") in GATEWAYS else {}
    entries = [entry for entry in _entries(choice, runtime, gateway) if not (offline and entry["name"] == "HF_TOKEN")]
    setup = {
        "name": slug(name) if name else slug(f"{(choice.get('server') or {}).get('id', 'llm')}-{_last(choice)}"),
        "command": command or DEFAULT_COMMAND,
        "version": setupgen.__version__,
        "digest": plan.get("knowledge", {}).get("digest", ""),
        "entries": entries,
        "made": [entry["name"] for entry in entries if entry["make"]],
        "to_fill": [entry["name"] for entry in entries if not entry["make"] and not entry["value"] and entry["required"]],
        "environment": (settings.get("environment") or {}) | ((choice.get("container") or {}).get("environment") or {}),
        "start_period_s": _start_period(choice, offline=offline),
        "modelfile": _wants_modelfile(choice),
        "local_weights": choice.get("settings", {}).get("weights_file") or "",
        "answers": answers_of(plan),
        "is_windows": is_windows,
        "fence": Quoted("powershell" if is_windows else "sh"),
        "offline": offline,
        # Where the files lie that were fetched beforehand, beside README.md.
        "fetched": offline and not settings.get("weights_file"),
        "fetches": [_fetch_words(choice, model) for model in settings.get("models") or [choice]],
        "models": settings.get("models") or [],
        "beside": [
            {
                "use_case": model["use_case"],
                "alias": model["alias"],
                "path": _check_path(model["use_case"]),
                "body": json.dumps(_check_body(model)),
            }
            for model in (settings.get("models") or [])[1:]
        ],
        # One memory for everything: what lies in main memory is counted with the device.
        "shared": bool(plan.get("facts", {}).get("hardware", {}).get("unified")) or choice.get("backend") == "cpu",
        "devices": _alike(choice.get("memory") or {}),
        "claims": _claim_flag(choice),
        # The image that the program itself starts, where it does.
        "inner_image": _after(choice, "--image"),
        "prompt_cache_bytes": (settings.get("prompt_cache_mib") or 0) * MIB,
        "webui_port": WEBUI_TLS_PORT if proxy.get("id") == "caddy" and runtime in _CONTAINER_RUNTIMES else 0,
        "site": _site(choice),
        # For files that cannot read the environment: SITE_HOST stands for a name that is known only on the spot.
        "urls": _urls(choice),
        "default_sampling": _samples(choice),
        "hosts": hosts_of(proxy) if proxy.get("id") == "hops" else [],
        "gateway": gateway,
        "caddy": proxy.get("id") == "caddy",
        "tls": proxy.get("id") == "caddy" and bool(proxy.get("tls", True)),
        # Clients reach it by a name that only the user knows.
        "by_name": _by_name(choice),
        "local_url": _local_url(choice),
        "health_url": _local_url(choice) + ((choice.get("server") or {}).get("endpoints", {}).get("health") or "/"),
        "check_url": _check_url(choice),
        "metrics_target": _local_url(choice).removeprefix("http://"),
        "metrics_key": auth.get("env", "")
        if auth.get("by") == "server" and (choice.get("server") or {}).get("id") in _KEYED_METRICS
        else "",
        "programs": [*choice.get("settings", {}).get("program", ())[:1], "curl", *(["caddy"] if proxy.get("id") == "caddy" else [])],
        # Intel's libraries look for cards by these names.
        "by_path": choice.get("backend") == "sycl" and (choice.get("server") or {}).get("id") == "vllm",
        "own_key": auth.get("kind") == "api-key" and auth.get("by", "server") == "server",
        "compose": Quoted("podman-compose" if runtime == "podman" else "docker compose"),
        "output_limit": min(_LONGEST_ANSWER, max(1, settings.get("context", 0) // 4)),
        "check_path": _check_path(needs.get("use_case", "")),
        "check_body": json.dumps(_check_body({"alias": (choice.get("connection") or {}).get("model"), "use_case": needs.get("use_case")})),
        "stream_body": json.dumps(
            _check_body({"alias": (choice.get("connection") or {}).get("model"), "use_case": needs.get("use_case")}) | {"stream": True}
        ),
        "hf_token": any(entry["name"] == "HF_TOKEN" for entry in entries),
    }
    return {**plan, "plan": plan, "setup": setup}


def _claim_flag(choice: Mapping[str, Any]) -> str:
    """The option by which the server claims a share of the card at its start, or empty where it takes only what it needs."""
    flags = (choice.get("settings") or {}).get("flags", ())
    return next((flag for flag in ("--gpu-memory-utilization", "--mem-fraction-static") if flag in flags), "")


def _after(choice: Mapping[str, Any], flag: str) -> str:
    """The value of an option of the server, or empty where it does not have it."""
    flags = (choice.get("settings") or {}).get("flags", ())
    return str(flags[flags.index(flag) + 1]) if flag in flags else ""


def _local_url(choice: Mapping[str, Any]) -> str:
    """The server as this host reaches it without a proxy."""
    settings = choice.get("settings") or {}
    bind = settings.get("bind", "127.0.0.1")
    return f"http://{'127.0.0.1' if bind in {'0.0.0.0', '::', ''} else bind}:{settings.get('port', 0)}"  # noqa: S104  compared, not bound


def slug(text: str) -> str:
    """A name that compose projects, systemd units, launchd labels and DNS take: small letters, digits and dashes."""
    words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return words[:_LONGEST_NAME].strip("-") or "llm"


def qualified(image: str) -> str:
    """An image name with its registry, as podman wants it."""
    first, slash, _ = image.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return image
    return f"docker.io/{image}" if slash else f"docker.io/library/{image}"


def check_texts(plan: Mapping[str, Any]) -> None:
    """Refuse texts with characters that no generated file may hold.

    Raises:
        UsageError: naming the field and the character.
    """
    for path, text in texts_of(plan):
        first, last = path.partition(".")[0], path.rpartition(".")[2]
        if found := find_forbidden(text, prose=first != "choice" or last in _PROSE):
            raise UsageError(
                f"the text holds the character {found}, which would hide or break what generated files say.",
                place=path,
                hint="Give it in plain text, on one line.",
            )


def texts_of(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a plan with its dotted path; keys of mappings count as texts too."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield f"{path}.{key!r}", str(key)
            yield from texts_of(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from texts_of(item, f"{path}[{index}]")


def answers_of(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The answers that make this plan again: the plan's own, or put together from its facts."""
    if answers := plan.get("answers"):
        return dict(answers)
    facts = plan.get("facts", {})
    hardware = facts.get("hardware", {})
    answers = dict(facts.get("needs", {}))
    devices = [_device(device, unified=bool(hardware.get("unified"))) for device in hardware.get("devices", ())]
    answers["hardware"] = devices or ["cpu"]
    if hardware.get("ram_bytes"):
        answers["ram"] = f"{hardware['ram_bytes'] / GIB:g}GiB"
    if hardware.get("cpu"):
        answers["cpu"] = hardware["cpu"]
    return answers


def _device(device: Mapping[str, Any], *, unified: bool) -> str:
    name = str(device.get("name") or device.get("id"))
    if unified and device.get("memory_bytes") and not re.search(r"\d\s*G(i?B)?$", name, re.IGNORECASE):
        name = f"{name} {round(device['memory_bytes'] / GIB)}GB"
    return f"{device['count']}x {name}" if device.get("count", 1) > 1 else name


def _check_url(choice: Mapping[str, Any]) -> str:
    """The health check as clients reach it: through the proxy where there is one, which may be the only way in."""
    connection = choice.get("connection") or {}
    if (choice.get("proxy") or {}).get("id") == "caddy" and connection.get("base_url"):
        return str(connection["base_url"]) + ((choice.get("server") or {}).get("endpoints", {}).get("health") or "/")
    return str(connection.get("health_url") or _local_url(choice))


def _site(choice: Mapping[str, Any]) -> dict[str, str]:
    """The addresses that clients ask, cut where the host name stands: what is before it, the name, and what follows it for each API.

    With a proxy the name may be known only on the spot, as SITE_HOST.
    """
    connection = choice.get("connection") or {}
    base = str(connection.get("base_url") or "")
    host = str(connection.get("host") or "")
    before, _, after = base.partition(host) if host else (base, "", "")
    tails = {
        key: after + str(connection[f"{key}_url"]).removeprefix(base)
        for key in ("openai", "anthropic", "ollama")
        if connection.get(f"{key}_url")
    }
    health = (choice.get("server") or {}).get("endpoints", {}).get("health") or "/"
    known = bool((choice.get("proxy") or {}).get("address"))
    return {"before": before, "host": host, "after": after, "health": after + health, "known": "yes" if known else "", **tails}


def _urls(choice: Mapping[str, Any]) -> dict[str, str]:
    """The addresses of each API; with a proxy whose name nobody has said yet, SITE_HOST stands in its place."""
    connection = choice.get("connection") or {}
    site = _site(choice)
    unknown = bool(choice.get("proxy")) and not site["known"]
    return {
        key: f"{site['before']}SITE_HOST{site[key]}" if unknown else str(connection[f"{key}_url"])
        for key in ("openai", "anthropic", "ollama")
        if connection.get(f"{key}_url")
    }


def _fetch_words(choice: Mapping[str, Any], model: Mapping[str, Any]) -> list[str]:
    """What `hf download` takes after its own name to fetch exactly the weights of a model; a file in parts becomes a pattern."""
    weights = model.get("weights") or {}
    file = re.sub(r"-\d{5}-of-(\d{5}\.gguf)$", r"-*-of-\1", str(weights.get("file") or ""))
    words = [str(weights.get("repository") or "")]
    projector = (choice.get("settings") or {}).get("projector") is True if model is choice else "mmproj-auto" in model["options"]
    if weights.get("format") == "gguf":
        file = file or f"*{weights.get('quant')}*.gguf"
        if projector or "*" in file:
            words += ["--include", file]
        else:
            words.append(file)
        if projector:
            words += ["--include", "*mmproj*"]
    return words


def _alike(memory: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The devices, equal ones counted together; the fullest stands for its kind."""
    kinds: dict[tuple[str, int], dict[str, Any]] = {}
    for device in memory.get("devices", ()):
        kind = kinds.setdefault((device["name"], device["capacity_bytes"]), {**device, "count": 0})
        kind["count"] += 1
        kind["used_bytes"] = max(kind["used_bytes"], device["used_bytes"])
    return list(kinds.values())


def _samples(choice: Mapping[str, Any]) -> bool:
    """Whether the server itself samples as the plan says where a client asks for nothing else."""
    settings = choice.get("settings") or {}
    if (choice.get("server") or {}).get("id") == "lllms":  # its program holds them
        return {"temperature", "top_p", "top_k", "min_p", "presence_penalty"} >= set(choice.get("sampling") or {})
    own = next((model["options"] for model in settings.get("models") or ()), ())
    given = (*settings.get("flags", ()), *(settings.get("environment") or {}).values(), *own)
    text = " ".join(map(str, given)).replace("_", "-")
    names = [str(key).replace("_", "-").replace("temperature", "temp") for key in choice.get("sampling") or {}]
    return _wants_modelfile(choice) or all(name in text for name in names)


def _check_path(use_case: str) -> str:
    return "/embeddings" if use_case == "embeddings" else "/chat/completions"


def _check_body(model: Mapping[str, Any]) -> dict[str, Any]:
    """The smallest request that shows that a model works."""
    if model["use_case"] == "embeddings":
        return {"model": model["alias"], "input": "Say hello in one sentence."}
    return {"model": model["alias"], "messages": [{"role": "user", "content": "Say hello in one sentence."}]}


def _last(choice: Mapping[str, Any]) -> str:
    return str((choice.get("model") or {}).get("id", "model")).rsplit("/", maxsplit=1)[-1]


def _start_period(choice: Mapping[str, Any], *, offline: bool) -> int:
    start_s = max(_SHORTEST_START_S, int((choice.get("container") or {}).get("start_period_s") or 0))
    if offline or (choice.get("settings") or {}).get("weights_file"):
        return start_s
    return start_s + int((choice.get("weights") or {}).get("download_seconds_at_100mbit") or 0)


def _wants_modelfile(choice: Mapping[str, Any]) -> bool:
    """Ollama takes a name of our own, or a local file, only through a Modelfile."""
    if (choice.get("server") or {}).get("id") != "ollama":
        return False
    settings = choice["settings"]
    return bool(settings.get("weights_file")) or settings["alias"] != choice["weights"]["source"]


def _entry(name: str, about: str, *, make: bool = False, value: str = "", required: bool = True) -> dict[str, Any]:
    return {"name": name, "about": about, "make": make, "value": value, "required": required}


def _entries(choice: Mapping[str, Any], runtime: str, gateway: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What `.env` holds, each name once: secrets to make, and values that only the user or this host knows."""
    seen: set[str] = set()
    keys = [_entry(name, about, make=make) for name, about, make in entries_of(gateway)] if gateway else _keys(choice)
    for entry in (*keys, *_host_values(choice, runtime), *_companions(choice, runtime, gateway)):
        if entry["name"] not in seen:
            seen.add(entry["name"])
            yield entry


def _keys(choice: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    proxy = choice.get("proxy") or {}
    for auth in ((choice.get("settings") or {}).get("auth") or {}, proxy.get("auth") or {}):
        if auth.get("kind") == "api-key":
            yield _entry(auth["env"], "key that every client must send", make=True)
    for host in proxy.get("hosts", ()):
        for header, value in (host.get("headers") or {}).items():
            if isinstance(value, dict):
                yield _entry(value["env"], f"whole value of the header {header} that {host['id']} wants, such as: Bearer abc")


def _by_name(choice: Mapping[str, Any]) -> bool:
    proxy = choice.get("proxy") or {}
    return (proxy.get("id") == "caddy" and bool(proxy.get("tls", True))) or bool((choice.get("cluster") or {}).get("exposed"))


def _host_values(choice: Mapping[str, Any], runtime: str) -> Iterator[dict[str, Any]]:
    container = choice.get("container") or {}
    if runtime == "docker" and container.get("gpu") in {"rocm", "dri"}:
        yield _entry("VIDEO_GID", "number of this host's group video; prepare.sh fills it in")
        yield _entry("RENDER_GID", "number of this host's group render; prepare.sh fills it in")
    proxy = choice.get("proxy") or {}
    if _by_name(choice):
        about = (
            "name that clients type to reach the cluster"
            if choice.get("cluster")
            else "name or address that clients type to reach this host"
        )
        yield _entry("SITE_HOST", about, value=str(proxy.get("address") or ""))
    weights = choice.get("weights") or {}
    if weights.get("format") in {"gguf", "safetensors"} and (choice.get("server") or {}).get("id") != "ollama":
        if weights.get("gated"):
            yield _entry("HF_TOKEN", "a read token of Hugging Face, from an account that accepted this model's licence")
        else:
            yield _entry("HF_TOKEN", "only for models behind a licence page: a read token of Hugging Face; may stay empty", required=False)


def _companions(choice: Mapping[str, Any], runtime: str, gateway: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    wanted = "open-webui" in choice.get("clients", ()) and runtime in _CONTAINER_RUNTIMES
    if wanted or gateway.get("webui_urls"):
        yield _entry("WEBUI_SECRET_KEY", "signs the sessions of Open WebUI", make=True)
