"""Which servers can run on a host at all, on which backend, and how they are started: before any model is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from setupgen.engine.plan import Rejection
from setupgen.engine.stacks import stacks_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from setupgen.engine.host import Group, Host
    from setupgen.engine.rules import Judgement
    from setupgen.knowledge import Server

USUAL_ARCHITECTURES = ("amd64", "arm64")
"""Processors that an image is taken to exist for where its server does not say."""

IMAGE_RUNTIMES = ("docker", "podman", "kubernetes")
_STATUS = {"maintenance": "only maintained", "dormant": "dormant", "archived": "archived"}


@dataclass(frozen=True, slots=True)
class Deployment:
    """One way to run a server on this host: on a backend, by a runtime, from an image (empty for a native program)."""

    server: Server
    backend: str
    runtime: str
    image: str


def deployments(host: Host, judgement: Judgement) -> tuple[list[Deployment], list[Rejection]]:
    """All ways to run an inference server here, and why the other servers cannot.

    Args:
        host: the host.
        judgement: the rules that hold for the host; their excludes apply.
    """
    found: list[Deployment] = []
    refused: list[Rejection] = []
    for server in host.pack.servers.values():
        if server.kind != "inference":
            continue
        reason = _server_reason(host, server)
        if reason:
            refused.append(Rejection("", "", server.id, (reason[0],), reason[1], tuple(host.pack.urls(server.sources[:1]))))
            continue
        usable, reasons = _backends(host, server)
        kept, excluded = _apply_rules(usable, judgement)
        found.extend(kept)
        if not kept:
            if excluded:
                rules = sorted(excluded, key=lambda item: item[0])
                # Where only a CPU build was left, why the accelerator's cannot be used comes first.
                why = list(dict.fromkeys(reasons)) if all(item.backend == "cpu" for item in usable) else []
                text = " ".join((*why, rules[0][1]))
                refused.append(Rejection("", "", server.id, tuple(item[0] for item in rules), text, tuple(host.pack.urls(rules[0][2]))))
            else:
                text = "; ".join(dict.fromkeys(reasons)) or f"{server.name} has no build for this hardware."
                refused.append(Rejection("", "", server.id, ("deployment.backend",), text, tuple(host.pack.urls(server.sources[:1]))))
    return found, refused


def _server_reason(host: Host, server: Server) -> tuple[str, str] | None:
    """Why the server is out of the question whatever the backend, as (formula id, sentence)."""
    needs = host.needs
    below = stacks_of(host)
    if needs.server and server.id != needs.server and server.id not in below:
        return "needs.server", f"You asked for {host.pack.servers[needs.server].name}."
    if below and needs.runtime != "kubernetes":
        return "server.runtimes", f"{host.pack.servers[needs.server].name} runs on Kubernetes: add --runtime kubernetes."
    if server.status != "active" and server.id != needs.server:
        use = " or ".join(host.pack.servers[id_].name for id_ in server.raw.get("instead", {}).get("use", ()))
        advice = f"use {use} instead" if use else "nothing new should be built on it"
        return "server.status", f"{server.name} is {_STATUS[server.status]}; {advice}."
    if not server.launch:
        why = server.raw.get("unplanned")
        return "server.launch", f"setupgen knows {server.name}, but writes no files for it{': ' + why.rstrip('.') if why else ' yet'}."
    if server.raw.get("on_request") and server.id != needs.server:
        return "server.on_request", f"{server.name} is set up for who asks for it: --server {server.id}."
    if needs.os not in server.platforms:
        return "server.platforms", f"{server.name} does not run on {needs.os}."
    if needs.runtime not in server.runtimes:
        known = ", ".join(server.runtimes)
        return "server.runtimes", f"{server.name} is not offered under {needs.runtime} here; it can be run as: {known}."
    return None


def _backends(host: Host, server: Server) -> tuple[list[Deployment], list[str]]:
    """The server's backends that this host can use, best first, and why the others cannot."""
    reasons: list[str] = []
    group = host.group
    usable: list[Deployment] = []
    names = tuple(name for device in (group.devices if group else ()) for name in device.backends)
    wanted = tuple(dict.fromkeys(name for name in names if name != "cpu")) or ("cpu",)
    for name in (*wanted, "cpu"):
        entry = server.backends.get(name)
        if any(item.backend == name for item in usable):
            continue
        if entry is None:
            if name != "cpu" or wanted == ("cpu",):
                reasons.append(f"{server.name} has no {name} build.")
            continue
        if reason := backend_reason(host, server, name, entry, group):
            reasons.append(reason)
            continue
        image = image_of(host, entry)
        usable.append(Deployment(server, name, host.needs.runtime, image if host.needs.runtime in IMAGE_RUNTIMES else ""))
    return usable, reasons


def backend_reason(host: Host, server: Server, name: str, entry: Mapping[str, Any], group: Group | None) -> str:
    """Why this backend of the server cannot be used here, or empty."""
    needs = host.needs
    if reason := _offer_reason(host, server, name, entry):
        return reason
    if needs.os not in entry.get("platforms", server.platforms):
        return f"{server.name} has no {name} build for {needs.os}."
    if needs.runtime not in entry.get("runtimes", server.runtimes):
        return f"{server.name} cannot use {name} under {needs.runtime}."
    if needs.runtime in IMAGE_RUNTIMES and not image_of(host, entry):
        return f"{server.name} publishes no {name} image for this processor."
    if needs.os == "macos" and needs.runtime in IMAGE_RUNTIMES and name != "cpu":
        return "Containers on macOS cannot use the GPU."
    if name == "cpu" or group is None:
        return ""
    for part, device in zip(group.parts, group.devices, strict=True):
        if name not in device.backends:
            return f"{device.name} does not run {name}."
        capability = part.capability or device.capability
        minimum = entry.get("minimum_capability")
        if minimum and not capability:
            return f"{server.name} needs compute capability {minimum}, and that of {device.name} is not known."
        if minimum and _version(capability) < _version(str(minimum)):
            return f"{server.name} needs compute capability {minimum} or newer; {device.name} has {capability}."
        targets = entry.get("targets")
        if targets and capability and capability not in targets:
            return f"{server.name}'s {name} build does not cover {capability} ({device.name})."
    return ""


def _offer_reason(host: Host, server: Server, name: str, entry: Mapping[str, Any]) -> str:
    """Why a backend that is offered under conditions is not offered here, or empty."""
    if entry.get("on_request") and host.needs.server != server.id:
        return f"{server.name} with {name} is set up for who asks for it: --server {server.id}."
    if entry.get("one_card") and host.group and host.group.count > 1:
        return f"Setups of {server.name} with {name} are made for one card, and there are {host.group.count}: {entry['one_card']}."
    return ""


def image_of(host: Host, entry: Mapping[str, Any]) -> str:
    """The backend's image for the host's processor, or empty."""
    architecture = host.architecture
    if architecture not in entry.get("architectures", (architecture,) if architecture in USUAL_ARCHITECTURES else ()):
        return ""
    if entry.get("image_cuda13") and group_needs_cuda13(host):
        return str(entry["image_cuda13"])
    by_target = entry.get("images_by_target", {}).get(host.lookup["hardware.capability"], entry.get("image", ""))
    return str(entry.get("images", {}).get(architecture, by_target))


CUDA13_CAPABILITY = (12, 1)
"""GB10's compute capability: programs built with CUDA 12 hold no code for it."""


def group_needs_cuda13(host: Host) -> bool:
    """Whether the host's accelerators can only be driven by programs built with CUDA 13."""
    capability = str(host.lookup["hardware.capability"] or "")
    return host.group is not None and host.group.vendor == "nvidia" and _version(capability) >= CUDA13_CAPABILITY


def _apply_rules(usable: list[Deployment], judgement: Judgement) -> tuple[list[Deployment], list[tuple[str, str, list[str]]]]:
    kept: list[Deployment] = []
    excluded: list[tuple[str, str, list[str]]] = []
    for item in usable:
        tags = {"server": item.server.id, "backend": item.backend, "runtime": item.runtime}
        hits = list(excluding(judgement, tags, partial=True))
        if hits:
            excluded.extend(hits)
        else:
            kept.append(item)
    return kept, excluded


def excluding(judgement: Judgement, tags: Mapping[str, Any], *, partial: bool) -> Iterator[tuple[str, str, list[str]]]:
    """The rules that exclude something with these tags, as (rule id, sentence, source ids).

    Args:
        judgement: effects that hold.
        tags: what is known of the thing so far.
        partial: only selectors that these tags answer completely count; otherwise a missing tag counts as no match.
    """
    for effect in judgement.of("exclude"):
        if partial and not all(key in tags for key, _ in effect.selector):
            continue
        if effect.selects(tags):
            yield effect.rule.id, effect.rule.because, list(effect.rule.sources)
    for effect in judgement.of("require"):
        if partial and not all(key in tags for key, _ in effect.selector):
            continue
        if not effect.selects(tags):
            yield effect.rule.id, effect.rule.because, list(effect.rule.sources)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())
