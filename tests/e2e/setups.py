"""A written setup that can be started, asked and stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WAIT_S = 60
ANSWER_S = 240
"""Seconds for an answer: on a busy machine the threads of node-llama-cpp take a minute for eight tokens."""

NATIVE = ("--runtime", "native", "--os", "linux", "--hardware", "cpu", "--ram", "16G", "--server", "llama-cpp")


@dataclass
class Answer:
    """What the server said."""

    status: int
    body: bytes
    headers: Any = None

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Setup:
    """A folder that setupgen wrote; `start` runs its own script on a free port, by the override that the run book offers."""

    folder: Path
    program: Path
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def plan(self) -> dict[str, Any]:
        return json.loads((self.folder / "setupgen.plan.json").read_text("utf-8"))

    @property
    def choice(self) -> dict[str, Any]:
        return self.plan["choice"]

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text("utf-8", "replace")

    def secrets(self) -> dict[str, str]:
        lines = (self.folder / ".env").read_text("utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))

    def client(self, address: str) -> str:
        """An address out of the client settings, with the port that this test runs on."""
        written = f":{self.choice['settings']['port']}"
        assert address.startswith(f"http://127.0.0.1{written}"), address
        return address.replace(written, f":{self.port}", 1)

    def start(self, *arguments: str) -> Setup:
        """Run the generated script until the server is healthy; further arguments go the user's way, into `override.args`."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (self.folder / "override.args").write_text("\n".join(["--port", str(self.port), *arguments]), encoding="utf-8")
        (self.folder / "override.env").write_text(f"PORT={self.port}\n", encoding="utf-8")
        bin_folder = self.folder.parent / "bin"
        bin_folder.mkdir(exist_ok=True)
        link = bin_folder / "llama-server"
        if not link.exists():
            link.symlink_to(self.program)
        environment = {"PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "HOME": str(self.folder.parent)}
        with (self.folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                [self.folder / "serve.sh"], stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment, start_new_session=True
            )
        until = time.monotonic() + WAIT_S
        while self.ask(self.choice["server"]["endpoints"]["health"]).status != 200:
            assert self._process.poll() is None, f"the server ended:\n{self.log[-4000:]}"
            assert time.monotonic() < until, f"not healthy after {WAIT_S} s:\n{self.log[-4000:]}"
            time.sleep(0.05)
        return self

    def stop(self) -> None:
        """End the server and everything that it started."""
        if self._process is None:
            return
        for sign, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
            try:
                os.killpg(self._process.pid, sign)
                self._process.wait(patience)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
            break
        self._process.wait(10)
        self._process = None

    def ask(self, address: str, document: Any = None, *, key: str = "", **headers: str) -> Answer:
        """Ask the server: a path of it, or a whole address out of a client's settings."""
        url = address if address.startswith("http") else f"http://127.0.0.1:{self.port}{address}"
        data = None if document is None else json.dumps(document).encode()
        sent = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
        request = urllib.request.Request(url, data, sent | {name.replace("_", "-"): value for name, value in headers.items()})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=ANSWER_S) as response:
                return Answer(response.status, response.read(), response.headers)
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read(), error.headers)
        except (urllib.error.URLError, ConnectionError):
            return Answer(0, b"")


def written(folder: Path, program: Path, *options: str, main: Any = None, base: Sequence[str] = NATIVE) -> Setup:
    """A setup written by the program as a whole process, or by `main` in this one."""
    arguments = ["write", str(folder), *base, *options]
    if main is not None:
        assert main(arguments) == 0
    else:
        result = subprocess.run([sys.executable, "-m", "setupgen", *arguments], capture_output=True, text=True, check=False, timeout=60)
        assert result.returncode == 0, result.stderr
    return Setup(folder, program)
