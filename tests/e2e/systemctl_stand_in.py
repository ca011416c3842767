"""Stands in for `systemctl --user`: starts, asks for and ends what the units in `~/.config/systemd/user` say, with a service's bare environment."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

HOME = Path(os.environ["HOME"])
RUN = HOME / "units"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PATIENCE_S = 20


def unit(name: str) -> dict[str, str]:
    path = HOME / ".config" / "systemd" / "user" / f"{name}.service"
    if not path.is_file():
        sys.exit(f"Failed: Unit {name}.service not found.")
    pairs = [line.split("=", 1) for line in path.read_text("utf-8").splitlines() if "=" in line and not line.startswith("#")]
    return {key: value.replace("%h", str(HOME)) for key, value in pairs}


def alive(name: str) -> int:
    """The process of a unit, or 0."""
    try:
        process = int((RUN / f"{name}.pid").read_text("utf-8"))
        os.killpg(process, 0)
    except (OSError, ValueError):
        return 0
    return process


def stop(name: str) -> None:
    if process := alive(name):
        os.killpg(process, signal.SIGTERM)
        until = time.monotonic() + PATIENCE_S
        while alive(name) and time.monotonic() < until:
            time.sleep(0.05)


def start(name: str) -> None:
    command = shlex.split(unit(name)["ExecStart"])
    RUN.mkdir(exist_ok=True)
    with (RUN / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={"HOME": str(HOME), "PATH": PATH},
            cwd="/",
        )
    (RUN / f"{name}.pid").write_text(str(process.pid), "utf-8")


def main(words: list[str]) -> int:
    match [word for word in words if word not in {"--user", "--quiet", "--now"}]:
        case ["show-environment"] | ["daemon-reload"]:
            return 0
        case ["is-active", name]:
            return 0 if alive(name) else 3
        case ["enable", name]:
            unit(name)
        case ["restart", name]:
            stop(name)
            start(name)
        case ["disable", name]:
            stop(name)
        case _:
            sys.exit(f"Unknown command verb {words}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
