"""Ways to ask a scripted server: with the official client, and byte by byte."""

from __future__ import annotations

import socket
from http.client import HTTPConnection
from typing import Any

from openai import OpenAI

from harness.testing.model_server import ModelServer, Policy, Reply

QUESTION: list[Any] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where is W-77?"}]
LONG = "The parcel left Zürich at nine and will be with you tomorrow. 🚚"
CHAT: dict[str, Any] = {"model": "m", "messages": QUESTION}


def client_of(server: ModelServer, **options: Any) -> OpenAI:
    """Give a client that does not retry unless told to."""
    return OpenAI(base_url=server.base_url, api_key="scripted", **{"max_retries": 0, **options})


def ask(reply: Reply | Policy, **options: Any) -> Any:
    """Ask one question of a server that knows one reply."""
    policy = reply if callable(reply) else lambda _: reply
    with ModelServer(policy) as server, client_of(server, **options) as client:
        return client.chat.completions.create(**CHAT)


def send(server: ModelServer, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Send one HTTP request and give the status and the body of the answer."""
    connection = HTTPConnection(server.base_url.removeprefix("http://").removesuffix("/v1"), timeout=10)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def exchange(server: ModelServer, data: bytes) -> bytes:
    """Send bytes and give all that comes back until the server closes."""
    port = int(server.base_url.rsplit(":", 1)[1].removesuffix("/v1"))
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(data)
        return b"".join(iter(lambda: connection.recv(65536), b""))
