"""Where an agent finds its models while its run is replayed, or goes on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_RESTORED: Final = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_AGENTS_DISABLE_TRACING")


_passing: Final[list[str]] = []
"""The addresses in force that answer only as long as this process does."""

NOWHERE: Final = "http://scripted.invalid/v1"
"""What a record says of such an address: the port would be another one in every run, and somebody else's later."""


@contextmanager
def nobodys(base_url: str) -> Iterator[None]:
    """Keep an address out of records while this is open, because nobody will answer there later."""
    _passing.append(base_url)
    try:
        yield
    finally:
        _passing.remove(base_url)


def address_to_record() -> str | None:
    """Give where the models are, as the header of a record says it; None where nobody has said."""
    base_url = os.environ.get("OPENAI_BASE_URL")
    return NOWHERE if base_url in _passing else base_url


@contextmanager
def model_environment(base_url: str | None) -> Iterator[None]:
    """Let an agent build the client it had, also where no key is set; nothing is sent during a replay.

    The base URL is restored because frameworks word their requests by it, for example leave out what only OpenAI's own
    service understands.
    """
    before = {name: os.environ.pop(name, None) for name in _RESTORED}
    during = {
        "ANTHROPIC_API_KEY": before["ANTHROPIC_API_KEY"] or "replay-needs-no-key",
        "OPENAI_API_KEY": before["OPENAI_API_KEY"] or "replay-needs-no-key",
        "OPENAI_BASE_URL": base_url,
        "OPENAI_AGENTS_DISABLE_TRACING": "1",  # it would report to OpenAI past the door
    }
    os.environ.update({name: value for name, value in during.items() if value is not None})
    try:
        yield
    finally:
        for name in during:
            os.environ.pop(name, None)
        os.environ.update({name: value for name, value in before.items() if value is not None})


@contextmanager
def model_address(base_url: str | None) -> Iterator[None]:
    """Let the agent find the models where the run had them, unless the environment says where they are now."""
    if base_url is None or "OPENAI_BASE_URL" in os.environ:
        yield
        return
    os.environ["OPENAI_BASE_URL"] = base_url
    try:
        yield
    finally:
        os.environ.pop("OPENAI_BASE_URL", None)
