"""The HTTP side of a scripted server: one thread per connection, keep-alive, streams in chunked coding."""

from __future__ import annotations

import contextlib
import logging
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any, Final

from harness.determinism import canonical
from harness.errors import UsageError
from harness.testing.scripted import chat, messages, responses
from harness.testing.scripted.desk import Desk
from harness.testing.scripted.embeddings import embed
from harness.testing.scripted.reply import Answer, Failure, Silence
from harness.testing.scripted.request import CHAT, MESSAGES, RESPONSES, ModelRequest
from harness.testing.scripted.wire import CREATED

EMBEDDINGS: Final = "/v1/embeddings"
MODELS: Final = "/v1/models"
MAX_DIGITS: Final = 9  # of a Content-Length: just under a gigabyte

_WIRES: Final = {CHAT: chat.WIRE, RESPONSES: responses.WIRE, MESSAGES: messages.WIRE}
_CATALOGUE: Final = {
    "object": "list",
    "data": [{"id": "scripted", "object": "model", "created": CREATED, "owned_by": "harness"}],
}
_ERROR_TYPES: Final = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}

_logger = logging.getLogger(__name__)


class Listener(socketserver.ThreadingTCPServer):
    """Accept connections, one thread each, and know them all, so that none outlives the server."""

    request_queue_size = 512
    daemon_threads = True  # a server that nobody closed must not keep the interpreter from ending

    def __init__(self, desk: Desk) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.desk = desk
        self.closing = threading.Event()
        self._connections: dict[threading.Thread, socket.socket] = {}

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection from a thread of its own."""
        thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        self._connections = {old: link for old, link in self._connections.items() if old.is_alive()}
        self._connections[thread] = request
        thread.start()

    def end_connections(self) -> None:
        """Wake every thread that waits for its client or for time to pass, and see it end."""
        self.closing.set()
        for thread, connection in self._connections.items():
            with contextlib.suppress(OSError):  # the thread was faster
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=5)  # a policy that never returns must not keep a test from ending

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what should not have happened."""
        _logger.exception("the model server failed on a connection from %s", client_address)


class _Connection(BaseHTTPRequestHandler):
    """Speak HTTP/1.1 with one client."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def handle(self) -> None:
        """Serve requests until the client leaves or the server closes."""
        with contextlib.suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        """List the models."""
        if self._target() == MODELS:
            self._send_json(200, _CATALOGUE)
        else:
            self._send_failure(self._nowhere())

    def do_POST(self) -> None:
        """Answer a model request."""
        target = self._target()
        try:
            data = self._read_body()
            if target == EMBEDDINGS:
                return self._send_json(200, embed(data))
            if target not in _WIRES:
                return self._send_failure(self._nowhere())
            request = self.server.desk.take(target, data)
        except UsageError as error:
            return self._send_failure(Failure(400, error.what, param=error.where or None))
        return self._reply(request)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that is not even HTTP in the shape of every other error."""
        self.close_connection = True  # what stands behind a broken request cannot be told from its body
        self._send_failure(Failure(code, explain or message or self.responses[code][1]))

    def _target(self) -> str:
        return getattr(self, "path", "").partition("?")[0]

    def _nowhere(self) -> Failure:
        served = f"GET {MODELS} and POST {', '.join((*_WIRES, EMBEDDINGS))}"
        return Failure(404, f"{self.command} {self._target()} is not served; there are {served}")

    def _read_body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if length.isascii() and length.isdigit() and len(length) <= MAX_DIGITS:
            return self.rfile.read(int(length))
        self.close_connection = True
        raise UsageError(f"Content-Length is {length[:20] or 'missing'}, not a number of {MAX_DIGITS} digits or less")

    def _reply(self, request: ModelRequest) -> None:
        reply = self.server.desk.decide(request)
        if isinstance(reply, Failure):
            self._send_failure(reply)
        elif isinstance(reply, Silence):
            self._pause(reply.seconds)
            self.close_connection = True
        elif request.stream:
            self._send_stream(request, reply)
        else:
            self._send_whole(request, reply)

    def _send_whole(self, request: ModelRequest, answer: Answer) -> None:
        body = canonical.encode_as_is(_WIRES[request.path].whole(request, answer))
        self._pause(answer.first_ms / 1000)
        if answer.cut_after is None:
            self._send(200, body)
        else:
            self._send(200, body[: len(body) // 2], length=len(body))
            self.close_connection = True

    def _send_stream(self, request: ModelRequest, answer: Answer) -> None:
        self._pause(answer.first_ms / 1000)
        self._send(200, b"", {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        sent = 0
        for chunk in _WIRES[request.path].stream(request, answer):
            if chunk.piece:
                if sent == answer.cut_after:
                    self.close_connection = True
                    return
                self._pause(answer.chunk_ms / 1000)
                sent += 1
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk.data), chunk.data))
        self.wfile.write(b"0\r\n\r\n")

    def _send_failure(self, failure: Failure) -> None:
        kind = _ERROR_TYPES.get(failure.status, "server_error" if failure.status >= 500 else "invalid_request_error")
        error = {"message": failure.message, "type": kind, "param": failure.param, "code": None}
        headers = {}
        if failure.retry_after_s is not None:
            headers["Retry-After"] = f"{failure.retry_after_s:g}"
        if failure.final:
            headers["X-Should-Retry"] = "false"
        if self._target() == MESSAGES:
            kind = kind.replace("server_error", "api_error")
            body = {"type": "error", "error": {"type": kind, "message": failure.message}}
            return self._send_json(failure.status, body, headers)
        return self._send_json(failure.status, {"error": error}, headers)

    def _send_json(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._send(status, canonical.encode_as_is(body), headers)

    def _send(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, *, length: int | None = None
    ) -> None:
        """Send head and body at once; no header tells the time, so that equal requests get equal bytes."""
        head = {"Server": "scripted", "Content-Type": "application/json", **(headers or {})}
        if "Transfer-Encoding" not in head:
            head["Content-Length"] = str(len(body) if length is None else length)
        if self.close_connection:
            head["Connection"] = "close"
        lines = [f"HTTP/1.1 {status} {_reason(status)}", *(f"{name}: {value}" for name, value in head.items())]
        self.wfile.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def _pause(self, seconds: float) -> None:
        if seconds and self.server.closing.wait(seconds):
            raise ConnectionAbortedError("the server closes")


def _reason(status: int) -> str:
    entry = BaseHTTPRequestHandler.responses.get(status)
    return entry[0] if entry else "Scripted"
