"""Why there is no route, told exactly."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.routing.deadlock import Barred, closure, deadlock, met
from harness.routing.graph import Arc, Goal, Graph, Need

FACTS = [f"f{number}" for number in range(6)]
NEEDS = st.builds(
    lambda of, least: Need(tuple(sorted(of)), min(least, len(of))),
    st.sets(st.sampled_from(FACTS), min_size=1, max_size=3),
    st.integers(1, 3),
)
ARCS = st.lists(
    st.builds(
        lambda tool, needs, gives: Arc(tool, tuple(needs), tuple(sorted(gives))),
        st.sampled_from(["t0", "t1", "t2", "t3", None]),
        st.lists(NEEDS, max_size=2),
        st.sets(st.sampled_from(FACTS), min_size=1, max_size=2),
    ),
    max_size=8,
)


def arc(tool: str, needs: str, gives: str) -> Arc:
    """Give an arc by names."""
    return Arc(tool, tuple(Need((fact,)) for fact in needs.split()), tuple(gives.split()))


def test_what_is_missing_and_who_could_give_it() -> None:
    """Blocked are tools that could be called and would bring something; none behind them, and none for nothing."""
    arcs = (arc("pay", "s", "paid"), arc("mail", "paid", "told"), arc("idle", "s", "s2"), arc("again", "s", "s"))
    goal = Goal("told", (Need(("told",)),))
    graph = Graph("g", arcs, ("s",), {"told": goal}, {})
    barred = {"pay": Barred("down", 7), "mail": Barred("refused"), "again": Barred("down", 9)}
    assert deadlock(graph, goal, ["s"], barred, ["hold"], "pay is down") == {
        "blocked": {"pay": {"until": 7, "why": "down"}},
        "committed": ["hold"],
        "goal": "told",
        "held": ["s"],
        "unreachable": ["told"],
        "why": "pay is down",
    }


@given(ARCS, st.sets(st.sampled_from(FACTS)), st.sets(st.sampled_from(["t0", "t1", "t2", "t3"])))
def test_the_closure_is_the_least_fixed_point(arcs: list[Arc], held: set[str], down: set[str]) -> None:
    """It holds what is held, is closed under every arc that is not barred, and every smaller set is not."""
    barred = dict.fromkeys(down, Barred("down"))
    reach = closure(arcs, held, barred)
    usable = [one for one in arcs if one.tool not in barred]

    def is_closed(facts: set[str]) -> bool:
        return held <= facts and all(facts.issuperset(one.gives) for one in usable if met(one.needs, facts))

    assert is_closed(reach)
    extra = sorted(reach - held)
    for choice in range(2 ** len(extra) - 1):
        assert not is_closed(held | {fact for at, fact in enumerate(extra) if choice >> at & 1})


@given(ARCS, NEEDS, st.sets(st.sampled_from(FACTS)), st.sets(st.sampled_from(["t0", "t1", "t2", "t3"])))
def test_each_blocked_tool_would_bring_something(arcs: list[Arc], need: Need, held: set[str], down: set[str]) -> None:
    """With one of them up again more can be had; with any other tool up, no more than before."""
    goal = Goal("goal", (need,))
    barred = dict.fromkeys(sorted(down), Barred("down"))
    told = deadlock(Graph("g", tuple(arcs), (), {"goal": goal}, {}), goal, held, barred, [], "")
    reach = closure(arcs, held, barred)
    for tool in down:
        more = closure(arcs, held, {name: one for name, one in barred.items() if name != tool})
        assert (more > reach) == (tool in told["blocked"])
    assert bool(told["unreachable"]) == (not met([need], reach))
