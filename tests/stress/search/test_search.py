"""Searching, against agents that are only arithmetic, and against trying everything."""

from __future__ import annotations

from itertools import combinations, count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.stress.schedule import Schedule
from harness.stress.search.budget import Budget
from harness.stress.search.cost import cost_of
from harness.stress.search.island import Island, Parent, explored
from harness.stress.search.search import Alone, Method, Searched, search
from harness.stress.search.space import Space, scheduled
from harness.stress.seen import Seen
from tests.stress.simulated import Simulated

SPACE = Space(frozenset({"timeout", "error", "shuffle"}))
METHODS: tuple[Method, ...] = ("guided", "random", "exhaustive")


NESTED = settings(deadline=None, suppress_health_check=[HealthCheck.nested_given])


def _wanted(seen: Seen) -> frozenset[str]:
    return seen.rules


def _elements(tools: tuple[int, ...], widths: tuple[int, ...]) -> list[str]:
    calls = [
        f"{kind}-t{tool}-{nth}"
        for tool, n in enumerate(tools)
        for nth in range(1, n + 2)
        for kind in ("timeout", "error")
    ]
    turns = [str((place, choice)) for place, width in enumerate(widths) for choice in range(1, min(width, 4))]
    return calls + turns


@st.composite
def simulated(draw: st.DrawFn) -> Simulated:
    """Give small agents with bugs of one or two elements."""
    tools = tuple(draw(st.lists(st.integers(1, 2), min_size=1, max_size=2)))
    widths = tuple(draw(st.lists(st.integers(2, 3), max_size=2)))
    bug = st.frozensets(st.sampled_from(_elements(tools, widths)), min_size=1, max_size=2)
    return Simulated(tools, widths, tuple(draw(st.lists(bug, min_size=1, max_size=3))))


def _everything(agent: Simulated) -> dict[str, float]:
    """Try every schedule of up to two elements that any run offers; give the least cost of each rule."""
    pool = {repr(one): one for one in SPACE.offered(agent.run(Schedule()))}
    for one in list(pool.values()):
        schedule = scheduled((one,))
        assert schedule is not None
        pool |= {repr(other): other for other in SPACE.offered(agent.run(schedule))}
    least: dict[str, float] = {}
    for size in range(3):
        for elements in combinations(pool.values(), size):
            made = scheduled(elements)
            for rule in agent.run(made).rules if made is not None else ():
                assert made is not None
                least[rule] = min(cost_of(made), least.get(rule, cost_of(made)))
    return least


def _confirmed(agent: Simulated, found: Searched) -> None:
    """See that every counterexample is one, and that the number of the run is possible."""
    for one in found.found:
        assert one.rule in agent.run(one.schedule).rules
        assert 1 <= one.runs <= found.runs


@settings(max_examples=40, deadline=None)
@given(simulated())
def test_an_exhaustive_search_finds_what_there_is(agent: Simulated) -> None:
    """Up to two elements it finds the rules that trying everything finds, each at the least cost."""
    found = search(agent.run, SPACE, budget=5000, method="exhaustive", wanted=_wanted)
    _confirmed(agent, found)
    assert found.full == 2
    assert {one.rule: cost_of(one.schedule) for one in found.found} == _everything(agent)


@settings(NESTED, max_examples=25)
@given(simulated(), st.sampled_from(METHODS), st.integers(1, 60), st.integers(0, 3))
def test_whatever_is_found_is_true_within_the_budget(agent: Simulated, method: Method, budget: int, seed: int) -> None:
    """No method reports what is none or makes more runs than it may; only rounds side by side may make one twice."""
    made: list[str] = []

    def run(schedule: Schedule) -> Seen:
        made.append(str(schedule.stated()))
        return agent.run(schedule)

    found = search(run, SPACE, budget=budget, seed=seed, method=method, wanted=_wanted)
    _confirmed(agent, found)
    assert len(made) == found.runs <= budget
    assert method == "guided" or len(set(made)) == len(made)


@settings(max_examples=20, deadline=None)
@given(simulated(), st.sampled_from(("random", "exhaustive")), st.integers(1, 20))
def test_an_interrupted_search_keeps_what_it_found(agent: Simulated, method: Method, runs: int) -> None:
    """It gives what a search gives whose budget are the runs that were made, and says that it was interrupted."""
    made = count()

    def run(schedule: Schedule) -> Seen:
        if next(made) == runs:
            raise KeyboardInterrupt
        return agent.run(schedule)

    told: list[int] = []
    whole = search(run, SPACE, budget=100, method=method, wanted=_wanted, told=lambda runs, _: told.append(runs))
    short = search(agent.run, SPACE, budget=runs, method=method, wanted=_wanted)
    assert whole._replace(interrupted=False) == short
    assert told == list(range(1, short.runs + 1))
    assert whole.interrupted == (next(made) > runs)


@settings(NESTED, max_examples=10)
@given(simulated(), st.sampled_from(METHODS), st.integers(0, 3))
def test_a_seed_gives_the_same_search(agent: Simulated, method: Method, seed: int) -> None:
    """Everything follows from the seed."""
    one, two = (search(agent.run, SPACE, budget=150, seed=seed, method=method, wanted=_wanted) for _ in range(2))
    assert one == two


@settings(NESTED, max_examples=5)
@given(simulated())
def test_a_guided_search_finds_what_is_near(agent: Simulated) -> None:
    """With runs enough for all pairs it finds, and ends with, every rule that one or two elements break."""
    found = search(agent.run, SPACE, budget=1000, wanted=_wanted, until=frozenset(_everything(agent)))
    assert {one.rule for one in found.found} >= _everything(agent).keys()


def test_a_longer_search_begins_like_a_shorter_one() -> None:
    """The runs of a search with a small budget are the first of those with a larger one, so that it can go on."""
    agent = Simulated((3, 4), (2,), ())
    logs: dict[int, list[str]] = {}
    for budget in (90, 170, 260):
        log = logs[budget] = []

        def run(schedule: Schedule, log: list[str] = log) -> Seen:
            log.append(str(schedule.stated()))
            return agent.run(schedule)

        search(run, SPACE, budget=budget, wanted=_wanted)
    assert logs[260][:170] == logs[170]
    assert logs[170][:90] == logs[90]


def test_depth_is_reached_by_what_faults_lay_bare() -> None:
    """A retry that fails too is two elements, the second of which no undisturbed run offers; found in few runs."""
    agent = Simulated((6, 6, 6), (), (frozenset({"timeout-t1-3", "timeout-t1-4", "timeout-t1-5"}),))
    found = search(agent.run, Space(frozenset({"timeout", "error"})), budget=300, wanted=_wanted)
    assert [one.rule for one in found.found] == ["R0"]
    drawn = search(agent.run, Space(frozenset({"timeout", "error"})), budget=300, method="random", wanted=_wanted)
    assert drawn.found == ()


def test_a_search_ends_when_what_was_asked_for_is_found() -> None:
    """With the rules named, the rest of the budget is saved."""
    agent = Simulated((2,), (), (frozenset({"error-t0-1"}),))
    found = search(agent.run, SPACE, budget=5000, wanted=_wanted, until=frozenset({"R0"}))
    assert (len(found.found), found.runs < 20) == (1, True)


@pytest.mark.parametrize(
    ("budget", "most"), [(Budget(5000, calls=50), 25), (Budget(5000, tokens=30), 20), (Budget(5000, seconds=5.0), 20)]
)
def test_any_budget_ends_a_search(budget: Budget, most: int) -> None:
    """Calls, tokens and seconds count like runs, looked at after each batch."""
    agent, seconds = Simulated((2, 2), (), ()), count()

    def run(schedule: Schedule) -> Seen:
        return agent.run(schedule)._replace(tokens=3)

    found = search(run, SPACE, budget=budget, wanted=_wanted, clock=lambda: next(seconds) * 1_000_000_000)
    assert 0 < found.runs <= most


def test_an_agent_that_offers_nothing() -> None:
    """One run is all there is to do, whatever the method."""
    agent = Simulated((), (), ())
    for method in METHODS:
        assert search(agent.run, SPACE, budget=50, method=method, wanted=_wanted).runs == 1


def test_a_run_that_cannot_be_made_ends_the_search() -> None:
    """What is raised is told at once, also out of a round."""
    agent = Simulated((3, 3), (), ())
    made = count()

    def run(schedule: Schedule) -> Seen:
        if next(made) == 120:
            raise LookupError("no such thing")
        return agent.run(schedule)

    with pytest.raises(LookupError, match="no such thing"):
        search(run, SPACE, budget=500, wanted=_wanted)
    assert next(made) == 121


def test_a_round_is_the_same_wherever_it_is_made() -> None:
    """Rounds of Hypothesis follow from their seed; a limit cuts them short and changes nothing before it."""
    agent = Simulated((3, 3), (3, 3), (frozenset({"(0, 1)", "(1, 2)"}),))
    elements = SPACE.offered(agent.run(Schedule()))
    island = Island(5, 24, 24, (Parent(Schedule(), ()),), elements, frozenset())
    one, two = (explored(agent.run, island) for _ in range(2))
    assert one == two
    assert len(one) > 10
    assert explored(agent.run, island._replace(limit=7)) == one[:7]
    assert explored(agent.run, island._replace(seed=6)) != one


def test_hands_give_results_in_order() -> None:
    """Who makes runs is handed in; one after another by default."""
    agent = Simulated((1,), (), ())
    schedules = [Schedule(seed=seed) for seed in range(3)]
    assert list(Alone(agent.run).runs(schedules)) == [agent.run(one) for one in schedules]
