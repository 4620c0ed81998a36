"""The breaker as a table: every state and everything heard, and the laws that hold on every course of events."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.routing.health.breaker import TABLE, Breaker, Heard, Rest, State, admitted, heard, wait_ns

REST = Rest(first_ns=100, longest_ns=1000)
OPEN = heard(Breaker(), "down", 0, 10, REST)

HEARD = st.sampled_from(get_args(Heard))
TIMES = st.integers(0, 5000)
NEWS = st.lists(st.tuples(HEARD, TIMES, st.integers(0, 300)), max_size=40)


def half_open_at(missed: int) -> Breaker:
    """Give a breaker whose probes failed so many times."""
    breaker = OPEN
    for _ in range(missed):
        breaker = heard(breaker, "failed", breaker.since, breaker.since, REST)
    return breaker


def test_the_table_is_whole() -> None:
    """Every state says what becomes of everything that can be heard."""
    assert set(TABLE) == set(get_args(State))
    assert all(set(row) == set(get_args(Heard)) for row in TABLE.values())


@pytest.mark.parametrize("what", ["served", "answered", "failed"])
def test_only_a_tool_given_up_opens_it(what: Heard) -> None:
    """A closed breaker stays closed whatever single calls do."""
    assert heard(Breaker(), what, 0, 10, REST) == Breaker()
    assert OPEN.state(10) == "open"


def test_it_rests_and_is_then_half_open() -> None:
    """It is open for as long as the tool rests, and half-open from then on, by time alone."""
    assert [OPEN.state(at) for at in (10, 109, 110, 10**12)] == ["open", "open", "half-open", "half-open"]
    assert [wait_ns(OPEN, at) for at in (10, 109, 110)] == [100, 1, 0]


def test_a_probe_that_is_served_closes_it() -> None:
    """A call that began half-open and was served closes it, and what was missed is forgotten."""
    closed = heard(half_open_at(3), "served", half_open_at(3).since, 5000, REST)
    assert closed.state(5000) == "closed"
    assert (closed.missed, wait_ns(closed, 5000)) == (0, 0)


def test_a_probe_that_fails_doubles_the_rest() -> None:
    """Each failed probe doubles the rest, up to the bound."""
    rests = [half_open_at(n).since - half_open_at(n - 1).since for n in range(1, 7)]
    assert rests == [200, 400, 800, 1000, 1000, 1000]


def test_the_bound_is_no_less_than_the_first_rest() -> None:
    """A policy that asks for a longer rest than the bound gets it."""
    assert heard(Breaker(), "down", 0, 0, Rest(5000, 1000)).since == 5000


def test_a_clean_refusal_gives_the_permission_back() -> None:
    """A refusal says nothing of the tool's health: the breaker stays half-open and admits the next."""
    probing = admitted(OPEN, 110, 50)
    back = heard(probing, "answered", 110, 120, REST)
    assert (back.state(120), wait_ns(probing, 120), wait_ns(back, 120)) == ("half-open", 40, 0)


@pytest.mark.parametrize("what", get_args(Heard))
def test_calls_from_before_do_not_close_it(what: Heard) -> None:
    """What began while it was open neither closes it nor counts as a failed probe."""
    late = heard(OPEN, what, 50, 105, REST)
    assert late.tripped
    assert late.missed == 0
    assert late == OPEN if what != "down" else late.since == 205


def test_a_late_giving_up_does_not_take_a_permission() -> None:
    """Once a probe is admitted, a tool given up on calls from before changes nothing."""
    probing = admitted(OPEN, 110, 50)
    assert heard(probing, "down", 50, 115, REST) == probing


def test_old_news_do_not_open_a_closed_breaker() -> None:
    """A call that began before the probe was served does not open the breaker again."""
    closed = heard(OPEN, "served", 110, 120, REST)
    assert heard(closed, "down", 119, 130, REST) == closed
    assert heard(closed, "down", 120, 130, REST).state(130) == "open"


def test_a_permission_lapses() -> None:
    """A permission that nothing is heard of can be given again when it has lapsed, not before."""
    probing = admitted(OPEN, 110, 50, "a")
    with pytest.raises(ValueError, match="no permission"):
        admitted(probing, 159, 50, "b")
    assert admitted(probing, 160, 50, "b").holder == "b"


def test_its_holder_keeps_a_permission() -> None:
    """Whoever has the permission is not kept waiting by it, and does not have it for longer by asking again."""
    probing = admitted(OPEN, 110, 50, "a")
    assert (wait_ns(probing, 120, "a"), wait_ns(probing, 120, "b"), wait_ns(probing, 120)) == (0, 40, 40)
    assert admitted(probing, 120, 50, "a") == probing
    assert wait_ns(admitted(OPEN, 110, 50), 120) == 40  # nobody is not a holder


@pytest.mark.parametrize("breaker", [Breaker(), heard(Breaker(), "down", 0, 200, REST)])
def test_there_is_a_permission_only_half_open(breaker: Breaker) -> None:
    """A closed breaker needs no permission and an open one gives none."""
    with pytest.raises(ValueError, match="no permission"):
        admitted(breaker, 150, 50)


@given(NEWS, st.lists(TIMES, max_size=10))
def test_no_two_probes_at_once(news: list[tuple[Heard, int, int]], asks: list[int]) -> None:
    """From one permission to the next, news of a call begun half-open came, or the permission lapsed."""
    course: list[tuple[int, Any]] = sorted(
        [(began + took, (what, began)) for what, began, took in news] + [(at, None) for at in asks], key=repr
    )
    breaker, given_at, heard_since = Breaker(), None, True
    for at, one in sorted(course, key=lambda entry: entry[0]):
        if one is not None:
            heard_since |= breaker.state(one[1]) != "open"
            breaker = heard(breaker, one[0], one[1], at, REST)
        elif breaker.state(at) == "half-open" and not wait_ns(breaker, at):
            assert given_at is None or heard_since or at >= given_at + 50
            breaker, given_at, heard_since = admitted(breaker, at, 50), at, False


@given(st.lists(st.integers(0, 90), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_many_who_give_up_at_once_agree(ends: list[int], chance: Any) -> None:
    """Whatever the order in which many runs tell that a tool is down, it rests from the latest of them on."""
    chance.shuffle(ends)
    breaker = Breaker()
    for end in ends:
        breaker = heard(breaker, "down", 0, end, REST)
    assert breaker == Breaker(tripped=True, since=max(ends) + 100)


@given(NEWS)
def test_it_never_rests_for_longer_than_the_bound(news: list[tuple[Heard, int, int]]) -> None:
    """However many probes fail, the wait after the latest news is no longer than the bound."""
    breaker, latest = Breaker(), 0
    for what, began, took in news:
        breaker, latest = heard(breaker, what, began, began + took, REST), max(latest, began + took)
        assert wait_ns(breaker, latest) <= REST.longest_ns
