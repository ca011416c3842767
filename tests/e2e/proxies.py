"""A proxy's folder as a fleet writes it, its program started in front of two real llama-servers, and what every proxy must then do."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from setupgen.cli.pack import load_pack
from setupgen.output.write import write
from setupgen.render.files import render_proxy

ALIAS = "tiny"
QUESTION = {"model": ALIAS, "messages": [{"role": "user", "content": "Say hello."}], "temperature": 0}
LONG = 600
WAIT_S = 180


@dataclass
class Proxy:
    """A proxy's folder, and the program that its `serve.sh` started."""

    folder: Path
    port: int
    process: Any = field(repr=False)
    key: str = field(repr=False, default="")

    @property
    def log(self) -> str:
        return (self.folder / "proxy.log").read_text("utf-8", "replace")

    @contextlib.contextmanager
    def stream(self, path: str, document: Any = None, *, key: str = ""):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
        try:
            connection.request("GET" if document is None else "POST", path, json.dumps(document) if document else None, headers)
            yield connection.getresponse()
        finally:
            connection.close()

    def ask(self, path: str, document: Any = None, *, key: str = "") -> tuple[int, Any]:
        with self.stream(path, document, key=key) as answer:
            body = answer.read()
        return answer.status, body

    def answers(self, path: str) -> bool:
        with contextlib.suppress(OSError):
            return self.ask(path)[0] == 200
        return False

    def stop(self) -> None:
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
                return


@pytest.fixture
def servers(setup_of, chat_model):
    """Two setups that others may reach, so that each asks for a key that `setupgen write` made."""
    options = ("--use-case", "chat", "--exposure", "lan", "--context", "8k", "--weights-file", str(chat_model))
    return [setup_of(*options).start("--threads", "1") for _ in range(2)]


@pytest.fixture
def proxy_of(servers):
    """Starts a proxy in front of the servers; everything it needs lies in the folder that was written."""
    folder = Path(tempfile.mkdtemp(prefix="setupgen-e2e-"))
    folder.chmod(0o755)  # a root's nginx works as nobody
    started: list[Proxy] = []

    def begin(id_: str, health: str, program: Path, *, asks: bool = True) -> Proxy:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        model = {"alias": ALIAS, "context": 8192, "task": "chat", "tools": True, "vision": False}
        backends = [
            {
                "name": f"host-{index}",
                "url": f"http://127.0.0.1:{server.port}",
                "server": "llama-cpp",
                "apis": ["openai", "anthropic"],
                "health": "/health",
                "key_env": f"HOST_{index}_KEY",
                "slots": 1,
                "models": [model | {"name": server.choice["connection"]["model"]}],
            }
            for index, server in enumerate(servers)
        ]
        auth = {"kind": "api-key", "env": "FLEET_KEY"} if asks else {"kind": "none"}
        wanted = {"id": id_, "bind": "127.0.0.1", "port": port, "auth": auth, "runtime": "native", "backends": backends}
        made = render_proxy(wanted, load_pack().templates, knowledge={})
        place = folder / id_
        write(made.files, place, modes=made.modes, secrets=made.secrets)
        place.chmod(0o755)
        keys = {f"HOST_{index}_KEY": server.secrets()["LLAMA_API_KEY"] for index, server in enumerate(servers)}
        text = (place / ".env").read_text("utf-8")
        for name, value in keys.items():
            text = text.replace(f"{name}=\n", f"{name}={value}\n")
        (place / ".env").write_text(text, "utf-8")
        environment = {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder)}
        with (place / "proxy.log").open("wb") as log:
            process = subprocess.Popen(
                [place / "serve.sh"], stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment, start_new_session=True
            )
        key = next((line.partition("=")[2] for line in text.splitlines() if line.startswith("FLEET_KEY=")), "")
        found = Proxy(place, port, process, key)
        started.append(found)
        until = time.monotonic() + WAIT_S
        while not found.answers(health):
            assert process.poll() is None, f"the proxy ended:\n{found.log[-4000:]}"
            assert time.monotonic() < until, f"not healthy after {WAIT_S} s:\n{found.log[-4000:]}"
            time.sleep(0.2)
        return found

    yield begin
    for found in started:
        found.stop()
    shutil.rmtree(folder)


def arrivals(proxy: Proxy, tokens: int, path: str = "/v1/chat/completions") -> tuple[list[float], list[Any]]:
    """When each event of a stream arrived, in seconds since the request, and what it said; the last must be the end."""
    document = QUESTION | {"max_tokens": tokens, "stream": True, "ignore_eos": True}
    times, events = [], []
    started = time.monotonic()
    with proxy.stream(path, document, key=proxy.key) as answer:
        assert answer.status == 200, answer.read()
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        for line in answer:
            if line.startswith(b"data: "):
                times.append(time.monotonic() - started)
                events.append(line[6:].strip())
    assert events[-1] == b"[DONE]", events[-2:]
    return times, [json.loads(event) for event in events[:-1]]


def served_by(servers) -> list[int]:
    """How many chats each server has answered, by its log."""
    return [server.log.count("launch_slot_") for server in servers]


def asked(proxy: Proxy, times: int) -> None:
    for _ in range(times):
        status, body = proxy.ask("/v1/chat/completions", QUESTION | {"max_tokens": 4}, key=proxy.key)
        assert status == 200, body
        assert json.loads(body)["choices"][0]["message"]["role"] == "assistant"


def is_closed_to_strangers(proxy: Proxy, wrong_key: int = 401) -> None:
    for key in ("", "wrong", proxy.key[:-1], proxy.key.swapcase()):
        for path, document in (("/v1/chat/completions", QUESTION), ("/v1/models", None)):
            status, body = proxy.ask(path, document, key=key)
            assert status == (wrong_key if key else 401), (key, path, status, body)
    assert json.loads(proxy.ask("/v1/models", key=proxy.key)[1])["data"][0]["id"] == ALIAS


def holds_no_secret_but_in_env(proxy: Proxy, servers) -> None:
    keys = [*filter(None, [proxy.key]), *(server.secrets()["LLAMA_API_KEY"] for server in servers)]
    for path in proxy.folder.rglob("*"):
        if path.is_file() and path.name != ".env":
            text = path.read_text("utf-8", "replace")
            found = [key for key in keys if key in text]
            assert not found or (path.stat().st_mode & 0o777 == 0o600 and path.name == "secrets.conf"), path


def streams_and_fails_over(proxy: Proxy, servers) -> None:
    asked(proxy, 12)
    before = served_by(servers)
    assert min(before) > 0, before
    times, events = arrivals(proxy, LONG)
    # LiteLLM leaves out pieces without text, such as half a letter; the last one tells that nothing was cut.
    assert len(events) > LONG * 0.5
    assert any(choice.get("finish_reason") == "length" for event in events for choice in event["choices"])
    # The tokens come as they are made: half of them before the middle of the time, none held back to the end.
    spread = times[-1] - times[0]
    assert spread > 0.1, times[-1]
    assert times[len(times) // 2] - times[0] < spread * 0.8

    servers[0].stop()
    asked(proxy, 8)
    assert len(arrivals(proxy, 50)[1]) > 20
    assert served_by(servers)[1] >= before[1] + 9
