"""A place to run agents of openai-agents at: an app over some rules, a scripted model, and a trace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, Runner, set_default_openai_client, set_tracing_disabled
from openai import AsyncOpenAI

import harness
from harness.adapters.files import open_trace
from harness.door.app import Harness
from harness.ports import Approval, Pending, Question
from harness.registry.load import load
from harness.testing.model_server import ModelRequest, ModelServer, Reply, script
from harness.trace.event import Event

set_tracing_disabled(True)
KEY = "sk-a-key-that-must-stay-out"
RULES = """
registry: rules
version: 1.0.0
default: allow
invariants:
"""


def client() -> AsyncOpenAI:
    """Give a client that leaves no connection behind."""
    return AsyncOpenAI(default_headers={"Connection": "close"})


def talk_to(server: ModelServer, patch: pytest.MonkeyPatch) -> None:
    """Let the SDK's models, where nothing else is said, be those of a server."""
    patch.setenv("OPENAI_BASE_URL", server.base_url)
    patch.setenv("OPENAI_API_KEY", KEY)
    set_default_openai_client(client())


@dataclass
class Desk:
    """An app over some rules, and a scripted model for what is run under it."""

    folder: Path
    rules: str = ""
    approver: Callable[[Question], Approval | Pending] | None = None

    def __post_init__(self) -> None:
        asked = {} if self.approver is None else {"approver": self.approver}
        registry = load(RULES + self.rules, "rules.yaml") if self.rules else None
        self.app = Harness(registry, traces=self.folder, **asked)
        self.trace = self.folder / "t.mat.jsonl"
        self.requests: list[ModelRequest] = []

    def run(self, entry: Callable[..., Any], said: Sequence[Reply] | Callable[[ModelRequest], Reply]) -> Any:
        """Record an entry that answers with the model's last word, and see it replayed equal."""
        with ModelServer(said if callable(said) else script(said)) as server, pytest.MonkeyPatch.context() as patch:
            talk_to(server, patch)
            try:
                result = self.app.session(trace=self.trace).run(entry)
            finally:
                self.requests = server.requests
        replayed = harness.replay(self.trace, entry=entry, app=self.app)
        assert replayed.equal, replayed.divergence or replayed.ended
        assert KEY not in self.trace.read_text()
        return result

    def events(self, kind: str) -> list[Event]:
        with open_trace(self.trace) as reader:
            return [event for event in reader if event.kind == kind]


def asking(agent: Agent[Any], question: str = "Help!", **options: Any) -> Callable[[], Any]:
    """Give an entry that runs an agent and gives its last word."""

    async def entry() -> str:
        return str((await Runner.run(agent, question, **options)).final_output)

    return entry
