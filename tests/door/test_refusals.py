"""What an agent is told of a refusal, how often it was refused, and how a run ends that does not stop asking."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.adapters.approvals.folder import Folder
from harness.adapters.approvals.terminal import shown
from harness.adapters.files import open_trace
from harness.assertion.report import check
from harness.errors import Refused, Waiting
from harness.mediation.refusal import facts, for_model
from harness.ports import Approval, Question
from harness.registry.load import load
from harness.registry.registry import Registry
from harness.run.drive import call
from harness.run.inputs import Call
from harness.tool import ToolSpec
from harness.trace.outcome import Ok

TEXT = """
registry: shop
version: 1
default: allow
{more}
tools: {look: {effect: read}, pay: {effect: write, arguments: {properties: {cents: {type: integer}}}}}
invariants:
  - {id: LIMIT, on: action, tool: pay, require: call.args.cents <= 100, otherwise: block, who: the head of the desk}
  - {id: ASK, on: action, tool: pay, require: call.args.cents <= 50, otherwise: escalate, who: any cashier}
  - {id: ODD, on: result, tool: look, require: result != "secret", otherwise: block}
"""
CHAT = ToolSpec("openai:chat/completions", effect="read")
COMMON = Path(__file__).parents[2] / "registries"


def rules(more: str = "") -> Registry:
    """Load the rules, perhaps with what they take over."""
    return load(TEXT.replace("{more}", more), "shop.yaml", read=lambda name: (COMMON / f"{name}.yaml").read_text())


def app_of(folder: Path, registry: Registry, **options: Any) -> tuple[harness.Harness, Any, Any]:
    """Make an app with a tool that pays and one that looks."""
    app = harness.Harness(registry, traces=folder, **options)

    @app.tool(effect="write")
    def pay(cents: int) -> int:
        return cents

    @app.tool(effect="read")
    def look() -> str:
        return "secret"

    return app, pay, look


def refusal(function: Any, *args: Any) -> Refused:
    """Make a call that is refused."""
    with pytest.raises(Refused) as caught:
        function(*args)
    return caught.value


def ask_model(session: Any) -> Any:
    """Call a model that says nothing."""
    return call(session.started(), Call("model", CHAT.name, {"messages": []}, CHAT), lambda _: Ok({"body": {}}))


def test_a_refusal_says_who_may_decide_otherwise(tmp_path: Path) -> None:
    """In its data, in what the model reads, and in the question that a person is asked."""
    asked: list[Question] = []

    def boss(question: Question) -> Approval:
        asked.append(question)
        return Approval(False, "ann")

    app, pay, _ = app_of(tmp_path, rules(), approver=boss)
    with app.session():
        refused = refusal(pay, 500)
        assert refused.who == facts(refused)["who"] == "the head of the desk"
        assert json.loads(for_model(refused).splitlines()[-1])["refused"]["who"] == refused.who
        assert refusal(pay, 60).who == asked[0].who == "any cashier"
    assert "to decide: any cashier" in shown(asked[0])


def test_refusals_are_counted_by_agent_tool_and_rule(tmp_path: Path) -> None:
    """A person's no counts like a block, and so does a result that is withheld."""
    app, pay, look = app_of(tmp_path, rules())
    with app.session() as session:
        assert [refusal(pay, cents).times for cents in (500, 600, 60, 500)] == [1, 2, 1, 3]
        assert [refusal(look).times for _ in range(2)] == [1, 2]
        with session.acting("other"):
            assert refusal(pay, 500).times == 1
        assert pay(5) == 5


def entry(amounts: list[int]) -> list[int]:
    """Pay several amounts, and give how often each refusal had come."""
    times = []
    for cents in amounts:
        try:
            _PAY[0](cents)
        except Refused as refused:
            times.append(refused.times)
    return times


_PAY: list[Any] = []


def test_they_are_counted_alike_on_replay(tmp_path: Path) -> None:
    """The trace does not hold the count: it follows from what it holds."""
    app, pay, _ = app_of(tmp_path, rules())
    _PAY[:] = [pay]
    with app.session() as session:
        assert session.run(entry, amounts=[500, 5, 500, 500]) == [1, 2, 3]
    again = harness.replay(session.trace.path, app=app)
    assert again.equal
    assert again.result == [1, 2, 3]


def outer_entry() -> list[int]:
    """Be refused inside a tool and outside of one, before and after a call that somebody is asked about."""
    outer, pay = _PAY
    outer()
    times = [refusal(pay, 500).times]
    pay(60)
    return [*times, refusal(pay, 500).times]


def test_they_are_counted_alike_in_a_resumed_run(tmp_path: Path) -> None:
    """Also those inside an effect that is not performed again; and the trust in the agent goes on where it was."""
    trust = "agents: {main: {trust: {fall: {medium: 0.2}, tiers: [{below: 0.1, may: []}]}}}"
    app, pay, _ = app_of(tmp_path, rules(trust), approver=Folder(tmp_path / "desk"))
    performed = []

    @app.tool(effect="write")
    def outer() -> None:
        performed.append(1)
        with suppress(Refused):
            pay(500)

    _PAY[:] = [outer, pay]
    with pytest.raises(Waiting) as waiting:
        app.session().run(outer_entry)
    (question,) = (tmp_path / "desk").glob("*.question.json")
    said = {"allowed": True, "by": "ann", "digest": question.name.partition(".")[0]}
    question.with_name(question.name.replace("question", "answer")).write_text(json.dumps(said))
    resumed = harness.resume(waiting.value.trace, app=app)
    assert (resumed.result, performed) == ([2, 3], [1])
    with open_trace(resumed.path) as reader:
        falls = [one.body["data"]["trust"] for one in reader if one.kind == "state" and one.body["machine"] == "trust"]
    assert falls == [0.8, 0.61, 0.41]
    assert harness.replay(resumed.path, app=app).equal


def test_a_run_that_insists_is_given_no_further_answer(tmp_path: Path) -> None:
    """After the third refusal of the same call model calls are blocked; without the registry they are not."""
    for more, ends in (("extends: [common/spiral]", True), ("", False)):
        app, pay, _ = app_of(tmp_path, rules(more))
        with app.session() as session:
            for _ in range(3):
                ask_model(session)
                refusal(pay, 500)
            if not ends:
                ask_model(session)
                continue
            refused = refusal(ask_model, session)
            assert refused.rule == "SAME-REFUSAL"
            assert refused.alternative == "LIMIT has refused pay 3 times. This run ends here."
            assert pay(5) == 5


def test_refused_calls_of_models_count_only_where_they_are_meant(tmp_path: Path) -> None:
    """A question about refusals means those of what the agent does itself, unless it mentions the surface."""
    asked = {"A": "count(refusal) < 2", "B": 'count(refusal, call.surface == "model") < 2'}
    more = [
        f"  - {{id: {name}, on: action, tool: pay, require: '{text}', otherwise: block}}\n"
        for name, text in asked.items()
    ]
    silent = '  - {id: SILENT, on: action, when: call.surface == "model", require: "False", otherwise: block}\n'
    app, pay, _ = app_of(tmp_path, load(TEXT.replace("{more}", "") + silent + "".join(more), "shop.yaml"))
    with app.session() as session:
        for _ in range(2):
            assert refusal(ask_model, session).rule == "SILENT"
        assert refusal(pay, 5).rule == "B"


def test_a_check_of_the_trace_finds_the_same(tmp_path: Path) -> None:
    """Offline the refusals of the trace are those that rules ask about."""
    registry = rules("extends: [common/spiral]")
    app, pay, look = app_of(tmp_path, registry)
    with app.session() as session:
        for _ in range(4):
            refusal(pay, 500)
            refusal(look)
            with suppress(Refused):
                ask_model(session)
    with open_trace(session.trace.path) as reader:
        events = list(reader)
    recorded = [(one.seq, one.body["rule"]) for one in events if one.kind == "decision"]
    said = check(events, registry, {"agent": "main"})
    assert sum(rule == "SAME-REFUSAL" for _, rule in recorded) == 2
    assert said.rules["SAME-REFUSAL"].violated == 2
