"""A scripted model server for what goes live without a model: ``--model-script module:policy``, suites, tests."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.door.agents import load_entry
from harness.door.models import nobodys

if TYPE_CHECKING:
    from harness.testing.model_server import ModelRequest, ModelServer, Reply

_PRESUMED: Final = {
    "ANTHROPIC_API_KEY": "no-key-needed",
    "OPENAI_API_KEY": "no-key-needed",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",  # it would report to OpenAI past the door
}


@contextmanager
def scripted_model(script: str | None) -> Iterator[None]:
    """Answer model calls by a policy while this is open; by nobody where ``script`` is None."""
    if script is None:
        yield
        return
    server, policy = _server()
    with server, _named(server):
        policy.append(_policy(script))  # only now: its module may build a client when imported
        yield


@contextmanager
def lasting_model(script: str | None, folder: str = "") -> Iterator[None]:
    """Do what ``scripted_model`` does, at the same address each time: clients may be made once, at import.

    The policy is looked for in ``folder`` first.
    """
    if script is None:
        yield
        return
    server, policy = _lasting(script)
    with _named(server):
        if not policy:
            policy.append(_policy(script, folder))
        yield


@contextmanager
def answered_by(policy: Callable[[ModelRequest], Reply]) -> Iterator[None]:
    """Answer model calls by a function while this is open."""
    from harness.testing.model_server import ModelServer

    with ModelServer(policy) as server, _named(server):
        yield


def _policy(script: str, *folders: str) -> Callable[..., Any]:
    return load_entry(script, *folders, str(Path.cwd()))


@cache
def _lasting(script: str) -> tuple[ModelServer, list[Callable[..., Any]]]:
    server, policy = _server()
    atexit.register(server.close)
    return server, policy


def _server() -> tuple[ModelServer, list[Callable[..., Any]]]:
    """Give a server that answers by the policy that is put into the list."""
    from harness.testing.model_server import ModelServer

    policy: list[Callable[[ModelRequest], Reply]] = []

    def answer(request: ModelRequest) -> Reply:
        return policy[0](request)

    return ModelServer(answer), policy


@contextmanager
def _named(server: ModelServer) -> Iterator[None]:
    """Let clients that are made while this is open find the server."""
    before = {name: os.environ.get(name) for name in ("ANTHROPIC_BASE_URL", "OPENAI_BASE_URL", *_PRESUMED)}
    os.environ.update({name: before[name] or value for name, value in _PRESUMED.items()})
    os.environ["OPENAI_BASE_URL"] = server.base_url
    os.environ["ANTHROPIC_BASE_URL"] = server.anthropic_url
    try:
        with nobodys(server.base_url):
            yield
    finally:
        for name in before:
            os.environ.pop(name, None)
        os.environ.update({name: value for name, value in before.items() if value is not None})
