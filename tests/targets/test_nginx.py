"""Generated files before the real nginx: it reads them, asks for the key, chooses by path, streams, and passes over dead hosts."""

import contextlib
import http.client
import http.server
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest
from plans import TEMPLATES
from proxy_plans import EMBEDDING, PROXIES, backend, proxy
from target_tools import run, tool, written

from setupgen.output.write import write
from setupgen.render.files import render_proxy

pytestmark = pytest.mark.target(
    "nginx",
    checker="nginx -t",
    run=True,
    note="asks for the key, chooses by path, streams, passes over dead hosts",
    version=("nginx", "-v"),
)
KEYS = {"FLEET_KEY": "right-Key_1", "TOWER_KEY": "tower-key", "SPOT_TOKEN": "Bearer spot-token"}


@pytest.fixture
def folder():
    """A folder that the user nobody may reach, as whom the workers of a root's nginx run."""
    path = Path(tempfile.mkdtemp(prefix="setupgen-nginx-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def environment():
    return {"PATH": f"{Path(tool('nginx')).parent}:{os.environ['PATH']}"}


def filled(made, **keys):
    """The folder with the values that its `.env` asks for, given where users give them."""
    made.chmod(0o755)
    (made / "override.env").write_text("".join(f"{name}='{value}'\n" for name, value in (KEYS | keys).items()))
    return made


@pytest.mark.target("nginx", checker="nginx -t", note="accepts every file", version=("nginx", "-v"))
@pytest.mark.parametrize("shape", [shape for shape in PROXIES if shape.startswith("nginx")])
def test_nginx_accepts_every_file(shape, folder):
    made = filled(written(shape, folder / "proxy"))
    text = (made / "nginx.conf").read_text()
    assert "right-Key_1" not in text
    # No name is looked up here, and this machine has no such address.
    (made / "nginx.conf").write_text(text.replace("gpu.example.org", "192.0.2.7").replace("192.168.1.20", "127.0.0.1"))
    if "ssl_certificate" in text:
        (made / "tls").mkdir()
        names = ["-subj", "/CN=proxy", "-keyout", made / "tls/key.pem", "-out", made / "tls/cert.pem"]
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *names)
    run("sh", made / "serve.sh", "check", environment=environment())
    assert (made / "tmp/secrets.conf").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("value", ["a b", 'a"b', "a;b", "a$b", "a}b", "a\\b", "a*", "a~b", "ü"])
def test_a_key_that_nginx_would_misread_stops_the_start(value, folder):
    made = filled(written("nginx-one-model", folder / "proxy"), FLEET_KEY=value)
    done = run("sh", made / "serve.sh", "check", environment=environment(), check=False)
    assert done.returncode == 1
    assert "FLEET_KEY in .env has a character" in done.stderr
    assert value not in done.stderr


class Host(http.server.BaseHTTPRequestHandler):
    """A server that tells what it was asked, and streams two pieces, the second when it may."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.seen.append((self.path, dict(self.headers.items()), len(body)))
        if self.server.says != 200:
            self.send_response(self.server.says)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in (b"data: one\n\n", b"data: two\n\n"):
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.flush()
            if not self.server.goes_on.wait(20):
                return  # the first piece was held back
        self.wfile.write(b"0\r\n\r\n")

    def do_GET(self):
        self.do_POST()

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    says = 200

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Host)
        self.seen = []
        self.goes_on = threading.Event()
        self.goes_on.set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"

    def stop(self):
        self.shutdown()
        self.server_close()


@pytest.fixture
def hosts():
    servers = [Server() for _ in range(3)]
    yield servers
    for server in servers:
        with contextlib.suppress(OSError):
            server.stop()


class Proxy:
    """A running proxy; `ask` reads the whole answer, `stream` gives it as it comes."""

    def __init__(self, port):
        self.port = port

    @contextlib.contextmanager
    def stream(self, path, body=b"{}", method="POST", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body if method == "POST" else None, {"Content-Type": "application/json"} | named)
            yield connection.getresponse()
        finally:
            connection.close()

    def ask(self, path, method="POST", **headers):
        with self.stream(path, method=method, **headers) as answer:
            answer.body = answer.read()
            return answer


@pytest.fixture
def start(folder):
    """Writes a proxy's folder and starts its own script; stops it at the end."""
    processes = []

    def begin(backends):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        made = render_proxy(proxy("nginx", backends, port=port, runtime="native"), TEMPLATES, knowledge={})
        write(made.files, folder / "proxy", modes=made.modes, secrets=made.secrets)
        filled(folder / "proxy")
        process = subprocess.Popen(["sh", folder / "proxy/serve.sh"], env=os.environ | environment(), stderr=subprocess.PIPE)
        processes.append(process)
        found = Proxy(port)
        for _ in range(1200):
            assert process.poll() is None, process.stderr.read().decode()
            with contextlib.suppress(OSError):
                if found.ask("/health", method="GET").status == 200:
                    break
            time.sleep(0.05)
        return found

    yield begin
    for process in processes:
        process.terminate()
        process.wait(30)
        process.stderr.close()


RIGHT = "Bearer right-Key_1"


@pytest.mark.target("nginx", checker="nginx", run=True, note="asks for the key, streams, passes over dead hosts", version=("nginx", "-v"))
def test_only_the_key_opens_the_door(hosts, start):
    found = start([backend("tower", hosts[0].address, key_env="TOWER_KEY"), backend("open", hosts[1].address)])
    path = "/v1/chat/completions"
    for wrong in ("", "Bearer", "Bearer ", "Bearer wrong", "Bearer right-key_1", "Bearer right-Key_1x", "right-Key_1", "Basic right-Key_1"):
        refused = found.ask(path, Authorization=wrong)
        assert refused.status == 401, wrong
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        assert json.loads(refused.body)["error"]["code"] == "invalid_api_key"
    assert found.ask(path).status == 401
    assert found.ask("/v1/models", method="GET").status == 401
    assert found.ask("/metrics", method="GET").status == 401
    assert not hosts[0].seen + hosts[1].seen
    assert found.ask(path, X_Api_Key="wrong").status == 401
    assert found.ask(path, X_Api_Key="right-Key_1").status == 200
    for _ in range(8):
        assert found.ask(path, Authorization=RIGHT).status == 200
    # Each host gets its own key or none, and its own name; the clients' key stays here.
    assert {headers.get("Authorization") for _, headers, _ in hosts[0].seen} == {"Bearer tower-key"}
    assert {headers.get("Authorization") for _, headers, _ in hosts[1].seen} == {None}
    assert {headers.get("X-Api-Key") for _, headers, _ in hosts[0].seen + hosts[1].seen} == {None}
    assert {headers["Host"] for _, headers, _ in hosts[1].seen} == {f"127.0.0.1:{hosts[1].server_port}"}


def test_the_path_chooses_the_model_and_nothing_else_is_passed_on(hosts, start):
    found = start([backend("chat", hosts[0].address), backend("mini", hosts[1].address, "ollama", model=EMBEDDING)])
    for path, to in {
        "/v1/chat/completions": 0,
        "/v1/messages": 0,
        "/qwen3.6-27b/v1/chat/completions": 0,
        "/v1/embeddings": 1,
        "/api/embed": 1,
        "/embeddinggemma-300m/v1/embeddings": 1,
    }.items():
        before = len(hosts[to].seen)
        assert found.ask(path + "?x=1", Authorization=RIGHT).status == 200, path
        assert hosts[to].seen[before][0] == path.removeprefix("/qwen3.6-27b").removeprefix("/embeddinggemma-300m") + "?x=1"
    seen = len(hosts[0].seen + hosts[1].seen)
    for path in (
        "/metrics",
        "/slots",
        "/props",
        "/api/pull",
        "/v1/chat/completions/x",
        "/qwen3-6-27b/v1/chat/completions",
        "/v1/load",
        "/",
    ):
        assert found.ask(path, Authorization=RIGHT).status == 404, path
    assert len(hosts[0].seen + hosts[1].seen) == seen
    listed = json.loads(found.ask("/v1/models", method="GET", Authorization=RIGHT).body)
    assert [model["id"] for model in listed["data"]] == ["embeddinggemma:300m", "qwen3.6-27b"]


def test_a_stream_arrives_piece_by_piece_and_a_long_prompt_gets_through(hosts, start):
    found = start([backend("tower", hosts[0].address)])
    hosts[0].goes_on.clear()
    with found.stream("/v1/chat/completions", b"x" * 20_000_000, Authorization=RIGHT) as answer:
        assert answer.read(11) == b"data: one\n\n"
        hosts[0].goes_on.set()
        assert answer.read() == b"data: two\n\n"
    assert hosts[0].seen[0][2] == 20_000_000


def test_dead_and_refusing_hosts_are_passed_over_and_one_that_may_go_comes_last(hosts, start):
    dead, steady, fleeting = hosts
    found = start(
        [backend("a", dead.address, slots=9), backend("b", steady.address), backend("c", fleeting.address, preemptible=True, slots=99)]
    )
    dead.stop()
    for _ in range(10):
        assert found.ask("/v1/chat/completions", Authorization=RIGHT).status == 200
    assert len(steady.seen) == 10
    steady.says = 503
    assert found.ask("/v1/chat/completions", Authorization=RIGHT).status == 200
    assert len(fleeting.seen) == 1
