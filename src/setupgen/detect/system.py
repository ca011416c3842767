"""The operating system, and whether it runs inside WSL or a container."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from setupgen.detect.run import answer, read_word
from setupgen.detect.text import clean, pairs, version_in
from setupgen.facts import Unknown

if TYPE_CHECKING:
    from setupgen.detect.run import Runner
    from setupgen.detect.windows import WindowsReport

FAMILIES = {"linux": "linux", "darwin": "macos", "win32": "windows"}
_CONTAINER_GROUPS = re.compile(r"/(?:docker|kubepods|lxc|libpod|containerd|crio|buildkit)[/.\-]|libpod-|cri-containerd-")
_DISK_ROOT = re.compile(r"^\d+ \d+ \d+:\d+ / / .* - \w+ /dev/(?:sd|vd|xvd|nvme|mmcblk)", re.MULTILINE)


def detect_system(runner: Runner, windows: WindowsReport) -> dict[str, Any]:
    """Family, name and version of the operating system."""
    family = FAMILIES.get(runner.platform, clean(runner.platform))
    found: dict[str, Any] = {
        "family": family,
        "name": Unknown("not told"),
        "version": Unknown("not told"),
        "wsl": False,
        "container": False,
    }
    if family == "linux":
        release = runner.read("/etc/os-release")
        found |= parse_os_release(release) if isinstance(release, str) else {"name": release, "version": release}
        kernel = read_word(runner, "/proc/sys/kernel/osrelease")
        found |= {"kernel": kernel or Unknown("/proc/sys/kernel/osrelease: not there")}
        found |= {"wsl": is_wsl(kernel, read_word(runner, "/proc/version")), "container": is_container(runner)}
    elif family == "macos":
        output = answer(runner, "sw_vers")
        found |= parse_sw_vers(output) if isinstance(output, str) else {"name": "macOS", "version": output}
    elif family == "windows":
        found |= {"name": windows.system_name, "version": windows.system_version}
    return found


def parse_os_release(text: str) -> dict[str, Any]:
    """Name and version from ``/etc/os-release``."""
    values = {key: value.strip("\"'") for key, value in pairs(text, "=")}
    name = clean(values.get("PRETTY_NAME") or values.get("NAME", ""))
    version = clean(values.get("VERSION_ID") or values.get("BUILD_ID", ""))
    return {
        "name": name or Unknown("/etc/os-release: has no name"),
        "version": version or Unknown("/etc/os-release: has no version (a rolling release)"),
    }


def parse_sw_vers(text: str) -> dict[str, Any]:
    """Name and version from macOS' ``sw_vers``."""
    values = dict(pairs(text))
    version = version_in(values.get("ProductVersion", "")) or clean(values.get("ProductVersion", ""))
    return {"name": clean(values.get("ProductName", "")) or "macOS", "version": version or Unknown("sw_vers: printed no version")}


def is_wsl(*kernel_texts: str) -> bool:
    """Whether these are the words of the kernel that Windows starts for WSL."""
    return any("microsoft" in text.lower() or "wsl2" in text.lower() for text in kernel_texts)


def is_container(runner: Runner) -> bool:
    """Whether this is the inside of a container.

    A virtual machine made from an image keeps the image's ``/.dockerenv``; its root is a disk all the same, so it is no container.
    """
    groups = runner.read("/proc/1/cgroup", keep=False)
    if isinstance(groups, str) and _CONTAINER_GROUPS.search(groups):
        return True
    manager = runner.read("/run/systemd/container", keep=False)
    if runner.environment("KUBERNETES_SERVICE_HOST") or (isinstance(manager, str) and manager.strip() not in ("", "wsl")):
        return True
    if not isinstance(runner.read("/.dockerenv", keep=False), str) and not isinstance(runner.read("/run/.containerenv", keep=False), str):
        return False
    mounts = runner.read("/proc/self/mountinfo", keep=False)
    return not (isinstance(mounts, str) and _DISK_ROOT.search(mounts))
