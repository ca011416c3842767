"""How a candidate runs on Kubernetes: how many pods, what each asks for, and how long its start may take. Pure.

The result, `choice.cluster`, holds what every template of a cluster reads, already decided: names, sizes in GiB, seconds, words of the command
line. Which stack makes the pods is in `setupgen.engine.stacks`.
"""

from __future__ import annotations

import re
from math import ceil
from typing import TYPE_CHECKING, Any

from setupgen.engine import stacks
from setupgen.engine.plan import Decision
from setupgen.engine.stacks import NAMESPACE, PLAIN, RELEASE, STACKS
from setupgen.errors import UsageError
from setupgen.facts import Assumption
from setupgen.knowledge import GIB, MIB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from setupgen.engine.candidates import Candidate
    from setupgen.engine.host import Host
    from setupgen.engine.plan import Choice
    from setupgen.engine.settings import Seat
    from setupgen.knowledge import Server

CARDS_PER_NODE = 8
"""The most accelerators of the rented machines in the knowledge base; a copy of a model never spans nodes here, which is our own choice."""

LONGEST_LABEL = 63
LONGEST_NAME = 40
"""What the strictest of the stacks takes for a name (KubeAI, source k8s-kubeai-crd)."""

RESOURCES = {"nvidia": "nvidia.com/gpu", "amd": "amd.com/gpu", "intel": "gpu.intel.com/i915"}
"""Vendors to the resource that their device plug-in offers; Intel's is named after the kernel's driver (sources amd-gpu-plugin, intel-gpu-plugin)."""

LINK_BYTES_PER_S = 100_000_000 / 8
"""A download of 100 Mbit/s, as the plan's own download time assumes."""

READ_BYTES_PER_S = 100_000_000
"""Slow network storage. A judgement, on the safe side: a probe that gives up too early ends a server that still loads."""

WARM_UP_S = {"vllm": 600, "sglang": 600}
"""Compiling and measuring after the weights are read. Judgements on the safe side, as are the four below."""

USUAL_WARM_UP_S = 120
LEAST_START_S = 600
PROBE_PERIOD_S = 10
MARGIN = 1.25

ONE_CARD_SHM_GIB = 2
"""Shared memory for the processes of a server that has one card. A judgement: nothing goes between cards."""

SET_BY_STACK = {
    "ollama-operator": frozenset({"OLLAMA_HOST"}),
    "kubeai": frozenset({"OLLAMA_HOST", "OLLAMA_KEEP_ALIVE"}),
    "vllm-production-stack": frozenset({"HF_HOME"}),
}
"""Variables that a stack sets by itself, so that they must not come twice."""

USER = 1000
"""Number of the user inside containers where the device files allow any user."""

ROOT_BACKENDS = frozenset({"rocm", "vulkan", "sycl"})
"""Backends whose device files belong to root and to a group whose number differs between hosts."""


def resource_name(text: str, longest: int = LONGEST_NAME) -> str:
    """A name that every kind of object takes (a DNS label of RFC 1123, beginning with a letter)."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    name = name if name[:1].isalpha() else f"m-{name}"
    return name[:longest].strip("-") or "model"


def cluster_of(host: Host, candidate: Candidate, settings: Mapping[str, Any], container: Mapping[str, Any], flags: Sequence[str],
               environment: Mapping[str, str], download_bytes: int) -> dict[str, Any]:  # fmt: skip
    """The part `cluster` of a choice: what holds under every stack, what is particular to the one chosen, and the others in short.

    Args:
        host: the host, which stands for one node of the cluster.
        candidate: what runs.
        settings: the settings, after the rules.
        container: its container.
        flags: words of the server's command line, bound to all interfaces of the pod.
        environment: variables of the server.
        download_bytes: what is downloaded.

    Raises:
        UsageError: for what no pod can have here, or a stack that was insisted on and cannot serve the candidate.
    """
    for place, refused, message in (
        ("--weights-file", host.needs.weights_file, "a file of this machine cannot be read by pods."),
        ("--offline", host.needs.offline, "pods fetch the model when they first start; a cluster without a network is not supported."),
    ):
        if refused:
            raise UsageError(message, place=place, hint="Leave it out, or run it with --runtime docker.")
    server = candidate.deployment.server
    id_ = stacks.stack_id(host, settings)
    if reason := stacks.why_not(host, id_, candidate.deployment, candidate.model, candidate.source, candidate.replicas):
        raise UsageError(reason, place="--server" if stacks.stacks_of(host) else "cluster", hint="Leave --server out to see what fits.")
    cards = candidate.cards if candidate.deployment.backend != "cpu" else 0
    name = resource_name(str(settings["alias"]))
    shared = shared_memory_gib(server, candidate, container)
    memory = _memory_gib(host, candidate, int(settings["prompt_cache_mib"]), shared)

    def part(stack: str) -> dict[str, Any]:
        return _part(host, candidate, stack, settings, container, flags, environment, download_bytes)

    reasons = {
        other: stacks.why_not(host, other, candidate.deployment, candidate.model, candidate.source, candidate.replicas)
        for other in sorted(STACKS)
        if other != id_
    }
    return {
        "namespace": NAMESPACE,
        "release": RELEASE,
        "object": name,
        "secret": f"{name}-secrets",
        "replicas": int(settings["replicas"]),
        "gpu": {"resource": card_resource(host), "count": cards} if cards else None,
        "product": _product(host) if cards else "",
        "cpu": _cores(host, candidate),
        "memory_gib": memory,
        "memory_limit_gib": _limit_gib(host, memory),
        "shm_gib": shared,
        "per_card": {
            "cpu": ceil(_cores(host, candidate) / max(1, cards)),
            "memory_gib": ceil(memory / max(1, cards)),
            "memory_limit_gib": ceil(_limit_gib(host, memory) / max(1, cards)),
            "storage_gib": ceil(storage_gib(download_bytes) / max(1, cards)),
        },
        "port": container["port"],
        "health": server.raw.get("endpoints", {}).get("health", "/"),
        "security": _security(server, candidate.deployment.backend),
        "exposed": host.needs.exposure != "local",
        **part(id_),
        "stacks": {other: part(other) for other, reason in reasons.items() if not reason},
        "cannot": {other: reason for other, reason in reasons.items() if reason},
    }


def on_node(cluster: Mapping[str, Any], seat: Seat) -> dict[str, Any]:
    """The part `cluster` of a server that a fleet puts on one node: its own namespace, plain objects, and a port of the node that leads to its door."""
    name = resource_name(seat.name, LONGEST_LABEL)
    return {
        **cluster,
        "namespace": resource_name(seat.space, LONGEST_LABEL),
        "object": name,
        "secret": f"{name}-secrets",
        "node": seat.node,
        "product": "",
        "exposed": False,
        "door": {**cluster["door"], "service": name, "port": seat.port},
        "stacks": {},
        "cannot": {},
    }


def _part(host: Host, candidate: Candidate, id_: str, settings: Mapping[str, Any], container: Mapping[str, Any], flags: Sequence[str],
          environment: Mapping[str, str], download_bytes: int) -> dict[str, Any]:  # fmt: skip
    """What a stack makes of the same choice."""
    server = candidate.deployment.server
    stack = host.pack.servers.get(id_)
    copies = int(settings["replicas"])
    name = resource_name(str(settings["alias"]))
    storage = _storage(id_, copies, download_bytes)
    data = _folder(id_, storage["kind"])
    args = [*container.get("command_prefix", ()), *stacks.words_for(id_, server, flags)]
    return {
        "id": id_,
        "name": stack.name if stack else "Kubernetes",
        "version": stack.version if stack else "",
        "model": stacks.model_name(id_, name, settings, candidate),
        "args": args,
        "keywords": stacks.keywords_of(args) if id_ == "ray-serve-llm" else {},
        "data": data,
        "environment": _environment(id_, server, container, environment, data),
        "storage": storage,
        "startup": _startup(id_, server, download_bytes, candidate),
        "routing": STACKS[id_].routing if copies > 1 else "",
        "door": stacks.door_of(id_, name, settings),
    }


def card_resource(host: Host) -> str:
    """The resource that pods ask for to get the host's cards.

    Raises:
        UsageError: for a vendor whose device plug-in is not known.
    """
    group = host.group
    vendor = group.vendor if group else ""
    if vendor not in RESOURCES:
        raise UsageError(
            f"No device plug-in is known that offers cards of {vendor} to pods.", place="hardware", hint="Run it with --runtime docker."
        )
    driver = group.devices[0].raw.get("linux_driver") if group else None
    return f"gpu.intel.com/{driver}" if vendor == "intel" and driver else RESOURCES[vendor]


def _product(host: Host) -> str:
    """The card as NVIDIA's feature discovery labels a node with it: the driver's name with dashes."""
    device = host.group.devices[0] if host.group else None
    return device.name.replace(" ", "-") if device and device.vendor == "nvidia" and device.name.startswith("NVIDIA") else ""


def _cores(host: Host, candidate: Candidate) -> int:
    """Cores that a pod asks for. Judgements: half of a node's where the processor computes, else a few for each card's process."""
    if candidate.deployment.backend == "cpu" or candidate.estimate.memory.fits == "partial":
        return max(2, host.hardware.threads // 2)
    return min(16, 4 + 2 * (candidate.cards - 1)) if candidate.deployment.server.id in WARM_UP_S else 2


def shared_memory_gib(server: Server, candidate: Candidate, container: Mapping[str, Any]) -> int:
    """Size of /dev/shm: what the server's image asks for where several cards talk through it, else a little for its processes."""
    asked = _gib(str(container.get("shm_size") or ""))
    return asked if candidate.cards > 1 else min(asked, ONE_CARD_SHM_GIB) if server.id in WARM_UP_S else 0


def _memory_gib(host: Host, candidate: Candidate, prompt_cache_mib: int, shared_gib: int) -> int:
    """Main memory that one pod asks for: what the plan counts there with the prompt cache, a process for each card (8 GiB, a judgement), and shared memory."""
    memory = candidate.estimate.memory
    own = memory.total_bytes if candidate.deployment.backend == "cpu" or not memory.devices else memory.host_bytes
    process = 8 * max(1, candidate.cards) if candidate.deployment.server.id in WARM_UP_S else 2
    return max(4, min(ceil((own + prompt_cache_mib * MIB) / GIB) + process + shared_gib, _allocatable_gib(host)))


def _limit_gib(host: Host, asked: int) -> int:
    """Twice what is asked for, as far as a node has it; the page cache of the weights counts and is given back under pressure."""
    return max(asked, min(2 * asked, _allocatable_gib(host)))


def _allocatable_gib(host: Host) -> int:
    """What a node of this size leaves to pods: nine tenths, a judgement."""
    return int(host.hardware.ram_bytes * 0.9 / GIB)


def _gib(size: str) -> int:
    match = re.fullmatch(r"(\d+)\s*g(i?b)?", size.strip().lower())
    return int(match[1]) if match else 0


def _storage(id_: str, copies: int, download_bytes: int) -> dict[str, Any]:
    """Where the weights lie: one claim for one pod, a claim for each copy of a StatefulSet, or the node's own disk."""
    kind = "claim"
    if id_ in {"kubeai", "kserve"}:
        kind = "scratch"
    elif copies > 1:
        kind = "claims" if id_ == PLAIN else "scratch"
    return {"kind": kind, "gib": storage_gib(download_bytes)}


def storage_gib(download_bytes: int) -> int:
    """The download, a fifth more and 10 GiB for caches, in steps of 5 GiB: room that we chose."""
    return ceil((ceil(download_bytes * 1.2 / GIB) + 10) / 5) * 5


def _folder(id_: str, kind: str) -> str:
    """Where the volume is seen in the container; empty where the stack decides."""
    if id_ in {"kubeai", "kserve", "ollama-operator"}:
        return ""
    return "/tmp" if id_ == "vllm-production-stack" and kind == "scratch" else "/data"  # noqa: S108 - where its chart lets the server write


def _environment(id_: str, server: Server, container: Mapping[str, Any], given: Mapping[str, str], data: str) -> dict[str, str]:
    """Variables of the server, with every folder that it writes below the volume, less those that the stack sets."""
    volume = str(container.get("volume") or "")
    moved = {key: str(value).replace(volume, data) if volume else str(value) for key, value in container.get("environment", {}).items()}
    own: dict[str, str] = {}
    if id_ in {PLAIN, "vllm-production-stack"}:
        own["HOME"] = f"{data}/home"
    if id_ in {PLAIN, "vllm-production-stack", "kserve"} and server.id in WARM_UP_S:
        own["USER"] = server.id  # torch asks for the name of a user whose number has none
    if id_ == PLAIN and server.id == "ollama":
        own["OLLAMA_MODELS"] = f"{data}/models"
    if data:
        own |= moved
    taken = SET_BY_STACK.get(id_, frozenset())
    return dict(sorted((key, value) for key, value in {**own, **given}.items() if key not in taken))


def _startup(id_: str, server: Server, download_bytes: int, candidate: Candidate) -> dict[str, int]:
    """How long the start-up probe waits: download, reading and warming up, with a margin; `fetch_s` is a download that comes before it."""
    before = STACKS[id_].loads_before or (id_ == PLAIN and server.id == "ollama")
    fetch = download_bytes / LINK_BYTES_PER_S
    download = 0 if before else fetch
    read = float(candidate.facts["weights.gib"]) * GIB / READ_BYTES_PER_S
    seconds = max(LEAST_START_S, MARGIN * (download + read) + WARM_UP_S.get(server.id, USUAL_WARM_UP_S))
    failures = ceil(seconds / 60) * 60 // PROBE_PERIOD_S
    return {
        "period_s": PROBE_PERIOD_S,
        "failures": failures,
        "seconds": failures * PROBE_PERIOD_S,
        "fetch_s": round(fetch - download),
        "download_s": round(download),
        "read_s": round(read),
        "warm_up_s": WARM_UP_S.get(server.id, USUAL_WARM_UP_S),
    }


def _security(server: Server, backend: str) -> dict[str, Any]:
    """The rights of the container: none but what the vendor's image needs to reach its cards."""
    raw = server.backends.get(backend, {}).get("container", {})
    open_seccomp = "seccomp=unconfined" in raw.get("security_options", ())
    return {
        "user": 0 if backend in ROOT_BACKENDS else USER,
        "capabilities": sorted(raw.get("capabilities", ())) if backend in ROOT_BACKENDS else [],
        "seccomp": "Unconfined" if open_seccomp else "RuntimeDefault",
    }


def decisions(host: Host, best: Candidate, choice: Choice) -> Iterator[Decision]:
    """What the cluster decided, each with its numbers."""
    cluster = choice.cluster
    if not cluster:
        return
    stack = host.pack.servers.get(cluster["id"])
    if stacks.stacks_of(host) and stack:
        text = f"You asked for {stack.name}; it runs {best.deployment.server.name} here."
        yield Decision("cluster", stack.id, text, "needs.server", tuple(host.pack.urls(stack.sources[:2])))
    start = cluster["startup"]
    parts = [f"{start['download_s']} s to download at 100 Mbit/s"] if start["download_s"] else []
    parts += [f"{start['read_s']} s to read from slow storage (100 MB/s)", f"{start['warm_up_s']} s to warm up"]
    yield Decision(
        "cluster.startup.seconds",
        start["seconds"],
        f"The startup probe waits {start['failures']} times {start['period_s']} s before a pod counts as failed: {', '.join(parts)}, and a quarter more.",
        "cluster.startup",
    )
    storage = cluster["storage"]
    kinds = {
        "claim": "one claim for the one pod",
        "claims": "a claim for each copy, because most clusters have no storage that several nodes may write (ReadWriteMany)",
        "scratch": "on the disk of the pod's node, so that a new pod downloads it again",
    }
    yield Decision(
        "cluster.storage.gib",
        storage["gib"],
        f"The download of {choice.download_bytes / GIB:.1f} GiB and a fifth more, and 10 GiB for caches: {kinds[storage['kind']]}.",
        "cluster.storage",
    )


def assumptions(choice: Choice | None) -> tuple[Assumption, ...]:
    """What is taken to hold of a cluster of which only cards and memory are known."""
    if choice is None or not choice.cluster:
        return ()
    because = (
        f"Cards that are named together are taken to sit in nodes of up to {CARDS_PER_NODE}, the memory (--ram) to be that of each node,"
        " and the vendor's device plug-in or GPU operator to run."
    )
    return (Assumption("cluster.cards_per_node", CARDS_PER_NODE, because),)
