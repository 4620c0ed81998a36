"""The way from a proxy to the service behind it: addresses, headers and keys."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterable, Iterable
from typing import Any, Final
from urllib.parse import unquote

import httpx2

from harness.errors import UsageError

SESSION: Final = "x-harness-session"
_CREDENTIALS: Final = ("authorization", "x-api-key", "api-key")
_HOP_BY_HOP: Final = frozenset(
    "connection expect host keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer "
    f"transfer-encoding upgrade x-http-method-override {SESSION}".split()
)
RAW: Final = frozenset(("accept-encoding", "content-encoding", "content-length"))
"""Headers about the very bytes of a body, which are of no use where it is decoded on the way."""
_HEADS: Final = "harness.heads"
_POOLS: Final = 16  # of connections: to find a free one takes a look at every connection of its pool
_SHORT: Final = 8  # characters of a key that is none: the placeholder of whoever needs no key

Headers = list[tuple[bytes, bytes]]


class Upstream:
    """The service at ``url``, which is what its own clients would be given as base URL.

    ``key`` stands in the place of whatever key a client sends; without one the client's own goes up.
    """

    def __init__(self, url: str, *, key: str = "", timeout_s: float = 600.0) -> None:
        self.url = httpx2.URL(url)
        if self.url.scheme not in ("http", "https") or not self.url.host or self.url.query or self.url.userinfo:
            raise UsageError(f"{url} is no base URL", cure="name one such as https://api.openai.com/v1")
        self._key = key
        self.keyed = bool(key)
        self._segments = _segments(self.url.path)
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=32)
        timeout = httpx2.Timeout(timeout_s, connect=10.0)
        trusted = httpx2.create_ssl_context()
        options: Any = {
            "limits": limits,
            "timeout": timeout,
            "verify": trusted,
            "event_hooks": {"response": [_keep_head]},
        }
        self._clients = [httpx2.AsyncClient(**options) for _ in range(_POOLS)]

    def client(self, session: int) -> httpx2.AsyncClient:
        """Give the HTTP client of a session."""
        return self._clients[session % _POOLS]

    async def aclose(self) -> None:
        """Close every connection."""
        for client in self._clients:
            await client.aclose()

    def request(
        self,
        method: str,
        path: bytes,
        query: bytes,
        headers: Headers,
        content: bytes | AsyncIterable[bytes],
        *,
        judged: bool = True,
    ) -> httpx2.Request:
        """Give the request to send for one that came; what a path repeats of the base URL's own end counts once."""
        asked = _segments(path.decode("ascii"))
        common = next(size for size in range(len(asked), -1, -1) if asked[:size] == self._segments[-size:] or not size)
        raw = "/".join(["", *self._segments, *asked[common:]]).encode() + (b"?" + query if query else b"")
        passed = self._headers(headers, frozenset() if not judged else RAW)
        target = self.url.copy_with(raw_path=raw)
        heads: dict[str, Any] = {_HEADS: []}
        return httpx2.Request(method, target, headers=passed, content=content or None, extensions=heads)

    def base_of(self, request: httpx2.Request) -> str:
        """Give what stands before the name of an endpoint in the path of a request that goes up."""
        found = re.match(r".*/v\d+(?=/)", request.url.path)
        return found[0] if found else self.url.path

    def _headers(self, headers: Headers, besides: frozenset[str]) -> list[tuple[str, str]]:
        passed = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers]
        named = {part.strip().lower() for name, value in passed if name == "connection" for part in value.split(",")}
        left_out = _HOP_BY_HOP | besides | named
        passed = [(name, value) for name, value in passed if name not in left_out]
        if not self._key:
            return passed
        taken = next((name for name, _ in passed if name in _CREDENTIALS), "authorization")
        passed = [(name, value) for name, value in passed if name not in _CREDENTIALS]
        return [*passed, (taken, f"Bearer {self._key}" if taken == "authorization" else self._key)]


def heads_of(request: httpx2.Request) -> list[httpx2.Headers]:
    """Give the headers of each answer that a request, or one made of it, has had."""
    heads: list[httpx2.Headers] = request.extensions[_HEADS]
    return heads


async def _keep_head(response: httpx2.Response) -> None:
    heads_of(response.request).append(response.headers)


def plain_path(raw: bytes) -> str:
    """Give a path as its segments are meant; UsageError for one that two readers could understand in two ways."""
    path = unquote(raw.decode("latin-1"))
    segments = path.removeprefix("/").split("/")
    hidden = unquote(path) != path or path.count("/") != raw.count(b"/") or "\\" in path or not path.isprintable()
    if hidden or (path != "/" and any(segment in ("", ".", "..") for segment in segments)):
        raise UsageError(f"the path {path[:100]!r} can be understood in two ways", cure="write it plainly")
    return path


def credentials(headers: Headers) -> tuple[str, list[str]]:
    """Give what stands for whoever sends these headers, and the keys in them that no trace may hold."""
    found = sorted((name.lower(), value) for name, value in headers if name.lower().decode("latin-1") in _CREDENTIALS)
    keys = [value.decode("latin-1").rpartition(" ")[2] for _, value in found]
    who = hashlib.sha256(b"\n".join(name + b" " + value for name, value in found)).hexdigest()
    return who, [key for key in keys if len(key) >= _SHORT]


def passed_back(headers: Iterable[tuple[str, str]], *, judged: bool = True) -> Headers:
    """Give the headers of an answer that its client gets: all but those of the one connection it came on."""
    left_out = _HOP_BY_HOP | (RAW if judged else frozenset())
    return [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in headers
        if name.lower() not in left_out
    ]


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]
