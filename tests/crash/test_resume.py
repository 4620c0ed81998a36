"""Runs that are really killed and resumed: what they paid is counted in a ledger that knows nothing of harness."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness
from benchmarks.crash import ledger
from benchmarks.crash.ledger import Recorder
from harness.adapters.files import open_trace
from harness.door.resume import Resumed
from harness.ports import Approval, Question

ROOT = Path(__file__).parents[2]
ENTRIES = ("one_by_one", "all_at_once")


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty ledger, which agents in this process use too."""
    path = tmp_path / "ledger.db"
    ledger.prepare(str(path))
    monkeypatch.setattr(ledger.Stage, "ledger", str(path))
    return path


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    """Give one process for all tests."""
    with Recorder() as process:
        yield process


def killed(recorder: Recorder, book: Path, entry: str, moment: str) -> Path:
    """Record a run that is killed at a moment, and give what it leaves of its trace."""
    trace = book.with_name("t.mat.jsonl")
    assert recorder.record(entry, trace, book, kill=moment) == -signal.SIGKILL
    return trace


def assert_goes_on(before: bytes, trace: Path, resumed: Resumed) -> None:
    """Check that the old trace is as it was, and that the new one begins with it, is sealed, and replays."""
    assert trace.read_bytes() == before
    old, new = before.splitlines(keepends=True), Path(resumed.path).read_bytes().splitlines(keepends=True)
    assert new[1 : resumed.followed + 1] == old[1 : resumed.followed + 1]
    with open_trace(resumed.path) as reader:
        list(reader)
    assert reader.footer is not None
    assert harness.replay(resumed.path).equal


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("tool", ["look", "keyed", "blind", "probed"])
@pytest.mark.parametrize("moment", ledger.MOMENTS)
def test_what_was_paid_is_paid_once(moment: str, tool: str, entry: str, recorder: Recorder, book: Path) -> None:
    """Wherever a run is killed, afterwards every payment was made once; at most once where nobody can tell."""
    trace = killed(recorder, book, entry, f"{tool}:{moment}:1")
    before, paid = trace.read_bytes(), ledger.counts(str(book))
    resumed = harness.resume(trace)
    assert_goes_on(before, trace, resumed)
    after = ledger.counts(str(book))
    for number in range(ledger.ROUNDS):
        assert after["look", number] >= 1
        assert after["keyed", number] == after["probed", number] == 1
    left = [one for one in resumed.doubts if one.decided == "left"]
    assert {one.tool.removeprefix("a") for one in left} <= {"blind"}
    assert after["blind", 0] == 1
    if left:  # never repeated, and the agent was told
        assert after.get(("blind", 1), 0) == paid.get(("blind", 1), 0)
        assert any("in doubt" in said or "may have happened" in said for said in resumed.result)
    else:
        assert after["blind", 1] == 1


@pytest.mark.parametrize(("moment", "tool", "decided"), [
    ("intent-before", "blind", []),
    ("intent-after", "blind", [("blind", "left")]),
    ("effect-before", "keyed", [("keyed", "performed")]),
    ("effect-after", "look", [("look", "performed")]),
    ("effect-before", "probed", [("probed", "performed")]),
    ("effect-after", "probed", [("probed", "found")]),
    ("outcome-before", "probed", [("probed", "found")]),
    ("outcome-after", "blind", []),
])  # fmt: skip
def test_the_declaration_decides(
    moment: str, tool: str, decided: list[tuple[str, str]], recorder: Recorder, book: Path
) -> None:
    """What is in doubt is performed again, found or left alone by what its tool declares, and by nothing else."""
    resumed = harness.resume(killed(recorder, book, "one_by_one", f"{tool}:{moment}:1"))
    assert [(one.tool, one.decided) for one in resumed.doubts] == decided


def test_a_person_may_say_yes(recorder: Recorder, book: Path) -> None:
    """The approver is told what is in doubt, and a payment that it allows is made (again)."""
    asked: list[Question] = []

    def approver(question: Question) -> Approval:
        asked.append(question)
        return Approval(True, "Ann", "the bank has no trace of it")

    resumed = harness.resume(killed(recorder, book, "one_by_one", "blind:effect-before:1"), approver=approver)
    assert [(question.tool, question.args) for question in asked] == [("blind", {"number": 1})]
    assert "may have happened" in asked[0].reason
    assert ledger.counts(str(book))["blind", 1] == 1
    assert resumed.doubts[0].why == "the answer (Ann) was yes: the bank has no trace of it"


def test_a_run_is_resumed_once(recorder: Recorder, book: Path) -> None:
    """A second resumption would act twice; it is refused, and names the trace that took over."""
    trace = killed(recorder, book, "one_by_one", "look:effect-before:1")
    resumed = harness.resume(trace)
    paid = ledger.counts(str(book))
    with pytest.raises(harness.UsageError, match="resumed already") as refused:
        harness.resume(trace, out=trace.with_name("other.mat.jsonl"))
    assert resumed.path in str(refused.value)
    assert ledger.counts(str(book)) == paid


def test_a_resumption_that_is_killed_is_resumed(recorder: Recorder, book: Path) -> None:
    """Killed in the first round, resumed, killed in the second, resumed: one chain, and every payment once."""
    trace = killed(recorder, book, "one_by_one", "keyed:effect-after:0")
    assert recorder.resume(trace, book, kill="probed:effect-after:1") == -signal.SIGKILL
    second = trace.with_name("t.resumed-1.mat.jsonl")
    before = second.read_bytes()
    resumed = harness.resume(second)
    assert Path(resumed.path).name == "t.resumed-2.mat.jsonl"
    assert_goes_on(before, second, resumed)
    paid = ledger.counts(str(book))
    assert all(paid[tool, number] == 1 for tool in ("keyed", "blind", "probed") for number in range(ledger.ROUNDS))


def test_a_run_that_is_alive_is_not_resumed(book: Path) -> None:
    """While its process holds the trace, nobody else goes on with it."""
    with ledger.app.session(trace=book.with_name("t.mat.jsonl")) as session:
        ledger.look(1)
        with pytest.raises(harness.UsageError, match="still alive"):
            harness.resume(session.trace.path)
