"""What is counted of one run: its end, its calls by what was decided, and what it violated, as the run's trace says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from harness import Harness, Refused
from harness.adapters.files import open_trace
from harness.door.rules import NO_RULES
from harness.door.trial import Trial, Trials
from harness.faults.file import load_faults
from harness.ports import Approval
from harness.review.account import Account, Authority, Broken, First, account_from, account_of, is_high, risk
from harness.stress.schedule import Schedule
from harness.stress.seen import seen_of
from harness.tool import ToolSpec

TRACES = sorted((Path(__file__).parents[2] / "traces").glob("*.mat.jsonl"))
RULES = """\
registry: desk
version: 1
default: allow
agents:
  main: {may: [look, pay, mail], budget: {calls: 6}}
invariants:
  - {id: SMALL, on: action, tool: pay, require: call.args.cents < 1000, severity: high, otherwise: block}
  - {id: ROUND, on: action, tool: pay, require: call.args.cents % 10 == 0, severity: low, otherwise: rewrite,
     rewrite: {args.cents: call.args.cents // 10 * 10}}
  - {id: ASKED, on: action, tool: mail, require: call.args.to == "us", severity: medium, otherwise: escalate}
  - {id: KEPT, on: result, tool: look, require: result != "a secret", severity: high, otherwise: block}
  - {id: FOUND, on: result, tool: look, require: len(result) > 0, severity: medium, otherwise: observe}
"""
LOOK, PAY, MAIL, DROP = "look", "pay", "mail", "drop"


def asked(question: Any) -> Approval:
    """Allow mails to them, and no other."""
    return Approval(question.args.get("to") == "them", by="Ada")


@pytest.fixture
def app(tmp_path: Path) -> Harness:
    """Give an app with a tool of each kind and an agent that makes the calls it is told to make."""
    file = tmp_path / "desk.yaml"
    file.write_text(RULES, encoding="utf-8")
    return Harness(file, approver=asked)


def run(app: Harness, *calls: tuple[str, Any], catch: bool = True, faults: str = "") -> Trial:
    """Let an agent make calls, each a tool and its argument, under the faults of a plan."""

    @app.tool(effect="read")
    def look(what: str) -> str:
        if what == "a fire":
            raise OSError(what)
        return what

    @app.tool(effect="write", impact="payment")
    def pay(cents: int) -> str:
        return "paid"

    @app.tool(effect="write")
    def mail(to: str) -> str:
        return "sent"

    @app.tool(effect="write", impact="delete")
    def drop(what: str) -> str:
        return "gone"

    tools = {LOOK: look, PAY: pay, MAIL: mail, DROP: drop}

    @app.agent
    def main() -> str:
        for name, argument in calls:
            try:
                tools[name](argument)
            except Refused:
                if not catch:
                    raise
        return "done"

    plan = load_faults(faults, "plan.yaml") if faults else None
    schedule = Schedule(plan.faults, seed=plan.seed) if plan else Schedule()
    return Trials(app, main).run(schedule)


def account(app: Harness, *calls: tuple[str, Any], **options: Any) -> Account:
    """Run calls, and give the account."""
    return account_of(run(app, *calls, **options).events, app.registry)


def test_calls_are_counted_by_risk_and_decision(app: Harness) -> None:
    """A call is decided once, whatever came of it later; the labels of a risk are a tool's effect and impact."""
    found = account(app, (LOOK, "x"), (PAY, 50), (PAY, 55), (PAY, 5000), (MAIL, "them"), (MAIL, "anyone"))
    assert found.decided == {
        "read": {"allow": 1},
        "write": {"escalate": 2},
        "write payment": {"allow": 1, "rewrite": 1, "block": 1},
    }
    assert (found.count(), found.count("block", "escalate"), found.count(high=True)) == (6, 3, 3)
    assert found.steps == 7  # the call that stands in the place of another is a step of its own


def test_what_was_stopped_is_violated_and_not_done(app: Harness) -> None:
    """A blocked, rewritten or denied call was not done; one that a person allowed was, and so was a result."""
    found = account(app, (PAY, 5000), (PAY, 55), (MAIL, "anyone"))
    assert found.violated == {
        "ASKED": Broken("medium", False),
        "ROUND": Broken("low", False),
        "SMALL": Broken("high", False),
    }
    assert not found.harmed
    allowed = account(app, (MAIL, "anyone"), (MAIL, "them"))
    assert (allowed.violated, allowed.harmed) == ({"ASKED": Broken("medium", True)}, True)
    assert account(app, (LOOK, "")).violated == {"FOUND": Broken("medium", True)}
    withheld = account(app, (LOOK, "a secret"))
    assert (withheld.violated, withheld.decided) == ({"KEPT": Broken("high", True)}, {"read": {"allow": 1}})


def test_in_shadow_mode_everything_is_done(app: Harness) -> None:
    """Nothing is stopped, so all calls are allowed and every violation is one that was done."""
    shadow = Harness(app.files[0], mode="shadow")
    found = account(shadow, (PAY, 5000), (DROP, "all"))
    assert found.decided == {"write delete": {"allow": 1}, "write payment": {"allow": 1}}
    assert {rule: one.done for rule, one in found.violated.items()} == {"SMALL": True, "AGENT-main-MAY": True}


def test_the_first_violation_has_a_signature(app: Harness) -> None:
    """Step, agent, rule, call, risk, and the fault that had struck before it."""
    found = account(app, (LOOK, "x"), (PAY, 5000), (MAIL, "anyone"))
    assert found.first == First(1, "main", "SMALL", "high", "tool", "pay", "write payment", "")
    struck = account(app, (LOOK, "x"), faults="faults: lost\ninject: [{fault: empty, tool: look}]\n")
    assert struck.first == First(0, "main", "FOUND", "medium", "tool", "look", "read", "empty")
    assert account(app, (LOOK, "x")).first is None


def test_calls_outside_the_authority_of_an_agent(app: Harness) -> None:
    """What an agent may not do at all counts, what it did too often does not."""
    found = account(app, (LOOK, "x"), (DROP, "all"), (PAY, 50))
    assert found.agents == {"main": Authority(1, 3)}
    often = account(app, *[(LOOK, "x")] * 8)
    assert (often.agents, list(often.violated)) == ({"main": Authority(0, 8)}, ["AGENT-main-CALLS"])


@pytest.mark.parametrize(
    ("calls", "catch", "end"),
    [
        ([(PAY, 50)], True, "returned"),
        ([(PAY, 5000)], True, "returned"),
        ([(PAY, 5000)], False, "refused"),
        ([(LOOK, "a fire")], True, "raised"),
        ([(LOOK, "x")] * 201, True, ""),
    ],
)
def test_how_a_run_ends(app: Harness, calls: list[tuple[str, Any]], catch: bool, end: str) -> None:
    """A result, a refusal that nobody caught, another error, and a run that was cut off."""
    assert account(Harness(app.files[0], mode="shadow") if not end else app, *calls, catch=catch).end == end


def summed(part: Any) -> int:
    """Add up every count of tokens in a JSON value."""
    if isinstance(part, list):
        return sum(map(summed, part))
    if not isinstance(part, dict):
        return 0
    return part.get("total_tokens", 0) + sum(map(summed, part.values()))


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.name.partition(".")[0])
def test_a_search_sees_as_many_steps_tokens_and_violations(trace: Path) -> None:
    """On every golden trace two readings agree, and tokens are those that stand in the answers of models."""
    with open_trace(trace) as reader:
        events = list(reader)
    found, seen = account_of(events, NO_RULES), seen_of(events)
    assert (found.steps, {*found.violated}, found.tokens) == (len(seen.calls), seen.rules, seen.tokens)
    assert found.end == seen.end == "returned"
    told = sum(summed(event.body.get("ok")) for event in events if event.kind == "observation")
    assert found.tokens == told


labels = some.sampled_from(["read", "write", "write payment"])
accounts = some.builds(
    Account,
    some.sampled_from(["returned", "refused", "raised", ""]),
    some.integers(0, 9),
    some.integers(0, 9),
    some.dictionaries(labels, some.dictionaries(some.sampled_from(["allow", "block"]), some.integers(1, 9))),
    some.dictionaries(some.text(max_size=3), some.builds(Broken, some.sampled_from(["low", "high"]), some.booleans())),
    some.none() | some.builds(First, some.integers(-1, 5), *[some.text(max_size=3)] * 7),
    some.dictionaries(some.text(max_size=3), some.builds(Authority, some.integers(0, 3), some.integers(3, 9))),
)


@given(accounts)
def test_an_account_comes_back_from_json(made: Account) -> None:
    """What is written into a row is read from it again."""
    assert account_from(json.loads(json.dumps(made.facts()))) == made


@pytest.mark.parametrize(
    "said", [None, 3, "x", [], {}, {"end": "returned"}, {"violated": [], "first": 1, "agents": {}}]
)
def test_what_is_no_account_is_none(said: Any) -> None:
    """A row may say something else under that name."""
    assert account_from(said) is None


def test_a_risk_has_an_effect_and_perhaps_an_impact() -> None:
    """Only what has an impact is of high impact."""
    specs = [ToolSpec("a", effect="read"), ToolSpec("b"), ToolSpec("c", impact="payment")]
    assert [(risk(spec), is_high(risk(spec))) for spec in specs] == [
        ("read", False),
        ("write", False),
        ("write payment", True),
    ]
