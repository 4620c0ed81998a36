"""Monitors in real sessions: what they notice is in the trace, and some of it stops a route."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.door.app import Harness
from harness.errors import NoRoute, Refused
from harness.ports import Approval, Question
from harness.registry.load import load
from tests.door.places import SHOP, SHOP_TOOLS, TAKES, TRIP, TRIP_TAKES, TRIP_TOOLS, shop
from tests.door.town import (
    DOWN,
    QUICK,
    Build,
    Clock,
    Story,
    Town,
    aroute,
    ended,
    played,
    present,
    registry_of,
    route,
    text_of,
)


def watched(monitors: Mapping[str, Any], options: Mapping[str, Any] = {}, **plans: Any) -> Build:
    """Give what builds a shop with monitors."""
    return shop(options, SHOP | {"monitors": monitors}, **plans)


def signals(story: Story) -> list[tuple[str, float]]:
    """Give the monitor and the priority of each signal of a story."""
    told = [one["data"] for one in story.told("signal")]
    return [(data["monitor"], data["priority"]) for data in told]


CALLS = {"budget": {"of": "calls", "limit": 1}}


def test_without_monitors_nothing_is_told(tmp_path: Path) -> None:
    """A session writes what it wrote before there were any."""
    story = played(shop(email=[DOWN] * 2), route("told", order="W-1"), tmp_path)
    assert story.told("signal") == []


def test_a_risky_call_is_told_and_made(tmp_path: Path) -> None:
    """Before it is made, once for the goal and once for the tool; nothing is stopped by it."""
    build = watched({"risk": {"amount": "order.cents", "above": 100}})
    story = played(build, route("paid", order={"cents": 500}), tmp_path)
    assert story.result.path == ("stripe",)
    assert [(one["tool"] if "tool" in one else one["data"]["subject"], one["why"]) for one in story.told("signal")] == [
        ("paid", "paid: order.cents is 500, more than 100"),
        ("stripe", "stripe: order.cents is 500, more than 100"),
    ]
    assert story.told("signal")[1]["goal"] == "paid"


def test_a_rule_is_asked_all_the_same(tmp_path: Path) -> None:
    """A signal neither takes the place of an approval nor is taken for one."""
    questions: list[Question] = []

    def refuse(question: Question) -> Approval:
        questions.append(question)
        return Approval(False, "a person")

    rule = {
        "id": "ASK",
        "on": "action",
        "tool": "stripe",
        "require": "call.args.order.cents <= 100",
        "otherwise": "escalate",
        "says": "Ask first.",
    }
    schema = {"type": "object", "properties": {"order": {"type": "object", "properties": {"cents": {}}}, "key": {}}}
    tools = SHOP_TOOLS | {"stripe": SHOP_TOOLS["stripe"] | {"arguments": schema}}
    graph = SHOP | {"monitors": {"risk": {"amount": "order.cents", "above": 100}}}

    def build(folder: Path) -> Town:
        town = Town(registry_of(tools, graph, [rule]), folder, approver=refuse)
        return town.with_tools(TAKES, {}, refund="stripe")

    story = played(build, route("paid", order={"cents": 500}), tmp_path)
    assert isinstance(story.result, Refused)
    assert len(questions) == 1
    assert story.town.called == []
    assert signals(story) == [("risk", 0.95)] * 2


def test_a_budget_that_is_used_up_stops_a_route(tmp_path: Path) -> None:
    """What was paid is taken back, and the error says why; the call of a goal spends nothing by itself."""
    story = played(watched(CALLS), route("told", order="W-1"), tmp_path)
    assert isinstance(story.result, NoRoute)
    assert "1 of 1 calls are spent" in str(story.result)
    assert story.town.called == ["stripe", "refund"]
    assert +story.town.net == {}
    assert ("budget", 1.0) in signals(story)


def test_a_budget_lasts_as_long_as_it_lasts(tmp_path: Path) -> None:
    """A route that ends with the last call of a budget is served, and the next one is not begun."""

    def agent(town: Town) -> Any:
        first = present().route("told", order="W-1")
        with pytest.raises(NoRoute, match="2 of 2 calls are spent"):
            present().route("paid", order="W-2")
        return first

    story = played(watched({"budget": {"of": "calls", "limit": 2}}), agent, tmp_path)
    assert story.result.path == ("stripe", "email")
    assert story.town.called == ["stripe", "email"]


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ({"go_on": True}, ["stripe", "email"]),
        ({"goal": "paid"}, ["stripe"]),
        ({"stop": True}, ["stripe", "refund"]),
        ({"go_on": "yes"}, ["stripe", "refund"]),
    ],
)
def test_a_person_decides(choice: dict[str, Any], called: list[str], tmp_path: Path) -> None:
    """Asked once, with the signals; whoever goes on does so in spite of them, and what was chosen is in the trace."""
    asked: list[dict[str, Any]] = []

    def escalate(deadlock: dict[str, Any]) -> Any:
        asked.append(deadlock)
        return choice

    story = played(watched(CALLS, {"escalate": escalate}), route("told", order="W-1"), tmp_path)
    assert len(asked) == 1
    assert asked[0]["why"] == "1 of 1 calls are spent"
    assert [one["monitor"] for one in asked[0]["signals"]] == ["budget"]
    assert [one["goal"] for one in asked[0]["goals"]] == ["paid"]
    assert [one["choice"] for one in story.told("answer")] == [choice]
    assert story.town.called == called
    assert isinstance(story.result, NoRoute) == (called[-1] == "refund")


def test_a_route_that_stands_still_is_stopped(tmp_path: Path) -> None:
    """Before it has tried for the last time what has not served so far."""
    policy = QUICK | {"retries": 9}
    build = shop({}, SHOP | {"monitors": {"progress": {"window": 2}}, "policy": policy}, stripe=[DOWN] * 9)
    story = played(build, route("paid", order="W-1"), tmp_path)
    assert isinstance(story.result, NoRoute)
    assert "nothing that is to be done got less" in str(story.result)
    assert story.town.called == ["stripe"] * 3
    assert signals(story)[-1] == ("progress", 0.5)


def test_an_agent_that_goes_in_circles_is_told(tmp_path: Path) -> None:
    """The goal that it asks for next is not begun; that is news, so the one after it is."""

    def agent(town: Town) -> Any:
        for _ in range(3):
            town.tools["email"]("P-1")
        with pytest.raises(NoRoute, match="the last 2 calls were made before and came back alike"):
            present().route("paid", order="W-1")
        return present().route("paid", order="W-1")

    graph = SHOP | {"monitors": {"loops": {"window": 2}}}
    one_way = {name: said for name, said in SHOP["tools"].items() if name != "sms"}
    story = played(shop({}, graph | {"tools": one_way}), agent, tmp_path)
    assert story.result.path == ("stripe",)


def test_a_quota_that_is_used_up_is_gone_around(tmp_path: Path) -> None:
    """By every session of the app, and after its time the tool is called again; replays know nothing of any quota."""
    clock = Clock()
    monitors = {"rate": {"stripe": {"calls": 2, "within_ms": 60_000}}}
    town = watched(monitors, {"clock": clock})(tmp_path)

    def path() -> tuple[tuple[str, ...], list[tuple[str, float]]]:
        session, other = town.app.session(), watched(monitors)(tmp_path)
        found = ended(session, town, route("paid", order="W-1")).path
        again = other.app.replaying(session.trace.path)
        assert ended(again, other, route("paid", order="W-1")).path == found
        assert (again.trace.digest, other.calls) == (session.trace.digest, [])
        return found

    assert [path() for _ in range(4)] == [("stripe",), ("stripe",), ("paypal",), ("paypal",)]
    clock.rest(61)
    assert path() == ("stripe",)


def test_a_quota_of_one_session_is_told(tmp_path: Path) -> None:
    """With the last call that it allows."""

    def agent(town: Town) -> Any:
        return [present().route("paid", order=f"W-{number}").path for number in range(3)]

    story = played(watched({"rate": {"stripe": {"calls": 2, "within_ms": 60_000}}}), agent, tmp_path)
    assert story.result == [("stripe",), ("stripe",), ("paypal",)]
    assert [(one["why"], one["tool"]) for one in story.told("signal")] == [
        ("stripe has made 2 of the 2 calls of its quota", "stripe")
    ]


def test_a_slow_tool_costs_more_than_it_did(tmp_path: Path) -> None:
    """By the latency that is declared of it, over all sessions: what is ten times as slow is gone around."""
    clock = Clock()

    def slow(**_: Any) -> str:
        clock.rest(0.5)
        return "stripe"

    build = watched({"latency": {"stripe": {"expected_ms": 50}}}, {"clock": clock}, stripe=[slow] * 9)
    town = build(tmp_path)
    paths = [ended(town.app.session(), town, route("paid", order="W-1")).path for _ in range(7)]
    assert paths == [("stripe",)] * 5 + [("paypal",)] * 2


def test_many_calls_at_once(tmp_path: Path) -> None:
    """Signals of a route whose calls are made side by side come out equal on replay, and stop it between calls."""
    graph = TRIP | {"monitors": {"budget": {"of": "calls", "limit": 2}, "intent": {}}}

    def build(folder: Path) -> Town:
        return Town(registry_of(TRIP_TOOLS, graph), folder).with_tools(TRIP_TAKES, {}, later=True)

    story = played(build, aroute("booked", day="Monday"), tmp_path)
    assert isinstance(story.result, NoRoute)
    assert sorted(story.town.called) == ["flight", "hotel"]
    assert signals(story) == [("intent", 0.9), ("budget", 0.5), ("budget", 1.0)]


def test_a_trace_of_other_monitors_is_another_run(tmp_path: Path) -> None:
    """What is watched is part of the registry's digest, so a replay under other monitors is told apart."""
    digests = {registry_of(SHOP_TOOLS, SHOP | {"monitors": {"loops": {"window": n}}}).digest for n in (1, 2)}
    assert len({*digests, registry_of(SHOP_TOOLS, SHOP).digest}) == 3


def test_an_app_under_other_limits_has_a_store_of_its_own(tmp_path: Path) -> None:
    """One under the same limits shares what is known of the tools."""
    for name, calls in (("one", 1), ("same", 1), ("other", 2)):
        rate = {"monitors": {"rate": {"stripe": {"calls": calls, "within_ms": 1}}}}
        (tmp_path / f"{name}.yaml").write_text(text_of(SHOP_TOOLS, SHOP | rate))
    app = Harness(tmp_path / "one.yaml", traces=tmp_path)
    assert app.health.limits.quotas["stripe"].calls == 1
    assert app.with_registry(tmp_path / "same.yaml").health is app.health
    assert app.with_registry(tmp_path / "other.yaml").health.limits.quotas["stripe"].calls == 2
    assert app.health.limits.quotas["stripe"].calls == 1
    assert Harness(load(text_of(SHOP_TOOLS, SHOP), "town.yaml"), traces=tmp_path).health.limits.quotas == {}
