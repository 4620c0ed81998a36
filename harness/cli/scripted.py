"""A scripted model server for the verbs that go live: ``--model-script module:policy``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from harness.door.agents import load_entry

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
    from harness.testing.model_server import ModelRequest, ModelServer, Reply

    policy: list[Callable[[ModelRequest], Reply]] = []

    def answer(request: ModelRequest) -> Reply:
        return policy[0](request)

    before = {name: os.environ.get(name) for name in ("ANTHROPIC_BASE_URL", "OPENAI_BASE_URL", *_PRESUMED)}
    with ModelServer(answer) as server:
        os.environ.update({name: before[name] or value for name, value in _PRESUMED.items()})
        os.environ["OPENAI_BASE_URL"] = server.base_url
        os.environ["ANTHROPIC_BASE_URL"] = server.anthropic_url
        try:
            policy.append(load_entry(script, str(Path.cwd())))  # only now: its module may build a client when imported
            yield
        finally:
            for name in before:
                os.environ.pop(name, None)
            os.environ.update({name: value for name, value in before.items() if value is not None})
