import http.client
import http.server
import os
import socket
import ssl
import subprocess
import threading
import time

import pytest
from plans import TEMPLATES, behind_caddy, merged, plan
from target_tools import CADDY, run, tool, written

from setupgen.render.files import render

KEYS = {"SITE_HOST": "localhost", "OLLAMA_API_KEY": "k", "VLLM_API_KEY": "k", "LLAMA_API_KEY": "k"}


@pytest.mark.target("caddy", checker="caddy validate", note="accepts every file", version=("caddy", "version"))
@pytest.mark.parametrize("shape", CADDY)
def test_caddy_accepts_every_file(shape, tmp_path):
    directory = written(shape, tmp_path / "setup")
    host = "llm.example.org" if "internet" in shape else "192.168.1.20"
    run(
        "caddy",
        "validate",
        "--config",
        "Caddyfile",
        "--adapter",
        "caddyfile",
        cwd=directory,
        environment=KEYS | {"SITE_HOST": host, "XDG_DATA_HOME": str(tmp_path)},
    )


class Backend(http.server.BaseHTTPRequestHandler):
    """Answers with the path and the Host header; streams a piece where asked, and another one when the first has arrived."""

    arrived = threading.Event()

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        if self.path == "/v1/stream":
            self.wfile.write(b"data: one\n\n")
            self.wfile.flush()
            self.wfile.write(b"data: two\n\n" if self.arrived.wait(30) else b"data: the first was held back\n\n")
        else:
            self.wfile.write(f"{self.path} {self.headers['Host']}".encode())

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(params=["ollama", "vllm"])
def proxy(request, tmp_path):
    """A real Caddy with a generated file in front of a small backend: the server's id and a function that asks."""
    server, port, proxy_port = request.param, free_port(), free_port()
    backend = http.server.ThreadingHTTPServer(("127.0.0.1", port), Backend)
    threading.Thread(target=backend.serve_forever, daemon=True).start()
    made = behind_caddy(plan(server, "native"), variable="THE_KEY", port=proxy_port, address="localhost")
    made = made | {"choice": merged(made["choice"], {"settings": {"port": port}})}
    (tmp_path / "Caddyfile").write_text(render(made, TEMPLATES)["Caddyfile"])
    environment = os.environ | {"SITE_HOST": "localhost", "THE_KEY": "right", "XDG_DATA_HOME": str(tmp_path), "HOME": str(tmp_path)}
    process = subprocess.Popen([tool("caddy"), "run", "--config", "Caddyfile"], cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)

    opened = []

    def ask(path, **headers):
        context = ssl.create_default_context(cafile=tmp_path / "caddy/pki/authorities/local/root.crt")
        connection = http.client.HTTPSConnection("localhost", proxy_port, timeout=60, context=context)
        opened.append(connection)
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        return connection.getresponse()

    for _ in range(300):
        try:
            ask("/")
            break
        except OSError:
            time.sleep(0.1)
    yield server, port, ask
    process.terminate()
    process.wait(60)
    for connection in opened:
        connection.close()
    backend.shutdown()
    backend.server_close()


@pytest.mark.target(
    "caddy",
    checker="caddy run",
    run=True,
    note="asks for the key, streams, hides what clients need not reach",
    version=("caddy", "version"),
)
def test_only_the_key_opens_the_door_and_answers_stream(proxy):
    server, port, ask = proxy
    assert ask("/v1/models").status == 401
    assert ask("/v1/models", Authorization="Bearer wrong").status == 401
    assert ask("/v1/models", Authorization="Bearer ").status == 401
    assert ask("/v1/models", Authorization="right").status == 401
    answer = ask("/v1/models", Authorization="Bearer right")
    assert (answer.status, answer.read().decode().split()[0]) == (200, "/v1/models")
    answer = ask("/v1/messages", X_Api_Key="right")
    assert answer.status == 200
    if server == "ollama":
        assert answer.read().decode() == f"/v1/messages 127.0.0.1:{port}"
        for path in ("/api/pull", "/api/delete", "/API/Pull", "/api//pull", "/api/blobs/sha256-1", "/api/x/../pull"):
            assert ask(path, Authorization="Bearer right").status == 403, path
        assert ask("/api/tags", Authorization="Bearer right").status == 200
    else:
        for path in ("/metrics", "/load_lora", "/docs", "/v2/x"):
            assert ask(path, Authorization="Bearer right").status == 404, path
        assert ask("/health", Authorization="Bearer right").status == 200
    Backend.arrived.clear()
    answer = ask("/v1/stream", Authorization="Bearer right")
    assert answer.read(11) == b"data: one\n\n"
    Backend.arrived.set()
    assert answer.read() == b"data: two\n\n"
