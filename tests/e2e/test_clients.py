"""Clients that are written on request, each started from its generated file without edits, against a real llama-server."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import pytest
from litellm_program import litellm
from llama_cpp import BuildError, cache

CODEX = "0.169.0"


def on_port(setup, path):
    """The text of a generated file, at the port that this test runs on."""
    text = (setup.folder / path).read_text("utf-8")
    return text.replace(f":{setup.choice['settings']['port']}/", f":{setup.port}/")


@pytest.mark.target("openai-sdk", checker="openai, curl", run=True, note="ask a llama-server")
def test_the_short_programs_ask_the_server(setup_of, chat_model, tmp_path):
    setup = setup_of("--use-case", "chat", "--weights-file", str(chat_model), "--target", "openai-sdk").start("-n", "24")
    shell = tmp_path / "clients/ask.sh"
    shell.parent.mkdir()
    shell.write_text(on_port(setup, "clients/ask.sh"), "utf-8")
    done = subprocess.run(["sh", shell], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("data: ") > 4
    assert "data: [DONE]" in done.stdout

    try:
        python = litellm().parent / "python"  # LiteLLM brings OpenAI's library
    except BuildError as error:
        pytest.fail(str(error), pytrace=False)
    program = tmp_path / "clients/ask.py"
    program.write_text(on_port(setup, "clients/ask.py"), "utf-8")
    done = subprocess.run([python, program, "Say", "hello."], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip()) > 0


def codex() -> Path:
    """The real Codex CLI, out of its npm package; SETUPGEN_CODEX names one that is already there."""
    if named := os.environ.get("SETUPGEN_CODEX"):
        return Path(named)
    folder = cache() / "codex" / CODEX
    if not (folder / "package").is_dir():
        if sys.platform != "linux" or os.uname().machine != "x86_64":
            message = f"Codex is missing: npm install --global @openai/codex@{CODEX}, and name the program in SETUPGEN_CODEX"
            pytest.fail(message, pytrace=False)
        folder.mkdir(parents=True, exist_ok=True)
        sys.stderr.write(f"Fetching Codex {CODEX} into {folder}: 170 MB, once.\n")
        npm = shutil.which("npm") or pytest.fail("npm is missing: apt-get install -y nodejs npm", pytrace=False)
        packed = subprocess.run([npm, "pack", f"@openai/codex@{CODEX}-linux-x64"], cwd=folder, capture_output=True, text=True, check=False)
        if packed.returncode:
            pytest.fail(f"Codex cannot be fetched; the network is needed once: {packed.stderr}", pytrace=False)
        [archive] = folder.glob("*.tgz")
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        archive.unlink()
    [program] = folder.glob("package/vendor/*/bin/codex")
    return program


class Responses(http.server.BaseHTTPRequestHandler):
    """A server with the Responses API, whose prompt is too long for a model of a few megabytes; remembers what it was asked."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, self.headers["Authorization"], body))
        text = {"type": "output_text", "text": "Hello from the test."}
        usage = {"input_tokens": 1, "input_tokens_details": None, "output_tokens": 1, "output_tokens_details": None, "total_tokens": 2}
        events = [
            {"type": "response.created", "response": {"id": "r1"}},
            {"type": "response.output_item.done", "item": {"type": "message", "role": "assistant", "id": "m1", "content": [text]}},
            {"type": "response.completed", "response": {"id": "r1", "usage": usage}},
        ]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for event in events:
            self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())

    def log_message(self, *_):
        pass


@pytest.mark.target("codex-cli", checker="codex", run=True, note="takes every setting", version=CODEX)
def test_codex_takes_its_settings(setup_of, chat_model, tmp_path):
    weights = ("--weights-file", str(chat_model))
    setup = setup_of("--use-case", "coding-agent", *weights, "--target", "codex-cli")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Responses)
    server.seen = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    setup.port = server.server_port
    (setup.folder / "clients/codex/config.toml").write_text(on_port(setup, "clients/codex/config.toml"), "utf-8")
    project = tmp_path / "project"
    project.mkdir()
    environment = {"PATH": f"{codex().parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)}
    try:
        done = subprocess.run(
            ["sh", setup.folder / "clients/codex.sh", "exec", "--skip-git-repo-check", "Say hello."],
            cwd=project,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
    finally:
        server.shutdown()
        server.server_close()
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Hello from the test." in done.stdout
    assert {path for path, _, _ in server.seen} == {"/v1/responses"}
    assert {body["model"] for _, _, body in server.seen} == {setup.choice["connection"]["model"]}
