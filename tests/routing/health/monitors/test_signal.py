"""Monitors side by side: the highest priority wins, ties go to the one named first, and no monitor disturbs another."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.routing.health import Quota
from harness.routing.health.monitors import (
    STOPS,
    Budget,
    Instability,
    Intent,
    Loops,
    Monitor,
    Panel,
    Progress,
    Rate,
    Risk,
    Signal,
    Tools,
)
from harness.routing.health.monitors.signal import Lasting
from harness.trace.event import Event
from tests.routing.health.monitors.course import Course, said


def all_monitors() -> list[Monitor]:
    """Give one of each kind, all easily alarmed."""
    return [
        Tools(failures=2),
        Rate({"pay": Quota(2, 5)}),
        Risk(flags={"country": ("XX",)}),
        Budget("calls", 5),
        Progress(window=2),
        Loops(window=2),
        Intent(["shipped"], ["pay", "look"]),
        Instability(),
    ]


class Says:
    """A monitor that says the same of every event."""

    def __init__(self, name: str, priority: float) -> None:
        self.signal = Signal(name, priority, "", "")

    def step(self, event: Event) -> Signal | None:
        return self.signal


def test_the_highest_priority_wins_and_ties_go_to_the_first() -> None:
    """The panel gives what matters most; of two that matter as much, the one named first."""
    event = Event(0, "note", "main", "0", (), 0, {})
    panel = Panel([Says("a", 0.2), Says("b", 0.9), Says("c", 0.9)])
    found = panel.step(event)
    assert found is not None
    assert found.monitor == "b"
    assert [signal.monitor for signal in panel.signals(event)] == ["a", "b", "c"]
    assert Panel([]).step(event) is None


def test_published_scores_keep_their_order() -> None:
    """A tool that is down outweighs a risky call, a known goal a flagged one, a stall an unknown goal."""
    course = Course()
    course.call("pay", amount=10_001)
    course.route("reroute", tool="pay")
    course.call("shipped", amount=1)
    course.call("odd")
    panel = Panel([Intent(["shipped"], ["pay"]), Risk(), Tools()])
    found = [signal for event in course.events if (signal := panel.step(event)) is not None]
    assert [(signal.monitor, signal.priority) for signal in found] == [
        ("risk", 0.95),
        ("tools", 0.99),
        ("intent", 0.90),
        ("intent", 0.30),
    ]


class Speaks:
    """A monitor that says something else of each event, and lasts."""

    def __init__(self, *signals: Signal | None) -> None:
        self.signals, self.stands = list(signals), signals[0]

    def step(self, event: Event) -> Signal | None:
        self.stands = self.signals.pop(0)
        return self.stands


def spoken(*priorities: float) -> list[Signal]:
    """Give signals of one monitor about one thing."""
    return [Signal("budget", priority, "calls", str(priority)) for priority in priorities]


def test_news_are_told_once() -> None:
    """What grows into another tenth is news, from the first on, and what has shrunk in between is so again."""
    event = Event(0, "note", "main", "0", (), 0, {})
    signals = spoken(0.02, 0.05, 0.1, 0.19, 0.25, 0.11, 0.2, 1.0, 1.0)
    panel = Panel([Speaks(*signals)])
    found = [panel.news(event) for _ in signals]
    assert [signal is not None for signal in found] == [False, False, True, False, True, False, True, True, False]


def test_another_subject_is_news() -> None:
    """Each monitor's word on each subject counts by itself, so that two of them do not talk each other up."""
    event = Event(0, "note", "main", "0", (), 0, {})
    one, other = Signal("risk", 0.2, "pay", ""), Signal("risk", 0.2, "look", "")
    panel = Panel([Speaks(one, other, one, other), Speaks(None, None, None, *spoken(0.9))])
    assert [panel.news(event) for _ in range(4)] == [one, other, None, *spoken(0.9)]


def test_what_stops_a_route() -> None:
    """A budget that is used up and a run that stands still, whichever matters more first; others do not."""
    event = Event(0, "note", "main", "0", (), 0, {})
    stalled, spent = Signal("progress", 0.5, "potential", ""), spoken(1.0)[0]
    most, risky = spoken(0.99)[0], Signal("risk", 0.95, "pay", "")
    panel = Panel([Speaks(stalled, None), Speaks(spent, most), Speaks(risky, risky), Says("tools", 0.99)])
    assert dict(STOPS) == {"budget": 1.0, "progress": 0.5}
    panel.step(event)
    assert panel.against == (spent, stalled)
    panel.step(event)
    assert panel.against == ()


def test_whoever_stops_a_route_says_what_stands() -> None:
    """Each monitor that the table names is one that lasts."""
    lasting = [monitor for monitor in all_monitors() if isinstance(monitor, Lasting)]
    course = Course()
    course.route("plan", path=["pay", "look"])
    for _ in range(6):
        course.failed("pay")
    found = [said(monitor, course)[-1].monitor for monitor in lasting]
    assert set(found) == set(STOPS)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["served", "failed", "call"]), st.sampled_from(["pay", "look", "shipped", "odd"])),
        st.tuples(st.just("route"), st.sampled_from(["plan", "retry", "reroute", "escalate", "answer", "end"])),
        st.tuples(st.just("decided"), st.sampled_from(["block", "rewrite", "escalate", "allow"])),
    ),
    max_size=30,
)


def course_of(steps: list[tuple[str, str]]) -> Course:
    """Tell a run; a decision is about the latest call."""
    course = Course()
    for does, what in steps:
        calls = [event.seq for event in course.events if event.kind == "action"]
        if does == "route":
            course.route(what, tool="pay", path=["pay", "look"])
        elif does != "decided":
            getattr(course, does)(what, amount=len(calls) % 3)
        elif calls:
            course.decided(calls[-1], what)
    return course


@given(STEPS)
def test_monitors_do_not_disturb_each_other(steps: list[tuple[str, str]]) -> None:
    """Whatever happens in a run, a panel says what its monitors say each by itself, and says it again of a replay."""
    course = course_of(steps)
    panel = Panel(all_monitors())
    together = [signal for event in course.events for signal in panel.signals(event)]
    alone: list[Any] = [signal for monitor in all_monitors() for signal in said(monitor, course)]
    assert sorted(together) == sorted(alone)
    assert all(0 <= signal.priority <= 1 for signal in together)
