"""Asks a server over HTTP and never waits for ever: to connect, for the first byte, between two chunks, and in all.

The standard library's client, with a watch beside it that closes the connection when the time is over, because a server that sends one byte a
second passes every time-out of a socket. Redirects are not followed and proxies of the environment not used: what answers must be the setup.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from setupgen.verify.trouble import Trouble, excerpt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OK, REDIRECTS = range(200, 300), range(300, 400)
CHUNK, LONGEST_LINE = 65536, 1024 * 1024
AGENT = "setupgen-verify"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait, in seconds, and how much to take, in bytes."""

    connect_s: float = 5
    first_byte_s: float = 60
    gap_s: float = 60
    total_s: float = 180
    most_bytes: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. `first_byte_s` is when its head was there, `seconds` when its end was, both from the start of the request."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    first_byte_s: float
    seconds: float

    def document(self) -> Any:
        """The JSON that it holds.

        Raises:
            Trouble: for anything else, with its beginning.
        """
        return document_of(self.body, self.headers.get("content-type", ""))


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a stream and the seconds after which it came; lines that came in one piece share the number `read`."""

    text: str
    seconds: float
    read: int


@dataclass
class Client:
    """Asks with one key and one opinion about certificates."""

    key: str = field(default="", repr=False)
    context: ssl.SSLContext | None = None
    limits: Limits = field(default_factory=Limits)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def without_key(self) -> Client:
        """The same client as a stranger."""
        return replace(self, key="", headers={})

    def connect(self, url: str) -> None:
        """Connects and agrees on TLS, and asks nothing.

        Raises:
            Trouble: where that fails; `certificate` where the other side proves nothing.
        """
        with _Exchange(self, "GET", url, self.limits) as exchange:
            exchange.open()

    def get(self, url: str, limits: Limits | None = None) -> Reply:
        """A page, whatever its status."""
        return self._whole("GET", url, None, {}, limits or self.limits)

    def post(self, url: str, document: Any, limits: Limits | None = None) -> Reply:
        """The answer to a JSON document, whatever its status."""
        return self._whole("POST", url, json.dumps(document).encode(), {"Content-Type": "application/json"}, limits or self.limits)

    def upload(self, url: str, body: bytes, kind: str, limits: Limits | None = None) -> Reply:
        """The answer to a body of any kind, whatever its status."""
        return self._whole("POST", url, body, {"Content-Type": kind}, limits or self.limits)

    def stream(self, url: str, document: Any, limits: Limits | None = None) -> Iterator[Line]:
        """The lines of an answer as they come; close the iterator to leave before the end.

        Raises:
            Trouble: for a status other than 200 and everything that ends the stream before its end.
        """
        limits = limits or self.limits
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/x-ndjson"}
        with _Exchange(self, "POST", url, limits) as exchange:
            response = exchange.ask(json.dumps(document).encode(), headers)
            if response.status not in OK:
                reply = exchange.rest(response)
                raise refusal(self.clean(reply), url)
            rest, reads, taken = b"", 0, 0
            while piece := exchange.read(response):
                reads, taken = reads + 1, taken + len(piece)
                if taken > limits.most_bytes:
                    raise Trouble("too-big", f"the stream did not end after {taken:,} bytes.")
                *lines, rest = (rest + piece).split(b"\n")
                if len(rest) > LONGEST_LINE:
                    raise Trouble("too-big", f"a line of the stream did not end after {len(rest):,} bytes.")
                for line in lines:
                    yield Line(_utf8(line).rstrip("\r"), exchange.seconds, reads)
            if rest.strip():
                yield Line(_utf8(rest), exchange.seconds, reads)

    def clean(self, reply: Reply) -> Reply:
        """The reply without the key, should the server have repeated it."""
        return replace(reply, body=reply.body.replace(self.key.encode(), b"[key]")) if self.key else reply

    def _whole(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], limits: Limits) -> Reply:
        with _Exchange(self, method, url, limits) as exchange:
            return self.clean(exchange.rest(exchange.ask(body, headers)))


class _Exchange:
    """One request on a connection of its own, with the watch that ends it."""

    def __init__(self, client: Client, method: str, url: str, limits: Limits) -> None:
        parts = urlsplit(url)
        self.client, self.method, self.limits = client, method, limits
        self.host, self.path = parts.hostname or "", parts.path or "/"
        port = parts.port
        if parts.scheme == "https":
            self.connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                self.host, port, timeout=limits.connect_s, context=client.context or ssl.create_default_context()
            )
        else:
            self.connection = http.client.HTTPConnection(self.host, port, timeout=limits.connect_s)
        self.where = f"{self.host}:{self.connection.port}"
        self.socket: socket.socket | None = None
        self.response: http.client.HTTPResponse | None = None
        self.is_over = False
        self.phase = "connect"
        self.started = time.monotonic()
        self.first_byte_s = 0.0
        self.watch = threading.Timer(limits.total_s, self._end)
        self.watch.daemon = True

    @property
    def seconds(self) -> float:
        """Since the request began."""
        return time.monotonic() - self.started

    def __enter__(self) -> Self:
        self.watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.watch.cancel()
        for one in (self.response, self.connection, self.socket):
            if one is not None:
                with contextlib.suppress(OSError, ValueError):
                    one.close()

    def open(self) -> None:
        """Looks the name up, connects, and agrees on TLS where the address says so."""
        with self._translated():
            resolve(self.host, self.limits.connect_s)
            self.connection.connect()
            self.socket = self.connection.sock
            self.socket.settimeout(self.limits.first_byte_s)

    def ask(self, body: bytes | None, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        """Sends the request and reads the answer's head."""
        self.open()
        with self._translated():
            self.phase = "first byte"
            sent = {"User-Agent": AGENT, "Accept": "application/json", **self._keys(), **headers}
            self.connection.request(self.method, self.path, body, sent)
            response = self.response = self.connection.getresponse()
            self.first_byte_s = self.seconds
            self.phase = "chunk"
        return response

    def read(self, response: http.client.HTTPResponse) -> bytes:
        """The next piece; nothing at the end.

        A stream's first piece may take as long as a first byte: servers send the head before they read the prompt.
        """
        with self._translated():
            if self.socket is not None:
                self.socket.settimeout(self.limits.first_byte_s if self.phase == "chunk" else self.limits.gap_s)
            piece = response.read1(CHUNK)
            self.phase = "more"
            if not piece and (self.is_over or response.length):
                raise http.client.IncompleteRead(b"")
            return piece

    def rest(self, response: http.client.HTTPResponse) -> Reply:
        """The whole answer."""
        pieces: list[bytes] = []
        size = 0
        while piece := self.read(response):
            pieces.append(piece)
            size += len(piece)
            if size > self.limits.most_bytes:
                raise Trouble("too-big", f"the answer did not end after {size:,} bytes.", status=response.status)
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, headers, b"".join(pieces), self.first_byte_s, self.seconds)

    def _keys(self) -> dict[str, str]:
        own = {"Authorization": f"Bearer {self.client.key}"} if self.client.key else {}
        return own | dict(self.client.headers)

    def _end(self) -> None:
        self.is_over = True
        for one in (self.socket, self.connection.sock):
            if one is not None:
                with contextlib.suppress(OSError, ValueError):
                    one.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Every way in which the network fails, as `Trouble`."""
        try:
            yield
        except Trouble:
            raise
        except Exception as error:
            if not isinstance(error, OSError | http.client.HTTPException | ValueError | AttributeError):
                raise
            raise self._trouble(error) from error

    def _trouble(self, error: Exception) -> Trouble:
        limits, seconds = self.limits, self.seconds
        if self.is_over:
            return Trouble("too-slow", f"the answer was not complete after {limits.total_s:.0f} s.")
        if isinstance(error, ssl.SSLCertVerificationError):
            return Trouble("certificate", f"the certificate of {self.where} is not trusted: {excerpt(error.verify_message)}.")
        if isinstance(error, TimeoutError):
            return {
                "connect": Trouble("connect-timeout", f"{self.where} did not take the connection within {limits.connect_s:.0f} s."),
                "first byte": Trouble("silent", f"nothing came within {limits.first_byte_s:.0f} s."),
                "chunk": Trouble("silent", f"nothing came within {limits.first_byte_s:.0f} s."),
            }.get(
                self.phase,
                Trouble("stalled", f"after {seconds:.1f} s nothing more came for {limits.gap_s:.0f} s, and the answer was not complete."),
            )
        if isinstance(error, ssl.SSLError):
            return Trouble("tls", f"{self.where} does not speak TLS as it should: {excerpt(error.reason or str(error))}.")
        if isinstance(error, ConnectionRefusedError):
            return Trouble("refused", f"nothing listens on {self.where}.")
        if isinstance(error, http.client.RemoteDisconnected | http.client.IncompleteRead):
            return Trouble("ended-early", f"the server closed the connection after {seconds:.1f} s, before the answer was complete.")
        if isinstance(error, ConnectionError):
            return Trouble("reset", f"the connection broke after {seconds:.1f} s, before the answer was complete.")
        if isinstance(error, OSError) and self.phase == "connect":
            return Trouble("unreachable", f"{self.where} cannot be reached: {excerpt(error.strerror or str(error))}.")
        if isinstance(error, OSError):
            return Trouble("reset", f"the connection broke after {seconds:.1f} s: {excerpt(error.strerror or str(error))}.")
        return Trouble("not-http", f"what {self.where} sent is not HTTP: {excerpt(str(error)) or type(error).__name__}.")


def resolve(host: str, limit_s: float) -> None:
    """Looks a name up, for at most so long; the system's own look-up has no time-out.

    Raises:
        Trouble: for a name that is not known in time.
    """
    found: list[OSError | UnicodeError | None] = []

    def look_up() -> None:
        try:
            socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            found.append(error)
        else:
            found.append(None)

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(limit_s)
    if not found or found[0] is not None:
        raise Trouble("no-name", f"the name {excerpt(host, 80)} is not known here.")


def accepts(host: str, port: int, limit_s: float = 1) -> bool:
    """Whether something takes connections there."""
    try:
        with socket.create_connection((host, port), timeout=limit_s):
            return True
    except OSError:
        return False


def document_of(body: bytes, content_type: str = "") -> Any:
    """The JSON of a body.

    Raises:
        Trouble: for what is no UTF-8, an HTML page, or no JSON.
    """
    text = _utf8(body)
    begin = text.lstrip()[:200].lower()
    if begin.startswith(("<!doctype", "<html")) or ("html" in content_type and begin.startswith("<")):
        raise Trouble("html", f"an HTML page came instead of JSON: {excerpt(_title(text))}.", detail=_title(text))
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        what = f"it begins with {excerpt(text, 60)!r}" if text.strip() else "it is empty"
        raise Trouble("not-json", f"the answer is no JSON; {what}.") from None


def refusal(reply: Reply, url: str) -> Trouble:
    """The trouble that a status other than 200 is, in the server's own words."""
    path = urlsplit(url).path
    if reply.status in REDIRECTS:
        target = excerpt(reply.headers.get("location", "nowhere"))
        return Trouble(
            "redirect", f"{path} redirects to {target}, and clients send no key after a redirect.", status=reply.status, detail=target
        )
    detail = said(reply)
    return Trouble("status", f"{path} answered {reply.status}{f': {detail}' if detail else ''}.", status=reply.status, detail=detail)


def said(reply: Reply) -> str:
    """The message inside an error, however the server wraps it."""
    try:
        found: Any = reply.document()
    except Trouble as trouble:
        return excerpt(trouble.detail if trouble.kind == "html" else reply.body.decode("utf-8", "backslashreplace")).rstrip(".")
    for key in ("error", "message", "detail"):
        if isinstance(found, dict) and found.get(key):
            found = found[key]
    return excerpt(found if isinstance(found, str) else json.dumps(found)).rstrip(".")


def _title(text: str) -> str:
    lower = text.lower()
    start, end = lower.find("<title>"), lower.find("</title>")
    return text[start + 7 : end].strip() if 0 <= start < end else text.strip()[:80]


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Trouble("not-utf8", f"the answer is no UTF-8 text: byte 0x{data[error.start]:02x} at {error.start}.") from None
