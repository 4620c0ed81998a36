"""The way up: addresses, headers and keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from harness.adapters.proxy.upstream import Upstream, credentials, passed_back, plain_path
from harness.errors import UsageError


@pytest.mark.parametrize(
    ("base", "path", "sent"),
    [
        ("https://api.openai.com/v1", "/v1/chat/completions", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1/", "/chat/completions", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com", "/v1/responses", "https://api.openai.com/v1/responses"),
        ("https://host/openai/v1", "/v1/embeddings", "https://host/openai/v1/embeddings"),
        ("https://host/openai/v1", "/openai/v1/embeddings", "https://host/openai/v1/embeddings"),
        ("http://host:8000/a/b", "/b/c", "http://host:8000/a/b/c"),
        ("http://host", "/v1/models/ft%3Ax", "http://host/v1/models/ft%3Ax"),
    ],
)
def test_a_base_url_may_be_given_with_or_without_its_version(base: str, path: str, sent: str) -> None:
    """What the path repeats of the base URL counts once."""
    upstream = Upstream(base)
    request = upstream.request("POST", path.encode(), b"a=b", [], b"{}")
    asyncio.run(upstream.aclose())
    assert str(request.url) == f"{sent}?a=b"


def test_headers_of_a_connection_stay_on_it() -> None:
    """A request goes up with the client's own headers, but for those of its connection, and an answer comes so down."""
    upstream = Upstream("http://host/v1")
    headers = [(b"host", b"proxy"), (b"connection", b"x-hop, close"), (b"x-hop", b"1"), (b"x-mine", b"2")]
    headers += [(b"authorization", b"Bearer sk-key-of-mine"), (b"x-harness-session", b"s"), (b"accept-encoding", b"zz")]
    sent = upstream.request("POST", b"/v1/x", b"", headers, b"{}").headers
    asyncio.run(upstream.aclose())
    assert dict(sent) == {
        "host": "host",
        "x-mine": "2",
        "authorization": "Bearer sk-key-of-mine",
        "content-length": "2",
    }
    back = passed_back([("Transfer-Encoding", "chunked"), ("Content-Encoding", "gzip"), ("X-Request-Id", "r")])
    assert back == [(b"x-request-id", b"r")]


@pytest.mark.parametrize("length", [b"7", None])
def test_a_body_that_comes_in_pieces_goes_up_in_pieces(length: bytes | None) -> None:
    """It keeps the length its client gave, and has none where the client gave none."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one two"

    upstream = Upstream("http://host/v1")
    headers = [] if length is None else [(b"content-length", length)]
    sent = upstream.request("POST", b"/v1/files", b"", headers, pieces(), judged=False).headers
    asyncio.run(upstream.aclose())
    assert sent.get("content-length") == (None if length is None else "7")
    assert sent.get("transfer-encoding") == ("chunked" if length is None else None)


@pytest.mark.parametrize(
    ("header", "expected"),
    [("authorization", "Bearer sk-of-the-server"), ("x-api-key", "sk-of-the-server"), ("", "Bearer sk-of-the-server")],
)
def test_a_key_takes_the_place_of_the_clients(header: str, expected: str) -> None:
    """It goes up in the header that the client used, and the client's own does not."""
    upstream = Upstream("http://host/v1", key="sk-of-the-server")
    headers = [(header.encode(), b"Bearer mine-mine")] if header else []
    sent = upstream.request("POST", b"/v1/x", b"", headers, b"{}").headers
    asyncio.run(upstream.aclose())
    assert sent[header or "authorization"] == expected
    assert "mine-mine" not in str(sent.multi_items())


def test_credentials_tell_callers_apart() -> None:
    """Another key is another caller, whatever else is sent; none is one as well."""
    one, keys = credentials([(b"authorization", b"Bearer sk-one-one"), (b"x", b"1")])
    two, _ = credentials([(b"authorization", b"Bearer sk-two-two"), (b"x", b"1")])
    none, no_keys = credentials([(b"x", b"1")])
    assert len({one, two, none}) == 3
    assert (keys, no_keys) == (["sk-one-one"], [])


@pytest.mark.parametrize(
    "path", ["/a//b", "/a/../b", "/a/%2e%2e/b", "/a%2fb", "/a/b/", "/a\\b", "/a%5cb", "/%2561", "/a%00"]
)
def test_a_path_that_can_be_understood_in_two_ways_is_refused(path: str) -> None:
    """What one reader would take for another path than the next one goes no further."""
    with pytest.raises(UsageError, match="in two ways"):
        plain_path(path.encode())


@pytest.mark.parametrize(
    "url", ["api.openai.com", "ftp://host/v1", "https://", "https://host/v1?key=1", "https://me:key@host/v1"]
)
def test_a_base_url_is_one(url: str) -> None:
    """Anything else is told with an example."""
    with pytest.raises(UsageError, match="base URL"):
        Upstream(url)
