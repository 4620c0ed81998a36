"""Why a replay is likely to differ."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import Divergence, told_apart
from harness.trace.diff import explain
from harness.trace.event import Event
from harness.trace.history import Histories


def event(kind: Any, body: dict[str, Any], seq: int = 0, **fields: Any) -> Event:
    """Give an event."""
    return Event(seq, kind, "main", "0", (), 0, body)._replace(**fields)


def call(tool: str, seq: int = 0, **args: Any) -> Event:
    """Give a tool call."""
    return event("action", {"surface": "tool", "tool": tool, "args": args, "rules": []}, seq)


def ask(**request: Any) -> Event:
    """Give a model call."""
    args = Histories().shorten("chat", {"messages": [{"role": "user", "content": "x"}], **request}, 0)
    return event("action", {"surface": "model", "tool": "chat", "args": args, "rules": []})


def read(*sources: str) -> Event:
    """Give what a task read."""
    return event("read", {"reads": [[source, 1] for source in sources]})


def returned(value: Any) -> Event:
    """Give the end of a run."""
    return event("note", {"returned": value})


def route(does: str, **said: Any) -> Event:
    """Give what a route does."""
    return event("route", {"does": does, "goal": "paid", **said})


RULED = call("pay")._replace(body=call("pay").body | {"rules": ["A"]})
VERDICT = {"rule": "A", "verdict": "violated", "severity": "error", "says": "", "values": {}, "evidence": []}


@pytest.mark.parametrize(
    ("recorded", "now", "pointer", "cause"),
    [
        (ask(model="a"), ask(model="b"), "/model", "the model changed"),
        (ask(temperature=0), ask(temperature=1), "/temperature", "the options of the model call changed"),
        (ask(tools=[{"name": "a"}]), ask(tools=[{"name": "b"}]), "/tools/0/name", "a tool's definition changed"),
        (ask(tool_choice="a"), ask(tool_choice="b"), "/tool_choice", "the options of the model call changed"),
        (call("pay", to=["a", "b"]), call("pay", to=["b", "a"]), "/args/to/0", "the same items in another order"),
        (call("pay", to="a, b"), call("pay", to="b, a"), "/args/to", "the same text in another order"),
        (call("pay", to="a"), call("pay", to="c"), "/args/to", "the arguments changed"),
        (event("observation", {"action": 0, "ok": 1}), event("observation", {"action": 0, "ok": 2}),
         "/ok", "something else came back from the same call"),
        (call("pay", to="a"), call("ship", at="a"), "/tool", "another call was made"),
        (RULED, call("pay"), "/rules/0", "the registry judges otherwise"),
        (call("pay"), event("verdict", VERDICT), "/kind", "the registry judges otherwise"),
        (call("pay"), call("pay")._replace(task="0.1"), "/task", "tasks or threads took turns in another order"),
        (returned(1), call("pay"), "/kind", "an extra call"),
        (call("pay"), returned(1), "/kind", "a missing call"),
        (returned(1), returned(2), "/returned", "the run's result differs"),
        (returned([1, 2]), returned([2, 1]), "/returned/0", "the same items in another order"),
        (returned(1), event("note", {"raised": {"type": "E"}}), "/raised", "the run raised where it had returned"),
        (read("a", "b"), read("a", "c"), "/reads/1/0", "an extra read of c"),
        (read("a", "b"), read("a"), "/reads/1", "a missing read of b"),
        (read("a"), call("pay"), "/kind", "a missing read of a"),
        (call("pay"), read("a"), "/kind", "an extra read of a"),
        (event("message", {"message": {"content": "a"}}), event("message", {"message": {"content": "b"}}),
         "/message/content", "what the agent says of itself changed"),
        (route("plan", cost=3), route("plan", cost=4), "/cost", "the route to paid was found otherwise"),
        (route("plan")._replace(task="0.1"), route("plan"), "/task", "tasks or threads took turns in another order"),
        (call("pay"), route("reroute"), "/kind", "the router went on where it had not"),
        (call("pay"), route("signal", why="slow"), "/kind", "monitors noticed something else"),
        (route("signal", why="slow"), call("pay"), "/kind", "monitors noticed something else"),
        (route("signal", why="2 calls"), route("signal", why="3 calls"), "/why", "monitors noticed something else"),
        (route("signal")._replace(task="0.1"), route("signal"), "/task", "tasks or threads took turns in another"),
    ],
)  # fmt: skip
def test_each_difference_has_its_place_and_its_cause(recorded: Event, now: Event, pointer: str, cause: str) -> None:
    """One difference, one pointer, one likely cause."""
    found = explain(recorded, now, [])
    assert found.pointer == pointer
    assert found.cause.startswith(cause)


def test_a_route_that_is_missing_is_named() -> None:
    """What it did and where it goes."""
    found = explain(route("reroute"), call("pay"), [])
    assert "a call of pay where the record has the route to paid: reroute" in str(found)
    found = explain(route("signal", why="it is slow"), call("pay"), [])
    assert "a call of pay where the record has a signal: it is slow" in str(found)


def test_a_call_made_twice_is_an_extra_call() -> None:
    """What was just said again, and is not in the rest of the record, is told as such."""
    found = explain(call("ship", 1), call("pay", 1, cents=5), [call("pay", 0, cents=5)])
    assert found.cause == "an extra call: the same one was made before"


def test_a_read_that_comes_too_early_is_a_missing_call() -> None:
    """What the task reads next stands later in the record: nothing is read more often, a call before it is left out."""
    found = explain(call("pay"), read("a"), [], [read("a")])
    assert found.cause == "a missing call, or one that is made later"


def test_an_outcome_belongs_to_the_step_of_its_call() -> None:
    """A difference in what came back is told at the call it answers, not at the one after."""
    before = [call("look", 0), call("look", 1)]
    found = explain(
        event("observation", {"action": 0, "ok": 1}, 2), event("observation", {"action": 0, "ok": 2}, 2), before
    )
    assert (found.seq, found.step, found.pointer) == (2, 0, "/ok")


def test_long_texts_are_shown_where_they_differ() -> None:
    """A window around the first difference, not the beginning that both share."""
    one, other = told_apart("a" * 500 + "3 results" + "z" * 500, "a" * 500 + "4 results" + "z" * 500)
    assert one.startswith("'…aaa")
    assert "3 results" in one
    assert "4 results" in other
    assert len(one) < 120
    assert told_apart("short", 1) == ("'short'", "1")
    assert told_apart(list(range(1000)), None)[0].endswith("…")


def test_a_divergence_names_the_line_of_the_agent() -> None:
    """The first of its places is the one that made the call."""
    found = Divergence("x", cause="c", sites=["a.py:1", "b.py:2"])
    assert found.site == "a.py:1"
    assert str(found) == "diverged: x\ncause  c\nat     a.py:1"
    assert Divergence("x").site == ""


def test_a_verdict_on_a_secret_is_not_blamed_on_the_registry() -> None:
    """A replay knows the placeholder only, which a rule on the value itself judges otherwise."""
    login = call("login", password="⟦secret:password:1⟧")
    other = event("verdict", VERDICT | {"rule": "B"}, 1)
    found = explain(event("verdict", VERDICT, 1), other, [login])
    assert found.cause == "a rule may have read a secret, of which a replay has the placeholder only"
    assert explain(event("verdict", VERDICT, 1), other, [call("login")]).cause.startswith(
        "the registry judges otherwise"
    )
