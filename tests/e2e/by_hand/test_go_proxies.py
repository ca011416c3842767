"""llama-swap and Olla, started from generated folders without edits: before two real llama-servers, before one, and in every shape.

No package registry has these programs. Build them, or take the release's archive, and put them on the PATH, Olla with its `config/profiles` beside
it; then `.venv/bin/python -m pytest tests/e2e/by_hand`, with SETUPGEN_UPDATE_TARGETS=1 to write the day beside the results.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from go_programs import proxy_program
from proxies import ALIAS, LONG, QUESTION, arrivals, asked, holds_no_secret_but_in_env, served_by
from setups import NATIVE, written

sys.path.insert(0, str(Path(__file__).parents[2] / "render"))

from plans import TEMPLATES
from proxy_plans import PROXIES

from setupgen.output.write import write
from setupgen.render.files import render_proxy

WAIT_S = 90


def waits_for(condition, what: str):
    until = time.monotonic() + WAIT_S
    while not (found := condition()):
        assert time.monotonic() < until, f"{what}: not after {WAIT_S} s"
        time.sleep(0.2)
    return found


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.target(
    "llama-swap",
    checker="llama-swap",
    run=True,
    by_hand=True,
    note="before two llama-servers: asks for the key, streams, goes on to the next where slots are taken",
    version="250",
)
def test_llama_swap_asks_for_the_key_and_fills_one_host_after_the_other(proxy_of, servers):
    proxy = proxy_of("llama-swap", "/health", proxy_program("llama-swap"))
    inside = ("/running", "/logs", "/metrics", "/unload", "/upstream/", "/api/events")
    for key in ("", "wrong", proxy.key[:-1], proxy.key.swapcase()):
        for path, document in (("/v1/chat/completions", QUESTION), ("/v1/messages", QUESTION), *((path, None) for path in inside)):
            assert proxy.ask(path, document, key=key)[0] == 401, (key, path)
    listed = [model["id"] for model in json.loads(proxy.ask("/v1/models", key=proxy.key)[1])["data"]]
    assert ALIAS in listed
    asked(proxy, 3)
    times, _ = arrivals(proxy, LONG)
    assert times[-1] - times[0] > 0.1
    assert times[len(times) // 2] - times[0] < (times[-1] - times[0]) * 0.8
    assert served_by(servers)[1] == 0
    long = QUESTION | {"max_tokens": 4000, "ignore_eos": True}
    both = [threading.Thread(target=proxy.ask, args=("/v1/chat/completions", long), kwargs={"key": proxy.key}) for _ in servers]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert served_by(servers)[1] == 1
    status, body = proxy.ask("/v1/messages", QUESTION | {"max_tokens": 4}, key=proxy.key)
    assert (status, json.loads(body)["type"]) == (200, "message")
    # As README.md says: a dead host is not left out.
    servers[0].stop()
    assert proxy.ask("/v1/chat/completions", QUESTION | {"max_tokens": 4}, key=proxy.key)[0] == 502
    holds_no_secret_but_in_env(proxy, servers)


@pytest.mark.target(
    "olla",
    checker="olla",
    run=True,
    by_hand=True,
    note="before two llama-servers: chats, streams, fails over",
    version="0.0.28",
)
def test_olla_streams_and_fails_over(proxy_of, servers):
    proxy = proxy_of("olla", "/internal/health", proxy_program("olla"), asks=False)
    chat, messages = "/olla/openai/v1/chat/completions", "/olla/anthropic/v1/messages"
    question = QUESTION | {"max_tokens": 4}
    waits_for(lambda: json.loads(proxy.ask("/olla/openai/v1/models")[1])["data"], "a model in the list")
    assert proxy.ask(chat, question)[0] == 200
    status, body = proxy.ask(messages, question)
    assert (status, json.loads(body)["type"]) == (200, "message")
    times, events = arrivals(proxy, LONG, chat)
    assert times[-1] - times[0] > 0.1
    assert times[len(times) // 2] - times[0] < (times[-1] - times[0]) * 0.8
    assert events
    # As README.md says: every path of a host is passed on.
    assert proxy.ask("/olla/openai/slots")[0] == 200
    first = max(range(2), key=served_by(servers).__getitem__)
    before = served_by(servers)[1 - first]
    servers[first].stop()
    for _ in range(4):
        assert proxy.ask(chat, question)[0] == 200
    assert served_by(servers)[1 - first] == before + 4
    holds_no_secret_but_in_env(proxy, servers)


@pytest.fixture
def started(tmp_path):
    """Starts the program on a folder of a proxy's shape and waits for its health; returns what it said."""
    running = []

    def start(id_: str, shape: str) -> str:
        wanted = PROXIES[shape] | {"port": free_port()}
        made = render_proxy(wanted, TEMPLATES, knowledge={"digest": "sha256:x"})
        folder = tmp_path / shape
        write(made.files, folder, modes=made.modes, secrets=made.secrets)
        path = proxy_program(id_)
        in_image = "compose.yaml" in made.files
        port = 40114 if in_image else wanted["port"]
        listen = f"127.0.0.1:{port}"
        scheme = "https" if wanted["tls"] else "http"
        secrets = folder / ".env"
        if secrets.exists():
            secrets.write_text(re.sub(r"(?m)^(\w+)=$", r"\1=a-secret", secrets.read_text("utf-8")), "utf-8")
        if wanted["tls"]:
            (folder / "tls").mkdir()
            subject = ["-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "tls/key.pem", "-out", "tls/cert.pem"]
            command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
        if in_image:  # the working directory of its image, which has the profiles
            shutil.copytree(path.parent / "config" / "profiles", folder / "config" / "profiles")
            command = [str(path), "--config", "config.yaml"]
        else:
            command = ["./serve.sh"]
        log = (folder / "log").open("wb")
        environment = dict(re.findall(r"(?m)^(\w+)=(.+)$", secrets.read_text("utf-8"))) if in_image else {}
        environment |= {"PATH": f"{path.parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)}
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
        running.append((process, log))

        def said() -> str:
            return (folder / "log").read_text("utf-8", "replace")

        def healthy() -> bool:
            assert process.poll() is None, said()
            health = {"olla": "/internal/health", "llama-swap": "/health"}[id_]
            done = subprocess.run(
                ["curl", "-sS", "-f", "--cacert", "tls/cert.pem", f"{scheme}://{listen}{health}"]
                if wanted["tls"]
                else ["curl", "-sS", "-f", f"{scheme}://{listen}{health}"],
                cwd=folder,
                capture_output=True,
                check=False,
                timeout=30,
            )
            return done.returncode == 0

        waits_for(healthy, shape)
        return said()

    yield start
    for process, log in running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)
        log.close()


@pytest.mark.target("llama-swap", checker="llama-swap", by_hand=True, note="takes every shape of its file, with TLS too", version="250")
@pytest.mark.parametrize("shape", [shape for shape in PROXIES if shape.startswith("llama-swap")])
def test_llama_swap_starts_with_every_shape(started, shape):
    said = started("llama-swap", shape)
    assert "WARN" not in said
    assert "ERROR" not in said


@pytest.mark.target("olla", checker="olla", by_hand=True, note="takes every shape of its file", version="0.0.28")
@pytest.mark.parametrize("shape", [shape for shape in PROXIES if shape.startswith("olla")])
def test_olla_starts_with_every_shape(started, shape):
    said = started("olla", shape)
    assert len(re.findall('msg="Endpoint registered"', said)) == len(PROXIES[shape]["backends"])
    strange = [line for line in said.splitlines() if re.search("level=(WARN|ERROR)", line)]
    # The made-up hosts do not answer, and that is all it complains of.
    assert not [
        line for line in strange if not re.search(r"health|circuit|[Dd]iscover|[Uu]nhealthy|[Oo]ffline|no such host|dial tcp", line)
    ]


@pytest.mark.target(
    "llama-swap-native",
    checker="llama-swap",
    run=True,
    by_hand=True,
    note="starts llama-server for the first request and stops it again",
    version="250",
)
def test_llama_swap_starts_and_stops_the_server_of_a_setup(tmp_path, chat_model, program):
    options = ("--use-case", "chat", "--context", "8k", "--weights-file", str(chat_model), "--target", "llama-swap-native")
    setup = written(tmp_path / "setup", program, *options, base=NATIVE)
    port, server = free_port(), setup.choice["settings"]["port"]
    assert not is_open(server), f"something runs on port {server}, which the files name"
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "llama-server").symlink_to(program)
    (tools / "llama-swap").symlink_to(proxy_program("llama-swap"))
    environment = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)}
    model = setup.choice["connection"]["model"]

    def ask(path, document=None):
        body = json.dumps(document).encode() if document else None
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, {"Content-Type": "application/json"})
        with contextlib.suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(request, timeout=240) as answer:
            return answer.read() or b"-"
        return b""

    with (tmp_path / "log").open("wb") as log:
        command = ["./serve-swap.sh", "-listen", f"127.0.0.1:{port}"]
        process = subprocess.Popen(command, cwd=setup.folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        waits_for(lambda: ask("/health"), "llama-swap")
        assert [one["id"] for one in json.loads(ask("/v1/models"))["data"]] == [model]
        assert not is_open(server)
        answer = json.loads(ask("/v1/chat/completions", {"model": model, "messages": QUESTION["messages"], "max_tokens": 4}))
        assert answer["choices"][0]["message"]["role"] == "assistant"
        assert is_open(server)
        assert json.loads(ask("/running"))["running"]
        ask("/unload")
        waits_for(lambda: not is_open(server), "the server stopped")
        ask("/v1/chat/completions", {"model": model, "messages": QUESTION["messages"], "max_tokens": 4})
        assert is_open(server)
        process.terminate()
        assert process.wait(60) == 0
        waits_for(lambda: not is_open(server), "the server stopped with llama-swap")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)
