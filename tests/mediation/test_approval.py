"""What makes an answer count, and what the trace keeps of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from harness.determinism import canonical
from harness.mediation.approval import expiry, objection, read_back, written
from harness.ports import Approval, Question
from harness.trace.event import BODIES, Event

QUESTION = Question("ASK", "why", "pay", {"cents": 5}, "d" * 64)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8))])
TIMES = st.datetimes(*map(datetime.fromisoformat, ("2000-01-01", "2100-01-01")), timezones=ZONES)
APPROVALS = st.builds(
    Approval,
    st.booleans(),
    st.text(),
    st.text(),
    st.just("") | st.text(min_size=1),
    st.none() | TIMES,
    st.none() | TIMES,
)


@given(APPROVALS)
def test_the_trace_gives_an_answer_back(approval: Approval) -> None:
    """What decides about an answer comes back from a decision line; the rest of it is not written."""
    body = {"action": 1, "decision": "allow", "rule": "ASK", "reason": approval.reason, "answer": written(approval)}
    assert body.keys() <= BODIES["decision"].required.keys() | BODIES["decision"].optional.keys()
    back = read_back(Event(2, "decision", "main", "0", (1,), 0, canonical.decode(canonical.encode(body))))
    expected = approval if approval.expires is not None else approval._replace(answered=None)
    assert back == expected
    assert objection(back, QUESTION) == objection(expected, QUESTION)


@given(TIMES, TIMES)
def test_a_yes_counts_up_to_its_end(expires: datetime, answered: datetime) -> None:
    """Whatever the time zones, a yes counts exactly if it came no later than it says."""
    approval = Approval(True, "Ann", "", QUESTION.digest, expires, answered)
    assert (objection(approval, QUESTION) == "") is (answered <= expires)
    assert objection(approval._replace(allowed=False), QUESTION) == ""
    assert expiry(approval._replace(answered=None))  # one of which nobody knows when it came does not count


def test_a_yes_without_a_time_zone_does_not_count() -> None:
    """Nobody knows when such a time is."""
    approval = Approval(True, "Ann", expires=datetime.fromisoformat("2100-01-01"), answered=datetime.now(UTC))
    assert "no time zone" in objection(approval, QUESTION)


@given(st.text())
def test_a_yes_counts_for_one_question(digest: str) -> None:
    """One that names another question does not count; one that names none was given to this one."""
    assert (objection(Approval(True, "Ann", digest=digest), QUESTION) == "") is (digest in ("", QUESTION.digest))
