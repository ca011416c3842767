"""Programs that a setup may need: which of them are installed, and in which version."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from setupgen.detect.run import read_word
from setupgen.detect.text import glimpse, version_in
from setupgen.facts import Unknown

if TYPE_CHECKING:
    from setupgen.detect.run import Output, Runner

COMMANDS: dict[str, tuple[str, ...]] = {
    "docker": ("docker", "--version"),
    "compose": ("docker", "compose", "version", "--short"),
    "podman": ("podman", "--version"),
    "podman_compose": ("podman-compose", "--version"),
    "nvidia_container_toolkit": ("nvidia-ctk", "--version"),
    "kubectl": ("kubectl", "version", "--client"),
    "nix": ("nix", "--version"),
    "ollama": ("ollama", "--version"),
    "llama_server": ("llama-server", "--version"),
}
_NIX_FLAVOUR = re.compile(r"\([^()]*\)")
_BUILD = re.compile(r"version: (?:b)?(\d{3,})\b")


def detect_tools(runner: Runner) -> dict[str, str | Unknown]:
    """Versions by tool. They are asked at the same time, so that one that hangs costs its time limit once."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        outputs = dict(zip(COMMANDS, pool.map(lambda command: runner.run(*command), COMMANDS.values()), strict=True))
    found = {name: read_version(name, output) for name, output in outputs.items()}
    rocm = version_in(read_word(runner, "/opt/rocm/.info/version"))
    return found | {"rocm": rocm or Unknown("not installed")}


def read_version(name: str, output: Output | Unknown) -> str | Unknown:
    """The version in what a tool printed, or why there is none."""
    if isinstance(output, Unknown):
        return Unknown("not installed") if output.reason.endswith("not installed") else output
    if output.exit != 0:
        failed = f"{output.command[0]}: failed with exit status {output.exit}: {output.complaint}"
        return Unknown("not installed" if name == "compose" else failed)
    version = parse_version(name, f"{output.stdout}\n{output.stderr}")
    if name == "docker" and "podman" in (output.stdout + output.stderr).lower():
        return Unknown("not installed (the docker command here is podman's)")
    return version or Unknown(f"{output.command[0]}: prints no version ({glimpse(output.complaint)})")


def parse_version(name: str, text: str) -> str | None:
    """The version as the tool's makers write it."""
    if name == "llama_server":
        match = _BUILD.search(text)
        return f"b{match[1]}" if match else None
    if name == "nix":
        return version_in(_NIX_FLAVOUR.sub("", text))
    return version_in(text)
