"""What a control group leaves of the machine's memory and processors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from setupgen.detect.text import to_int

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.detect.run import Runner

_ROOT = "/sys/fs/cgroup"


@dataclass(frozen=True, slots=True)
class Limits:
    """The strictest limits that hold for this process; None where there is none."""

    memory_bytes: int | None = None
    memory_used_bytes: int | None = None
    threads: int | None = None


def detect_limits(runner: Runner) -> Limits:
    """The limits of this process's group and of all groups around it."""
    text = runner.read("/proc/self/cgroup")
    groups = parse_groups(text) if isinstance(text, str) else {}
    memory: list[tuple[int, int | None]] = []
    threads: list[int] = []
    for folder in _folders(_ROOT, groups.get("", "/")):
        memory += _memory(runner, f"{folder}/memory.max", f"{folder}/memory.current")
        threads += [count for count in [parse_cpu_max(_read(runner, f"{folder}/cpu.max"))] if count]
    for folder in _folders(f"{_ROOT}/memory", groups.get("memory", "/")):
        memory += _memory(runner, f"{folder}/memory.limit_in_bytes", f"{folder}/memory.usage_in_bytes")
    for folder in _folders(f"{_ROOT}/cpu", groups.get("cpu", "/")):
        quota, period = _read(runner, f"{folder}/cpu.cfs_quota_us"), _read(runner, f"{folder}/cpu.cfs_period_us")
        threads += [count for count in [parse_cpu_max(f"{quota} {period}")] if count]
    limit, used = min(memory, default=(None, None), key=lambda pair: pair[0] or 0)
    return Limits(limit, used, min(threads, default=None))


def parse_groups(text: str) -> dict[str, str]:
    """Group paths of ``/proc/self/cgroup`` by controller; version 2 has the empty name."""
    groups: dict[str, str] = {}
    for line in text.splitlines():
        _, _, rest = line.partition(":")
        names, found, path = rest.partition(":")
        if found and path.startswith("/") and ".." not in path:
            for name in names.split(","):
                groups[name] = path
    return groups


def parse_cpu_max(text: str) -> int | None:
    """Whole threads that a quota amounts to, from ``quota period``; None where there is no quota."""
    words = text.split()
    quota, period = (to_int(words[0]), to_int(words[1])) if len(words) == 2 else (None, None)  # noqa: PLR2004
    return max(1, math.ceil(quota / period)) if quota and period else None


def _memory(runner: Runner, limit_path: str, used_path: str) -> list[tuple[int, int | None]]:
    limit = to_int(_read(runner, limit_path))
    return [(limit, to_int(_read(runner, used_path)))] if limit else []


def _folders(root: str, group: str) -> Iterator[str]:
    """The group's folder and the folders of all groups around it."""
    path = PurePosixPath(group)
    for part in [path, *path.parents]:
        yield root if str(part) == "/" else f"{root}{part}"


def _read(runner: Runner, path: str) -> str:
    text = runner.read(path)
    return text.strip() if isinstance(text, str) else ""
