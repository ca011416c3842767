"""Turns a candidate into a complete choice: settings, command line, container, connection and clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from setupgen.engine import clusters, stacks
from setupgen.engine.deployments import IMAGE_RUNTIMES
from setupgen.engine.launch import launch, loading
from setupgen.engine.paged import sglang_chunk
from setupgen.engine.pictures import picture_settings
from setupgen.engine.plan import Choice
from setupgen.engine.thinking import thinking_settings
from setupgen.engine.weights import download_bytes
from setupgen.knowledge import GIB, MIB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from setupgen.engine.candidates import Candidate
    from setupgen.engine.host import Host
    from setupgen.engine.memory import Memory
    from setupgen.knowledge import Server

LOOPBACK = "127.0.0.1"
KEY_VARIABLE = "SETUPGEN_API_KEY"
PROXY_PORT = 8443
LONGEST_ANSWER = 32768
"""Tokens of an answer, for servers that stop early unless told otherwise; a quarter of the context where that is less."""

PROMPTS_KEPT = 4
"""Full contexts that are worth keeping in main memory, so that changing between conversations costs no reading."""


VISIBLE = {"cuda": "CUDA_VISIBLE_DEVICES", "rocm": "HIP_VISIBLE_DEVICES", "vulkan": "GGML_VK_VISIBLE_DEVICES"}
"""Variables by which a program sees only some of a host's accelerators."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a fleet puts a server on a host, and how its proxy reaches it.

    Attributes:
        bind: address on which the host answers.
        port: port on which the host answers.
        alias: name under which the model is served.
        inner_port: port of the server itself where a proxy on the host asks for the key; another than `port`.
        devices: numbers of the accelerators that it may use; empty for all.
        node: the node of a cluster that the host is; empty where it is none.
        name: name of the server in the fleet, for objects of a cluster.
        space: name of its namespace.
    """

    bind: str
    port: int
    alias: str
    inner_port: int = 0
    devices: tuple[int, ...] = ()
    node: str = ""
    name: str = ""
    space: str = ""


def choose(host: Host, candidate: Candidate, score: Mapping[str, float], seat: Seat | None = None) -> Choice:
    """The complete choice that a candidate stands for; with a seat, as a member of a fleet."""
    server = candidate.deployment.server
    settings = base_settings(host, candidate)
    if seat:
        settings["alias"] = seat.alias
        local = host.needs.exposure == "local"
        settings.update({"bind": seat.bind, "port": seat.port} if local else {"port": seat.inner_port})
    for effect in candidate.effects:
        if effect.kind == "set":
            settings.update({key.removeprefix("settings."): value for key, value in effect.values if not key.startswith("sampling.")})
    settings |= picture_settings(host, candidate.model)
    settings |= thinking_settings(candidate.model, server, str(settings.get("thinking", "")))
    container = container_of(host, candidate) if candidate.deployment.runtime in IMAGE_RUNTIMES else {}
    listening = dict(settings)
    if container:
        listening.update(bind="0.0.0.0", port=container["port"])  # noqa: S104 - inside the container; published on loopback only
        if host.needs.weights_file:
            container["weights_path"] = listening["weights_file"] = (
                "/weights/" + host.needs.weights_file.replace("\\", "/").rsplit("/", 1)[-1]
            )
    flags, environment = launch(server, listening)
    if load := loading(server, listening):
        settings["load"] = load
    if seat and seat.devices:
        container, environment = pinned(candidate, container, environment, seat.devices)
    size = download_bytes(candidate.model.architecture, candidate.weights)
    if candidate.deployment.runtime == stacks.RUNTIME:
        settings["cluster"] = stacks.PLAIN if seat else stacks.stack_id(host, settings)
        cluster = clusters.cluster_of(host, candidate, settings, container, flags, environment, size)
        for part in cluster["stacks"].values():
            part.update(ways_in(host, candidate, settings, part))
        if seat:
            cluster = clusters.on_node(cluster, seat)
            proxy = proxy_of(host, server, settings["auth"], seat)
            connection = connection_of(settings, server.raw.get("endpoints", {}), proxy, candidate.workload.context)
        else:
            ways = ways_in(host, candidate, settings, cluster)
            proxy, connection, settings["auth"] = ways["proxy"], ways["connection"], ways["auth"]
    else:
        cluster = {}
        proxy = proxy_of(host, server, settings["auth"], seat)
        connection = connection_of(settings, server.raw.get("endpoints", {}), proxy, candidate.workload.context)
    return Choice(
        model=candidate.model,
        weights=candidate.weights,
        weights_bytes=round(float(candidate.facts["weights.gib"]) * GIB),
        source=candidate.source,
        server=server,
        image=candidate.deployment.image,
        runtime=candidate.deployment.runtime,
        backend=candidate.deployment.backend,
        settings={**settings, "program": list(server.raw.get("program", ())), "flags": flags, "environment": environment},
        container=container,
        connection=connection,
        sampling=sampling_of(host, candidate),
        memory=with_prompt_cache(candidate, settings["prompt_cache_mib"], unified=host.hardware.unified),
        speed=candidate.estimate.speed,
        clients=clients_of(host, candidate),
        score=score,
        proxy=proxy,
        download_bytes=size,
        cluster=cluster,
    )


def ways_in(host: Host, candidate: Candidate, settings: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """The proxy, the connection and the authentication of a cluster's stack, by these names."""
    auth = {"kind": "none"} if stacks.STACKS[part["id"]].drops_key else settings["auth"]
    named = {**settings, "alias": part["model"], "auth": auth}
    proxy = stacks.proxy_of(host, part["id"], named)
    endpoints = stacks.endpoints_of(part["id"], candidate.deployment.server, part["door"]["prefix"])
    return {"proxy": proxy, "connection": connection_of(named, endpoints, proxy, candidate.workload.context), "auth": auth}


def base_settings(host: Host, candidate: Candidate) -> dict[str, Any]:
    """Settings before rules change any, with every key that a server's `launch` may read."""
    server, workload = candidate.deployment.server, candidate.workload
    placement = candidate.estimate.memory.placement
    features = server.raw.get("features", {})
    parsers = candidate.model.parsers.get(server.id, {})
    tools = bool(host.use_case["tool_calls"] and features.get("tool_calls") and "tools" in candidate.model.capabilities)
    embeds = host.use_case["task"] == "embedding"
    kept = prompt_cache_mib(host, candidate)
    return {
        "alias": alias_of(candidate),
        "answer_limit": min(LONGEST_ANSWER, max(1, workload.context // 4)),
        "auth": auth_of(server) if host.needs.exposure != "local" or stacks.asks_for_a_key(host, server) else {"kind": "none"},
        "backend": candidate.deployment.backend,
        "bind": LOOPBACK,
        "cache_type_k": workload.cache_k,
        "cache_type_v": workload.cache_v,
        "chunk": sglang_chunk(where[0].capacity_bytes) if (where := candidate.estimate.memory.devices) else None,
        "context": workload.context,
        "context_total": workload.context * workload.parallel,
        "embeddings": embeds and "embedding" in candidate.model.tasks,
        "flash_attention": True,
        "keep_alive": "30m",
        "kv_cache_gib": -(-candidate.estimate.memory.kv_cache_bytes // GIB) or None,
        "kv_unified": bool(server.settings.get("kv_unified")),
        "loaded_models": 1,
        "metrics": True,
        "model_context": candidate.model.native_context,
        "offline": host.needs.offline,
        "offload": {"kind": placement.kind, "gpu_layers": placement.gpu_layers, "n_cpu_moe": placement.n_cpu_moe},
        "parallel": workload.parallel,
        "port": server.port,
        "privacy": host.needs.privacy,
        "projector": "vision" in host.use_case["capabilities"] if "image" in candidate.model.inputs else None,
        "prompt_cache_limit_bytes": candidate.estimate.memory.kv_cache_bytes + kept * MIB,
        "prompt_cache_mib": kept,
        "reasoning_parser": parsers.get("reasoning"),
        "replicas": candidate.replicas,
        "runtime": candidate.deployment.runtime,
        "sampling": sampling_of(host, candidate) if not embeds else {},
        "rerank": embeds and "rerank" in candidate.model.tasks,
        "memory_share": candidate.claim_share if "memory_claim" in server.settings else None,
        "tensor_parallel": placement.tensor_parallel,
        "tensor_split": ",".join(str(share) for share in placement.tensor_split) or None,
        "threads": host.hardware.threads or None,
        "tool_calls": tools,
        "tool_parser": parsers.get("tool") if tools else None,
        "ubatch": workload.ubatch,
        "unified": host.hardware.unified,
        "repository_file": candidate.weights.file if ":" not in candidate.source and candidate.weights.file else None,
        "weights_file": host.needs.weights_file or None,
        "weights_name": host.needs.weights_file.rpartition("/")[2] or None,
        "weights_source": candidate.source,
    }


def alias_of(candidate: Candidate) -> str:
    """The name that clients ask for: the model's, or that of its weights for servers that know no other name."""
    named = candidate.deployment.server.settings.get("served_name")
    if named == "lowered":
        name, colon, tag = candidate.source.rpartition(":")
        return name.replace("hf.co/", "huggingface.co/", 1).lower() + colon + tag
    return candidate.source if named == "source" else candidate.model.id.rsplit("/", maxsplit=1)[-1]


def minimum_driver(host: Host, backend: Mapping[str, Any]) -> str:
    """The oldest driver that the image works with: a newer one where its kernels must be compiled for this card at the first start."""
    compiled = backend.get("compiled_capabilities")
    if compiled and str(host.lookup["hardware.capability"]) not in compiled:
        return str(backend.get("minimum_driver_compiling", backend.get("minimum_driver", "")))
    return str(backend.get("minimum_driver", ""))


def auth_of(server: Server) -> dict[str, Any]:
    """Who checks the key and which variable holds it: the server's own variable, or ours where a proxy must check it."""
    variable = server.raw.get("key_variable")
    if variable:
        return {"kind": "api-key", "env": variable, "by": "server"}
    return {"kind": "api-key", "env": KEY_VARIABLE, "by": "proxy"}


def prompt_cache_mib(host: Host, candidate: Candidate) -> int:
    """Main memory for llama.cpp's prompt cache: four full contexts, at most its default of 8 GiB and a quarter of what is free."""
    default = int(candidate.deployment.server.settings.get("host_prompt_cache_mib", 0))
    memory = candidate.estimate.memory
    unified = host.hardware.unified or not memory.devices or candidate.deployment.backend == "cpu"
    taken = memory.total_bytes if unified else memory.host_bytes
    spare = max(host.hardware.ram_bytes - taken, 0)
    useful = max(GIB, PROMPTS_KEPT * memory.kv_cache_bytes)
    return min(default, int(min(spare / 4, useful) / MIB) // 256 * 256)


def with_prompt_cache(candidate: Candidate, mib: int, *, unified: bool) -> Memory:
    """The memory estimate with the prompt cache that llama.cpp may fill in main memory; the model's own total stays as it is."""
    memory, size = candidate.estimate.memory, mib * MIB
    shared = candidate.deployment.backend == "cpu" or unified
    devices = memory.devices
    if shared and devices:
        first = devices[0]
        devices = (first._replace(used_bytes=min(first.used_bytes + size, first.capacity_bytes)), *devices[1:])
    return memory._replace(devices=devices, host_bytes=memory.host_bytes + size)


def container_of(host: Host, candidate: Candidate) -> dict[str, Any]:
    """What a container needs to run this candidate."""
    server = candidate.deployment.server
    raw = server.container
    group = host.group
    gpu = {"cuda": "nvidia", "rocm": "rocm", "vulkan": "dri", "sycl": "dri"}.get(candidate.deployment.backend, "none")
    needed = server.backends.get(candidate.deployment.backend, {}).get("container", {})
    packages = list(raw.get("additions", {}).get(host.needs.use_case, ()))
    own_image = f"localhost/setupgen-{server.id}-{host.needs.use_case}:{server.version}"
    return {
        "image": own_image if packages else candidate.deployment.image,
        "base_image": candidate.deployment.image,
        "packages": packages,
        "command_prefix": list(raw.get("command", ())),
        "port": raw["port"],
        "volume": raw.get("volume", ""),
        "volume_name": f"{server.id}-models",
        "health": list(raw.get("health", ())),
        "gpu": gpu,
        "cap_add": list(needed.get("capabilities", ())),
        "security_opt": list(needed.get("security_options", ())),
        "gpu_count": candidate.cards * candidate.replicas or (group.count if group else 0),
        "minimum_driver": minimum_driver(host, server.backends.get(candidate.deployment.backend, {})),
        "shm_size": raw.get("shm_size", ""),
        "ipc": raw.get("ipc", ""),
        "environment": dict(raw.get("environment", {})),
        "start_period_s": 600 if download_bytes(candidate.model.architecture, candidate.weights) < 40 * GIB else 3600,
    }


def pinned(
    candidate: Candidate, container: dict[str, Any], environment: dict[str, str], devices: tuple[int, ...]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Container and environment of a server that may use these accelerators only."""
    backend = candidate.deployment.backend
    if container and backend == "cuda":
        return {**container, "gpu_devices": list(devices)}, environment
    numbers = ",".join(str(device) for device in devices)
    order = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"} if backend == "cuda" else {}
    return container, {**environment, **order, **({VISIBLE[backend]: numbers} if backend in VISIBLE else {})}


def proxy_of(host: Host, server: Server, auth: Mapping[str, Any], seat: Seat | None = None) -> dict[str, Any] | None:
    """The proxy in front of the server: none on this host alone, else one that brings TLS and, if need be, asks for the key."""
    if host.needs.exposure == "local":
        return None
    caddy = host.pack.servers["caddy"]
    checks = (
        "The proxy and the server both check the key"
        if auth.get("by") == "server"
        else f"{server.name} asks for no key, so the proxy checks it"
    )
    own = {"id": caddy.id, "version": caddy.version, "image": caddy.backends["cpu"]["image"], "auth": dict(auth)}
    if seat:
        because = f"The fleet's proxy reaches this host over the network: Caddy asks it for a key. {checks}."
        return {**own, "because": because, "tls": False, "port": seat.port, "bind": seat.bind, "address": seat.bind}
    return {
        **own,
        "because": f"Others can reach it ({host.needs.exposure}): the proxy brings TLS and long time-outs. {checks}.",
        "tls": True,
        "port": PROXY_PORT if host.needs.exposure == "lan" else 443,
        "address": "",
    }


def connection_of(
    settings: Mapping[str, Any], endpoints: Mapping[str, str], proxy: Mapping[str, Any] | None, context: int
) -> dict[str, Any]:
    """How clients on this host reach the server."""
    tls, own = bool(proxy and proxy["tls"]), str(settings["bind"])
    base = f"https://localhost:{proxy['port']}" if proxy and tls else f"http://{own}:{settings['port']}"
    if proxy and not tls and "bind" in proxy:  # one of a fleet
        own = _in_address(proxy["bind"])
        base = f"http://{own}:{proxy['port']}"

    def address(name: str) -> str | None:
        return base + endpoints[name] if name in endpoints else None

    return {
        "host": "localhost" if tls else own,
        "base_url": base,
        "openai_url": address("openai"),
        "anthropic_url": address("anthropic"),
        "ollama_url": address("ollama"),
        "health_url": f"http://{settings['bind']}:{settings['port']}{endpoints.get('health', '/')}",
        "model": settings["alias"],
        "key_env": settings["auth"].get("env"),
        "context": context,
    }


def _in_address(name: str) -> str:
    """A name or number as an address holds it."""
    return f"[{name}]" if ":" in name else name


def sampling_of(host: Host, candidate: Candidate) -> dict[str, float]:
    """Sampling for this experience: the publisher's, by use case, then experience, then default; rules may change single values."""
    published = candidate.model.sampling
    for key in (host.needs.use_case, host.needs.experience, "default"):
        if key in published:
            sampling = dict(published[key])
            break
    else:
        sampling = {}
    for effect in candidate.effects:
        if effect.kind == "set":
            sampling.update({key.removeprefix("sampling."): value for key, value in effect.values if key.startswith("sampling.")})
    return sampling


def clients_of(host: Host, candidate: Candidate) -> tuple[str, ...]:
    """Client programs that suit the use case and speak one of the server's dialects, in the use case's order."""
    spoken = set(candidate.deployment.server.apis)
    known = host.pack.clients
    return tuple(name for name in host.use_case["clients"] if name in known and spoken & set(known[name]["apis"]))
