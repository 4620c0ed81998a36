"""What one trace shows and another does not."""

from __future__ import annotations

from typing import Any

import pytest

from harness.stress.causes.calls import calls_of
from harness.stress.causes.effects import Effect, Site, compatible, condition, effects_of
from tests.stress.traces import TIMED_OUT, Trace


def failed(kind: str = "builtins:OSError") -> dict[str, Any]:
    """Give an outcome."""
    return {"failed": {"error": {"type": kind, "message": "no"}, "retryable": True}}


def sites(clean: Trace, faulty: Trace, **own: str) -> dict[str, int]:
    """Give the effects and how often each happens; ``own`` are struck calls, as ``tool_nth``."""
    struck = {(where.rpartition("_")[0], int(where.rpartition("_")[2])): what for where, what in own.items()}
    return {str(one.site): one.times for one in effects_of(clean.events, faulty.events, struck)}


def test_equal_runs_have_no_effects() -> None:
    """Errors and violations that the twin has too are nobody's effect."""
    one, other = (Trace().call("a", **failed()).call("b") for _ in range(2))
    for trace in (one, other):
        trace.add("verdict", rule="R", verdict="violated", severity="high", says="", values={}, evidence=[])
    assert sites(one, other) == {}


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("error", failed()),
        ("timeout", failed("builtins:TimeoutError")),
        ("timeout", failed("httpx:ReadTimeout")),
        ("timeout", TIMED_OUT),
        ("wrong", {"ok": 2}),
        ("empty", {"ok": []}),
    ],
)
def test_a_call_that_comes_otherwise_is_an_effect(what: str, said: dict[str, Any]) -> None:
    """Each outcome has its word, however the service spells it."""
    assert sites(Trace().call("a"), Trace().call("a", **said)) == {f"{what} at a": 1}


def test_what_a_fault_makes_of_its_own_call_is_no_effect() -> None:
    """The struck call's error is the fault; the next call's error is its effect."""
    clean = Trace().call("a").call("a")
    assert sites(clean, Trace().call("a", **failed()).call("a"), a_1="error") == {}
    assert sites(clean, Trace().call("a", **failed()).call("a", **failed()), a_1="error") == {"error at a": 1}
    assert sites(clean, Trace().call("a", took_ms=999).call("a"), a_1="delay") == {}
    assert sites(clean, Trace().call("a", took_ms=999).call("a", took_ms=999), a_1="delay") == {"delay at a": 1}


def test_what_comes_of_a_late_or_doubled_call_is_an_effect() -> None:
    """A fault that says nothing of the outcome is not what makes it fail."""
    for what in ("delay", "load"):
        assert sites(Trace().call("a"), Trace().call("a", **failed()), a_1=what) == {"error at a": 1}


def test_calls_more_than_in_the_twin_are_load() -> None:
    """A retry is one call more; the third time of one request is a loop; other arguments are told apart."""
    clean = Trace().call("a")
    assert sites(clean, Trace().call("a").call("a")) == {"load at a": 1}
    assert sites(clean, Trace().call("a").call("a").call("a")) == {"load at a": 2, "loop at a": 1}
    assert sites(clean, Trace().call("a", args={"x": 1})) == {"asked at a": 1}
    assert sites(clean, Trace().call("a").call("b")) == {"load at b": 1}
    assert sites(Trace().call("a").call("b"), clean) == {}


def test_messages_are_told_by_whom_they_reach() -> None:
    """One more message to one agent is none to another."""
    clean = Trace().call("send", surface="message", args={"to": "anna", "content": 1})
    faulty = Trace().call("send", surface="message", args={"to": "anna", "content": 1})
    faulty.call("send", surface="message", args={"to": "bob", "content": 1})
    assert sites(clean, faulty) == {"load at send to bob": 1}


def test_who_gives_up_late_has_waited_in_vain() -> None:
    """A cancelled call has timed out if it had taken longer than usual; else nobody needed it any more."""
    given_up = {"unknown": {"reason": "cancelled"}}
    clean = Trace().call("a", took_ms=100)
    assert sites(clean, Trace().call("a", took_ms=900, **given_up))["timeout at a"] == 1
    assert sites(clean, Trace().call("a", took_ms=50, **given_up)) == {"cancelled at a": 1}


def test_rules_and_ends_are_effects() -> None:
    """A rule that is violated once more, and an error that ends the run."""
    faulty = Trace().call("a")
    faulty.add("verdict", rule="R", verdict="violated", severity="high", says="", values={}, evidence=[])
    faulty.add("verdict", rule="Q", verdict="unknown", severity="high", says="", values={}, evidence=[])
    faulty.add("note", raised={"type": "shop:Broke", "message": ""})
    assert sites(Trace().call("a"), faulty) == {"violated R": 1, "ended Broke": 1}


def test_what_machines_come_to_is_an_effect() -> None:
    """A state or an artifact that the twin has not, however often; and the turns that routes take."""
    clean, faulty = Trace(), Trace()
    for trace, rounds in ((clean, 1), (faulty, 2)):
        trace.add("state", machine="converge", name="plan", data={"round": rounds})
        trace.add("note", artifact="report", data={"rounds": rounds})
        trace.add("note", artifact="letter", data="hello")
    faulty.add("route", does="reroute", goal="paid", tool="stripe")
    assert sites(clean, faulty) == {"state converge plan": 1, "artifact report": 1, "reroute at stripe": 1}


def test_a_run_that_comes_to_no_end_is_an_effect() -> None:
    """It was stopped, where its twin returned."""
    clean, stopped = Trace().call("a"), Trace().call("a")
    clean.add("note", returned=1)
    assert sites(clean, stopped) == {"ended nowhere": 1}


def test_an_effect_keeps_what_held_there() -> None:
    """Effects at one place under different conditions are different effects."""
    clean, faulty = Trace(), Trace()
    for number in range(4):
        clean.call("a", args={"shard": number % 2, "n": number})
        faulty.call("a", args={"shard": number % 2, "n": number}, **failed())
    effects = effects_of(clean.events, faulty.events, local=lambda call: {"shard": call.event.body["args"]["shard"]})
    at = [condition({"shard": number}) for number in (0, 1)]
    assert effects == (Effect(Site("error", "a"), at[0], 2, 0), Effect(Site("error", "a"), at[1], 2, 2))


def test_conditions_agree_on_what_both_name() -> None:
    """What only one names is no contradiction; true is not one."""
    assert compatible(condition({"a": 1, "b": 2}), condition({"b": 2, "c": 3}))
    assert compatible(condition({}), condition({"a": 1}))
    assert not compatible(condition({"a": 1, "b": 2}), condition({"b": 3}))
    assert not compatible(condition({"a": True}), condition({"a": 1}))


def test_calls_know_how_many_are_underway() -> None:
    """Counted by place, from when a call is made until it comes back."""
    trace = Trace()
    first = trace.add("action", surface="tool", tool="a", args={}, rules=[])
    trace.call("a").call("b")
    trace.add("observation", action=first, ok=1)
    trace.call("a")
    assert [(one.where, one.underway) for one in calls_of(trace.events)] == [("a", 0), ("a", 1), ("b", 0), ("a", 0)]
