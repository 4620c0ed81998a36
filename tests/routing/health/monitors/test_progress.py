"""Runs that do not get on."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from harness.routing.health.monitors import Loops, Progress
from harness.routing.health.monitors.progress import Falls
from tests.routing.health.monitors.course import Course, last, said, signals


def test_a_window_of_w_transitions_has_one_state_more() -> None:
    """Three transitions, thus four states, without a fall are a window of three."""
    falls = Falls()
    assert [falls.state(potential) for potential in (4, 4, 5, 5)] == [0, 1, 2, 3]


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(1, 5))
def test_falls_are_what_the_definition_says(potentials: list[int], window: int) -> None:
    """The count reaches the window exactly where none of its transitions fell, nor began with nothing left."""
    falls = Falls()
    for at, potential in enumerate(potentials):
        pairs = list(pairwise(potentials[: at + 1]))[-window:]
        still = len(pairs) == window and all(after >= before > 0 for before, after in pairs)
        assert (falls.state(potential) >= window) == still


def test_a_route_that_gets_on() -> None:
    """Every call of a route that serves lowers the potential."""
    course = Course()
    course.route("plan", path=["a", "b", "c"])
    for tool in "abc":
        course.served(tool)
    monitor = Progress(window=1)
    assert said(monitor, course) == []
    assert monitor.potential == 0


def test_a_route_that_stands_still() -> None:
    """A route whose calls all fail stalls when the window is full, and again at each call after that."""
    course = Course()
    course.route("plan", path=["a", "b"])
    for _ in range(5):
        after = course.failed("a")
        course.route("retry", tool="a", after=after)
    found = said(Progress(window=3), course)
    assert [(signal.priority, signal.subject) for signal in found] == [(0.5, "potential")] * 2
    assert found[0].says == "nothing that is to be done got less in 3 calls: 3 things are left"


def test_what_is_left_to_do() -> None:
    """Steps, retries, questions and approvals count until they are done, and the end of a route settles it all."""
    course, monitor = Course(), Progress()

    def left() -> int:
        monitor.step(course.events[-1])
        return monitor.potential

    potentials = []
    for does, more in (
        ("plan", {"path": ["a", "b"]}),
        ("retry", {"tool": "a"}),
        ("reroute", {"tool": "a", "path": ["c", "b"]}),
        ("escalate", {"deadlock": {}}),
        ("answer", {"choice": {}}),
    ):
        course.route(does, **more)
        potentials.append(left())
    assert potentials == [2, 3, 2, 3, 2]
    call = course.call("b")
    left()
    course.decided(call, "escalate")
    assert left() == 3
    course.decided(call, "allow")
    assert left() == 2
    course.route("plan", "other goal", path=["z"])
    assert left() == 3
    course.route("end", served=False)
    assert left() == 1


def test_an_agent_that_owes_nothing_does_not_stall() -> None:
    """Without a route or an approval there is no potential to fall."""
    course = Course()
    for _ in range(50):
        course.failed("a")
    assert said(Progress(window=2), course) == []


def test_a_route_that_has_ended_is_in_no_ones_way() -> None:
    """The stall stands until the next state, or until what is left to do gets less, whichever comes first."""
    course, monitor = Course(), Progress(window=2)
    course.route("plan", path=["a", "b"])
    for _ in range(3):
        course.failed("a")
    found = said(monitor, course)
    assert monitor.stands == found[-1]
    course.route("end", served=False)
    monitor.step(course.events[-1])
    assert monitor.stands is None


def test_a_loop_ends_with_something_new() -> None:
    """It stands between calls, and no longer than the calls are alike."""
    course, monitor = Course(), Loops(window=2)
    for _ in range(3):
        course.served("look", door=1)
    course.call("look", door=1)
    found = said(monitor, course)
    assert monitor.stands == found[-1]
    course.served("look", door=2)
    monitor.step(course.events[-2])
    monitor.step(course.events[-1])
    assert monitor.stands is None


def test_identical_calls() -> None:
    """A call repeated with the same outcome learns nothing; one that answers anew does."""
    course = Course()
    for _ in range(6):
        course.served("look", "closed", door=1)
    found = signals(Loops(), course)
    assert [signal is not None for signal in found] == [False] * 11 + [True]
    assert last(found) == ("progress", 0.5, "look", "the last 5 calls were made before and came back alike")
    course.served("look", "open", door=1)
    course.served("look", "closed", door=1)
    assert last(signals(Loops(), course)) is None


@given(st.integers(1, 6), st.integers(1, 8))
def test_loops_of_any_length(length: int, window: int) -> None:
    """A loop shows once a whole window lies in its repetitions, however long it is."""
    course = Course()
    for number in range(length + window):
        assert said(Loops(window), course) == []
        course.failed("look", door=number % length)
    assert len(said(Loops(window), course)) == 1


def test_what_is_repeated_is_not_forgotten() -> None:
    """A call that is made again and again is remembered, however many others are made in between."""
    course = Course()
    for number in range(4200):
        course.served("look")
        course.served("read", page=number)
    found = signals(Loops(window=1), course)
    assert sum(signal is not None for signal in found) == 4199
    course.served("read", page=0)
    assert last(signals(Loops(window=1), course)) is None  # that one is forgotten: memory is bounded


def test_calls_that_differ_are_no_loop() -> None:
    """Another argument, another tool or another outcome is something new."""
    course = Course()
    for number in range(10):
        course.served("look", number, door=1)
        course.served("look", 0, door=number)
        course.served(f"tool {number}")
    assert said(Loops(window=2), course) == []
