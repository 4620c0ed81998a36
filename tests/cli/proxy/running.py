"""``harness proxy`` as a process of its own, what its traces say, who asks it, and services of sense and of none."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx2
from openai import OpenAI

from harness.adapters.files import open_trace
from harness.testing.model_server import ModelRequest, ModelServer, Reply, call, calls, cut, drop, fail, hang, say, slow
from harness.trace.event import Event

ROOT = Path(__file__).parents[3]
RULES = """
registry: shop
version: "1"
default: allow
tools:
  refund:
    effect: write
    idempotent: true
    arguments: {type: object, properties: {cents: {type: integer}}}
  note:
    effect: write
    idempotent: true
    arguments: {type: object, properties: {text: {type: string}}}
  charge:
    effect: write
    idempotent: true
    arguments: {type: object, properties: {cents: {type: integer}}}
invariants:
  - {id: CAP, title: refunds stay small, on: action, tool: refund, require: call.args.cents <= 20000, otherwise: block,
     says: refund at most 20000 cents}
  - {id: SHORT, on: action, tool: note, require: len(call.args.text) <= 5, otherwise: rewrite,
     rewrite: {args.text: '"short"'}}
  - {id: ASK, title: charges are seen by a person, on: action, tool: charge, require: call.args.cents <= 100,
     otherwise: escalate}
"""


class Proxy:
    """A running proxy: its address, its process, and the folder that its traces are in."""

    def __init__(self, process: subprocess.Popen[str], url: str, traces: Path) -> None:
        self.process, self.url, self.traces = process, url, traces
        self.base_url = f"{url}/v1"

    def stop(self, number: signal.Signals = signal.SIGTERM) -> str:
        """Send a signal, wait for the end, and give what the proxy has told since it began."""
        self.process.send_signal(number)
        _, told = self.process.communicate(timeout=30)
        return told

    def health(self) -> dict[str, Any]:
        """Ask how it is."""
        said: dict[str, Any] = httpx2.get(f"{self.url}/harness/health", trust_env=False).json()
        return said

    def events(self, name: str, segment: int = 1) -> list[Event]:
        """Give what the trace of a conversation holds so far."""
        with open_trace(self.traces / f"{name}-{segment:03d}.mat.jsonl") as reader:
            return list(reader)

    def conversations(self) -> dict[str, list[Event]]:
        """Give every trace by the name of its file."""
        found = {}
        for path in sorted(self.traces.glob("*.mat.jsonl")):
            with open_trace(path) as reader:
                found[path.name] = list(reader)
        return found


@contextmanager
def proxied(folder: Path, upstream: str, *options: str, rules: str = RULES, **environment: str) -> Iterator[Proxy]:
    """Start a proxy before a service, and stop it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rules.yaml").write_text(rules)
    command = [sys.executable, "-m", "harness", "proxy", "--upstream", upstream, "--port", "0"]
    command += ["--registry", "rules.yaml", "--traces", "runs", *options]
    inherited = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment}
    with subprocess.Popen(command, cwd=folder, env=inherited, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        address = re.search(r"http://\S+", said)
        assert address is not None, said + process.stderr.read()
        try:
            yield Proxy(process, address[0], folder / "runs")
        finally:
            if process.poll() is None:
                process.terminate()
                process.communicate(timeout=30)


class Rogue:
    """A service that answers every request with the same bytes, and then closes, waits, or cuts the connection."""

    def __init__(self, answer: bytes, *, hold_s: float = 0.0) -> None:
        self._answer, self._closing, self._hold_s = answer, threading.Event(), hold_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.set()
        with socket.create_connection(self._listener.getsockname()):
            pass
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while not self._closing.is_set():
            connection, _ = self._listener.accept()
            with connection:
                while not self._closing.is_set() and b"\r\n\r\n" not in connection.recv(1 << 16, socket.MSG_PEEK):
                    pass
                if self._closing.is_set():
                    return
                connection.recv(1 << 20)
                connection.sendall(self._answer)
                self._closing.wait(self._hold_s)


def decisions(events: list[Event]) -> list[tuple[str, str]]:
    """Give the tools that were wanted, and what was decided about each that was not simply allowed."""
    tools = {event.seq: event.body["tool"] for event in events if event.kind == "action"}
    decided = {event.body["action"]: event.body["decision"] for event in events if event.kind == "decision"}
    return [(tool, decided.get(seq, "allow")) for seq, tool in tools.items() if ":" not in tool]


def outcomes(events: list[Event]) -> list[str]:
    """Say how each call of the model went: ok, failed or unknown; open where there is no outcome."""
    calls = {event.seq: event.body["tool"] for event in events if event.kind == "action" and ":" in event.body["tool"]}
    how = {
        event.body["action"]: next(kind for kind in ("ok", "failed", "unknown") if kind in event.body)
        for event in events
        if event.kind == "observation"
    }
    return [how.get(seq, "open") for seq in calls]


TOOLS: list[Any] = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
    for name in ("refund", "note", "charge", "look")
]
LONG = "a long answer, in more pieces than one, so that it streams"


def policy(request: ModelRequest) -> Reply:
    """Answer by what the last message asks for."""
    word, _, rest = request.text.partition(" ")
    if request.messages[-1]["role"] == "tool":
        return say("done")
    if word == "want":
        wanted = [one.split("=") for one in rest.split(",")]
        return calls(*(call(tool, **json.loads(args)) for tool, args in wanted))
    replies: dict[str, Reply] = {
        "fail": fail(500, "a broken model"),
        "busy": fail(429, "slow down", retry_after_s=7),
        "cut": cut(say(LONG), after_chunks=1),
        "drop": drop(),
        "hang": hang(8),
        "slow": slow(say(LONG), chunk_ms=150),
    }
    return replies.get(word, say(f"you said {request.text!r}, naïvely 😀"))


CONNECTIONS: list[httpx2.Client] = []


def client(proxy: Proxy | ModelServer, name: str = "", **options: Any) -> OpenAI:
    """Give an official client whose conversation has a name."""
    headers = {"X-Harness-Session": name} if name else {}
    options = {"max_retries": 0, "api_key": "sk-of-the-client", "http_client": CONNECTIONS[-1], **options}
    return OpenAI(base_url=proxy.base_url, **{"default_headers": headers, **options})


def asked(text: str) -> list[Any]:
    """Give the first message of a conversation."""
    return [{"role": "user", "content": text}]


def said_so(text: str) -> list[Any]:
    """Give a message of the assistant's."""
    return [{"role": "assistant", "content": text}]


def until(holds: Any, seconds: float = 5.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def http_answer(body: bytes, kind: str = "application/json", status: str = "200 OK") -> bytes:
    """Spell an HTTP response."""
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    return head.encode() + body
