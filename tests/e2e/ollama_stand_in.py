"""Stands in for the program `ollama`: its server keeps the rules of the real one's API (server/routes.go), and writes noise instead of answers.

Rules: a listener on loopback answers only where the Host header names this machine (403); a path with the wrong method is 405; a name without
a tag means `:latest`; a model that was not pulled or created here is 404, and the message names it; `/api/chat` streams unless told otherwise; a
model is made from one that was pulled before. Each request is a line of `requests.jsonl` in the home of who started it.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

VERSION = "0.40.2"
TOKENS = ("Noise", " and", " more", " noise", ".")
HOURS = "2026-11-21T20:00:00Z"
GET = {"/", "/api/version", "/api/tags", "/api/ps", "/v1/models"}
POST = {
    "/api/pull",
    "/api/create",
    "/api/show",
    "/api/chat",
    "/api/generate",
    "/api/embed",
    "/v1/chat/completions",
    "/v1/messages",
    "/v1/responses",
    "/v1/embeddings",
}
NAME = re.compile(r"(hf\.co/[\w.-]+/)?[\w.-]+(:[\w.-]+)?")


def full(name: str) -> str:
    """A name as the registry has it: always with a tag."""
    return name if ":" in name.rsplit("/", maxsplit=1)[-1] else f"{name}:latest"


class Models:
    """What is on the disk of this host: name to parameters."""

    def __init__(self) -> None:
        self.known: dict[str, dict[str, Any]] = {}
        self.lock = threading.Lock()
        self.record = Path(os.environ["HOME"]) / "requests.jsonl"

    def note(self, path: str, model: str) -> None:
        with self.lock, self.record.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"path": path, "model": model}) + "\n")


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    models: Models

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def _answer(self) -> None:
        body = self._body()
        path = self.path.partition("?")[0]
        if not _is_local(self.headers.get("Host", "")):
            return self._json({}, 403)
        if path not in (GET if self.command == "GET" else POST):
            return (
                self._json({"error": "method not allowed"}, 405) if path in GET | POST else self._json({"error": "404 page not found"}, 404)
            )
        if self.command == "GET":
            return self._told(path)
        try:
            document = json.loads(body)
        except ValueError as error:
            return self._json({"error": str(error)}, 400)
        if not isinstance(document, dict):
            return self._json({"error": "json: cannot unmarshal"}, 400)
        return self._done(path, document)

    def _body(self) -> bytes:
        """The whole body; some proxies send it in chunks, without a length."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _told(self, path: str) -> None:
        known = sorted(self.models.known)
        if path == "/":
            return self._send(b"Ollama is running", "text/plain")
        if path == "/api/version":
            return self._json({"version": VERSION})
        if path == "/v1/models":
            data = [{"id": name, "object": "model", "created": 0, "owned_by": "library"} for name in known]
            return self._json({"object": "list", "data": data})
        return self._json({"models": [_entry(name) for name in known]})

    def _done(self, path: str, document: dict[str, Any]) -> None:
        name = str(document.get("model") or document.get("name") or "")
        self.models.note(path, name)
        if not NAME.fullmatch(name):
            return self._json({"error": "invalid model name"}, 400)
        if path == "/api/pull":
            self.models.known[full(name)] = {}
            return self._json({"status": "success"})
        if path == "/api/create":
            source = full(str(document.get("from") or ""))
            if source not in self.models.known:
                return self._json({"error": f"model '{source}' not found"}, 404)
            self.models.known[full(name)] = dict(document.get("parameters") or {})
            return self._json({"status": "success"})
        if full(name) not in self.models.known:
            text = f"model '{name}' not found"
            told = {"message": text, "type": "not_found_error", "param": None, "code": None} if path.startswith("/v1/") else text
            return self._json({"error": told}, 404)
        return self._worked(path, document, self.models.known[full(name)])

    def _worked(self, path: str, document: dict[str, Any], parameters: dict[str, Any]) -> None:
        name = document["model"]
        if path == "/api/show":
            lines = "\n".join(f"{key:30} {value}" for key, value in sorted(parameters.items()))
            return self._json(
                {"parameters": lines, "details": _entry(name)["details"], "model_info": {}, "capabilities": ["completion", "tools"]}
            )
        if path in {"/api/embed", "/v1/embeddings"}:
            return self._json({"error": "this model does not support embeddings"}, 400)
        if path == "/v1/chat/completions":
            return self._openai(
                name, stream=bool(document.get("stream")), usage=bool((document.get("stream_options") or {}).get("include_usage"))
            )
        if path == "/v1/messages":
            return self._messages(name, stream=bool(document.get("stream")))
        if path == "/v1/responses":
            return self._responses(name, stream=bool(document.get("stream")))
        part = "message" if path == "/api/chat" else "response"
        counts = {"prompt_eval_count": 9, "eval_count": len(TOKENS), "prompt_eval_duration": 10**6, "eval_duration": 10**6}

        def piece(text: str, **more: Any) -> dict[str, Any]:
            content = {"role": "assistant", "content": text} if part == "message" else text
            return {"model": name, "created_at": HOURS, part: content, "done": bool(more), **more}

        if document.get("stream", True):
            pieces = [*map(piece, TOKENS), piece("", done_reason="stop", **counts)]
            return self._stream((json.dumps(one) + "\n" for one in pieces), "application/x-ndjson")
        return self._json(piece("".join(TOKENS), done_reason="stop", **counts))

    def _openai(self, name: str, *, stream: bool, usage: bool) -> None:
        head = {"id": "chatcmpl-1", "created": 0, "model": name, "system_fingerprint": "fp_ollama"}
        counts = {"prompt_tokens": 9, "completion_tokens": len(TOKENS), "total_tokens": 9 + len(TOKENS)}
        if not stream:
            message = {"role": "assistant", "content": "".join(TOKENS)}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            return self._json({**head, "object": "chat.completion", "choices": [choice], "usage": counts})
        head |= {"object": "chat.completion.chunk"}
        pieces = [
            {**head, "choices": [{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}]} for text in TOKENS
        ]
        pieces.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        if usage:
            pieces.append({**head, "choices": [], "usage": counts})
        return self._stream((f"data: {text}\n\n" for text in [*map(json.dumps, pieces), "[DONE]"]), "text/event-stream")

    def _messages(self, name: str, *, stream: bool) -> None:
        usage = {"input_tokens": 9, "output_tokens": len(TOKENS)}
        text = {"type": "text", "text": "".join(TOKENS)}
        whole = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": name,
            "content": [text],
            "stop_reason": "end_turn",
            "usage": usage,
        }
        if not stream:
            return self._json(whole)
        events = [
            {"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": token}} for token in TOKENS),
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage},
            {"type": "message_stop"},
        ]
        return self._stream((f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events), "text/event-stream")

    def _responses(self, name: str, *, stream: bool) -> None:
        usage = {"input_tokens": 9, "output_tokens": len(TOKENS), "total_tokens": 9 + len(TOKENS)}
        text = {"type": "output_text", "text": "".join(TOKENS), "annotations": []}
        item = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [text]}
        whole = {
            "id": "resp_1",
            "object": "response",
            "created_at": 0,
            "model": name,
            "status": "completed",
            "output": [item],
            "usage": usage,
        }
        if not stream:
            return self._json(whole)
        place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        events = [
            {"type": "response.created", "response": {**whole, "status": "in_progress", "output": [], "usage": None}},
            {"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress", "content": []}},
            {"type": "response.content_part.added", **place, "part": {**text, "text": ""}},
            *({"type": "response.output_text.delta", **place, "delta": token} for token in TOKENS),
            {"type": "response.output_text.done", **place, "text": text["text"]},
            {"type": "response.content_part.done", **place, "part": text},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": whole},
        ]
        numbered = ({**event, "sequence_number": number} for number, event in enumerate(events))
        return self._stream((f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in numbered), "text/event-stream")

    def _stream(self, pieces: Any, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            data = piece.encode()
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()
            time.sleep(0.02)
        self.wfile.write(b"0\r\n\r\n")

    def _json(self, document: Any, status: int = 200) -> None:
        self._send(json.dumps(document).encode(), "application/json", status)

    def _send(self, body: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _entry(name: str) -> dict[str, Any]:
    details = {"format": "gguf", "family": "qwen3", "parameter_size": "1.7B", "quantization_level": "Q5_K_M"}
    return {"name": name, "model": name, "modified_at": HOURS, "size": 1, "digest": "0" * 64, "details": details}


def _is_local(host: str) -> bool:
    """Whether a Host header names this machine, as the real server asks it to."""
    bare = (host.rpartition(":")[0] if re.search(r":\d+$", host) else host).strip("[]").lower()
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return bare in {"", "localhost"} or bare.endswith((".localhost", ".local", ".internal"))
    return address.is_loopback or address.is_private or address.is_unspecified


def serve() -> None:
    host, _, port = os.environ["OLLAMA_HOST"].rpartition(":")
    Handler.models = Models()
    server = ThreadingHTTPServer((host, int(port)), Handler)
    server.daemon_threads = True
    server.serve_forever()


def ask(path: str, document: dict[str, Any]) -> None:
    """What the other commands do: they ask the server."""
    request = urllib.request.Request(f"http://{os.environ['OLLAMA_HOST']}{path}", json.dumps(document).encode())
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        with error:
            sys.exit(f"Error: {json.loads(error.read())['error']}")


def create(name: str, path: str) -> None:
    words = [line.split(maxsplit=2) for line in Path(path).read_text("utf-8").splitlines() if line and not line.startswith("#")]
    unknown = [line[0] for line in words if line[0] not in {"FROM", "PARAMETER"}]
    if unknown:
        sys.exit(f'Error: command must be one of "from", "parameter": {unknown}')
    (source,) = [line[1] for line in words if line[0] == "FROM"]
    ask("/api/create", {"model": name, "from": source, "parameters": {line[1]: line[2] for line in words if line[0] == "PARAMETER"}})


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve"]:
            serve()
        case ["pull", wanted]:
            ask("/api/pull", {"model": wanted, "stream": False})
        case ["create", wanted, "-f", file]:
            create(wanted, file)
        case _:
            sys.exit(f"Error: unknown command {sys.argv[1:]}")
