"""Fields that may differ on replay."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from harness.door.app import Harness
from harness.door.replay import Replay, replay
from harness.errors import UsageError
from harness.run.tolerance import Tolerance, read_pattern
from harness.testing.model_server import ModelServer, call_tool, say, script
from harness.trace.event import Event

PLACE = {"city": "Ulm", "when": {"day": 1, "hour": 9}}


class Shop:
    """An agent that can be told to say something else than it did."""

    def __init__(self, folder: Path) -> None:
        self.app = Harness(traces=folder)
        self.changes: dict[str, Any] = {}

        @self.app.tool(effect="read")
        def find(query: str, place: Any = None, tags: Any = None) -> str:
            return "found"

        @self.app.tool(effect="read")
        def keep(query: str) -> str:
            return "kept"

        def agent() -> str:
            find(query=self.changes.get("query", "shoes"), place=self.changes.get("place", PLACE))
            keep(query=self.changes.get("kept", "shoes"))
            find(query="last", tags=self.changes.get("tags", ["a", "b"]))
            return str(self.changes.get("returned", "done"))

        self.agent = agent
        session = self.app.session()
        session.run(agent)
        self.trace = session.trace.path

    def replay(self, *tolerate: str, **changes: Any) -> Replay:
        self.changes = changes
        return replay(self.trace, entry=self.agent, app=self.app, tolerate=tolerate)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Give the agent and a trace of it."""
    return Shop(tmp_path)


def test_a_tolerated_difference_is_listed_and_all_else_is_equal(shop: Shop) -> None:
    """The agent goes on with the recorded outcome; the digest is the recorded one, yet ``equal`` says no."""
    found = shop.replay("/args/query", query="boots")
    assert (found.agrees, found.equal) == (True, False)
    assert found.digest == found.recorded_digest
    assert [one[2:] for one in found.tolerated] == [("find", "/args/query", "shoes", "boots")]


def test_another_difference_is_still_a_divergence(shop: Shop) -> None:
    """What may differ hides nothing else, in the same call or a later one."""
    same = shop.replay("/args/query", query="boots", place={**PLACE, "city": "Bonn"})
    assert same.divergence is not None
    assert same.divergence.pointer == "/args/place/city"
    later = shop.replay("find:/args/query", query="boots", kept="boots")
    assert later.divergence is not None
    assert (later.divergence.step, later.divergence.pointer) == (1, "/args/query")


@pytest.mark.parametrize(
    ("pointer", "changes", "told"),
    [
        ("find:/args/query", {"query": "boots"}, "/args/query"),
        ("/args/place", {"place": {**PLACE, "when": {"day": 2, "hour": 9}}}, "/args/place/when/day"),
        ("/args/place/*/day", {"place": {**PLACE, "when": {"day": 2, "hour": 9}}}, "/args/place/when/day"),
        ("/args/place/when", {"place": {"city": "Ulm"}}, "/args/place/when"),
        ("/args/place/extra", {"place": {**PLACE, "extra": 1}}, "/args/place/extra"),
        ("/args/tags/1", {"tags": ["a", "c"]}, "/args/tags/1"),
        ("/args/tags/*", {"tags": ["a", "b", "c"]}, "/args/tags/2"),
        ("/args/tags/*", {"tags": ["a"]}, "/args/tags/1"),
        ("note:/returned", {"returned": "gone"}, "/returned"),
    ],
)
def test_a_pointer_names_a_field_an_item_or_all_of_them(
    pointer: str, changes: dict[str, Any], told: str, shop: Shop
) -> None:
    """A field may be changed, missing or new; ``*`` stands for one segment; a tool's name narrows it."""
    found = shop.replay(pointer, **changes)
    assert found.agrees, found.divergence
    assert [one.pointer for one in found.tolerated] == [told]
    assert shop.replay(pointer).equal


def test_a_messages_text_may_differ_in_every_later_request_too(tmp_path: Path) -> None:
    """A request repeats the conversation; a tolerated message is tolerated each time, and costs no outcome."""
    app, prompt = Harness(traces=tmp_path), ["You are brief. " * 30]

    @app.tool(effect="read")
    def look(name: str) -> str:
        return name

    with ModelServer(script([call_tool("look", name="a"), say("done")])) as server:
        from openai import OpenAI

        client = app.wrap(OpenAI(base_url=server.base_url, api_key="scripted"))

        def agent() -> Any:
            messages: list[Any] = [{"role": "system", "content": prompt[0]}, {"role": "user", "content": "go"}]
            for _ in range(2):
                reply = client.chat.completions.create(model="m", messages=messages).choices[0].message
                messages.append(reply.to_dict())
                for wanted in reply.tool_calls or ():
                    messages.append({"role": "tool", "tool_call_id": wanted.id, "content": look("a")})
            return messages[-1]["content"]

        session = app.session()
        session.run(agent)
    prompt[0] = "You are brief! " * 30
    strict = replay(session.trace.path, entry=agent, app=app).divergence
    assert strict is not None
    assert strict.pointer == "/messages/0/content"
    found = replay(session.trace.path, entry=agent, app=app, tolerate=["/messages/*/content"])
    assert found.agrees, found.divergence
    assert {one.pointer for one in found.tolerated} == {"/messages/0/content"}
    assert [one.step for one in found.tolerated] == [0, 2]


def test_a_secret_in_a_tolerated_field_stays_out_of_what_is_told(tmp_path: Path) -> None:
    """A value that must not reach a trace does not reach the list of differences either."""
    app = Harness(traces=tmp_path, secrets={"key": "sk-1234567890"})
    texts = ["plain"]

    @app.tool(effect="read")
    def find(query: str) -> str:
        return "found"

    def agent() -> str:
        return find(texts[0])

    session = app.session()
    session.run(agent)
    texts[0] = "with sk-1234567890 inside"
    found = replay(session.trace.path, entry=agent, app=app, tolerate=["/args/query"])
    assert found.agrees, found.divergence
    assert "sk-1234567890" not in repr(found.tolerated)
    assert "secret:key" in found.tolerated[0].now


def test_outcomes_find_their_calls_in_somebody_elses_loop_too(tmp_path: Path) -> None:
    """Where only the order of completions was recorded, a call waits for its turn by its arguments."""
    app, mark = Harness(traces=tmp_path), ["recorded"]

    @app.tool(effect="read")
    async def find(name: str, mark: str) -> str:
        await asyncio.sleep(0.01 if name == "a" else 0)
        return name

    @app.agent
    async def agent() -> list[str]:
        tasks = [asyncio.create_task(find(name, mark[0])) for name in "abc"]
        return [await done for done in asyncio.as_completed(tasks)]

    async def serve() -> str:
        async with app.session() as session:
            await agent()
        return session.trace.path

    path = asyncio.run(serve())
    mark[0] = "now"
    assert replay(path, entry=agent, app=app).divergence is not None
    found = replay(path, entry=agent, app=app, tolerate=["find:/args/mark"])
    assert found.agrees, found.divergence
    assert [one.recorded for one in found.tolerated] == ["recorded"] * 3


@pytest.mark.parametrize("text", ["args/name", "", "/", "find:args", "find"])
def test_what_is_no_pointer_is_refused_with_an_example(text: str) -> None:
    """A typing mistake must not silently tolerate nothing."""
    with pytest.raises(UsageError, match="names no field"):
        read_pattern(text)


def test_a_tool_may_have_a_colon_in_its_name() -> None:
    """Model calls are tools such as ``openai:chat/completions``."""
    assert read_pattern("openai:chat/completions:/messages/0") == ("openai:chat/completions", ("messages", "0"))


def test_calls_agree_where_they_differ_in_nothing_else() -> None:
    """Outcomes find their calls in somebody else's loop too."""
    tolerance = Tolerance([read_pattern("find:/args/at")])
    assert tolerance.agree("find", {"at": 1, "x": 2}, {"at": 9, "x": 2}, model=False)
    assert not tolerance.agree("find", {"at": 1, "x": 2}, {"at": 1, "x": 3}, model=False)
    assert not tolerance.agree("other", {"at": 1}, {"at": 2}, model=False)
    event = Event(3, "action", "main", "0", (), 0, {})
    assert tolerance.settle(event, 0, "other", ({"a": 1}, {"a": 2}, {"a": 2})) == {"a": 2}
