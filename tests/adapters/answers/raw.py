"""A server on loopback that sends the bytes it was given, piece by piece, whatever they are."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

EVENTS = "text/event-stream"


class Sends(NamedTuple):
    """An answer: its pieces, each a chunk of its own; ``cut`` breaks the connection after them."""

    pieces: list[bytes]
    kind: str = "application/json"
    status: int = 200
    cut: bool = False


Script = Callable[[int, dict[str, Any]], Sends]


class RawServer(ThreadingHTTPServer):
    """Answer the n-th request as a script says; ``bodies`` are the requests that came."""

    daemon_threads = True

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script, self.bodies = script, list[dict[str, Any]]()
        self.anthropic_url = f"http://127.0.0.1:{self.server_address[1]}"
        self.base_url = f"{self.anthropic_url}/v1"

    @property
    def requests(self) -> list[dict[str, Any]]:
        """Give the requests, as the scripted server does."""
        return self.bodies


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RawServer

    def do_POST(self) -> None:
        """Send what the script says."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        sends = self.server.script(len(self.server.bodies), body)
        self.server.bodies.append(body)
        self.send_response(sends.status)
        self.send_header("Content-Type", sends.kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in sends.pieces:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        if not sends.cut:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = sends.cut

    def log_message(self, *said: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(script: Script) -> Iterator[RawServer]:
    """Serve a script from a thread."""
    server = RawServer(script)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
