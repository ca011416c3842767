"""A small HTTP server that speaks the OpenAI dialect as well as it should, or breaks any rule that a test asks it to break.

It writes to the socket itself, so that it can also send what no HTTP library would.
"""

from __future__ import annotations

import json
import re
import socket
import socketserver
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = "stub"
WORD = re.compile(r"code word of this document is (\S+)\.\n")
ANSWER = ["Hello", " there", ",", " this", " is", " an", " answer", " of", " some", " words"]
ARGUMENTS = {"place": "Husum", "day": "tomorrow"}
CALL_TEXT = "<tool_call>" + json.dumps({"name": "look_up_tide", "arguments": ARGUMENTS}) + "</tool_call>"


@dataclass
class Request:
    """What came: method, path, headers in small letters, and the document."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.body)


class Wire:
    """The connection, as far as a reply needs it."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def send(self, data: bytes | str) -> None:
        self.connection.sendall(data.encode() if isinstance(data, str) else data)

    def head(self, status: int = 200, kind: str = "application/json", **headers: Any) -> None:
        lines = [f"HTTP/1.1 {status} Stub", f"Content-Type: {kind}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join(lines) + "\r\n\r\n")

    def json(self, document: Any, status: int = 200) -> None:
        body = json.dumps(document).encode()
        self.head(status, Content_Length=len(body))
        self.send(body)

    def text(self, text: str, status: int = 200, kind: str = "text/html") -> None:
        self.head(status, kind, Content_Length=len(text.encode()))
        self.send(text)

    def event(self, document: Any) -> None:
        self.send(f"data: {json.dumps(document)}\n\n")

    def reset(self) -> None:
        """Ends the connection as a killed process does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


@dataclass
class Stub:
    """A server that keeps every promise; tests change one thing.

    Attributes:
        paths: replies in the place of its own, by path.
        chunk_s: seconds between two parts of a stream; `gathers` sends them all at the end.
        wakes_s: seconds before the first part of the first stream, as where a model is loaded first.
        slots: how many answers it writes at once.
        tools: `parsed`, `text`, `none`, `garbled` or `other`.
    """

    model: str = MODEL
    key: str = ""
    context: int = 10**9
    cuts: bool = False
    counts: bool = True
    recalls: bool = True
    keeps_schema: bool = True
    tools: str = "parsed"
    chunk_s: float = 0.002
    gathers: bool = False
    wakes_s: float = 0.0
    slots: int = 64
    dimensions: int = 8
    meta: dict[str, Any] = field(default_factory=dict)
    paths: dict[str, Callable[[Wire, Request], None]] = field(default_factory=dict)
    host: str = "127.0.0.1"
    port: int = 0
    seen: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        stub = self
        self.room = threading.Semaphore(self.slots)

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                stub.answer(self.request)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 64

            def handle_error(self, *_: Any) -> None:
                """A client that leaves is no error."""

        self.server = Server((self.host, self.port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=lambda: self.server.serve_forever(0.02), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, connection: socket.socket) -> None:
        request = _read(connection)
        if request is None:
            return
        self.seen.append(request)
        wire = Wire(connection)
        own = {
            "/health": lambda wire, _: wire.json({"status": "ok"}),
            "/v1/models": self._models,
            "/v1/chat/completions": self._chat,
            "/v1/messages": self._messages,
            "/v1/embeddings": self._embeddings,
        }
        reply = self.paths.get(request.path) or own.get(request.path)
        if self.key and request.path != "/health" and request.headers.get("authorization") != f"Bearer {self.key}":
            wire.json({"error": {"message": "Invalid API Key", "code": 401}}, 401)
        elif reply:
            reply(wire, request)
        else:
            wire.json({"error": {"message": "File Not Found", "code": 404}}, 404)

    def _models(self, wire: Wire, _: Request) -> None:
        wire.json({"object": "list", "data": [{"id": self.model, "object": "model", **self.meta}]})

    def _chat(self, wire: Wire, request: Request) -> None:
        asked = request.document
        prompt = "\n".join(message["content"] for message in asked["messages"])
        tokens = len(prompt) // 4 + 8
        if tokens > self.context and not self.cuts:
            wire.json({"error": {"message": f"request ({tokens} tokens) exceeds the available context size ({self.context} tokens)"}}, 400)
            return
        kept = prompt[-4 * self.context :] if tokens > self.context else prompt
        usage = {"prompt_tokens": min(tokens, self.context), "completion_tokens": 24} if self.counts else None
        with self.room:
            self._said(wire, asked, self._message(asked, kept), usage)

    def _message(self, asked: dict[str, Any], prompt: str) -> dict[str, Any]:
        if asked.get("tools") and (self.tools != "none" or asked.get("tool_choice") == "required"):
            return self._called()
        if "response_format" in asked:
            return {"content": '{"colour": "red", "fruit": true}' if self.keeps_schema else "A tomato is red, of course."}
        if "code word" in prompt:
            found = WORD.search(prompt) if self.recalls else None
            return {"content": found[1] if found else "I do not know"}
        return {"content": None, "parts": ANSWER * 3}

    def _called(self) -> dict[str, Any]:
        name = "rm" if self.tools == "other" else "look_up_tide"
        arguments = "{'place'" if self.tools == "garbled" else json.dumps(ARGUMENTS)
        if self.tools == "text":
            return {"content": CALL_TEXT}
        return {
            "content": "",
            "tool_calls": [{"index": 0, "id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}],
        }

    def _said(self, wire: Wire, asked: dict[str, Any], message: dict[str, Any], usage: Any) -> None:
        parts = message.pop("parts", None)
        if not asked["stream"]:
            whole = message | {"content": "".join(parts) if parts else message["content"], "role": "assistant"}
            document = {"model": self.model, "choices": [{"index": 0, "message": whole, "finish_reason": "stop"}], "usage": usage}
            wire.json(document)
            return
        wire.head(200, "text/event-stream")
        time.sleep(self.wakes_s)
        self.wakes_s = 0.0
        deltas = [{"content": part} for part in parts] if parts else [message]
        if self.gathers:
            time.sleep(self.chunk_s * len(deltas))
            wire.send("".join(f"data: {json.dumps(_chunk(delta))}\n\n" for delta in deltas))
        else:
            for delta in deltas:
                time.sleep(self.chunk_s)
                wire.event(_chunk(delta))
        wire.event(_chunk({}, "tool_calls" if message.get("tool_calls") else "stop"))
        wire.event({"choices": [], "usage": usage})
        wire.send("data: [DONE]\n\n")

    def _messages(self, wire: Wire, request: Request) -> None:
        """The Anthropic dialect: whole answers in words, streams with a call."""
        if not request.document["stream"]:
            content = [{"type": "text", "text": "".join(ANSWER)}]
            wire.json({"type": "message", "content": content, "stop_reason": "end_turn", "usage": {"input_tokens": 8, "output_tokens": 10}})
            return
        wire.head(200, "text/event-stream")
        block = {"type": "tool_use", "id": "1", "name": "look_up_tide", "input": {}}
        for event in (
            {"type": "message_start", "message": {"model": self.model, "usage": {"input_tokens": 8}}},
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": json.dumps(ARGUMENTS)}},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}},
            {"type": "message_stop"},
        ):
            wire.send(f"event: {event['type']}\n")
            wire.event(event)

    def _embeddings(self, wire: Wire, request: Request) -> None:
        texts = request.document["input"]
        if any(len(text) // 4 > self.context for text in texts) and not self.cuts:
            wire.json({"error": {"message": "input is too large to process"}}, 500)
            return
        data = [{"index": index, "embedding": self._vector(text[: 4 * self.context])} for index, text in enumerate(texts)]
        wire.json({"data": data, "usage": {"prompt_tokens": sum(len(text) // 4 for text in texts)}})

    def _vector(self, text: str) -> list[float]:
        """Shares of words: texts with words in common are near each other."""
        words = [word.strip(".,").lower() for word in text.split()]
        numbers = [0.01] * self.dimensions
        for word in words:
            if len(word) > 3:
                numbers[sum(word.encode()) % self.dimensions] += 1 / len(words)
        return numbers


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def _read(connection: socket.socket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        piece = connection.recv(1 << 20)
        if not piece:
            return None
        body += piece
    return Request(method, path, headers, body)
