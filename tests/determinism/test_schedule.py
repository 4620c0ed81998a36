"""One baton for the threads of a session."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.determinism.member import Member, member_of_thread
from harness.determinism.schedule import Timeline
from harness.errors import Halt

# what a thread does: wait a number of milliseconds, perform an effect that takes so many, or note that it is here
STEPS = st.lists(st.tuples(st.sampled_from(["sleep", "effect", "note"]), st.integers(0, 4)), max_size=5)
PROGRAMS = st.lists(STEPS, min_size=1, max_size=4)

Seen = list[tuple[int, int]]


class _Program:
    """A few threads under one timeline; ``came`` are the times at which effects ended, by thread and step."""

    def __init__(self, timeline: Timeline, program: list[Any], recorded: dict[tuple[int, int], int] | None) -> None:
        self.timeline, self.program, self.recorded = timeline, program, recorded
        self.came: dict[tuple[int, int], int] = {}
        self.seen: list[tuple[int, int, int]] = []

    def run(self) -> None:
        main = self.timeline.begin()
        others = [self.timeline.add() for _ in self.program]
        threads = [threading.Thread(target=self._part, args=(number, member)) for number, member in enumerate(others)]
        for thread in threads:
            thread.start()
        self.timeline.pause(main, lambda: all(member.finished for member in others))
        self.timeline.leave(main)
        for thread in threads:
            thread.join()

    def _part(self, number: int, member: Member) -> None:
        self.timeline.join(member)
        try:
            for place, (what, duration) in enumerate(self.program[number]):
                self._do(what, duration, member, (number, place))
                self.seen.append((number, place, self.timeline.now))
        finally:
            self.timeline.leave(member)

    def _do(self, what: str, duration: int, member: Member, place: tuple[int, int]) -> None:
        if what == "sleep":
            self.timeline.sleep(member, duration * 1_000_000)
        elif what == "effect" and self.recorded is None:
            self.timeline.stand_aside(member)
            time.sleep(duration / 2000)
            self.came[place] = self.timeline.come_back(member)
        elif what == "effect":
            assert self.recorded is not None
            self.came[place] = self.timeline.come_back(member, self.recorded[place])


def _stalled() -> None:
    raise Halt(AssertionError("nothing is left to arrive"))  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(PROGRAMS)
def test_any_program_of_threads_comes_out_in_the_recorded_order(program: list[Any]) -> None:
    """Sleeps, effects of any length and plain turns: on replay every step comes at its recorded place and time."""
    recording = _Program(Timeline(time.monotonic_ns), program, None)
    recording.run()
    replay = _Program(Timeline(stalled=_stalled), program, recording.came)
    replay.run()
    assert replay.seen == recording.seen
    assert replay.came == recording.came


def _four(timeline: Timeline, part: Callable[[Member], None]) -> None:
    """Run a part in four threads, each with a turn of its own at the beginning."""
    main, others = timeline.begin(), [timeline.add() for _ in range(4)]

    def whole(member: Member) -> None:
        timeline.join(member)
        try:
            part(member)
        finally:
            timeline.leave(member)

    threads = [threading.Thread(target=whole, args=(member,)) for member in others]
    for thread in threads:
        thread.start()
    timeline.pause(main, lambda: all(member.finished for member in others))
    timeline.leave(main)
    for thread in threads:
        thread.join()


def test_one_runs_at_a_time() -> None:
    """No two members are ever between two waits at the same moment."""
    inside, most = 0, 0
    timeline = Timeline(time.monotonic_ns)

    def part(member: Member) -> None:
        nonlocal inside, most
        for _ in range(20):
            inside += 1
            most = max(most, inside)
            sum(range(2000))
            inside -= 1
            timeline.sleep(member, 1000)

    _four(timeline, part)
    assert most == 1


def test_effects_are_performed_side_by_side() -> None:
    """Four effects meet at a barrier, which none could pass alone."""
    timeline, met = Timeline(time.monotonic_ns), threading.Barrier(4, timeout=20)

    def part(member: Member) -> None:
        timeline.stand_aside(member)
        met.wait()
        timeline.come_back(member)

    _four(timeline, part)
    assert not met.broken


def test_an_hour_of_sleep_costs_nothing_on_replay() -> None:
    """Virtual time jumps for threads as it does for tasks."""
    started = time.monotonic()
    program = _Program(Timeline(stalled=_stalled), [[("sleep", 3_600_000)], [("sleep", 10)]], {})
    program.run()
    assert program.seen == [(1, 0, 10_000_001), (0, 0, 3_600_000_000_001)]
    assert time.monotonic() - started < 5


def test_waiting_for_what_never_comes_ends_every_thread() -> None:
    """Where nothing recorded is left to arrive, whoever waits is told, in whatever thread."""
    timeline = Timeline(stalled=_stalled)
    main, other = timeline.begin(), timeline.add()
    told: list[str] = []

    def part() -> None:
        try:
            timeline.join(other)
            timeline.pause(other, lambda: False)
        except Halt:
            told.append("other")
        finally:
            timeline.leave(other)

    thread = threading.Thread(target=part)
    thread.start()
    with pytest.raises(Halt):
        timeline.pause(main, lambda: False)
    thread.join()
    assert told == ["other"]


def test_who_keeps_the_turn_for_ever_does_not_stop_the_others_for_ever() -> None:
    """Patience ends a schedule whose holder waits for another member in a way nobody knows of; the reason is kept."""
    timeline = Timeline(time.monotonic_ns, patience_s=0.2)
    main, other = timeline.begin(), timeline.add()
    done = threading.Event()

    def part() -> None:
        timeline.join(other)
        done.set()
        timeline.leave(other)

    thread = threading.Thread(target=part)
    thread.start()
    assert done.wait(10)
    thread.join()
    assert "kept its turn" in timeline.dissolved
    assert timeline.pause(main, lambda: False) is False


def test_nothing_is_left_of_a_dissolved_schedule() -> None:
    """No thread counts as a member after the end."""
    timeline = Timeline(time.monotonic_ns)
    timeline.begin()
    assert member_of_thread() is not None
    timeline.dissolve("over")
    assert member_of_thread() is None


def test_who_has_finished_is_forgotten() -> None:
    """A schedule does not grow with the threads that have come and gone; their numbers go on."""
    timeline = Timeline(time.monotonic_ns)
    main = timeline.begin()
    for number in range(1, 200):
        member = timeline.add()
        assert member.number == number
        timeline.leave(member)
    assert timeline.lonely
    assert timeline._members == [main]
    timeline.dissolve("over")


def test_a_later_thread_of_the_same_identity_is_no_member() -> None:
    """A thread that ends without leaving takes its part with it, though Python numbers the next one alike."""
    timeline = Timeline(time.monotonic_ns)
    seen: list[Any] = []
    identities = set()

    def part(first: bool) -> None:
        identities.add(threading.get_ident())
        if first:
            timeline.begin()
        else:
            seen.append(member_of_thread())

    for number in range(20):
        thread = threading.Thread(target=part, args=(number == 0,))
        thread.start()
        thread.join()
    assert len(identities) < 20  # or this shows nothing
    assert seen == [None] * 19
    timeline.dissolve("over")


def test_whoever_waits_for_a_turn_does_not_spin() -> None:
    """A thread whose timer is due while another one computes costs next to nothing."""
    timeline = Timeline(time.monotonic_ns)
    main, other = timeline.begin(), timeline.add()
    spent: list[float] = []

    def part() -> None:
        timeline.join(other)
        before = time.thread_time()
        timeline.sleep(other, 1_000_000)
        spent.append(time.thread_time() - before)
        timeline.leave(other)

    thread = threading.Thread(target=part)
    thread.start()
    timeline.pause(main, lambda: other.deadline is not None)
    time.sleep(0.3)  # with the baton
    timeline.leave(main)
    thread.join()
    assert spent[0] < 0.05
