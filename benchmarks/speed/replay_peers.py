"""Libraries that serve recorded answers instead of calling again; each is measured only where it is installed."""

from __future__ import annotations

import http.client
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final, NamedTuple

from benchmarks.speed.door import ARGUMENTS, RESULT
from benchmarks.speed.measure import installed, us_per_call


class Peer(NamedTuple):
    """One library: its distribution, what of it is timed, at which numbers of calls, and how."""

    name: str
    package: str
    does: str
    lengths: tuple[int, ...]
    timing: Callable[[str, int], Callable[[], float]]

    @property
    def there(self) -> bool:
        """Whether it is installed."""
        return installed(self.package) is not None


def peer_timings(folder: str) -> dict[str, Callable[[], float]]:
    """Give the timings of the peers that are installed, each at its numbers of calls."""
    return {
        f"{peer.name}_at_{calls}": peer.timing(folder, calls) for peer in PEERS if peer.there for calls in peer.lengths
    }


class _Booking(BaseHTTPRequestHandler):
    """Answer every request with the tool's result."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        said = json.dumps(RESULT).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: Any) -> None: ...


def _vcr(folder: str, calls: int) -> Callable[[], float]:
    import vcr

    logging.getLogger("vcr").setLevel(logging.ERROR)
    server = HTTPServer(("127.0.0.1", 0), _Booking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    body = json.dumps(ARGUMENTS)
    cassette = os.path.join(folder, f"vcr-{calls}.yaml")

    def loop(calls: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
        for _ in range(calls):
            connection.request("POST", "/book", body, {"Content-Type": "application/json"})
            assert connection.getresponse().read()

    with vcr.use_cassette(cassette, record_mode="all"):
        loop(calls)
    server.shutdown()

    def timing() -> float:
        with vcr.use_cassette(cassette, record_mode="none", match_on=("method", "uri", "body")):
            return us_per_call(loop, calls)

    return timing


def _dbos(folder: str, calls: int) -> Callable[[], float]:
    from dbos import DBOS, SetWorkflowID

    taken: list[float] = []
    name = f"speed-{calls}"
    database = f"sqlite:///{os.path.join(folder, name)}.sqlite"

    @contextmanager
    def launched() -> Iterator[None]:
        DBOS(config={"name": name, "system_database_url": database, "run_admin_server": False, "log_level": "ERROR"})
        DBOS.launch()
        yield
        DBOS.destroy()  # its threads would disturb what is timed next

    @DBOS.step(name=f"book-{calls}")
    def book(**arguments: Any) -> dict[str, Any]:
        return RESULT

    @DBOS.workflow(name=name)
    def workflow() -> None:
        start = time.perf_counter()
        for _ in range(calls):
            book(**ARGUMENTS)
        taken.append((time.perf_counter() - start) / calls * 1e6)

    with launched(), SetWorkflowID(name):
        workflow()

    def timing() -> float:
        with launched():
            DBOS.fork_workflow(name, calls + 1).get_result()  # every step is taken from the record
        return taken[-1]

    return timing


PEERS: Final = (
    Peer("vcrpy", "vcrpy", "an HTTP call of http.client from a cassette, matched on its body", (10, 400), _vcr),
    Peer("dbos", "dbos", "a step of a workflow that is run again, from SQLite", (100,), _dbos),
)
