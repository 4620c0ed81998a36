"""Forks: a recorded run with one thing changed."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from harness.adapters.files import open_trace
from harness.door.app import Harness
from harness.door.fork import Fork, fork
from harness.door.replay import replay
from harness.errors import Divergence, InDoubt, UsageError
from harness.faults.file import load_faults
from harness.testing.model_server import ModelRequest, ModelServer, Reply, say


class Shop:
    """An app whose calls are counted, and an agent that refunds what an order cost."""

    def __init__(self, folder: Path) -> None:
        self.app = Harness(traces=folder)
        self.calls: list[str] = []
        self.price = 10

        @self.app.tool(effect="read")
        def price_of(order: str) -> int:
            self.calls.append(f"price_of {order}")
            return self.price

        @self.app.tool(effect="write")
        def refund(order: str, cents: int) -> str:
            self.calls.append(f"refund {order} {cents}")
            return f"{cents} for {order}"

        @self.app.tool(effect="write")
        async def notify(order: str, text: str) -> str:
            self.calls.append(f"notify {order}")
            await asyncio.sleep(0.001)
            return f"told {order}: {text}"

        self.price_of, self.refund, self.notify = price_of, refund, notify

    def agent(self, order: str = "W-1") -> list[str]:
        """Refund an order and look again."""
        cents = self.price_of(order)
        said = [self.refund(order, cents)]
        said.append(f"now {self.price_of(order)}")
        return said

    async def crowd(self, orders: int = 4) -> list[str]:
        """Notify about several orders at once, wait, and refund the first."""
        names = [f"W-{number}" for number in range(orders)]
        said = list(await asyncio.gather(*(self.notify(name, "hello") for name in names)))
        await asyncio.sleep(0.3)
        said.append(self.refund("W-0", len(said[0])))
        return said

    def record(self, agent: Callable[..., Any], **given: Any) -> str:
        """Record a run and forget what was called."""
        session = self.app.session()
        session.run(agent, **given)
        self.calls.clear()
        return session.trace.path

    def fork(self, path: str, agent: Callable[..., Any], **options: Any) -> Fork:
        """Fork a run; the fork must replay, whatever became of it."""
        found = fork(path, entry=agent, app=self.app, **options)
        assert found.error is None, found.error
        calls = len(self.calls)
        if found.divergence is None:
            replayed = replay(found.path, entry=agent, app=self.app)
            assert replayed.equal, replayed.divergence
            assert len(self.calls) == calls
        return found


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Give a shop that keeps its traces in a folder of its own."""
    return Shop(tmp_path)


def test_an_outcome_is_changed(shop: Shop) -> None:
    """The agent goes on with the changed outcome; what the record does not know goes live, the rest does not."""
    path = shop.record(shop.agent)
    found = shop.fork(path, shop.agent, at=0, set={"outcome": 7})
    assert found.result == ["7 for W-1", "now 10"]
    assert shop.calls == ["refund W-1 7"]
    assert found.went_live == ((2, "refund"),)
    assert found.taken == 2
    assert found.difference is not None
    assert (found.difference.seq, found.difference.recorded, found.difference.now) == (1, 10, 7)


def test_a_change_that_changes_nothing_calls_nothing(shop: Shop) -> None:
    """Where every call fits the record, everything comes from the record."""
    path = shop.record(shop.agent)
    found = shop.fork(path, shop.agent, at=0, set={"outcome": 10})
    assert (found.difference, found.went_live, found.taken, shop.calls) == (None, (), 3, [])


def test_arguments_are_changed(shop: Shop) -> None:
    """The tool is called with the changed arguments, which the trace holds."""
    path = shop.record(shop.agent)
    found = shop.fork(path, shop.agent, at="seq:2", set={"args./cents": 3})
    assert shop.calls == ["refund W-1 3"]
    assert found.result == ["3 for W-1", "now 10"]


def test_offline_nothing_goes_live(shop: Shop) -> None:
    """A call that the record does not know ends the fork, and is named."""
    path = shop.record(shop.agent)
    found = shop.fork(path, shop.agent, at=0, set={"outcome": 7}, offline=True)
    assert found.divergence is not None
    assert "does not know this call of refund" in str(found.divergence)
    assert shop.calls == []


def test_the_input_is_changed(shop: Shop) -> None:
    """With another input everything that differs goes live."""
    path = shop.record(shop.agent, order="W-1")
    found = shop.fork(path, shop.agent, set={"input./order": "W-2"})
    assert shop.calls == ["price_of W-2", "refund W-2 10", "price_of W-2"]
    assert found.result == ["10 for W-2", "now 10"]


def test_an_agent_that_changed_before_the_fork_is_told(shop: Shop) -> None:
    """Up to the fork the record is followed; where it is not, nothing is performed."""
    path = shop.record(shop.agent)

    def other(order: str) -> int:
        shop.refund(order, 1)
        return 0

    with pytest.raises(Divergence, match="refund instead of price_of"):
        fork(path, entry=other, app=shop.app, at=2, set={"outcome": 7})
    assert shop.calls == []
    assert [one.name for one in Path(path).parent.glob("*.fork-*")] == []


def test_concurrent_calls_fork_without_waiting(shop: Shop) -> None:
    """Of several calls in flight one outcome is changed; what follows goes live, and recorded waits cost nothing."""
    path = shop.record(shop.crowd)
    found = shop.fork(path, shop.crowd, at=1, set={"outcome": "told nobody"})
    assert found.result[1] == "told nobody"
    assert shop.calls == []
    changed = shop.fork(path, shop.crowd, at=0, set={"outcome": "told nobody"})
    assert shop.calls == ["refund W-0 11"]
    assert changed.went_live[0][1] == "refund"


def test_a_fork_is_forked(shop: Shop) -> None:
    """A fork of a fork makes the changes of both."""
    path = shop.record(shop.agent)
    first = shop.fork(path, shop.agent, at=1, set={"args./cents": 3})
    second = shop.fork(first.path, shop.agent, at=2, set={"outcome": 99})
    assert second.result == ["3 for W-1", "now 99"]
    assert [call for call in shop.calls if call.startswith("refund")] == ["refund W-1 3"]


def test_the_header_names_parent_and_change(shop: Shop) -> None:
    """The new trace says what it comes from, on every host the same."""
    path = shop.record(shop.agent)
    found = shop.fork(path, shop.agent, at=1, set={"args./cents": 3})
    with open_trace(found.path) as reader:
        said = reader.header.run["forked_from"]
    assert said == [{"at": 2, "digest": found.parent, "set": {"args./cents": 3}, "step": 1}]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"set": {"outcom": 1}, "at": 0}, "cannot be changed"),
        ({"set": {"outcome": 1}}, "where is outcome to be changed"),
        ({"set": {"outcome": 1}, "at": 9}, "no step 9"),
        ({"set": {"outcome": 1}, "at": "seq:1"}, "is no call"),
        ({"set": {"args./a/b": 1}, "at": 0}, "/a/b leads nowhere"),
        ({"set": {"prompt": "x"}, "at": 0}, "no message of a user"),
    ],
)
def test_what_cannot_be_changed_is_told(options: dict[str, Any], said: str, shop: Shop) -> None:
    """A change that makes no sense is a usage error, before anything runs."""
    path = shop.record(shop.agent)
    with pytest.raises(UsageError, match=said):
        fork(path, entry=shop.agent, app=shop.app, **options)
    assert shop.calls == []


REGISTRY = """
registry: small
version: "1"
default: allow
tools:
  price_of: {effect: read}
  refund: {effect: write}
  notify: {effect: write}
invariants:
  - {id: SMALL, title: small refunds only, on: action, tool: refund, require: call.args.cents < 5, severity: high,
     otherwise: block}
"""


def test_another_registry_judges_the_run(shop: Shop, tmp_path: Path) -> None:
    """Under a stricter registry the same call is blocked, and the verdicts before and after are told."""
    path = shop.record(shop.agent)
    registry = tmp_path / "small.yaml"
    registry.write_text(REGISTRY)
    found = fork(path, entry=shop.agent, app=shop.app, set={"registry": str(registry)})
    assert (found.verdict_before, found.verdict) == ("holds", "violated")
    assert shop.calls == []
    assert "blocked by SMALL" in str(found.error)


def test_a_prompt_and_a_model_are_changed(tmp_path: Path) -> None:
    """The changed prompt and model are what the server gets, also where a later request repeats the conversation."""
    seen: list[tuple[str, list[str]]] = []

    def answer(request: ModelRequest) -> Reply:
        seen.append((request.body["model"], [one["content"] for one in request.body["messages"]]))
        return say(f"answer {len(seen[-1][1])}")

    app = Harness(traces=tmp_path)
    with ModelServer(answer) as server:
        client = app.wrap(openai.OpenAI(base_url=server.base_url, api_key="none"))

        def agent(question: str) -> str:
            messages: list[Any] = [{"role": "user", "content": question}]
            for follow_up in ("and?", ""):
                done = client.chat.completions.create(model="small", messages=messages)
                said = done.choices[0].message.content
                messages += [{"role": "assistant", "content": said}, {"role": "user", "content": follow_up}]
            return json.dumps(messages)

        session = app.session()
        session.run(agent, question="why")
        seen.clear()
        found = fork(session.trace.path, entry=agent, app=app, at=0, set={"prompt": "how", "model": "large"})
    assert found.error is None
    assert seen == [("large", ["how"]), ("large", ["how", "answer 1", "and?"])]
    replayed = replay(found.path, entry=agent, app=app)
    assert replayed.equal, replayed.divergence


def test_a_streamed_answer_comes_from_the_record(tmp_path: Path) -> None:
    """A stream that the record knows is served piece by piece again, and counts once."""
    app = Harness(traces=tmp_path)
    asked: list[str] = []

    def answer(request: ModelRequest) -> Reply:
        asked.append(request.body["messages"][0]["content"])
        return say("one two three")

    with ModelServer(answer) as server:

        async def agent() -> list[str]:
            async with openai.AsyncOpenAI(base_url=server.base_url, api_key="none") as plain:
                client, said = app.wrap(plain), []
                for question in ("first", "second"):
                    messages: list[Any] = [{"role": "user", "content": question}]
                    stream = await client.chat.completions.create(model="m", messages=messages, stream=True)
                    said.append("".join([chunk.choices[0].delta.content or "" async for chunk in stream]))
                return said

        session = app.session()
        session.run(agent)
        asked.clear()
        found = fork(session.trace.path, entry=agent, app=app, at=1, set={"prompt": "other"})
    assert found.error is None
    assert (asked, found.taken, found.result) == (["other"], 1, ["one two three", "one two three"])
    replayed = replay(found.path, entry=agent, app=app)
    assert replayed.equal, replayed.divergence


def test_another_seed_is_another_chance(shop: Shop) -> None:
    """What the agent draws from ``random`` follows from the seed, the same each time, and is not the recorded draw."""

    def agent() -> str:
        return str(shop.refund("W-1", random.randrange(10**6)))

    path = shop.record(agent)
    one, again, other = (shop.fork(path, agent, set={"seed": seed}) for seed in (1, 1, 2))
    assert one.result == again.result != other.result
    assert one.difference is not None
    assert one.difference.pointer == "/args/cents"


def test_a_fork_has_what_a_recorded_effect_did_to_what_is_shared(tmp_path: Path) -> None:
    """Messages sent and values kept inside a tool that is not performed again are there all the same, once."""
    app = Harness(traces=tmp_path)

    @app.tool(effect="write")
    def post(number: int) -> str:
        with app.session() as session:
            session.send("main", {"number": number})
            session.memory["last"] = number
        return "posted"

    @app.agent
    def clerk() -> list[Any]:
        post(1)
        with app.session() as session:
            session.memory["last"] += 10
            post(2)
            return [[one.content["number"] for one in session.mail()], session.memory["last"]]

    trace = tmp_path / "clerk.mat.jsonl"
    assert app.session(trace=trace).run(clerk) == [[1, 2], 2]
    assert fork(trace, set={"seed": 1}, entry=clerk, app=app, offline=True).result == [[1, 2], 2]
    faults = load_faults("faults: f\ninject: [{fault: commit_then_timeout, tool: post, nth: 2}]", "f.yaml")
    struck = fork(trace, set={"faults": faults}, entry=clerk, app=app, offline=True)
    assert isinstance(struck.error, InDoubt)
