"""The script that fills hosts.yml and checks the hosts, run against real sockets."""

import http.server
import os
import stat
import subprocess
import sys
import threading

import pytest
import yaml
from plans import HOPS, TEMPLATES

from setupgen.render.files import render_proxy


class Ollama(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        allowed = self.headers["Authorization"] == "Bearer abc" and self.path == "/api/version"
        self.send_response(200 if allowed else 401)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


@pytest.fixture
def host():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ollama)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def folder(tmp_path, port):
    proxy = HOPS | {
        "hosts": [
            {"id": "tower", "host": f"http://127.0.0.1:{port}/", "headers": {"Authorization": {"env": "TOWER_TOKEN"}, "X-Note": "plain"}}
        ]
    }
    for path, text in render_proxy(proxy, TEMPLATES, knowledge={}).files.items():
        (tmp_path / path).write_text(text.replace("/setup/", f"{tmp_path}/").replace("/data/", f"{tmp_path}/data-"))
    return tmp_path


def script(directory, word, token="Bearer abc"):
    return subprocess.run(
        [sys.executable, directory / "hosts.py", word],
        env=os.environ | {"TOWER_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def fill(directory, token="Bearer abc"):
    code = "import sys; sys.argv = ['hosts.py', 'check']; sys.path.insert(0, '.'); import hosts; hosts.fill()"
    subprocess.run([sys.executable, "-c", code], cwd=directory, env=os.environ | {"TOWER_TOKEN": token}, check=True, timeout=30)


def test_secrets_are_filled_in_for_hops_alone(tmp_path, host):
    directory = folder(tmp_path, host.server_port)
    fill(directory)
    filled = directory / "data-hosts.yml"
    assert stat.S_IMODE(filled.stat().st_mode) == 0o600
    [entry] = yaml.safe_load(filled.read_text())
    assert entry["headers"] == {"Authorization": "Bearer abc", "X-Note": "plain"}
    assert "Bearer abc" not in (directory / "hosts.yml").read_text()


@pytest.mark.target("hops", checker="its own hosts.py", run=True, note="tells healthy, closed and silent hosts apart")
def test_a_host_that_answers_is_healthy_and_a_silent_or_closed_one_is_named(tmp_path, host):
    directory = folder(tmp_path, host.server_port)
    fill(directory)
    assert script(directory, "check").returncode == 0
    fill(directory, "Bearer wrong")
    refused = script(directory, "check")
    assert refused.returncode == 1
    assert "tower at http://127.0.0.1" in refused.stdout
    host.shutdown()
    host.server_close()
    fill(directory)
    assert "does not answer" in script(directory, "check").stdout
