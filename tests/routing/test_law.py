"""The law of routing: on random graphs with random failures the world ends as an oracle foretells, call for call.

The oracle (``benchmarks.fuzz.routes``) shares no line with the router; a campaign over 20,000 cases is
``python -m benchmarks.fuzz.routes.campaign``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.fuzz.routes import graphs
from benchmarks.fuzz.routes.campaign import run

randoms = st.randoms(use_true_random=False)


def law(examples: int) -> settings:
    """Say of how many cases a law is asked."""
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Give a folder for one trace and one ledger at a time."""
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


@law(200)
@given(randoms)
def test_a_route_goes_as_foretold(folder: Path, random: Random) -> None:
    """Calls, plans and their costs, what becomes of each failure, and the net effects are those of the oracle."""
    ran = run("small", graphs.small(random), folder)
    assert not ran.wrong


@law(40)
@given(randoms)
def test_an_answer_that_was_lost_changes_nothing_twice(folder: Path, random: Random) -> None:
    """Writes that commit and then time out stand once in a SQLite ledger, or the route says that it does not know."""
    ran = run("answers", graphs.lost_answers(random), folder)
    assert not ran.wrong


@law(40)
@given(randoms, st.integers(2, 8))
def test_calls_at_once_leave_no_orphans(folder: Path, random: Random, parallel: int) -> None:
    """With several calls under way the goal still rests on every write that stands, and each failure has one end."""
    ran = run("parallel", graphs.small(random)._replace(parallel=parallel), folder)
    assert not ran.wrong


@law(20)
@given(randoms)
def test_a_route_replays(folder: Path, random: Random) -> None:
    """The router runs again over the record, calls nothing for real, and says the same."""
    ran = run("small", graphs.small(random), folder, replayed=True)
    assert not ran.wrong
