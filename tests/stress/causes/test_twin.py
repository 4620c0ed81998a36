"""A run under one fault, beside its twin."""

from __future__ import annotations

from harness.faults.plan import Fault
from harness.stress.causes.effects import Effect, Site, condition
from harness.stress.causes.twin import twin_of
from tests.stress.traces import TIMED_OUT, Trace

MAIN = condition({"agent": "main"})


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
    local = lambda call: {"agent": call.event.agent, "n": call.event.body["args"]["n"]}  # noqa: E731
    twin = twin_of("t", Fault("it", "delay"), clean.events, faulty.events, local=local)
    assert (twin.cause, twin.at, twin.struck) == (Site("delay", "a and b"), MAIN, (0, 3))
