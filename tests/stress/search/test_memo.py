"""What runs came to, remembered."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase

from harness.stress.schedule import Schedule
from harness.stress.search.memo import Memo, said_of, seen_said
from harness.stress.seen import Made, Seen, Struck, Violated
from tests.strategies import json_objects, json_values

made = st.builds(
    Made,
    st.integers(0, 9),
    st.just("tool"),
    st.sampled_from("ab"),
    st.just("main"),
    st.integers(1, 3),
    json_objects,
    st.sampled_from(["ok", "failed"]),
    json_values,
)
seens = st.builds(
    Seen,
    st.lists(made, max_size=3).map(tuple),
    st.just((Violated("R", "high", 1, "says"),)),
    st.just((Struck("f", "timeout", 1, effective=True),)),
    st.sampled_from(["", "returned"]),
    st.none(),
    st.lists(st.integers(2, 4), max_size=2).map(tuple),
    st.dictionaries(st.sampled_from("RS"), st.floats(-5, 5), max_size=2),
    st.integers(0, 9),
)


@settings(max_examples=50)
@given(seens)
def test_what_was_seen_survives(seen: Seen) -> None:
    """All but the result comes back as it was."""
    assert seen_said(said_of(seen)) == seen


def test_a_run_is_made_once_for_a_subject() -> None:
    """Another memo of the same subject knows it, one of another subject does not."""
    database, runs = InMemoryExampleDatabase(), list[Schedule]()
    seen = Seen((), (), (), "returned", None)

    def run(schedule: Schedule) -> Seen:
        runs.append(schedule)
        return seen

    for subject in ("a", "a", "b"):
        assert Memo(database, subject).around(run)(Schedule(seed=1)) == seen
    assert len(runs) == 2


def test_what_a_search_has_spent_is_kept() -> None:
    """The last number counts, for each search of each subject."""
    memo = Memo(InMemoryExampleDatabase(), "a")
    assert memo.spent("one") == (0, 0, 0)
    memo.spend("one", 500, 9, 3)
    memo.spend("one", 700, 9, 4)
    assert (memo.spent("one"), memo.spent("two")) == ((700, 9, 4), (0, 0, 0))
