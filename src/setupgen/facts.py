"""What is known about a need and about the hardware: values with an origin, or unknown with a reason.

`Unknown` is a value of its own, never `None` or 0. Facts are complete for the host they describe: nothing is ever filled in from the
machine that happens to run the program. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that nobody knows, and why."""

    reason: str

    def to_json(self) -> dict[str, str]:
        """As the public JSON writes it."""
        return {"unknown": self.reason}


@dataclass(frozen=True, slots=True)
class Needs:
    """What somebody wants from a setup.

    Attributes:
        use_case, experience: ids in the vocabularies.
        users: people or agents at the same time.
        context: tokens that each of them needs; -1 for as many as the model takes and fit.
        os: ``linux``, ``macos``, ``windows`` or ``wsl``.
        runtime: ``docker``, ``podman``, ``native``, ``kubernetes`` or ``nixos``.
        exposure: ``local``, ``lan`` or ``internet``.
        privacy: ``local`` (data must not leave) or ``any``.
        license: ``any``, ``commercial`` or ``open``.
        offline: nothing may be downloaded at run time.
        server, model, quant: insisted on, or empty.
        weights_file: a local file with the weights, or empty.
        also: further use cases, each with a model of its own behind the same server.
    """

    use_case: str
    experience: str = "balanced"
    users: int = 1
    context: int = 0
    os: str = "linux"
    runtime: str = "native"
    exposure: str = "local"
    privacy: str = "any"
    license: str = "any"
    offline: bool = False
    server: str = ""
    model: str = ""
    quant: str = ""
    weights_file: str = ""
    also: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As the public JSON writes it; what is not insisted on is left out."""
        shown: dict[str, Any] = {
            "use_case": self.use_case,
            "experience": self.experience,
            "users": self.users,
            "context": self.context if self.context > 0 else "max",
            "os": self.os,
            "runtime": self.runtime,
            "exposure": self.exposure,
            "privacy": self.privacy,
            "license": self.license,
            "offline": self.offline,
        }
        for key in ("server", "model", "quant", "weights_file"):
            if value := getattr(self, key):
                shown[key] = value
        if self.also:
            shown["also"] = list(self.also)
        return shown


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of accelerator in a host, `count` times.

    Attributes:
        id: device id in the knowledge base, or empty where it is unknown there.
        memory_bytes: memory of one of them (main memory where it is unified).
        driver: driver version, or unknown.
        capability: compute capability or gfx target.
        gpu_limit_bytes: what the GPU may use of unified memory, where the machine told; else 0.
    """

    id: str
    name: str
    vendor: str
    kind: str
    memory_bytes: int
    count: int = 1
    driver: str | Unknown = field(default_factory=lambda: Unknown("not stated"))
    capability: str = ""
    gpu_limit_bytes: int = 0

    def to_json(self) -> dict[str, Any]:
        """As the public JSON writes it."""
        return {"id": self.id, "name": self.name, "count": self.count, "memory_bytes": self.memory_bytes}


@dataclass(frozen=True, slots=True)
class Hardware:
    """The hardware of one host.

    Attributes:
        parts: accelerators; empty for a plain CPU.
        ram_bytes: main memory.
        cpu: device id of the CPU in the knowledge base.
        cpu_name: as stated or detected.
        ram_bandwidth_gb_s: measured or declared peak of main memory; 0 means that the CPU's own figure counts.
        threads: CPU threads available; 0 where unknown.
        disk_free_bytes: free space for models, or unknown.
        tools: versions of tools that the host has (``docker``, ``nvidia_container_toolkit`` ...), or unknown.
        architecture: of the processor, ``amd64`` or ``arm64``, where the machine told; else empty, and the devices tell.
        instance: id of the rented instance that this is, or empty.
    """

    parts: tuple[Part, ...]
    ram_bytes: int
    cpu: str
    cpu_name: str
    ram_bandwidth_gb_s: float = 0.0
    threads: int = 0
    disk_free_bytes: int | Unknown = field(default_factory=lambda: Unknown("not stated"))
    tools: tuple[tuple[str, str | Unknown], ...] = ()
    architecture: str = ""
    instance: str = ""

    @property
    def unified(self) -> bool:
        """Whether the accelerator shares main memory."""
        return any(part.kind == "unified" for part in self.parts)

    def to_json(self) -> dict[str, Any]:
        """As the public JSON writes it."""
        return {
            "devices": [part.to_json() for part in self.parts],
            "ram_bytes": self.ram_bytes,
            "cpu": self.cpu_name,
            "unified": self.unified,
        }


@dataclass(frozen=True, slots=True)
class Assumption:
    """A fact that nobody stated, the value taken for it and why."""

    fact: str
    value: Any
    because: str

    def to_json(self) -> dict[str, Any]:
        """As the public JSON writes it."""
        return {"fact": self.fact, "value": self.value, "because": self.because}


@dataclass(frozen=True)
class Facts:
    """Everything a plan is made from.

    Attributes:
        origins: dotted fact name (``needs.users``, ``hardware.ram_bytes``) to answered, detected, declared or assumed.
        assumptions: what was assumed while the facts were put together.
        clashes: sentences about sources that disagreed; each becomes a warning.
        today: the date to plan for, as ISO text; empty where it does not matter.
    """

    needs: Needs
    hardware: Hardware
    origins: Mapping[str, str] = field(default_factory=dict)
    assumptions: tuple[Assumption, ...] = ()
    clashes: tuple[str, ...] = ()
    today: str = ""

    def to_json(self) -> dict[str, Any]:
        """As the public JSON writes it."""
        return {
            "needs": self.needs.to_json(),
            "hardware": self.hardware.to_json(),
            "origins": dict(sorted(self.origins.items())),
        }
