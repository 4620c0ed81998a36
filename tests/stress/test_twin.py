"""What differs between a run and its twin."""

from __future__ import annotations

from typing import Any

import pytest

from harness.faults.plan import Fault
from harness.stress.twin import Effect, Site, compatible, condition, effects_of, twin_of
from harness.trace.event import Event

MS = 1_000_000
MAIN = condition({"agent": "main"})


class Trace:
    """Write the events of a run, call by call."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.at = 0

    def add(self, event: Any, /, **body: Any) -> int:
        """Write an event and give its number."""
        seq = len(self.events)
        self.events.append(Event(seq, event, "main", "0", (), self.at, body))
        return seq

    def call(self, tool: str, took_ms: int = 10, struck: str = "", surface: str = "tool", **said: Any) -> Trace:
        """Make a call; ``said`` is its outcome, ``struck`` the kind of the fault that struck it."""
        args = said.pop("args", {})
        action = self.add("action", surface=surface, tool=tool, args=args, rules=[])
        self.at += took_ms * MS
        if struck:
            self.add("fault", action=action, fault="it", kind=struck, effective=True)
        self.add("observation", action=action, **(said or {"ok": 1}))
        return self


def failed(kind: str = "builtins:OSError") -> dict[str, Any]:
    """Give an outcome."""
    return {"failed": {"error": {"type": kind, "message": "no"}, "retryable": True}}


TIMED_OUT = {"unknown": {"reason": "no answer in 30000 ms"}}


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
    effects = effects_of(clean.events, faulty.events, local=lambda call: {"shard": call.body["args"]["shard"]})
    at = [condition({"shard": number}) for number in (0, 1)]
    assert effects == (Effect(Site("error", "a"), at[0], 2, 0), Effect(Site("error", "a"), at[1], 2, 2))


def test_a_twin_says_where_its_fault_struck() -> None:
    """Cause, condition and effects; a fault that strikes nothing causes nothing."""
    fault = Fault("it", "timeout", ("a",), nth=(1,))
    clean, faulty = Trace().call("a"), Trace().call("a", struck="timeout", **TIMED_OUT).call("a")
    twin = twin_of("t", fault, clean.events, faulty.events, under={"load": "high"})
    assert (twin.cause, twin.at, twin.under) == (Site("timeout", "a"), MAIN, condition({"load": "high"}))
    assert twin.effects == (Effect(Site("load", "a"), MAIN, 1, 3),)
    missed = twin_of("t", fault, clean.events, clean.events)
    assert (missed.cause, missed.struck, missed.effects) == (None, (), ())


def test_a_fault_that_strikes_several_calls_is_at_all_their_places() -> None:
    """Nobody knows which of them has led to what; what held is what held at each."""
    faulty = Trace().call("a", struck="delay", args={"n": 1}).call("b", struck="delay", args={"n": 2})
    clean = Trace().call("a", args={"n": 1}).call("b", args={"n": 2})
    local = lambda call: {"agent": call.agent, "n": call.body["args"]["n"]}  # noqa: E731
    twin = twin_of("t", Fault("it", "delay"), clean.events, faulty.events, local=local)
    assert (twin.cause, twin.at, twin.struck) == (Site("delay", "a and b"), MAIN, (0, 3))


def test_conditions_agree_on_what_both_name() -> None:
    """What only one names is no contradiction; true is not one."""
    assert compatible(condition({"a": 1, "b": 2}), condition({"b": 2, "c": 3}))
    assert compatible(condition({}), condition({"a": 1}))
    assert not compatible(condition({"a": 1, "b": 2}), condition({"b": 3}))
    assert not compatible(condition({"a": True}), condition({"a": 1}))
