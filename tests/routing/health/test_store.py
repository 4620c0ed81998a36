"""The store that many runs share: nothing lost, nothing counted twice, one probe at a time, small snapshots."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.routing.health import Health, Limits, Quota, Seen, Standing, Vitals, standing
from harness.routing.health.vitals import HOWS
from harness.tool import ToolSpec

TOOLS = {
    "card": ToolSpec("card", domain="bank"),
    "debit": ToolSpec("debit", domain="bank"),
    "cash": ToolSpec("cash"),
}
SECOND = 1_000_000_000
COOL = 30 * SECOND
USUAL = Limits()


def seen(how: str, ended_ns: int = 0, tool: str = "cash", *, began_ns: int | None = None, **more: Any) -> Seen:
    """Give what a run saw of a tool, in its domain; it took no time unless said."""
    return Seen(tool, TOOLS[tool].domain, ended_ns if began_ns is None else began_ns, ended_ns, how, **more)


def told(*news: Seen, limits: Limits = USUAL) -> Health:
    """Give a store that has been told some news."""
    health = Health(limits)
    for one in news:
        health.came(one)
    return health


def test_what_is_as_by_default_is_not_said() -> None:
    """A snapshot of tools that are well, or of which nothing is known, is empty."""
    assert told(seen("ok"), seen("transient"), seen("permanent")).snapshot(TOOLS, 0) == {}


def test_a_tool_given_up_is_down_for_everybody() -> None:
    """Giving a tool up opens its breaker for as long as the policy says, else as is usual."""
    assert told(seen("down", 10)).snapshot(TOOLS, 15) == {"cash": {"down_ns": COOL - 5}}
    assert told(seen("down", 10, cool_ns=100)).snapshot(TOOLS, 15) == {"cash": {"down_ns": 95}}
    assert told(seen("down", 10, cool_ns=100)).snapshot(TOOLS, 109) == {"cash": {"down_ns": 1}}


def test_a_domain_goes_down_as_a_whole() -> None:
    """Giving up one tool of a failure domain keeps every tool of it down, and no other."""
    assert told(seen("down", 0, "card")).snapshot(TOOLS, 0) == {"card": {"down_ns": COOL}, "debit": {"down_ns": COOL}}


def test_one_probe_for_a_domain() -> None:
    """One asker may try any tool of a domain; for the others all of them stay down until it is heard of."""
    health = told(seen("down", 0, "card"))
    assert health.snapshot(TOOLS, COOL) == {"card": {"probe": True}, "debit": {"probe": True}}
    assert health.snapshot(TOOLS, COOL + 1).keys() == {"card", "debit"}
    assert {said["down_ns"] for said in health.snapshot(TOOLS, COOL + 1).values()} == {60 * SECOND - 1}
    health.came(seen("ok", COOL + 2, "debit"))
    assert health.snapshot(TOOLS, COOL + 2) == {}


def test_a_failed_probe_doubles_the_rest() -> None:
    """A probe that fails opens the breaker again, for twice as long."""
    health = told(seen("down", 0))
    health.snapshot(TOOLS, COOL)
    health.came(seen("transient", COOL))
    assert health.snapshot(TOOLS, COOL) == {"cash": {"down_ns": 2 * COOL}}


def test_looking_takes_no_permission() -> None:
    """A snapshot without probe says that the tool is down, and leaves the permission to others."""
    health = told(seen("down", 0))
    assert health.snapshot(TOOLS, COOL, probe=False) == {"cash": {"down_ns": 60 * SECOND}}
    assert health.snapshot(TOOLS, COOL) == {"cash": {"probe": True}}


def test_its_holder_is_given_a_permission_again() -> None:
    """A run that plans again before its probe began still has the permission; others have to wait."""
    health = told(seen("down", 0))
    first = health.snapshot(TOOLS, COOL, holder="run 1")
    assert health.snapshot(TOOLS, COOL + 5, holder="run 2") == {"cash": {"down_ns": 60 * SECOND - 5}}
    assert health.snapshot(TOOLS, COOL + 5, holder="run 1") == first == {"cash": {"probe": True}}
    assert health.snapshot(TOOLS, COOL + 60 * SECOND, holder="run 2") == {"cash": {"probe": True}}


def test_a_tool_and_its_domain_are_tried_together() -> None:
    """Where both breakers are half-open both permissions are taken; where one is open neither is."""
    limits = Limits(open_calls=2, cool_ns=50)
    news = [seen("wrong", 0, "card"), seen("wrong", 0, "card"), seen("down", 0, "card", cool_ns=100)]
    health = told(*news, limits=limits)
    assert health.snapshot(TOOLS, 60) == {"card": {"down_ns": 40}, "debit": {"down_ns": 40}}
    assert health.snapshot(TOOLS, 100) == {"card": {"probe": True}, "debit": {"probe": True}}
    health.came(seen("ok", 101, "debit"))
    assert health.snapshot(TOOLS, 101).keys() == {"card"}  # its own permission is still out


def test_a_tool_that_mostly_fails_opens_its_breaker() -> None:
    """Half of twenty calls failing opens it; nineteen calls do not, and a clean refusal never does."""
    half = [seen("ok", at) for at in range(10)] + [seen("doubt", at) for at in range(10, 19)]
    assert "down_ns" not in told(*half).snapshot(TOOLS, 20).get("cash", {})
    assert told(*half, seen("wrong", 20)).snapshot(TOOLS, 20)["cash"]["down_ns"] == COOL
    nineteen = [seen("doubt", at) for at in range(19)]
    assert "down_ns" not in told(*nineteen, seen("permanent", 20)).snapshot(TOOLS, 20)["cash"]
    refusals = [seen("permanent", at) for at in range(50)]
    assert told(*refusals).snapshot(TOOLS, 50).keys() == {"cash"}
    assert "down_ns" not in told(*refusals).snapshot(TOOLS, 50)["cash"]


def test_failures_from_before_the_probe_do_not_open_it_again() -> None:
    """After a probe was served, only calls begun since then count for opening the breaker."""
    health = told(*[seen("transient", 0) for _ in range(30)])
    assert health.snapshot(TOOLS, COOL)["cash"]["probe"]
    health.came(seen("ok", COOL))
    health.came(seen("transient", COOL + 1))
    assert "down_ns" not in health.snapshot(TOOLS, COOL + 1)["cash"]


def test_the_window_is_the_shorter_of_calls_and_time() -> None:
    """The last hundred calls count, and none of them once it is older than fifteen minutes."""
    health = told(*[seen("transient", at) for at in range(40)], *[seen("ok", at) for at in range(100, 190)])
    found = health.vitals("cash", 200)
    assert (found.calls, found.served, found.transient) == (100, 90, 10)
    late = 15 * 60 * SECOND
    assert health.vitals("cash", late + 100).calls == 90
    assert health.vitals("cash", late + 190) == Vitals()
    assert health.vitals("unknown", 0) == Vitals()


def test_a_factor_is_said_in_thousandths() -> None:
    """Failures and slow answers weigh a tool, in one factor."""
    slow = [seen("ok", 3 * SECOND, began_ns=0) for _ in range(4)]
    failed = [seen("permanent", 3 * SECOND) for _ in range(4)]
    health = told(*slow, seen("ok", 3 * SECOND, began_ns=0), *failed)
    assert health.snapshot(TOOLS, 3 * SECOND) == {"cash": {"factor": 4713}}  # 3 × 11/7, from thousandths


def test_a_quota_doubles_the_weight_and_then_closes_the_way() -> None:
    """From 95 % of its quota on a tool weighs double; with all of it used it is down until there is room."""
    limits = Limits(quotas={"cash": Quota(20, 1000)})
    news = [seen("ok", at) for at in range(20)]
    assert told(*news[:18], limits=limits).snapshot(TOOLS, 20) == {}
    assert told(*news[:19], limits=limits).snapshot(TOOLS, 20) == {"cash": {"factor": 2000}}
    assert told(*news, limits=limits).snapshot(TOOLS, 20) == {"cash": {"factor": 2000, "down_ns": 980}}
    assert told(*news, limits=limits).snapshot(TOOLS, 1000) == {"cash": {"factor": 2000}}


def test_a_quota_may_last_longer_than_the_window() -> None:
    """A quota of a day is not forgotten when the calls that used it up have left the window."""
    day = 24 * 3600 * SECOND
    health = told(*[seen("ok", at) for at in range(3)], limits=Limits(quotas={"cash": Quota(3, day)}))
    for hour in (1, 2, 23):
        assert health.snapshot(TOOLS, hour * 3600 * SECOND)["cash"]["down_ns"] == day - hour * 3600 * SECOND
    assert health.snapshot(TOOLS, day + 2) == {}


def test_a_factor_ends_and_comes_back_with_time() -> None:
    """When the failures have left the window the factor is 1 again; when only the good calls have, it rises."""
    late = 14 * 60 * SECOND
    health = told(*[seen("ok", at) for at in range(20)], *[seen("wrong", late) for _ in range(5)])
    factors = [health.snapshot(TOOLS, at).get("cash", {}).get("factor") for at in (late, 2 * late, 3 * late)]
    assert factors == [1227, 3500, None]
    health.came(seen("wrong", 3 * late))
    assert health.snapshot(TOOLS, 3 * late) == {}
    for _ in range(4):
        health.came(seen("wrong", 3 * late))
    assert health.snapshot(TOOLS, 3 * late) == {"cash": {"factor": 3500}}


def test_a_used_up_quota_takes_no_permission() -> None:
    """A tool that has to wait for its quota leaves the probe to whoever comes when there is room."""
    health = told(seen("ok", 0), seen("down", 0, cool_ns=10), limits=Limits(quotas={"cash": Quota(1, 1000)}))
    assert health.snapshot(TOOLS, 10)["cash"]["down_ns"] == 990
    assert health.snapshot(TOOLS, 1000)["cash"]["probe"]


def test_giving_up_is_no_call() -> None:
    """A tool that is given up is not counted once more."""
    assert told(seen("transient"), seen("down")).vitals("cash", 0).calls == 1


@pytest.mark.parametrize(
    ("one", "says"), [(seen("odd"), "none of doubt, down, ok"), (seen("ok", 1, began_ns=2), "cannot end at 1")]
)
def test_nonsense_is_refused(one: Seen, says: str) -> None:
    """An ending that there is not, or one before its beginning, is an error that names the tool."""
    with pytest.raises(ValueError, match=f"cash: .*{says}"):
        told(one)


def test_memory_is_bounded() -> None:
    """Of more tools than may be known those unheard of for longest are forgotten, breakers too."""
    health = Health(Limits(tools=10))
    for number in range(1000):
        health.came(Seen(f"tool {number}", None, 0, 0, "transient"))
        health.came(Seen(f"tool {number}", None, 0, 0, "down"))
    tools = {f"tool {number}": ToolSpec(f"tool {number}") for number in range(1000)}
    assert health.snapshot(tools, 0).keys() == {f"tool {number}" for number in range(990, 1000)}
    assert sum(health.vitals(name, 0).calls for name in tools) == 10


def test_a_tool_that_is_heard_of_is_not_forgotten() -> None:
    """Forgotten is what has not been heard of for longest, not what was heard of first."""
    health = Health(Limits(tools=2))
    for name in ("a", "b", "a", "c"):
        health.came(Seen(name, None, 0, 0, "ok"))
    assert [health.vitals(name, 0).calls for name in "abc"] == [2, 0, 1]


def test_a_full_window_goes_on() -> None:
    """Where a call pushes another out of a full window, what is read is of the calls that are in it now."""
    health = told(*[seen("ok", 0) for _ in range(100)])
    assert health.vitals("cash", 0).served == 100
    for served in (99, 98):
        health.came(seen("permanent", 1))
        assert health.vitals("cash", 1).served == served


def test_standing_reads_a_snapshot_on_the_readers_clock() -> None:
    """What is left of a rest counts from the reader's own time; a tool of which nothing is said is as by default."""
    health = told(seen("down", 100), seen("down", 100, "card", cool_ns=10))
    snapshot = json.loads(json.dumps(health.snapshot(TOOLS, 110)))
    assert standing(snapshot, "cash", 7) == Standing(until=7 + COOL - 10)
    assert standing(snapshot, "card", 7) == Standing(probe=True)
    assert standing(snapshot, "other", 7) == Standing(1000, None, False)
    assert standing({"cash": {"factor": 1500}}, "cash", 7) == Standing(1500)


NEWS = st.lists(
    st.builds(
        lambda tool, began, took, how: seen(how, began + took, tool, began_ns=began),
        st.sampled_from(sorted(TOOLS)),
        st.integers(0, 200),
        st.integers(0, 50),
        st.sampled_from(sorted(HOWS)),
    ),
    max_size=60,
)
SMALL = Limits(calls=10, span_ns=100, open_calls=1000, enough=2, quotas={"card": Quota(3, 50)})


@given(NEWS, st.randoms(use_true_random=False), st.integers(0, 300))
def test_counts_do_not_depend_on_who_tells_first(news: list[Seen], chance: Any, now: int) -> None:
    """In whatever order runs tell what they saw, vital signs and factors are the same."""
    other = list(news)
    chance.shuffle(other)
    one, two = told(*news, limits=SMALL), told(*other, limits=SMALL)
    assert [one.vitals(tool, now) for tool in TOOLS] == [two.vitals(tool, now) for tool in TOOLS]
    assert one.snapshot(TOOLS, now) == two.snapshot(TOOLS, now)


@given(NEWS, st.integers(0, 300))
def test_the_window_is_what_a_plain_filter_gives(news: list[Seen], now: int) -> None:
    """Vital signs are those of the latest calls by time that are young enough, however they are kept."""
    health = told(*news, limits=SMALL)
    for tool in TOOLS:
        latest = sorted((one.ended_ns, one.began_ns, one.how) for one in news if one.tool == tool)[-10:]
        counts = Counter(how for ended, _, how in latest if ended >= now - 100)
        found = health.vitals(tool, now)
        assert found.served == counts.pop("ok", 0)
        assert {how: getattr(found, how) for how in counts} == counts


@given(
    st.lists(
        st.tuples(NEWS.map(lambda news: news[:3]), st.booleans(), st.integers(0, 40)),
        max_size=12,
    )
)
def test_the_same_course_gives_the_same_snapshots(course: list[tuple[list[Seen], bool, int]]) -> None:
    """A snapshot is a function of what came and of the permissions given: two stores with one past agree."""

    def snapshots() -> list[Any]:
        health, now, found = Health(SMALL), 0, []
        for news, gives_up, pause in course:
            now += pause
            for one in news:
                health.came(one)
            if gives_up:
                health.came(seen("down", now, "card", cool_ns=20))
            found.append(health.snapshot(TOOLS, now, probe=pause % 2 == 0))
        return found

    first = snapshots()
    assert first == snapshots()
    for snapshot in first:
        assert list(snapshot) == sorted(snapshot)
        for said in snapshot.values():
            assert said.keys() <= {"factor", "down_ns", "probe"}
            assert not {"down_ns", "probe"} <= said.keys()
            assert 500 <= said.get("factor", 1000) <= 1_000_000


def side_by_side(work: Callable[[int], None], threads: int) -> None:
    """Do some work in so many threads that begin at once."""
    ready = threading.Barrier(threads)
    failed: list[BaseException] = []

    def run(number: int) -> None:
        try:
            ready.wait()
            work(number)
        except BaseException as error:
            failed.append(error)

    running = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads take turns in the middle of everything
    try:
        for one in running:
            one.start()
        for one in running:
            one.join()
    finally:
        sys.setswitchinterval(before)
    assert not failed


def test_two_hundred_runs_lose_nothing() -> None:
    """Of 200 threads that tell 50 calls each, while they read snapshots, every call is counted once."""
    health = Health(Limits(calls=20_000, open_calls=10**6))
    tools = {name: ToolSpec(name) for name in ("a", "b", "c")}
    endings = sorted(HOWS)

    def work(number: int) -> None:
        for call in range(50):
            tool = "abc"[(number + call) % 3]
            health.came(Seen(tool, None, call, call + number, endings[(number * 7 + call) % 5]))
            if call % 10 == 0:
                health.snapshot(tools, 100)

    side_by_side(work, 200)
    wanted = Counter(
        ("abc"[(number + call) % 3], endings[(number * 7 + call) % 5]) for number in range(200) for call in range(50)
    )
    for tool in tools:
        found = health.vitals(tool, 300)
        assert found.served == wanted.pop((tool, "ok"))
        for how in ("transient", "permanent", "doubt", "wrong"):
            assert getattr(found, how) == wanted.pop((tool, how))
    assert not wanted


def test_of_two_hundred_runs_one_gets_the_probe() -> None:
    """Of 200 threads that ask at once, exactly one may try a tool that has rested."""
    health = told(seen("down", 0, "card"))
    given_to: list[int] = []

    def work(number: int) -> None:
        if health.snapshot(TOOLS, COOL, holder=f"run {number}")["debit"].get("probe"):
            given_to.append(number)

    side_by_side(work, 200)
    assert len(given_to) == 1
