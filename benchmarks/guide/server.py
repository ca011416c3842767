"""Serves the built site as a host of static pages does: compressed, and to be kept for ten minutes."""

from __future__ import annotations

import gzip
import http.server
import threading
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

PACKED = {".html", ".css", ".js", ".mjs", ".json", ".jsonl", ".wasm", ".svg", ".xml"}


@cache
def packed(path: str) -> bytes:
    """The content of a file, compressed."""
    return gzip.compress(Path(path).read_bytes(), 6)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Answers GET with compressed files."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            self.send_error(404)
            return
        body = packed(str(path)) if path.suffix in PACKED else path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=600")
        self.send_header("ETag", f'"{hash(body)}"')
        if path.suffix in PACKED:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def served(folder: Path):
    """The address of the site."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
