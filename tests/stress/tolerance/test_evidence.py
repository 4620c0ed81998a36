"""What two runs show of each other: nothing where they are one, and each thing that agents did otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from examples.teams import desk, iterative, linear
from examples.teams.policies import policy
from examples.teams.tasks import TASKS
from harness.door.models import model_environment
from harness.door.trial import Trials
from harness.stress.schedule import schedule_of
from harness.stress.tolerance.evidence import Evidence, evidence_of
from harness.testing.model_server import ModelServer
from harness.trace.event import Event

SAME = Evidence(own=True, others=True, settled=True, filtered=True)


@pytest.fixture(scope="module", autouse=True)
def served() -> Iterator[None]:
    """Let models be those that the teams' policies make."""
    with ModelServer(policy) as server, model_environment(server.base_url):
        yield


def events(team: Any, *inject: dict[str, Any], seed: int = 0) -> Sequence[Event]:
    """Give what a team did on a task, struck by some faults."""
    trials = Trials(desk.app, team.main, before=desk.fresh)
    return trials.run(schedule_of({"seed": seed, "inject": [*inject]}), {"letter": TASKS[0].letter}).events


@pytest.mark.parametrize("kind", ["H", "MS", "RA", "TFE"])
def test_a_run_shows_nothing_of_itself(kind: str) -> None:
    """Beside itself a struck run did all the same, and came to the same."""
    struck = events(iterative, {"fault": kind, "agent": "maker", "nth": 1})
    assert evidence_of(kind, struck, struck, writes=desk.FILE) == SAME


def test_a_call_that_was_asked_for_and_never_made_has_failed() -> None:
    """Of broken arguments no call comes; the trace tells by an answer to a call that nobody made."""
    clean, struck = events(linear), events(linear, {"fault": "IP", "agent": "writer", "nth": 1})
    found = evidence_of("IP", clean, struck, writes=desk.FILE)
    assert isinstance(found, Evidence)
    assert found == SAME._replace(failed=True)


def test_a_call_that_was_refused_has_failed_and_a_rule_has_spoken() -> None:
    """Arguments of another type are refused by the registry; then the writer does as its twin."""
    clean, fault = events(linear), {"fault": "TFE", "agent": "writer", "nth": 1}
    found = [evidence_of("TFE", clean, events(linear, fault, seed=seed), writes=desk.FILE) for seed in range(8)]
    refused = [one for one in found if isinstance(one, Evidence) and one.ruled]
    assert refused, "no argument was of another type"
    assert all(one.failed and one.settled and not one.own for one in refused)


def test_a_fault_that_strikes_nothing_is_no_evidence() -> None:
    """A run without a strike is inert, beside whatever it stands."""
    clean = events(linear)
    assert evidence_of("TFE", clean, clean, writes=desk.FILE) == "inert: the fault made no difference"


def test_who_begins_to_talk_is_told_apart() -> None:
    """A critic that finds something wrong begins; what the maker then says in turn makes it no asker."""
    clean, struck = events(iterative), events(iterative, {"fault": "H", "agent": "maker", "nth": 2})
    found = evidence_of("H", clean, struck, writes=desk.FILE)
    assert isinstance(found, Evidence)
    assert (found.peers, found.asked, found.own, found.others, found.settled) == (True, False, False, False, True)


def test_copies_are_counted_for_each_model() -> None:
    """A message that also comes to somebody else is not filtered where that one's model sees it."""
    clean = events(linear)
    for kind in ("MBA", "MS", "MC"):  # nobody asks the planner anything after its message has come back
        struck = events(linear, {"fault": kind, "agent": "planner", "nth": 1})
        found = evidence_of(kind, clean, struck, writes=desk.FILE)
        assert isinstance(found, Evidence)
        assert found.filtered is (kind == "MC"), kind
    with_a_filter = events(iterative, {"fault": "MS", "agent": "maker", "nth": 1})
    found = evidence_of("MS", events(iterative), with_a_filter, writes=desk.FILE)
    assert found == SAME


def test_a_wrong_write_is_not_settled_until_the_right_one_is_the_last() -> None:
    """A line that files a wrong sum has not settled; a loop that files the right one after it has."""
    line = evidence_of(
        "PFE", events(linear), events(linear, {"fault": "PFE", "agent": "writer", "nth": 1}), writes=desk.FILE
    )
    loop = evidence_of(
        "PFE", events(iterative), events(iterative, {"fault": "PFE", "agent": "maker", "nth": 2}), writes=desk.FILE
    )
    assert isinstance(line, Evidence) and isinstance(loop, Evidence)
    assert (line.settled, loop.settled) == (False, True)
