"""The booklet, built once into a folder of its own, and a server for it."""

import http.server
import os
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from setupgen.maintain.guide import write_engine
from setupgen.maintain.offline import keep_offline
from setupgen.maintain.pages import write_pages
from setupgen.maintain.protect import protect

ROOT = Path(__file__).parents[1]
BUILT_FROM = ("docs", "knowledge", "templates", "mkdocs.yml", "src")
UNDER = "some/where"
"""The path below which tests serve the site: nothing in it may count on lying at the root of a host."""


def built(root):
    """Build the site at `root` from a copy of what it is built from, as `make site` does: the working tree stays as it is."""
    if not (ROOT / "node_modules/pyodide").is_dir():
        pytest.fail("Pyodide is missing: npm ci")
    for name in BUILT_FROM:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, root / name, ignore=shutil.ignore_patterns("__pycache__", "reference", "_data"))
        else:
            shutil.copy(path, root / name)
    (root / "node_modules").symlink_to(ROOT / "node_modules")
    write_pages(root)
    write_engine(root)
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "SITE_URL": f"https://example.org/{UNDER}/"}
    result = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=900)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "WARNING" not in result.stdout + result.stderr
    protect(root / "site")
    keep_offline(root / "site")


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def served(folder, handler=Quiet):
    """The address at which a folder is served."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
