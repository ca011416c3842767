"""Copies of a fleet's proxy behind nginx: who is gone is passed over, and no request that comes after is lost."""

import http.client
import http.server
import json
import os
import socket
import subprocess
import threading
import time

import pytest
import yaml
from target_tools import run, tool

from case_tools import pack
from setupgen.engine.fleet.intake import inventory_of
from setupgen.engine.fleet.planning import fleet_plan, member_plans
from setupgen.errors import ManyErrors
from setupgen.output.write import write
from setupgen.render.fleet import Member, render_fleet

PAIR = """
name: pair
hosts:
  - {name: one, address: "http://10.0.0.5:4000", hardware: rtx-3090, ram: 64G}
  - {name: two, address: "http://10.0.0.6:9931", hardware: rtx-3090, ram: 64G}
  - {name: three, address: "http://10.0.0.7:9931", hardware: cpu, ram: 64G, preemptible: true}
needs: [{use_case: chat, users: 4}]
clients: [openai]
proxy_hosts: [one, two]
"""
VERSION = ("nginx", "-v")


def planned(text):
    return fleet_plan(pack(), inventory_of(pack(), yaml.safe_load(text), lambda at: ".".join(map(str, at)), {}))


@pytest.fixture(scope="module")
def made():
    found = planned(PAIR)
    members = [Member(*entry) for entry in member_plans(pack(), found)]
    parts, own = render_fleet(found.to_json(), members, found.front, pack().templates, command="setupgen fleet pair.yaml -o pair")
    return found.to_json() | {"files": {**parts.files, **own.files}, "modes": {**parts.modes, **own.modes}}


def test_copies_have_one_folder_and_the_balancer_another(made):
    front = made["proxy"]
    # LiteLLM's own port is that of a server on the first host.
    assert (front["id"], front["bind"], front["port"], front["auth"]["kind"]) == ("litellm", "127.0.0.1", 4001, "api-key")
    assert [copy["address"] for copy in front["copies"]] == ["10.0.0.5:4001", "10.0.0.6:4001"]
    compose = yaml.safe_load(made["files"]["proxy/compose.yaml"])["services"]["litellm"]
    assert compose["ports"] == ["0.0.0.0:4001:4000"]
    assert yaml.safe_load(made["files"]["balancer/compose.yaml"])["services"]["balancer"]["ports"] == ["127.0.0.1:4001:8080"]
    work = [line.split("work ")[1].split(";")[0] for line in made["files"]["deploy.sh"].splitlines() if "then work " in line]
    assert work[-3:] == ["proxy 10.0.0.5 proxy compose", "proxy 10.0.0.6 proxy compose", "balancer local balancer compose"]
    assert "`one`, `two` run a copy of LiteLLM each" in made["files"]["README.md"]
    assert "http://127.0.0.1:4001/v1" in made["files"]["README.md"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[one, two]", "[one]", "a list of two to 4 names"),
        ("[one, two]", "[one, one]", "'one' comes twice"),
        ("[one, two]", "[one, tow]", "no host is called 'tow'"),
        ("[one, two]", "[one, three]", "three may be taken away"),
        ("clients: [openai]", "proxy: olla", "olla asks callers for no key"),
        ('4000", hardware', '4000", runtime: podman, hardware', "one cannot run a copy"),
        ("http://10.0.0.6:", "http://127.0.0.1:", "cannot reach two"),
        ("clients: [openai]", "proxy_port: 9931", "9931 is the port of two"),
    ],
)
def test_what_cannot_be_is_refused(old, new, says):
    with pytest.raises(ManyErrors) as told:
        planned(PAIR.replace(old, new, 1))
    assert says in str(told.value)


@pytest.mark.target("balancer", checker="dclint", note="accepts the file", version=("npx", "--no-install", "dclint", "--version"))
def test_the_compose_linter_accepts_the_file(made, tmp_path, request):
    (tmp_path / "compose.yaml").write_text(made["files"]["balancer/compose.yaml"])
    root = request.config.rootpath
    found = ("npx", "--no-install", "dclint", "--max-warnings", "0", "-c", root / "tests/targets/dclint.yaml", tmp_path / "compose.yaml")
    run(*found, cwd=root)


class Copy(http.server.BaseHTTPRequestHandler):
    """A copy of the proxy: answers with its name and what it was sent; one that is ill takes a request and ends without an answer."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.ill:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self.server.got += 1
        if self.path == "/v1/stream":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"data: one\n\n")
            self.wfile.flush()
            self.wfile.write(b"data: two" if self.server.seen.wait(30) else b"data: late")
            return
        answer = json.dumps([self.server.server_port, self.headers["Authorization"], len(body)]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@pytest.fixture
def balancer(made, tmp_path):
    """A real nginx with the generated file before two copies here: these, and a function that asks."""
    copies = []
    for _ in range(2):
        copy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Copy)
        copy.got, copy.ill, copy.seen = 0, False, threading.Event()
        threading.Thread(target=copy.serve_forever, args=(0.05,), daemon=True).start()
        copies.append(copy)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    text = made["files"]["balancer/nginx.conf"]
    for old, new in (
        ("0.0.0.0:8080", f"127.0.0.1:{port}"),
        *((f"10.0.0.{5 + index}:4001", f"127.0.0.1:{copy.server_port}") for index, copy in enumerate(copies)),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    write({"nginx.conf": text}, tmp_path / "balancer")
    (tmp_path / "balancer/tmp").mkdir()
    user = " user root;" if os.geteuid() == 0 else ""
    command = [tool("nginx"), "-p", f"{tmp_path}/balancer/", "-c", "nginx.conf", "-e", "stderr", "-g", f"daemon off;{user}"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    opened = []

    def ask(path="/v1/chat/completions", body=b"{}"):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        opened.append(connection)
        connection.request("POST", path, body, {"Authorization": "Bearer right"})
        return connection.getresponse()

    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.1)
    yield copies, ask
    process.terminate()
    process.wait(60)
    for connection in opened:
        connection.close()
    for copy in copies:
        copy.shutdown()
        copy.server_close()


@pytest.mark.target("balancer", checker="nginx", run=True, note="no request after the end of a copy is lost", version=VERSION)
def test_no_request_that_comes_after_is_lost(balancer):
    (first, second), ask = balancer
    for _ in range(10):
        answer = ask()
        assert (answer.status, json.loads(answer.read())[1:]) == (200, ["Bearer right", 2])
    assert first.got > 0
    assert second.got > 0
    # Each piece of a stream arrives when it is sent.
    answer = ask("/v1/stream")
    assert answer.read(11) == b"data: one\n\n"
    first.seen.set()
    second.seen.set()
    assert answer.read() == b"data: two"
    # One that takes a request and ends: the request goes to the other, with its body.
    first.ill = True
    long = b"x" * 3_000_000
    for _ in range(6):
        answer = ask(body=long)
        assert (answer.status, json.loads(answer.read())) == (200, [second.server_port, "Bearer right", len(long)])
    # One that is gone.
    first.shutdown()
    first.server_close()
    for _ in range(10):
        answer = ask()
        assert (answer.status, json.loads(answer.read())[0]) == (200, second.server_port)
    second.ill = True
    answer = ask()
    assert (answer.status, bool(answer.read())) == (502, True)
