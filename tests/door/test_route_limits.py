"""What keeps a route from its goal: rules, people, broken promises, limits, and what a user gets wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.door.app import Harness
from harness.errors import NoRoute, Refused, UsageError
from harness.ports import Approval, Question
from tests.door.places import APART, SHOP, SHOP_TOOLS, TAKES, promised, shop
from tests.door.town import DOWN, QUICK, Build, Clock, Town, played, registry_of, route

# --- rules and people -------------------------------------------------------------------------------------------------

NEVER = {"title": "never", "on": "action", "require": "False", "severity": "high", "otherwise": "block"}


def ruled(
    rule: Mapping[str, Any], options: Mapping[str, Any] = {}, policy: Mapping[str, Any] = QUICK, **plans: Any
) -> Build:
    """Give what builds a shop with a rule of its own, in which each message needs its own provider."""
    registry = registry_of(SHOP_TOOLS, APART | {"policy": policy}, [{"id": "OURS", **NEVER, **rule}])

    def build(folder: Path) -> Town:
        town = Town(registry, folder, **options)
        return town.with_tools(TAKES, plans, refund="stripe")

    return build


def test_a_refusal_reaches_the_agent(tmp_path: Path) -> None:
    """A rule that blocks a call ends the route: what can be taken back is, and the agent is told by the rule itself."""
    story = played(ruled({"tool": "email"}), route("told", order="W-1"), tmp_path)
    assert isinstance(story.result, Refused)
    assert "OURS" in str(story.result)
    assert story.town.called == ["stripe", "refund"]
    assert +story.town.net == {}


def test_a_refusal_may_be_gone_around(tmp_path: Path) -> None:
    """Where the graph says so, a call that a rule blocks is one that failed for good."""
    build = ruled({"tool": "email"}, policy=QUICK | {"refusal": "reroute"})
    story = played(build, route("told", order="W-1"), tmp_path)
    assert story.result.path == ("paypal", "sms")
    assert story.town.called == ["stripe", "refund", "paypal", "sms"]


@pytest.mark.parametrize("policy", ["stop", "reroute"])
def test_an_undo_that_is_refused_leaves_the_charge(policy: str, tmp_path: Path) -> None:
    """A rule that blocks the refund does not hide why the route ended, nor what is left."""
    build = ruled({"tool": "refund"}, policy=QUICK | {"refusal": policy}, email=[DOWN] * 2)
    story = played(build, route("told", order="W-1"), tmp_path)
    assert isinstance(story.result, NoRoute), story.result
    assert story.result.left == ("stripe",)
    assert +story.town.net == {"stripe": 1}


def test_a_blocked_result_is_no_result(tmp_path: Path) -> None:
    """A rule on results sends a read on its way around; whatever it said is not used."""
    rule = {"on": "result", "tool": "email", "require": "result != 'spam'"}
    story = played(ruled(rule, email=["spam"]), route("told", order="W-1"), tmp_path)
    assert story.result.path == ("paypal", "sms")


@pytest.mark.parametrize("allowed", [True, False])
def test_a_payment_is_approved_before_it_is_made(allowed: bool, tmp_path: Path) -> None:
    """A person is asked by a rule as for any call; where he says no nothing is paid, and the agent gets the refusal."""
    asked: list[Question] = []

    def approver(question: Question) -> Approval:
        asked.append(question)
        return Approval(allowed, "Ann")

    build = ruled({"tool": "stripe", "otherwise": "escalate"}, {"approver": approver})
    story = played(build, route("told", order="W-1"), tmp_path)
    assert [question.tool for question in asked] == ["stripe"]
    if allowed:
        assert story.result.path == ("stripe", "email")
    else:
        assert isinstance(story.result, Refused)
        assert story.town.calls == []


# --- what a tool promises ---------------------------------------------------------------------------------------------


def result(value: Any) -> Callable[..., Any]:
    """Give a call that gives a value."""
    return lambda **_: value


def test_a_part_of_a_result_is_a_fact(tmp_path: Path) -> None:
    """The graph says where in a result a fact lies."""
    assert played(promised("read", first=[result({"n": 7})]), route("known", order=1), tmp_path).result.value == 7


def test_a_read_that_breaks_its_promise_is_gone_around(tmp_path: Path) -> None:
    """A wrong result is as good as none, and is not asked for again."""
    story = played(promised("read", first=[result({"n": "7"})]), route("known", order=1), tmp_path)
    assert story.result.value == "second"
    assert story.town.called == ["first", "second"]


def test_a_write_that_breaks_its_promise_is_in_doubt(tmp_path: Path) -> None:
    """Nobody knows what a write has done that answers with nonsense; under a key it is made again."""
    story = played(promised("write", first=[result({})]), route("known", order=1), tmp_path)
    assert isinstance(story.result, NoRoute)
    assert (story.result.in_doubt, story.town.called) == (("first",), ["first"])
    story = played(
        promised("write", key="key", first=[result({}), result({"n": 7})]), route("known", order=1), tmp_path
    )
    assert story.result.value == 7
    assert story.town.net == {"first": 1}


# --- limits -----------------------------------------------------------------------------------------------------------


def test_what_costs_too_much_is_no_route(tmp_path: Path) -> None:
    """What was spent counts: a way around that would exceed the cap is not taken."""
    graph = SHOP | {"policy": QUICK | {"cost_cap": 4, "retries": 0}}
    story = played(shop(graph=graph, email=[DOWN]), route("told", order="W-1"), tmp_path)
    assert isinstance(story.result, NoRoute)
    assert (story.town.called, +story.town.net) == (["stripe", "email", "refund"], {})
    assert "Too dear: sms at 3, after 2 of 4." in str(story.result)
    graph = SHOP | {"policy": QUICK | {"cost_cap": 5, "retries": 0}}
    assert played(shop(graph=graph, email=[DOWN]), route("told", order="W-1"), tmp_path).result.cost == 5


def test_nothing_begins_after_the_deadline(tmp_path: Path) -> None:
    """A call that took too long is the last one but for what takes back."""
    clock = Clock()
    graph = SHOP | {"policy": QUICK | {"deadline_ms": 1000}}
    build = shop({"clock": clock}, graph, stripe=[lambda **_: clock.rest(1.1)])
    story = played(build, route("told", order="W-1"), tmp_path)
    assert isinstance(story.result, NoRoute)
    assert "deadline" in story.result.reason
    assert (story.town.called, +story.town.net) == (["stripe", "refund"], {})


# --- what a user gets wrong -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("goal", "facts", "said"),
    [
        ("tolt", {"order": "W-1"}, "did you mean 'told'"),
        ("told", {"ordre": "W-1"}, "did you mean 'order'"),
        ("told", {}, "pass order="),
    ],
)
def test_a_slip_is_told(goal: str, facts: dict[str, Any], said: str, tmp_path: Path) -> None:
    """A goal or a fact that the graph does not know, and one that it needs; nothing is called."""
    town = shop()(tmp_path)
    with pytest.raises(UsageError, match=said), town.app.session() as session:
        session.route(goal, **facts)
    assert town.calls == []


def test_an_app_without_a_graph_has_no_goals(tmp_path: Path) -> None:
    """The error says where a graph is written."""
    app = Harness(traces=tmp_path)
    with pytest.raises(UsageError, match="graph:"):
        app.goal("told")
    with pytest.raises(UsageError, match="graph:"), app.session() as session:
        session.route("told")


@pytest.mark.parametrize("missing", ["email", "refund"])
def test_a_tool_that_no_function_stands_for(missing: str, tmp_path: Path) -> None:
    """It is told before anything is called, also of a tool that only takes back."""
    town = Town(registry_of(SHOP_TOOLS, SHOP), tmp_path)
    for name in SHOP_TOOLS.keys() - {missing}:
        town.tool(name, takes=TAKES[name])
    with pytest.raises(UsageError, match=f"{missing}, which .*no tool of this app"), town.app.session() as session:
        session.route("told", order="W-1")
    assert town.calls == []


def test_an_argument_that_nothing_binds(tmp_path: Path) -> None:
    """The function is named, with its line."""
    town = Town(registry_of(SHOP_TOOLS, SHOP), tmp_path)
    for name in SHOP_TOOLS:
        town.tool(name, takes="payment tone" if name == "email" else TAKES[name])
    with pytest.raises(UsageError, match="email needs 'tone'") as told, town.app.session() as session:
        session.route("told", order="W-1")
    assert "town.py" in told.value.where


def test_an_asynchronous_tool_needs_an_asynchronous_agent(tmp_path: Path) -> None:
    """It is told before anything is called, because nothing may be left half done for it."""
    town = Town(registry_of(SHOP_TOOLS, SHOP), tmp_path)
    for name in SHOP_TOOLS:
        town.tool(name, takes=TAKES[name], later=name == "email")
    with pytest.raises(UsageError, match="email is asynchronous"), town.app.session() as session:
        session.route("told", order="W-1")
    assert town.calls == []


def test_only_what_the_goal_needs_is_asked_for(tmp_path: Path) -> None:
    """A fact that another goal begins with, or that is one of two ways, may be missing."""
    tools = {name: {"effect": "read"} for name in ("by_mail", "by_phone", "price")}
    graph = {
        "start": ["mail", "phone", "order"],
        "goals": {"known": ["user"], "priced": ["amount"]},
        "tools": {
            "by_mail": {"needs": ["mail"], "gives": ["user"]},
            "by_phone": {"needs": ["phone"], "gives": ["user"]},
            "price": {"needs": ["order"], "gives": ["amount"]},
        },
    }

    def build(folder: Path) -> Town:
        return Town(registry_of(tools, graph), folder).with_tools(
            {"by_mail": "mail", "by_phone": "phone", "price": "order"}, {}
        )

    assert played(build, route("known", phone="1"), tmp_path).result.path == ("by_phone",)
    assert played(build, route("priced", order="1"), tmp_path).result.path == ("price",)
    with pytest.raises(UsageError, match="known needs mail, phone"), build(tmp_path).app.session() as session:
        session.route("known")
