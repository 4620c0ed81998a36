"""The common registry on routes, on what real routes wrote: quiet on that, and loud as soon as a word is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import Harness, NoRoute
from harness.adapters.files import open_trace
from harness.adapters.registries import load_registry
from harness.assertion.report import check
from harness.registry.load import load
from harness.trace.event import Event

ROOT = Path(__file__).parents[2]
ROUTING = load_registry(ROOT / "registries" / "common" / "routing.yaml")
SHOP = """registry: shop
version: 1
default: allow
extends: [common/routing]
tools:
  stripe: {effect: write, undo: refund}
  paypal: {effect: write, undo: refund}
  refund: {effect: write, idempotent: true}
  email: {effect: read}
  sms: {effect: read}
graph:
  start: [order]
  goals: {told: [message]}
  tools:
    stripe: {needs: [order], gives: [payment], cost: 1}
    paypal: {needs: [order], gives: [payment], cost: 2}
    email: {needs: [payment], gives: [message], cost: 1}
    sms: {needs: [payment], gives: [message], cost: 3}
  policy: {retries: 1, wait_ms: 0}
"""
ANSWERS = ("retry", "reroute", "settle", "escalate")


def travelled(
    folder: Path, *down: str, escalate: Callable[[dict[str, Any]], Any] | None = None, shop: str = SHOP
) -> list[Event]:
    """Give the events of a route of which some tools refuse every connection."""
    registry = load(shop, "shop.yaml", read=lambda base: (ROOT / "registries" / f"{base}.yaml").read_text())
    app = Harness(registry=registry, escalate=escalate)

    def tool(name: str) -> None:
        def perform(order: str = "") -> str:
            if name in down:
                raise ConnectionRefusedError(f"{name} is down")
            return name

        spec = registry.tools[name]
        app.tool(name=name, effect=spec.effect, idempotent=spec.idempotent)(perform)

    for name in ("stripe", "paypal", "refund", "email", "sms"):
        tool(name)
    trace = folder / f"{'-'.join(down) or 'all'}.mat.jsonl"
    with app.session(trace=trace) as session:
        try:
            session.route("told", order="W-1")
        except NoRoute:
            pass
    with open_trace(trace) as reader:
        return list(reader)


def violated(events: list[Event]) -> set[str]:
    """Give the rules on routes that do not hold of some events."""
    return {one.verdict.rule for one in check(events, ROUTING).findings}


@pytest.mark.parametrize(
    ("down", "does"),
    [
        ((), {"plan", "end"}),
        (("stripe",), {"plan", "retry", "reroute", "end"}),
        (("email",), {"plan", "retry", "reroute", "end"}),
        (("stripe", "email"), {"plan", "retry", "reroute", "end"}),
        (("email", "sms"), {"plan", "retry", "reroute", "escalate", "undo", "end"}),
        (("stripe", "paypal"), {"plan", "retry", "reroute", "escalate", "end"}),
    ],
)
def test_what_real_routes_write_is_in_order(tmp_path: Path, down: tuple[str, ...], does: set[str]) -> None:
    """Served or not, with every kind of answer to a failure; and the calls say what they serve."""
    events = travelled(tmp_path, *down)
    assert {one.body["does"] for one in events if one.kind == "route"} == does
    assert violated(events) == set()
    spoke = check(events, ROUTING).rules
    assert spoke["FAILURE-ANSWERED"].fired == sum(
        "failed" in one.body for one in events[:-1] if "serves" in call(events, one)
    )
    assert bool(down) == bool(spoke["FAILURE-ANSWERED-ONCE"].fired) == bool(spoke["RETRY-OF-A-CALL"].fired)


def test_an_answered_question_is_in_order(tmp_path: Path) -> None:
    """Whoever was asked said to stop."""
    events = travelled(tmp_path, "stripe", "paypal", escalate=lambda deadlock: {"stop": True})
    assert [one.body["choice"] for one in events if one.kind == "route" and "choice" in one.body] == [{"stop": True}]
    assert violated(events) == set()


def test_a_route_that_has_taken_a_write_back_serves_without_it(tmp_path: Path) -> None:
    """Where its path names the write all the same, that is told."""
    split = SHOP.replace("gives: [payment], cost: 1", "gives: [card], cost: 1").replace(
        "email: {needs: [payment]", "email: {needs: [card]"
    )
    events = travelled(tmp_path, "email", shop=split)
    end = events[[one.body.get("does") for one in events].index("end")]
    assert "undo" in [one.body.get("does") for one in events]
    assert (end.body["served"], end.body["path"]) == (True, ["paypal", "sms"])
    assert violated(events) == set()
    wrong = end._replace(body=end.body | {"path": ["stripe", "paypal", "sms"]})
    assert violated([wrong if one is end else one for one in events]) == {"UNDONE-NOT-SERVED"}


def test_no_answer_to_a_failure_can_be_left_out(tmp_path: Path) -> None:
    """Each is missed, told twice it is told, and without its escalation a route has ended in silence."""
    events = travelled(tmp_path, "email", "sms")
    answers = [one for one in events if one.kind == "route" and one.body["does"] in ANSWERS and "after" in one.body]
    assert {one.body["does"] for one in answers} == {"retry", "reroute", "escalate"}
    for one in answers:
        without = [other for other in events if other is not one]
        silent = {"UNSERVED-ESCALATED"} if one.body["does"] == "escalate" else set()
        assert violated(without) == {"FAILURE-ANSWERED"} | silent
        twice = [*events[: one.seq + 1], one, *events[one.seq + 1 :]]
        assert violated(twice) == {"FAILURE-ANSWERED-ONCE"}


def test_a_route_that_does_not_say_what_its_calls_serve_is_told(tmp_path: Path) -> None:
    """Or nothing of what it does would ever be asked."""
    events = travelled(tmp_path, "stripe")
    unsaid = [one._replace(body={key: value for key, value in one.body.items() if key != "serves"}) for one in events]
    assert violated(unsaid) == {"RETRY-OF-A-CALL"}


def call(events: list[Event], outcome: Event) -> dict[str, Any]:
    """Give the body of the call that an outcome is of, empty for any other event."""
    return events[outcome.body["action"]].body if outcome.kind == "observation" else {}
