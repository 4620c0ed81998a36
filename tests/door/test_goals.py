"""Goals as functions: what code declares of a graph, what may be handed in, and what the agent is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.door.app import Harness
from harness.errors import Divergence, NoRoute, UsageError
from harness.registry.load import load

TILL = """registry: till
version: 1
default: allow
tools:
  stripe: {arguments: {type: object, properties: {cents: {type: integer}}}}
  paypal: {}
graph:
  goals:
    paid:
      needs: [payment]
      arguments: {type: object, properties: {cents: {type: integer}}, required: [cents], additionalProperties: false}
  tools:
    stripe: {needs: [cents], gives: [payment], cost: 1}
    paypal: {needs: [cents], gives: [payment], cost: 2}
"""


def hotel(folder: Path, escalate: Callable[[dict[str, Any]], Any] | None) -> tuple[Harness, Callable[..., Any]]:
    """Give an app whose graph is declared in code: a room can be held, and cannot be paid for; and its goal."""
    app = Harness(traces=folder, escalate=escalate)

    @app.tool(effect="read", needs=["day"], gives=["room"])
    def hold(day: str) -> str:
        return f"room on {day}"

    @app.tool(effect="read", needs=["room"], gives=["receipt"])
    def pay(room: str) -> str:
        raise LookupError("no such account")

    @app.goal(needs=["receipt"])
    def booked(day: str) -> dict[str, Any]:
        """Book a room."""
        raise AssertionError(day)

    @app.goal(needs=["room"])
    def held(day: str) -> dict[str, Any]:
        """Hold a room."""
        raise AssertionError(day)

    return app, booked


def test_an_agent_is_told_that_it_got_another_goal(tmp_path: Path) -> None:
    """What somebody chose in place of what was asked for does not pass for it."""
    app, booked = hotel(tmp_path, lambda question: {"goal": question["goals"][0]["goal"]})
    with app.session() as session:
        said = booked("Monday")
    assert said == {
        "result": "room on Monday",
        "goal": "held",
        "served_by": ["hold"],
        "note": "held in place of booked (LookupError: no such account), served by hold",
    }
    again, booked = hotel(tmp_path, lambda question: pytest.fail("nobody is asked on replay"))
    with again.replaying(session.trace.path):
        assert booked("Monday") == said


def test_a_person_is_asked_what_the_rules_let_be_asked(tmp_path: Path) -> None:
    """A question that a rule has rewritten is put as it was judged."""
    asked: list[dict[str, Any]] = []
    app, booked = hotel(tmp_path, lambda question: asked.append(question) or {"stop": True})
    rules = "{id: MASK, on: action, tool: escalate, require: 'call.args.goal == \"a trip\"', otherwise: rewrite, "
    (tmp_path / "r.yaml").write_text(
        f"registry: r\nversion: 1\ndefault: allow\ninvariants:\n  - {rules}rewrite: {{args.goal: '\"a trip\"'}}}}\n"
    )
    with app.with_registry(tmp_path / "r.yaml").session(), pytest.raises(NoRoute):
        booked("Monday")
    assert [question["goal"] for question in asked] == ["a trip"]


def test_a_dead_end_names_the_tools_in_the_way(tmp_path: Path) -> None:
    """Whoever shows the error to a model need not look into the deadlock."""
    app, booked = hotel(tmp_path, None)
    with pytest.raises(NoRoute, match=r"Blocked: pay \(LookupError: no such account\)\. Still possible: held"):
        app.session().run(booked, day="Monday")


def test_a_replay_says_that_nobody_is_there_to_ask(tmp_path: Path) -> None:
    """The graph and the tools are as they were, and the divergence does not blame them."""
    app, booked = hotel(tmp_path, lambda question: {"stop": True})
    with app.session() as session, pytest.raises(NoRoute):
        booked("Monday")
    other, booked = hotel(tmp_path, None)
    with pytest.raises(Divergence) as told, other.replaying(session.trace.path):
        booked("Monday")
    assert told.value.cause == "whoever can be asked was asked when this was recorded"


def till(folder: Path) -> tuple[Harness, list[str], Callable[..., Any]]:
    """Give an app with two providers, the names of those that were called, and the first of them."""
    app, called = Harness(load(TILL, "till.yaml"), traces=folder), list[str]()

    @app.tool
    def stripe(cents: int) -> str:
        called.append("stripe")
        if not isinstance(cents, int):
            raise ValueError(f"{cents!r} cents")
        return "by stripe"

    @app.tool
    def paypal(cents: int) -> str:
        called.append("paypal")
        return "by paypal"

    return app, called, stripe


def test_what_does_not_fit_a_goal_is_not_begun(tmp_path: Path) -> None:
    """A tool that is less strict than the goal would do something that nobody meant."""
    app, called, _ = till(tmp_path)
    paid = app.goal("paid")
    with app.session():
        assert paid(cents=5)["served_by"] == ["stripe"]
        with pytest.raises(UsageError, match=r"till: paid: the arguments do not fit the schema: /cents"):
            paid(cents="five")
    assert called == ["stripe"]


def test_what_does_not_fit_a_tool_is_handed_to_no_other(tmp_path: Path) -> None:
    """A tool that is asked for by its name gets a caller's mistake as it would without a graph."""
    app, called, stripe = till(tmp_path)
    with app.session(), pytest.raises(ValueError, match="'five' cents"):
        stripe(cents="five")
    assert called == ["stripe"]


@pytest.mark.parametrize(
    ("declared", "cure"),
    [
        ({"needs": "order"}, "write needs=['order']"),
        ({"needs": {"any": ["a", "b"]}}, "write needs=[{'any': ['a', 'b']}]"),
        ({"gives": "payment"}, "write gives=['payment']"),
        ({"gives": {"payment": "id"}}, "write gives=['payment']; only a registry's graph: can"),
    ],
)
def test_facts_are_declared_as_a_list(declared: Any, cure: str) -> None:
    """A text would be taken for its letters, and the parts of a dict for nothing."""
    app = Harness()
    with pytest.raises(UsageError) as told:

        @app.tool(**declared)
        def pay(order: str) -> None: ...

    assert "test_goals.py" in told.value.where
    assert told.value.cure.startswith(cure)


def test_the_needs_of_a_goal_are_a_list() -> None:
    """A text would be taken for its letters."""
    with pytest.raises(UsageError, match="needs of paid is 'payment'"):

        @Harness().goal(needs="payment")
        def paid(order: str) -> None: ...
