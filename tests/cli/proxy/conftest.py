"""A scripted model, a proxy before it, and the connections of clients."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from harness.testing.model_server import ModelServer
from tests.cli.proxy.running import CONNECTIONS, Proxy, policy, proxied


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    """Give the scripted server."""
    with ModelServer(policy) as server:
        yield server


@pytest.fixture(scope="module")
def proxy(model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Give a proxy that all of these tests share, each in conversations of its own."""
    with proxied(tmp_path_factory.mktemp("proxy"), model.base_url, "--timeout", "2") as running:
        yield running


@pytest.fixture(autouse=True)
def http() -> Iterator[httpx2.Client]:
    """Give the connections of a test's clients, and close them."""
    with httpx2.Client(trust_env=False, timeout=20) as connections:
        CONNECTIONS.append(connections)
        yield connections
        CONNECTIONS.pop()
