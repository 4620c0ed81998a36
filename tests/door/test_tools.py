"""Functions as tools: recorded and checked inside a session, themselves outside it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import BaseModel, RootModel, TypeAdapter, ValidationError

from harness.adapters.files import open_trace
from harness.door.app import Harness
from harness.door.replay import replay
from harness.errors import InDoubt, NotRecordable, RecordedError, Refused, UsageError
from harness.ports import Approval, Question
from harness.registry.load import load
from harness.trace.event import Event


class Coded(BaseModel):
    code: int


@dataclass
class Booking:
    code: str
    price: Decimal


def events_of(path: str) -> list[Event]:
    """Read a trace."""
    with open_trace(path) as reader:
        return list(reader)


def rules(otherwise: str) -> Any:
    """Give a registry that does not let amounts above 100 pass."""
    return load(
        f"""
registry: pay
version: 1.0.0
default: allow
invariants:
  - id: LIMIT
    title: Payments stay below the limit
    on: action
    tool: pay
    require: call.args.cents <= 100
    severity: high
    otherwise: {otherwise}
    says: Pay at most 100.
""",
        "pay.yaml",
    )


def test_a_tool_outside_a_session_is_the_function(tmp_path: Path) -> None:
    """Nothing is written, and arguments and errors are Python's own."""
    app = Harness(traces=tmp_path)

    @app.tool
    def add(one: int, other: int = 2) -> int:
        return one + other

    assert add(1) == 3
    with pytest.raises(TypeError):
        add()  # type: ignore[call-arg]
    assert list(tmp_path.iterdir()) == []
    assert add.__name__ == "add"


def test_arguments_are_bound_by_name_before_anything_is_checked(tmp_path: Path) -> None:
    """Positional, keyword and default arguments give one and the same recorded call."""
    app = Harness(traces=tmp_path)

    @app.tool(effect="read")
    def add(one: int, other: int = 2) -> int:
        return one + other

    with app.session() as session:
        for result in (add(1), add(1, 2), add(one=1), add(other=2, one=1)):
            assert result == 3
        with pytest.raises(TypeError, match="missing a required argument"):
            add()  # type: ignore[call-arg]
        with pytest.raises(TypeError, match=r"multiple values|too many"):
            add(1, one=1)  # type: ignore[misc]
    recorded = [event.body["args"] for event in events_of(session.trace.path) if event.kind == "action"]
    assert recorded == [{"one": 1, "other": 2}] * 4


def test_every_outcome_replays_as_what_it_was(tmp_path: Path) -> None:
    """Values, dataclasses, built-in and unknown errors come back without the function being called."""
    app = Harness(traces=tmp_path)
    calls: list[str] = []

    class Odd(Exception):
        def __init__(self, one: object, other: object) -> None:
            super().__init__(f"{one} {type(other).__name__}")

    @app.tool(effect="read")
    def book(code: str) -> Booking:
        calls.append(code)
        if code == "missing":
            raise KeyError(code)
        if code == "odd":
            raise Odd(code, object())
        return Booking(code, Decimal("9.90"))

    def agent() -> list[str]:
        seen = []
        for code in ("good", "missing", "odd"):
            try:
                seen.append(repr(book(code)))
            except Exception as error:
                seen.append(str(error))
        return seen

    session = app.session()
    result = session.run(agent)
    replayed = replay(session.trace.path, entry=agent, app=app)
    assert calls == ["good", "missing", "odd"]
    assert replayed.equal, replayed.divergence
    assert replayed.result[:2] == result[:2] == [repr(Booking("good", Decimal("9.90"))), "'missing'"]


def _missing() -> None:
    Path("/nonexistent").read_text()


def _no_json() -> None:
    json.loads("{no")


def _not_found() -> None:
    httpx2.Response(404, request=httpx2.Request("GET", "http://bank/w")).raise_for_status()


def _wraps_an_object() -> None:
    raise LookupError(object())


def _keyword() -> None:
    raise Overdose(7, unit="mg")


def _noted() -> None:
    error = ValueError("n")
    error.add_note("while weighing")
    raise error


def _no_integer() -> None:
    TypeAdapter(int).validate_python("x")


class Overdose(Exception):
    """Take what its args do not say."""

    def __init__(self, amount: int, *, unit: str) -> None:
        super().__init__(f"{amount} {unit}")
        self.amount, self.unit, self.patient = amount, None, object()


@pytest.mark.parametrize(
    ("raises", "caught", "told"),
    [
        (_missing, FileNotFoundError, lambda error: [error.errno, error.filename]),
        (_no_json, json.JSONDecodeError, lambda error: [error.pos, error.doc]),
        (_not_found, httpx2.HTTPStatusError, str),
        (_wraps_an_object, LookupError, lambda error: "object" in str(error)),
        (_keyword, Overdose, lambda error: [str(error), error.amount, error.unit]),
        (_noted, ValueError, lambda error: error.__notes__),
        (_no_integer, (ValidationError, RecordedError), str),
    ],
)
@pytest.mark.parametrize("catches", [True, False])
def test_an_error_of_a_tool_is_caught_on_replay_by_who_caught_it(
    raises: Callable[[], None], caught: Any, told: Callable[[Any], Any], catches: bool, tmp_path: Path
) -> None:
    """It is of the same class, and has the attributes that can be written; uncaught, it ends the run as it did."""
    app = Harness(traces=tmp_path)

    @app.tool(effect="read")
    def fail() -> None:
        raises()

    @app.tool(effect="read")
    def say(text: Any) -> None:
        pass

    def agent() -> None:
        try:
            fail()
        except caught as error:
            say(told(error))
            if not catches:
                raise

    session = app.session()
    with nullcontext() if catches else pytest.raises(caught):
        session.run(agent)
    replayed = replay(session.trace.path, entry=agent, app=app)
    assert replayed.equal, replayed.divergence
    assert replayed.steps == 2


def test_an_error_that_cannot_be_rebuilt_keeps_its_name(tmp_path: Path) -> None:
    """On replay an agent gets a RecordedError that names the class it was."""
    app = Harness(traces=tmp_path)

    class Local(Exception):
        pass

    @app.tool(effect="read")
    def fail() -> None:
        raise Local("gone")

    def agent() -> str:
        try:
            fail()
        except Local:
            return "caught"
        except RecordedError as error:
            assert error.name.endswith("Local")
            return "caught"
        return "missed"

    session = app.session()
    session.run(agent)
    assert replay(session.trace.path, entry=agent, app=app).equal


def test_a_blocked_call_raises_refused_with_everything_an_agent_needs(tmp_path: Path) -> None:
    """The effect does not happen; rule, reason, alternative and values travel with the exception."""
    app = Harness(rules("block"), traces=tmp_path)
    paid: list[int] = []

    @app.tool(effect="write")
    def pay(cents: int) -> str:
        paid.append(cents)
        return "paid"

    with app.session() as session:
        assert pay(100) == "paid"
        with pytest.raises(Refused) as refused:
            pay(101)
    assert paid == [100]
    assert (refused.value.rule, refused.value.alternative) == ("LIMIT", "Pay at most 100.")
    assert refused.value.values["call.args.cents"] == 101
    assert session.verdict == "violated"


@pytest.mark.parametrize("answer", [True, False])
def test_an_escalated_call_waits_for_the_approver(answer: bool, tmp_path: Path) -> None:
    """The approver sees the exact call and decides; on replay nobody is asked."""
    asked: list[Question] = []

    def approver(question: Question) -> Approval:
        asked.append(question)
        return Approval(answer, "Ada", "because")

    app = Harness(rules("escalate"), traces=tmp_path, approver=approver)

    @app.tool(effect="write")
    def pay(cents: int) -> str:
        return "paid"

    def agent() -> str:
        try:
            return pay(200)
        except Refused as refused:
            return str(refused)

    session = app.session()
    result = session.run(agent)
    assert ("paid" in result) is answer
    assert asked[0].args == {"cents": 200}
    replayed = replay(session.trace.path, entry=agent, app=app)
    assert replayed.equal, replayed.divergence
    assert replayed.result == result
    assert len(asked) == 1


def test_an_async_approver_can_take_its_time(tmp_path: Path) -> None:
    """A coroutine function may answer for an asynchronous agent, and replays."""

    async def approver(question: Question) -> Approval:
        await asyncio.sleep(0.01)
        return Approval(True, "Ada")

    app = Harness(rules("escalate"), traces=tmp_path, approver=approver)

    @app.tool(effect="write")
    async def pay(cents: int) -> str:
        return "paid"

    async def agent() -> list[str]:
        return list(await asyncio.gather(pay(200), pay(50), pay(300)))

    session = app.session()
    assert session.run(agent) == ["paid"] * 3
    assert replay(session.trace.path, entry=agent, app=app).equal


def test_without_an_approver_an_escalation_is_a_no(tmp_path: Path) -> None:
    """Nobody to ask means no, and the reason says so."""
    app = Harness(rules("escalate"), traces=tmp_path)

    @app.tool(effect="write")
    def pay(cents: int) -> str:
        return "paid"

    with app.session(), pytest.raises(Refused, match="no approver"):
        pay(200)


_ENDLESS: list[Any] = []
_ENDLESS.append(_ENDLESS)


@pytest.mark.parametrize("argument", [object(), {"deep": [open]}, float("nan"), _ENDLESS])
def test_an_argument_that_cannot_be_recorded_is_refused_by_name(argument: Any, tmp_path: Path) -> None:
    """The error names tool and argument; the trace stays sound and the session usable."""
    app = Harness(traces=tmp_path)

    @app.tool(effect="read")
    def look(thing: Any) -> str:
        return "seen"

    with app.session() as session:
        with pytest.raises(NotRecordable) as refused:
            look(argument)
        assert "thing" in str(refused.value)
        assert look("fine") == "seen"
    assert [event.kind for event in events_of(session.trace.path)] == ["action", "observation"]


def test_a_result_that_cannot_be_recorded_is_an_error_with_its_cure(tmp_path: Path) -> None:
    """The effect happened, so the trace says that it failed to be written; the agent is told how to mend it."""
    app = Harness(traces=tmp_path)

    @app.tool(effect="read")
    def unannotated():  # type: ignore[no-untyped-def]
        return Booking("x", Decimal(1))

    with app.session() as session, pytest.raises(NotRecordable, match="annotat"):
        unannotated()
    assert "failed" in events_of(session.trace.path)[1].body


def test_a_name_that_only_a_type_checker_knows_hides_no_other_annotation(tmp_path: Path) -> None:
    """A result comes back from its annotation whatever the arguments' are."""

    def book(code: Any, agency: Any = None) -> Booking:
        return Booking(code, Decimal(1))

    book.__annotations__ |= {"return": "Booking", "agency": "Agency | None"}
    app = Harness(traces=tmp_path)
    with app.session():
        assert app.tool(effect="read")(book)("X") == Booking("X", Decimal(1))
    book.__annotations__["return"] = "Agency"
    with app.session(), pytest.raises(NotRecordable, match="'Agency', a name that only a type checker knows"):
        Harness().tool(effect="read")(book)("X")


def test_a_result_that_holds_itself_is_told_as_nested_too_deeply(tmp_path: Path) -> None:
    """It ends as an error of the tool that says where the tool is."""

    def ring() -> list[Any]:
        return _ENDLESS

    with Harness(traces=tmp_path).session() as session, pytest.raises(NotRecordable, match="ring: nested too deeply"):
        session.app.tool(effect="read")(ring)()


@pytest.mark.parametrize("result", [RootModel[list[int]]([1]), Coded.model_construct(code="none")])
def test_a_result_that_its_annotation_does_not_take_is_an_error_with_its_cure(result: Any, tmp_path: Path) -> None:
    """Whatever the annotation's validation says, the agent is told what to mend."""
    app = Harness(traces=tmp_path)

    def give() -> Any:
        return result

    give.__annotations__["return"] = type(result)
    with app.session(), pytest.raises(NotRecordable, match="validation error") as told:
        app.tool(effect="read")(give)()
    assert "annotate" in told.value.cure


def test_what_has_no_name_is_refused_when_declared(tmp_path: Path) -> None:
    """*args, positional-only parameters and generators are told with their place, not at the first call."""
    app = Harness(traces=tmp_path)

    def star(*things: int) -> None: ...

    def only(one: int, /) -> None: ...

    def generate() -> Any:
        yield 1

    for function in (star, only, generate):
        with pytest.raises(UsageError) as refused:
            app.tool(function)
        assert "test_tools.py" in str(refused.value)
    with pytest.raises(UsageError, match=r"has no name\n.*name='pay'"):
        app.tool(partial(print, "paid"))


def test_two_tools_of_one_name_are_refused(tmp_path: Path) -> None:
    """A name stands for one declaration."""
    app = Harness(traces=tmp_path)

    def pay() -> None: ...

    app.tool(effect="read")(pay)
    with pytest.raises(UsageError, match="two different tools"):
        app.tool(effect="write")(pay)


def test_a_call_inside_a_tool_is_inside_its_effect(tmp_path: Path) -> None:
    """Tools may call tools: the inner call is recorded with an address of its own, and carried over on replay."""
    app = Harness(traces=tmp_path)
    called: list[str] = []

    @app.tool(effect="read")
    def inner() -> int:
        called.append("inner")
        return 1

    @app.tool(effect="read")
    def outer() -> int:
        return inner() + inner()

    def agent() -> int:
        return outer() + inner()

    session = app.session()
    assert session.run(agent) == 3
    tasks = [event.task for event in events_of(session.trace.path) if event.kind == "action"]
    assert tasks == ["0", "0/0", "0/0", "0"]
    called.clear()
    assert replay(session.trace.path, entry=agent, app=app).equal
    assert called == []


def test_a_strict_app_refuses_tools_outside_a_session(tmp_path: Path) -> None:
    """Where everything must be recorded, an unrecorded call is an error."""
    app = Harness(traces=tmp_path, strict=True)

    @app.tool
    def pay() -> None: ...

    with pytest.raises(UsageError, match="outside a session"):
        pay()


def test_a_call_ends_in_doubt_when_the_time_of_its_tool_is_over(tmp_path: Path) -> None:
    """What is stated beside the function bounds a call; whether it has happened nobody knows, then and on replay."""
    app = Harness(traces=tmp_path)

    @app.tool(timeout_ms=10)
    async def pay(cents: int) -> str:
        await asyncio.sleep(30)
        return "paid"

    async def agent() -> str:
        try:
            return await pay(5)
        except InDoubt as doubt:
            return doubt.reason

    session = app.session()
    assert session.run(agent) == "no answer in 10 ms"
    again = replay(session.trace.path, entry=agent, app=app)
    assert (again.equal, again.result) == (True, "no answer in 10 ms")
