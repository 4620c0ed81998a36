"""The calls in answers as the official clients see them, over real HTTP: three APIs, whole and streamed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.ports import Approval, Question
from harness.testing.model_server import Answer, ModelRequest, ModelServer, Reply, call, calls, say
from harness.testing.scripted.reply import Call
from tests.adapters.answers.talking import APIS, RULES, Talk, actions, record, replayed

LONG = "This is a text of several pieces, naïve 😀, before anything else."


def policy(request: ModelRequest) -> Reply:
    """Answer a first turn by what it says; then repeat the results there are."""
    results = [str(message["content"]) for message in request.messages if message["role"] == "tool"]
    text = next(str(message["content"]) for message in request.messages if message["role"] == "user")
    if text == "stubborn":
        return Answer("again", (call("refund", cents=90_000 + len(results)),))
    if results:
        return say("; ".join(result.splitlines()[0] for result in results))
    return FIRST[text]


FIRST: dict[str, Reply] = {
    "plain": say(LONG),
    "one": Answer(LONG, (call("refund", cents=100),)),
    "two": calls(call("find", sku="mug"), call("refund", cents=100)),
    "rewrite": Answer(LONG, (call("find", sku="mug"), call("note", text=LONG, cents=500), call("refund", cents=1))),
    "blocked": Answer(LONG, (call("refund", cents=48_000),)),
    "both blocked": calls(call("refund", cents=48_000), call("refund", cents=49_000)),
    "some blocked": Answer(LONG, (call("refund", cents=48_000), call("find", sku="mug"), call("refund", cents=7))),
    "broken": Answer("hm", (Call("find", '{"sku": '), Call("refund", '{"cents": 1, "cents": 99000}'))),
}


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    """Give a scripted server."""
    with ModelServer(policy) as running:
        yield running


@pytest.fixture(
    params=[(api, stream) for api in APIS for stream in (False, True)], ids=lambda one: f"{one[0]}-{one[1]}"
)
def talk(request: pytest.FixtureRequest, server: ModelServer) -> Talk:
    """Give an agent for each API, whole and streamed."""
    api, stream = request.param
    return Talk(server, api, stream=stream)


@pytest.mark.parametrize("text", [*FIRST, "stubborn"])
@pytest.mark.parametrize("kind", ["agent", "async_agent"])
def test_what_was_judged_replays_equal(talk: Talk, kind: str, text: str, tmp_path: Path) -> None:
    """Whatever rules do with the calls of an answer, sync or async: the replay judges again and shows the same."""
    app = talk.app(tmp_path)
    agent = getattr(talk, kind)(app)
    if text == "broken" and talk.api == "messages" and talk.stream:
        pytest.skip("the official client does not read broken input in a stream")
    talk._run = lambda tool, args: "done"  # type: ignore[method-assign]  # broken arguments run nowhere
    result, _, path = record(app, agent, text=text)
    replayed(app, path, agent, talk.server, result)


def test_an_allowed_call_reaches_the_agent_and_its_result_ends_the_action(talk: Talk, tmp_path: Path) -> None:
    """The trace has the call between the model's answer and the request that brings its result."""
    app = talk.app(tmp_path)
    seen, events, _ = record(app, talk.agent(app), text="one")
    assert [(one.text, len(one.calls)) for one in seen] == [(LONG, 1), ("refund done", 0)]
    assert talk.made == [("refund", {"cents": 100})]
    events = [event for event in events if event.kind != "read"]
    kinds = [(event.kind, event.body.get("surface")) for event in events]
    assert kinds == [
        ("action", "model"),
        ("observation", None),
        ("action", "tool"),
        ("observation", None),
        ("action", "model"),
        ("observation", None),
        ("note", None),
    ]
    assert events[3].body == {"action": events[2].seq, "ok": "refund done"}
    assert events[2].body["id"] == seen[0].calls[0][0]


def test_a_call_that_is_rewritten_is_seen_rewritten(talk: Talk, tmp_path: Path) -> None:
    """The agent gets the arguments that were judged; its other calls come as they were."""
    app = talk.app(tmp_path)
    seen, events, _ = record(app, talk.agent(app), text="rewrite")
    made = [("find", {"sku": "mug"}), ("note", {"text": LONG, "cents": 100}), ("refund", {"cents": 1})]
    assert talk.made == made
    assert [one for one in actions(events) if one[1].get("cents") != 500] == made
    assert seen[0].text == LONG
    assert seen[-1].text == "find done; note done; refund done"


def test_a_blocked_call_is_never_seen_and_the_model_is_told(talk: Talk, tmp_path: Path) -> None:
    """Where every call is blocked the model is asked again, and its answer continues the same one."""
    app = talk.app(tmp_path)
    for text, refusals in (("blocked", 1), ("both blocked", 2)):
        seen, events, _ = record(app, talk.agent(app), text=text)
        assert talk.made == []
        assert [one.calls for one in seen] == [[]]
        assert seen[0].text.startswith(LONG) == (text == "blocked")
        assert seen[0].text.count("refund was blocked by CAP") == refusals
        assert seen[0].ended in ("stop", "completed", "end_turn")
        assert len(actions(events, "model")) == 2
        assert sum(event.kind == "decision" for event in events) == refusals


def test_of_several_calls_only_the_blocked_are_missing(talk: Talk, tmp_path: Path) -> None:
    """The others keep their ids and order, and a text says what was refused."""
    app = talk.app(tmp_path)
    seen, events, _ = record(app, talk.agent(app), text="some blocked")
    assert talk.made == [("find", {"sku": "mug"}), ("refund", {"cents": 7})]
    assert seen[0].text.startswith(LONG)
    assert "refund was blocked by CAP" in seen[0].text
    assert seen[0].ended in ("tool_calls", "completed", "tool_use")
    assert seen[1].text == "find done; refund done"
    ids = [event.body["id"] for event in events if event.kind == "action" and event.body["surface"] == "tool"]
    assert [one[0] for one in seen[0].calls] == ids[1:]


def test_a_stubborn_model_is_asked_three_times_more(talk: Talk, tmp_path: Path) -> None:
    """When the rounds are used up the client is told instead, and gets no call."""
    app = talk.app(tmp_path)
    seen, events, _ = record(app, talk.agent(app), text="stubborn")
    assert len(actions(events, "model")) == 4
    assert [one.calls for one in seen] == [[]]
    assert seen[0].text.count("again") == 4
    assert seen[0].text.count("blocked by CAP") == 1
    assert seen[0].ended in ("stop", "completed", "end_turn")


@pytest.mark.parametrize("text", ["plain", "one", "two"])
def test_where_every_call_is_allowed_the_client_sees_the_same_bytes(talk: Talk, text: str, tmp_path: Path) -> None:
    """With and without judgement, inside a session and out of it, the answers are equal."""
    app = talk.app(tmp_path)
    judged, _, _ = record(app, talk.agent(app), text=text)
    talk.options = {}
    recorded, _, _ = record(app, talk.agent(app), text=text)
    talk.options = {"judge_calls": True}
    assert judged == recorded == talk.agent(app)(text)


def test_an_approver_decides_about_a_call_in_an_answer(talk: Talk, tmp_path: Path) -> None:
    """What is escalated waits for its answer before the agent sees it; a no is a refusal."""
    asked: list[Question] = []

    def approver(question: Question) -> Approval:
        asked.append(question)
        return Approval(len(asked) == 1, "Ann", digest=question.digest)

    talk.rules = RULES.replace("otherwise: block", "otherwise: escalate")
    app = talk.app(tmp_path, approver=approver)
    seen, _, path = record(app, talk.agent(app), text="both blocked")
    assert [question.args for question in asked] == [{"cents": 48_000}, {"cents": 49_000}]
    assert talk.made == [("refund", {"cents": 48_000})]
    assert "Ann said no" in seen[0].text
    replayed(app, path, talk.agent(app), talk.server, seen)


def test_rules_in_shadow_change_nothing(talk: Talk, tmp_path: Path) -> None:
    """Where no rule is enforced the agent sees every call, and the trace says what would have been."""
    app = talk.app(tmp_path, mode="shadow")
    _, events, _ = record(app, talk.agent(app), text="some blocked")
    assert [args.get("cents") for _, args in talk.made] == [48_000, None, 7]
    assert [event.body["would"] for event in events if event.kind == "verdict"] == ["block"]


def test_a_result_that_a_rule_withholds_does_not_reach_the_model(talk: Talk, tmp_path: Path) -> None:
    """The request that brings it, and every later one, carries the refusal in its place."""
    rule = """
  - id: SECRET
    title: Nothing is found
    on: result
    tool: find
    require: "False"
    otherwise: block
"""
    talk.rules = RULES + rule.lstrip("\n")
    app = talk.app(tmp_path)
    before = len(talk.server.requests)
    seen, _, path = record(app, talk.agent(app), text="two")
    said = [str(message.get("content")) for message in talk.server.requests[before + 1].messages]
    assert not any("find done" in one for one in said)
    assert seen[1].text.startswith("find was blocked by SECRET")
    assert seen[1].text.endswith("refund done")
    replayed(app, path, talk.agent(app), talk.server, seen)


def test_the_tools_that_a_request_declares_are_known_by_their_schemas(talk: Talk, tmp_path: Path) -> None:
    """A call is narrowed by the registry's word: what it calls a read is one."""
    app = talk.app(tmp_path)
    _, events, path = record(app, talk.agent(app), text="two")
    assert [tool for tool, _ in actions(events)] == ["find", "refund"]
    assert Path(path).read_bytes().count(b"sk-secret-of-a-test") == 0
    assert any(event.kind == "action" and event.body["tool"].startswith(_NAMES[talk.api]) for event in events)


_NAMES: dict[str, Any] = {
    "chat": "openai:chat/completions",
    "responses": "openai:responses",
    "messages": "anthropic:messages",
}
