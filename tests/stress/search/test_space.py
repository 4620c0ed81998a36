"""What can be done to a run."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.faults.plan import KINDS, Fault
from harness.stress.schedule import Change, Schedule, Turn
from harness.stress.search.cost import cost_of
from harness.stress.search.space import Space, hangs_on_chance, scheduled
from harness.stress.seen import Came, Made, Seen


def _seen(*calls: tuple[str, Came, Any], widths: tuple[int, ...] = ()) -> Seen:
    made = [
        Made(number, "tool", tool, "main", 1 + sum(other[0] == tool for other in calls[:number]), {}, came, value)
        for number, (tool, came, value) in enumerate(calls)
    ]
    return Seen(tuple(made), (), (), "returned", None, widths)


def _kinds(space: Space, seen: Seen, nth: int = 1) -> set[str]:
    return {one.kind for one in space.offered(seen) if isinstance(one, Fault) and one.nth == (nth,)}


def test_faults_are_offered_where_they_can_make_a_difference() -> None:
    """A shuffle needs items that differ, a stale result an earlier other one, a read is not committed and lost."""
    written = _kinds(Space(), _seen(("t", "ok", [1, 2])))
    assert {"commit_then_timeout", "duplicate", "shuffle", "truncate", "empty", "timeout"} <= written
    read = _kinds(Space(reads=frozenset({"t"})), _seen(("t", "ok", [1, 1])))
    assert not {"commit_then_timeout", "duplicate", "shuffle", "stale", "schema_mismatch", "collide"} & read
    assert "stale" not in _kinds(Space(), _seen(("t", "ok", 1), ("t", "ok", 1)), nth=2)
    assert "stale" in _kinds(Space(), _seen(("t", "ok", 1), ("t", "ok", 2)), nth=2)
    assert "drop" not in written
    assert "drop" in _kinds(Space(frozenset({"drop"})), _seen(("t", "ok", 1)))
    assert all(KINDS[kind] == "service" for kind in written)


def test_calls_are_counted_as_they_are_performed() -> None:
    """A refused call is neither struck nor counted, and of a failed one no result can be changed."""
    seen = _seen(("t", "refused", None), ("t", "failed", None), ("t", "ok", "text"))
    assert "corrupt" not in _kinds(Space(), seen, nth=1)
    assert "corrupt" in _kinds(Space(), seen, nth=2)
    assert _kinds(Space(), seen, nth=3) == set()


def test_places_and_inputs_are_offered() -> None:
    """Every other choice at a place up to the widest, and every value that was named."""
    change = Change("/a", [1])
    offered = Space(frozenset(), changes=(change,), widest=3).offered(_seen(widths=(2, 9)))
    assert offered == (change, Turn(0, 1), Turn(1, 1), Turn(1, 2))


def test_what_gets_in_each_others_way_is_no_schedule() -> None:
    """A call is struck once, a place turned once, and a tool that is down all the time is not struck once more."""
    one, other, lasting = (
        Fault("a", "timeout", ("t",), nth=(1,)),
        Fault("b", "error", ("t",), nth=(1,)),
        Fault("c", "error", ("t",)),
    )
    assert scheduled((one, other)) is None
    assert scheduled((one, lasting)) is None
    assert scheduled((Turn(0, 1), Turn(0, 2))) is None
    assert scheduled((Change("/a", 1), Change("/a", 2))) is None
    made = scheduled((one, Turn(0, 1)), 3)
    assert made is not None
    assert (len(made), made.seed) == (2, 3)


elements = st.sampled_from(
    [*Space(changes=(Change("/a", 1),)).offered(_seen(("t", "ok", [1, {"a": "b"}]), ("u", "ok", "x"), widths=(3, 3)))]
)


@given(st.lists(elements, max_size=4))
def test_a_schedule_does_not_hang_on_the_order_of_its_elements(chosen: list[Any]) -> None:
    """The same elements make the same schedule, which costs more the more there are."""
    one, two = scheduled(tuple(chosen)), scheduled(tuple(reversed(chosen)))
    assert one == two
    if one is not None:
        assert all(cost_of(one.without(number)) < cost_of(one) for number in range(len(one)))
        assert len(one) == len(chosen)


def test_costs_are_told_apart() -> None:
    """A lasting fault costs more than one strike and less than two; strength and text cost little."""
    struck = Fault("a", "delay", ("t",), nth=(1,))
    harder = Fault("a", "delay", ("t",), nth=(1,), strength={"delay_ms": 4000})
    assert cost_of(Schedule()) == 0
    assert (
        cost_of(Schedule((struck,))) < cost_of(Schedule((harder,))) < cost_of(Schedule((Fault("a", "delay", ("t",)),)))
    )
    assert cost_of(Schedule(changes=(Change("/a", "x" * 400),))) > cost_of(Schedule(changes=(Change("/a", "x"),)))


def test_some_faults_hang_on_chance() -> None:
    """Only those do something else under another seed."""
    assert hangs_on_chance(Schedule((Fault("a", "corrupt"),)))
    assert not hangs_on_chance(Schedule((Fault("a", "timeout"),), (Turn(0, 1),)))
