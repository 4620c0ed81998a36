"""What a header says of a schedule."""

from __future__ import annotations

from decimal import Decimal

from harness.determinism import canonical
from harness.faults.plan import Fault, Plan
from harness.stress.header import Begun, begun, schedule_part
from harness.stress.schedule import Change, Schedule, Turn


def test_what_a_header_says_is_what_was_done() -> None:
    """Faults, seed, turns, changes of values of any type, the input before them, and what was called before."""
    faults = (Fault("slow", "delay", nth=(2,), strength={"delay_ms": 9}),)
    schedule = Schedule(faults, (Turn(3, 1),), (Change("/raw", b"\xff"), Change("/price", Decimal("1.50"))), 7)
    given = {"raw": b"", "price": Decimal(0), "note": None}
    run = {"input": {"note": "as changed"}, "seed": 7, "faults": Plan("schedule", faults, 7).stated()}
    run |= schedule_part(schedule, given, "shop:fresh")
    assert begun(canonical.decode(canonical.encode(run))) == Begun(schedule, given, "shop:fresh")


def test_a_plain_run_says_nothing_more() -> None:
    """Without turns and changes the header is that of any run, and means its input alone."""
    assert schedule_part(Schedule(seed=3), {"a": 1}) == {}
    assert begun({"input": {"a": 1}}) == Begun(Schedule(), {"a": 1})
    assert begun({"input": None}) == Begun(Schedule(), {})


def test_the_seed_of_a_plan_comes_before_that_of_the_run() -> None:
    """A plan from a file has its own, and strikes the same calls only under that."""
    plan = Plan("x", (Fault("error-1", "error", chance=0.5),), 7)
    assert begun({"input": {}, "seed": 0, "faults": plan.stated()}).schedule == Schedule(plan.faults, seed=7)
