"""What leads to what in agents that run: the shop of examples/catalogue.py, which can feed its own overload."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from examples.catalogue import fresh, shop
from harness import Harness, HarnessError, UsageError
from harness.door.causality import Confirmed, Found, find_causes
from harness.faults.file import load_faults
from harness.stress.causes.effects import Site

MISS, LOAD, LATE = (
    Site("error", "read_cache"),
    Site("load", "query_database"),
    Site("timeout", "query_database"),
)


def found(*, holds: dict[str, str] | None = None, confirm: tuple[str, ...] = (), **inputs: dict[str, Any]) -> Found:
    """Look at the three jobs of the shop."""
    jobs = {job: {"job": job, **inputs.get(job, {})} for job in ("report", "refresh", "serve")}
    return find_causes(shop, jobs, holds=holds, confirm={job: {"job": job} for job in confirm}, before=fresh)


def test_a_cascade_that_no_job_shows_is_found() -> None:
    """Three edges, each of another job, from single-fault runs; one run that has all parts confirms it."""
    came = found(confirm=("day",))
    (cycle,) = came.causes.cycles
    assert cycle.causes == (MISS, LOAD, LATE)
    assert [edge.tests for edge in cycle.edges] == [("serve",), ("report",), ("refresh",)]
    assert cycle.stitched
    assert came.confirmed == (Confirmed("day", ("duplicate at query_database 1",), 1),)
    assert all(len(twin.struck) == 1 for twin in came.twins)
    assert (came.unsteady, came.untried) == ({}, 0)


def test_a_cycle_without_a_test_of_all_parts_is_not_confirmed() -> None:
    """The jobs by themselves cannot show it."""
    assert found().confirmed == (None,)


@pytest.mark.parametrize(
    "control",
    [{"serve": {"stale_is_fine": True}}, {"report": {"replica": "reports"}}],
    ids=["an edge less", "conditions that do not agree"],
)
def test_the_control_has_no_cycle(control: dict[str, Any]) -> None:
    """The same shop that shows what it saw last, and the same that reports from another replica."""
    came = found(**control)
    assert came.causes.cycles == ()
    assert (LOAD, LATE) in {(edge.cause, edge.effect) for edge in came.causes.edges}


def test_other_conditions_can_be_stated() -> None:
    """What holds in a whole test keeps its edges from those of tests where it does not."""
    assert found(holds={"job": "input.job"}).causes.cycles == ()
    assert len(found(holds={"replica": "call.args.replica", "none": "call.args.nothing"}).causes.cycles) == 1
    crowded = {"crowded": "call.underway > 0"}  # the report asks while it waits, the refresh one after another
    assert found(holds=crowded).causes.cycles == ()
    for wrong in ("input.", "output.job"):
        with pytest.raises(UsageError):
            found(holds={"x": wrong})


def test_a_plan_names_the_faults_to_try() -> None:
    """Each of its faults by itself, and no others."""
    plan = load_faults("faults: two\ninject: [{fault: error, tool: read_cache}, {fault: drop, tool: pay}]", "plan")
    came = find_causes(shop, {"serve": {"job": "serve"}}, faults=plan, before=fresh)
    assert {edge.cause for edge in came.causes.edges} == {MISS}
    assert [twin.cause for twin in came.twins] == [MISS, None]


def test_a_budget_leaves_faults_untried() -> None:
    """The early calls of every test come first."""
    came = find_causes(shop, {job: {"job": job} for job in ("refresh", "serve")}, before=fresh, budget=10)
    assert (came.runs, len(came.twins)) == (10, 6)
    assert {twin.test for twin in came.twins} == {"refresh", "serve"}
    assert came.untried > 0


def test_what_comes_and_goes_by_itself_is_no_effect() -> None:
    """An agent that is not the same twice: what two clean runs differ in is told, and nobody's effect."""
    app, numbers = Harness(), itertools.count()

    @app.tool(effect="read")
    def draw() -> int:
        """Give another number each time."""
        return next(numbers)

    @app.tool(effect="read")
    def look() -> str:
        """Look."""
        return "seen"

    @app.agent
    def agent() -> str:
        draw()
        return look()

    came = find_causes(agent, app=app, kinds=("delay", "reset"))
    assert came.unsteady == {"": (Site("wrong", "draw"),)}
    assert {str(edge.effect) for edge in came.causes.edges} == {"ended ConnectionResetError"}


def test_an_app_and_a_kind_that_fit_are_needed() -> None:
    """UsageError says what is missing."""
    with pytest.raises(UsageError, match="belongs to no app"):
        find_causes(lambda: None)
    with pytest.raises(UsageError, match="no kind of fault"):
        find_causes(shop, {"serve": {"job": "serve"}}, kinds=("storm",))
    with pytest.raises(UsageError, match="does not fit"):
        find_causes(shop)


def test_a_storm_of_messages_feeds_itself() -> None:
    """Each answers all its mail, one in each test; together they would never stop."""
    app = Harness()

    @app.agent
    def talk(who: str) -> None:
        """Let one of two agents find a message of the other, and answer it."""
        session = app.session()
        other = {"anna": "bert", "bert": "anna"}[who]
        with session.acting(other):
            session.send(who, "hello")
        with session.acting(who):
            for _ in session.mail():
                session.send(other, "hello")

    came = find_causes(talk, {who: {"who": who} for who in ("anna", "bert")}, app=app)
    (cycle,) = came.causes.cycles
    assert [str(site) for site in cycle.causes] == ["load at send to anna", "load at send to bert"]
    assert cycle.stitched


def test_a_retry_that_overloads_feeds_itself() -> None:
    """The smallest storm: each timeout is retried, and each retry makes the next call time out."""
    app, asked = Harness(), [0]

    @app.tool(effect="read")
    def ask(number: int) -> int:
        """Answer two in one run, and then no more."""
        asked[0] += 1
        if asked[0] > 2:
            raise TimeoutError("too many")
        return number

    @app.agent
    def patient() -> None:
        for number in range(2):
            for _ in range(2):
                try:
                    ask(number)
                    break
                except (TimeoutError, HarnessError):
                    continue

    came = find_causes(patient, app=app, before=lambda: asked.__setitem__(0, 0), kinds=("timeout", "duplicate"))
    cycles = [way.causes for way in came.causes.cycles]
    assert (Site("load", "ask"), Site("timeout", "ask")) in cycles
    assert all(confirmed is not None for confirmed in came.confirmed)
