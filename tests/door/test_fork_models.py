"""Faults of conversations on a record: answers are struck, and nobody is asked."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import openai
import pytest

from harness import Harness
from harness.adapters.files import open_trace
from harness.door.blame import blame
from harness.door.fork import Fork, fork
from harness.door.replay import replay
from harness.faults.file import load_faults
from harness.faults.plan import Plan
from harness.registry.load import load
from harness.testing.model_server import ModelRequest, ModelServer, Reply, say

RULES = """
registry: sums
version: 1.0.0
default: allow
invariants:
  - {id: RIGHT, title: The second bill is read rightly, on: action, tool: report, severity: high, otherwise: observe,
     require: call.args.second == 60}
"""
ASKED: list[str] = []


def _answer(request: ModelRequest) -> Reply:
    ASKED.append(request.body["messages"][-1]["content"])
    return say("The first bill is 40 cents." if ASKED[-1].startswith("first?") else "The second bill is 60 cents.")


def _told(done: Any) -> int:
    """Read the number in what a model said."""
    return next((int(word) for word in done.choices[0].message.content.split() if word.isdigit()), 0)


def _asking(question: str) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": question}]}


class Desk:
    """Agents that ask a model for two sums and report the second one, over a real client, synchronous or not."""

    def __init__(self, folder: Path, base_url: str) -> None:
        self.app = Harness(load(RULES, "sums.yaml"), traces=folder)
        self.folder = folder
        app, options = self.app, {"base_url": base_url, "api_key": "none", "max_retries": 1}

        @app.tool(effect="write")
        def report(second: int) -> str:
            return f"reported {second}"

        def sync() -> list[int]:
            with openai.OpenAI(**options) as plain:
                client = app.wrap(plain)
                said = [_told(client.chat.completions.create(**_asking(one))) for one in ("first?", "second?")]
            report(said[1])
            return said

        async def asynchronous() -> list[int]:
            async with openai.AsyncOpenAI(**options) as plain:
                client = app.wrap(plain)
                both = (client.chat.completions.create(**_asking(one)) for one in ("first?", "second?"))
                return [_told(one) for one in await asyncio.gather(*both)]

        self.agents: dict[str, Any] = {"sync": sync, "async": asynchronous}

    def record(self, how: str, inject: str = "") -> Path:
        """Record a run, and forget who was asked."""
        trace = self.folder / f"run-{len(list(self.folder.iterdir()))}.mat.jsonl"
        self.app.session(trace=trace, faults=_plan(inject) if inject else None).run(self.agents[how])
        ASKED.clear()
        return trace

    def fork(self, trace: Path, how: str, inject: str = "") -> Fork:
        """Fork under another plan; nobody is asked, and the fork replays."""
        plan = _plan(inject) if inject else None
        found = fork(trace, set={"faults": plan}, entry=self.agents[how], app=self.app, offline=True)
        assert ASKED == []
        if found.divergence is None:
            again = replay(found.path, entry=self.agents[how], app=self.app)
            assert again.equal, again.divergence
        return found


def _plan(inject: str) -> Plan:
    return load_faults(f"faults: t\nseed: 1\ninject: [{inject}]", "t.yaml")


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    """Give a desk before a scripted server."""
    with ModelServer(_answer) as server:
        yield Desk(tmp_path, server.base_url)


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_recorded_answer_is_struck(desk: Desk, how: str) -> None:
    """The model says another number, the fault holds what it said in truth, and nobody is asked."""
    found = desk.fork(desk.record(how), how, "{fault: H, nth: 1}")
    with open_trace(found.path) as reader:
        events = list(reader)
    (fault,) = [event for event in events if event.kind == "fault"]
    assert fault.body["effective"]
    assert "40 cents" in str(fault.body["clean"])
    assert "40 cents" not in str([event.body for event in events if event.kind == "observation"])
    assert (found.result[0] != 40, found.result[1]) == (True, 60)


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize("kind", ["error", "rate_limit", "reset", "timeout"])
def test_a_client_tries_again_on_the_record(desk: Desk, how: str, kind: str) -> None:
    """A service that fails once is asked again by the real client, and the record has the answer."""
    found = desk.fork(desk.record(how), how, f"{{fault: {kind}, nth: 1, tool: 'openai*'}}")
    assert found.result == [40, 60]
    with open_trace(found.path) as reader:
        assert sum(event.kind == "action" and event.body["surface"] == "model" for event in reader) == 3


def test_an_answer_comes_back_without_its_fault(desk: Desk) -> None:
    """Of two struck answers one is spared: it is what came in truth, and the other one is as it was."""
    trace = desk.record("async", "{fault: H}")
    with open_trace(trace) as reader:
        before = next(event.body["returned"] for event in reader if "returned" in event.body)
    assert (before[0] != 40, before[1] != 60) == (True, True)
    assert desk.fork(trace, "async", "{fault: H, spare: 1}").result == [40, before[1]]
    assert desk.fork(trace, "async").result == [40, 60]


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize("kind", ["H", "ILC", "commit_then_timeout", "error", "delay"])
def test_the_same_plan_changes_nothing(desk: Desk, how: str, kind: str) -> None:
    """A conversation that was struck is struck alike, and its trace tells of it again."""
    inject = f"{{fault: {kind}, nth: 2, tool: 'openai*'}}"
    trace = desk.record(how, inject)
    found = desk.fork(trace, how, inject)
    assert (found.difference, found.divergence) == (None, None)
    told = []
    for path in (trace, Path(found.path)):
        with open_trace(path) as reader:
            told.append([event.body for event in reader if event.kind == "fault"])
    assert told[0] == told[1] != []


@pytest.mark.parametrize("how", ["sync", "async"])
def test_what_a_model_would_have_said_to_another_question_nobody_knows(desk: Desk, how: str) -> None:
    """A fault that changes the request ends an offline fork there, and so does taking it away."""
    found = desk.fork(desk.record(how), how, "{fault: ILC, nth: 1}")
    assert "does not know this call of openai" in str(found.divergence)


def test_an_answer_is_blamed(desk: Desk) -> None:
    """The strike on the second answer is what the violation hangs on, and not that on the first."""
    trace = desk.record("sync", "{fault: H}")
    found = blame(trace, entry=desk.agents["sync"], app=desk.app)
    assert ASKED == []
    assert (found.rule, found.nth, found.step, found.how) == ("RIGHT", 2, 1, "struck by H (H-1)")
    assert found.tool.startswith("openai")
    assert found.partly  # the right report was never made: what it would have given nobody knows
