"""Hosts of a fleet on one machine: each has a home and programs of its own, and starts what its folder holds by the fleet's own script.

What no test machine has is stood in for: systemd's user manager by `systemctl_stand_in.py`, the place where weights are fetched by `Hub`.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
COMMIT = "c" * 40


class Hub:
    """Answers as the hub of models does: branches, the files of a commit, and the files; a repository with a known word in its name holds one."""

    def __init__(self, weights: dict[str, Path]) -> None:
        self.taken: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.answer(self)

            def do_HEAD(self) -> None:
                hub.answer(self)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self.weights = weights
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.partition("?")[0]
        repository = "/".join(path.removeprefix("/api/models").strip("/").split("/")[:2])
        word = next((word for word in self.weights if word in repository.lower()), None)
        if word is None:
            return self._send(request, b"{}", 404)
        weights = self.weights[word]
        name = f"{repository.rpartition('/')[2].removesuffix('-GGUF')}-Q8_0.gguf"
        if path.endswith("/refs"):
            return self._send(request, json.dumps({"branches": [{"name": "main", "targetCommit": COMMIT}]}).encode())
        if f"/tree/{COMMIT}" in path:
            entry = {"type": "file", "path": name, "size": weights.stat().st_size, "oid": "d" * 40}
            return self._send(request, json.dumps([entry]).encode())
        if path == f"/{repository}/resolve/{COMMIT}/{name}":
            if request.command == "GET":
                self.taken.append(repository)
            return self._send(request, weights.read_bytes())
        return self._send(request, b"{}", 404)

    @staticmethod
    def _send(request: BaseHTTPRequestHandler, body: bytes, status: int = 200) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(body)


@dataclass
class Machine:
    """A host: a home, programs in it, and what runs there."""

    home: Path
    programs: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bin.mkdir(parents=True)
        for name, target in {**self.programs, "systemctl": HERE / "systemctl_stand_in.py"}.items():
            self._program(name, target)

    def _program(self, name: str, target: Path) -> None:
        if target.suffix != ".py":
            (self.bin / name).symlink_to(target)
            return
        (self.bin / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" "{target}" "$@"\n', "utf-8")
        (self.bin / name).chmod(0o755)

    @property
    def bin(self) -> Path:
        return self.home / ".local" / "bin"

    @property
    def environment(self) -> dict[str, str]:
        """What a login there has."""
        return {"HOME": str(self.home), "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}"}

    def log(self, unit: str) -> str:
        """What a unit has said."""
        path = self.home / "units" / f"{unit}.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def kill(self) -> None:
        """Everything that runs here ends at once, as when the power goes."""
        for path in (self.home / "units").glob("*.pid"):
            try:
                os.killpg(int(path.read_text("utf-8")), signal.SIGKILL)
            except ProcessLookupError:
                continue


def free_ports(count: int) -> int:
    """The first of some ports in a row that nobody has."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first = probe.getsockname()[1]
        taken = []
        try:
            for port in range(first, first + count):
                taken.append(socket.socket())
                taken[-1].bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            continue
        else:
            return first
        finally:
            for one in taken:
                one.close()
