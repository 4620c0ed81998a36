"""Calls that rules put right, and artifacts that rules judge."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.adapters.files import open_trace
from harness.errors import Refused, UsageError
from harness.registry.load import load
from harness.registry.registry import Registry

RULES = """
registry: r
version: 1
default: allow
parameters: {limit: 100}
tools:
  give: {effect: write}
  pay: {effect: write, arguments: {type: object, properties: {cents: {type: integer}, to: {}, other: {}}}}
artifacts:
  plan: {schema: {type: object, properties: {cents: {type: integer}}}}
invariants:
  - id: CLAMP
    on: action
    tool: pay
    require: call.args.cents <= params.limit
    otherwise: rewrite
    rewrite: {args.cents: params.limit}
  - id: POSITIVE
    on: action
    tool: pay
    require: call.args.cents > 0
    otherwise: block
  - id: ODD
    on: action
    tool: pay
    when: call.args.cents == 42
    require: "False"
    otherwise: rewrite
    rewrite: {args.cents: call.args.other}
  - id: PLAN
    on: artifact
    artifact: plan
    require: artifact.cents <= params.limit
    otherwise: block
    says: Plan with at most {params.limit}.
"""


def registry(extra: str = "") -> Registry:
    """Load the rules."""
    return load(RULES + extra, "r.yaml")


def app_of(folder: Path, paid: list[Any], extra: str = "") -> Any:
    """Make an app with a tool that pays."""
    app = harness.Harness(registry(extra), traces=folder)

    @app.tool(effect="write")
    def pay(cents: int, to: str = "") -> int:
        paid.append((cents, to))
        return cents

    return app, pay


def written(path: str) -> list[dict[str, Any]]:
    """Give what a trace says of actions and decisions."""
    with open_trace(path) as reader:
        return [
            event.body | {"seq": event.seq, "parents": event.parents}
            for event in reader
            if event.kind in ("action", "decision")
        ]


def test_a_rewritten_call_is_performed_as_the_rule_says(tmp_path: Path) -> None:
    """The call that was wanted, the decision and the call in its place are all written; the effect sees the last."""
    paid: list[Any] = []
    app, pay = app_of(tmp_path, paid)
    with app.session() as session:
        assert pay(500, to="bob") == 100
    assert paid == [(100, "bob")]
    wanted, decision, instead = written(session.trace.path)
    assert wanted["args"] == {"cents": 500, "to": "bob"}
    assert (decision["decision"], decision["rule"], decision["args"]) == (
        "rewrite",
        "CLAMP",
        {"cents": 100, "to": "bob"},
    )
    assert instead["args"] == {"cents": 100, "to": "bob"}
    assert instead["parents"] == (decision["seq"],)


def test_the_call_in_its_place_is_judged_too(tmp_path: Path) -> None:
    """What a rewrite leads to may still be blocked, and nothing happens then."""
    paid: list[Any] = []
    app, pay = app_of(
        tmp_path, paid, "  - {id: NO, on: action, tool: pay, require: call.args.cents != 100, otherwise: block}\n"
    )
    with app.session(), pytest.raises(Refused) as refused:
        pay(500)
    assert refused.value.rule == "NO"
    assert paid == []


@pytest.mark.parametrize(
    ("grant", "refused"),
    [
        ("{tool: pay, args: {properties: {cents: {maximum: 50}}}}", "AGENT-main-ARGS-pay"),
        ("{tool: pay, args: {properties: {to: {const: ann}}}}", "AGENT-main-ARGS-pay"),
        ("pay", ""),
    ],
)
def test_a_rewrite_does_not_widen_what_an_agent_may(tmp_path: Path, grant: str, refused: str) -> None:
    """The call in its place needs the same authority: what the agent could not have asked for is blocked."""
    paid: list[Any] = []
    extra = (
        "  - {id: TO, on: action, tool: pay, require: call.args.to != 'ann', otherwise: rewrite,"
        f" rewrite: {{args.to: '\"bob\"'}}}}\nagents: {{main: {{may: [{grant}]}}}}\n"
    )
    app, pay = app_of(tmp_path, paid, extra)
    with app.session():
        if not refused:
            pay(500, to="ann")
        else:
            with pytest.raises(Refused) as caught:
                pay(500, to="ann")
            assert caught.value.rule == refused
    assert paid == ([] if refused else [(100, "bob")])


def test_texts_are_cut_masked_and_cleaned_by_rules(tmp_path: Path) -> None:
    """A rewrite uses the whole language: what is too long is clipped, numbers of cards are masked, or taken out."""
    rules = """
registry: notes
version: 1
default: allow
tools: {note: {effect: write, arguments: {properties: {text: {type: string}, card: {type: string}}}}}
invariants:
  - {id: SHORT, on: action, tool: note, require: len(call.args.text) <= 20, otherwise: rewrite,
     rewrite: {args.text: "clip(call.args.text, 20)"}}
  - {id: CARD, on: action, tool: note, require: call.args.card.startswith("*"), otherwise: rewrite,
     rewrite: {args.card: mask(call.args.card)}}
  - {id: CLEAN, on: action, tool: note, require: 'not call.args.text.matches("[0-9]{4}")', otherwise: rewrite,
     rewrite: {args.text: 'call.args.text.sub("[0-9]{4,}", "#")'}}
"""
    app = harness.Harness(load(rules, "notes.yaml"), traces=tmp_path)
    noted: list[tuple[str, str]] = []

    @app.tool(effect="write")
    def note(text: str, card: str) -> None:
        noted.append((text, card))

    with app.session():
        note("card 4111111111111111 was declined", "4111111111111111")
    assert noted == [("card #", "************1111")]


def test_rules_that_undo_each_other_end_in_a_block(tmp_path: Path) -> None:
    """A call is rewritten a few times at most."""
    extra = (
        "  - {id: MORE, on: action, tool: pay, require: call.args.cents > 100, otherwise: rewrite,"
        " rewrite: {args.cents: '200'}}\n"
    )
    paid: list[Any] = []
    app, pay = app_of(tmp_path, paid, extra)
    with app.session() as session, pytest.raises(Refused):
        pay(500)
    assert paid == []
    assert [one["decision"] for one in written(session.trace.path) if "decision" in one] == ["rewrite"] * 4 + ["block"]


def test_a_rewrite_without_a_value_blocks(tmp_path: Path) -> None:
    """A rule that cannot say what would be right lets nothing through."""
    paid: list[Any] = []
    app, pay = app_of(tmp_path, paid)
    with app.session(), pytest.raises(Refused) as refused:
        pay(42)
    assert refused.value.rule == "ODD"
    assert paid == []


def test_a_block_goes_before_a_rewrite(tmp_path: Path) -> None:
    """A call that no rewriting could save is refused as it stands."""
    paid: list[Any] = []
    app, pay = app_of(
        tmp_path, paid, "  - {id: NOT-BOB, on: action, tool: pay, require: call.args.to != 'bob', otherwise: block}\n"
    )
    with app.session(), pytest.raises(Refused) as refused:
        pay(500, to="bob")
    assert refused.value.rule == "NOT-BOB"


def test_in_shadow_mode_nothing_is_rewritten(tmp_path: Path) -> None:
    """The trace says what would have been done."""
    paid: list[Any] = []
    app = harness.Harness(registry(), traces=tmp_path, mode="shadow")

    @app.tool(effect="write")
    def pay(cents: int) -> int:
        paid.append(cents)
        return cents

    with app.session():
        assert pay(500) == 500
    assert paid == [500]


@dataclass
class Money:
    """An amount."""

    cents: int


LESS = """
  - id: LESS
    on: action
    tool: give
    require: call.args.money.value.cents < 5
    otherwise: rewrite
    rewrite: {args.money: '{"$type": call.args.money["$type"], "name": call.args.money.name, "value": {"cents": 4}}'}
"""


def test_a_rewritten_argument_is_rebuilt_by_its_annotation(tmp_path: Path) -> None:
    """The function gets an object of its own type, not JSON."""
    app = harness.Harness(registry(LESS), traces=tmp_path)

    @app.tool(effect="write")
    async def give(money: Money) -> int:
        return money.cents

    async def main() -> int:
        async with app.session():
            return await give(money=Money(9))

    assert asyncio.run(main()) == 4


def test_an_artifact_is_judged_when_it_is_made(tmp_path: Path) -> None:
    """A blocking rule refuses it; the trace keeps it, so that the same is said offline."""
    app, _ = app_of(tmp_path, [])
    with app.session() as session:
        session.artifact("plan", {"cents": 100})
        session.artifact("other", {"cents": 500})
        with pytest.raises(Refused) as refused:
            session.artifact("plan", {"cents": 500})
    assert refused.value.alternative == "Plan with at most 100."
    assert refused.value.gradient == (
        {"field": "artifact.cents", "direction": "decrease", "distance": 400, "boundary": 100},
    )
    report = harness.check(session.trace.path, registry=registry())
    assert (report.rules["PLAN"].fired, report.rules["PLAN"].violated) == (2, 1)


def test_an_artifact_can_be_judged_by_itself() -> None:
    """``check_artifact`` needs no run."""
    assert harness.check_artifact("plan", {"cents": 5}, registry=registry()).verdicts == ()
    (verdict,) = harness.check_artifact("plan", {"cents": 500}, registry=registry()).verdicts
    assert (verdict.rule, verdict.truth, verdict.margin) == ("PLAN", "violated", -400)
    with pytest.raises(UsageError, match=r"no rule speaks of an artifact 'plann'(.|\n)*did you mean 'plan'"):
        harness.check_artifact("plann", {"cents": 500}, registry=registry())


def test_what_is_judged_is_what_is_performed(tmp_path: Path) -> None:
    """True is no 1: the function gets the very value that the rules saw."""
    extra = (
        "  - {id: ONE, on: action, tool: give, require: call.args.flag != True,"
        " otherwise: rewrite, rewrite: {args.flag: '1'}}\n"
    )
    app = harness.Harness(registry(extra), traces=tmp_path)
    given: list[Any] = []

    @app.tool(effect="write")
    def give(flag: Any) -> None:
        given.append(flag)

    with app.session():
        give(flag=True)
    assert given[0] is not True
    assert given == [1]


def test_a_place_inside_an_argument_is_put_right_alone(tmp_path: Path) -> None:
    """What stands beside it stays as it was; where no object is on the way, the call is blocked."""
    extra = "  - {id: DEEP, on: action, tool: pay, require: call.args.to.cap.most == 1, otherwise: rewrite, "
    paid: list[Any] = []
    app, pay = app_of(tmp_path, paid, extra + "rewrite: {args.to.cap.most: '1'}}\n")
    with app.session():
        pay(5, {"cap": {"most": 2, "least": 3}, "name": "x"})
        with pytest.raises(Refused):
            pay(5, {"cap": 2})
    assert paid == [(5, {"cap": {"most": 1, "least": 3}, "name": "x"})]
