"""What LM Studio's program lms takes on its command line, as its source at 07b7252 says, and what it does, without any model.

Run as a program it is the stand-in for lms: it notes each call in the folder $LMS_STATE, and refuses what lms refuses. `lms server start`
answers at the port until `lms server stop`.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ANSWERS = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path in ("/v1/models", "/lmstudio-greeting") else 404)
        self.end_headers()
    def log_message(self, *words): pass
http.server.HTTPServer((sys.argv[2], int(sys.argv[1])), Handler).serve_forever()
"""


def at_least(least, most=None):
    def read(text):
        value = int(text)
        if value < least or (most is not None and value > most):
            raise argparse.ArgumentTypeError(f"{text} is out of range")
        return value

    return read


def share(text):
    value = {"off": 0.0, "max": 1.0}.get(text.strip().lower())
    value = float(text) if value is None else value
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("must be between 0 and 1")
    return value


def user_repo(text):
    if text.count("/") != 1:
        raise argparse.ArgumentTypeError("must be user and repo separated by a slash")
    return text


def command_line():
    """The parser of lms, for the commands that generated files use."""
    parser = argparse.ArgumentParser("lms", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(parent, name):
        return parent.add_parser(name, allow_abbrev=False)

    daemon = command(commands, "daemon").add_subparsers(dest="what", required=True)
    for name in ("up", "status"):
        command(daemon, name).add_argument("--json", action="store_true")
    command(daemon, "down")
    server = command(commands, "server").add_subparsers(dest="what", required=True)
    start = command(server, "start")
    start.add_argument("-p", "--port", type=at_least(0, 65535))
    start.add_argument("--bind")
    start.add_argument("--cors", action="store_true")
    command(server, "stop")
    listing = command(commands, "ls")
    listing.add_argument("model_key", nargs="?")
    for name in ("--json", "--llm", "--embedding", "--variants"):
        listing.add_argument(name, action="store_true")
    get = command(commands, "get")
    get.add_argument("name", nargs="?")
    for names in (["--mlx"], ["--gguf"], ["-y", "--yes"], ["--select"]):
        get.add_argument(*names, action="store_true")
    imports = command(commands, "import")
    imports.add_argument("file_path")
    imports.add_argument("--user-repo", type=user_repo)
    for names in (["-y", "--yes"], ["-c", "--copy"], ["-L", "--hard-link"], ["-l", "--symbolic-link"], ["--dry-run"]):
        imports.add_argument(*names, action="store_true")
    load = command(commands, "load")
    load.add_argument("model_key", nargs="?")
    load.add_argument("--gpu", type=share)
    load.add_argument("-c", "--context-length", type=at_least(1))
    load.add_argument("--parallel", type=at_least(1))
    load.add_argument("--ttl", type=at_least(1))
    load.add_argument("--identifier")
    for names in (["--exact"], ["--local"], ["--estimate-only"], ["-y", "--yes"]):
        load.add_argument(*names, action="store_true")
    command(commands, "unload").add_argument("identifier", nargs="?")
    return parser


class Lms:
    """What each command does, in the folder that stands for LM Studio's own."""

    def __init__(self, state):
        self.running, self.models, self.loaded, self.server = (state / name for name in ("running", "models", "loaded", "server"))

    def known(self):
        return self.models.read_text().splitlines() if self.models.exists() else []

    def add(self, path):
        self.models.write_text("\n".join([*self.known(), path]))
        return 0

    def daemon(self, given):
        if given.what == "down":
            self.running.unlink(missing_ok=True)
            return 0
        if given.what == "status" and not self.running.exists():
            return say({"status": "not-running"})
        self.running.touch()
        version = {"version": os.environ.get("LMS_VERSION", "0.4.26+1")} if given.what == "up" else {}
        return say({"status": "running", "pid": 1, "isDaemon": True} | version)

    def ls(self, given):
        return say([{"type": "llm", "path": path} for path in self.known()])

    def get(self, given):
        host, user, repo, *_, file = given.name.removeprefix("https://").split("/")
        return self.add(f"{user}/{repo}/{file}") if host == "huggingface.co" else 1

    def imports(self, given):
        target = Path(os.environ["HOME"], ".lmstudio/models", given.user_repo, Path(given.file_path).name)
        if target.is_symlink() or target.exists():
            return 1
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(given.file_path)
        return self.add(f"{given.user_repo}/{target.name}")

    def load(self, given):
        if given.exact and given.model_key not in self.known():
            return 1
        self.loaded.write_text(json.dumps(vars(given)))
        return 0

    def unload(self, given):
        self.loaded.unlink(missing_ok=True)
        return 0

    def serve(self, given):
        if given.what == "stop":
            if self.server.exists():
                os.kill(int(self.server.read_text()), signal.SIGTERM)
                self.server.unlink()
            return 0
        words = [sys.executable, "-c", ANSWERS, str(given.port), given.bind or "127.0.0.1"]
        self.server.write_text(str(subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid))
        return 0 if answers(given.port) else 1


def say(document):
    sys.stdout.write(json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n")
    return 0


def answers(port):
    for _ in range(600):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/lmstudio-greeting", timeout=5).close()
            return True
        time.sleep(0.1)
    return False


def main(words):
    state = Path(os.environ["LMS_STATE"])
    with (state / "calls").open("a") as calls:
        calls.write(json.dumps(words) + "\n")
    given = command_line().parse_args(words)
    return getattr(Lms(state), {"import": "imports", "server": "serve"}.get(given.command, given.command))(given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
