"""The measure of many sessions at once: its clock, and what it makes of what was measured."""

from __future__ import annotations

import asyncio
import time

import pytest

from benchmarks.speed.sessions import OwnCore, Taken, figures_of, percentile


def test_a_core_of_its_own_skips_what_it_would_sleep_and_counts_what_it_does() -> None:
    """An hour's sleep is an hour on its clock and nothing on the wall; work is what it takes."""

    async def main() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        start = loop.time()
        await asyncio.sleep(3600)
        slept = loop.time()
        end = time.process_time() + 0.05
        while time.process_time() < end:
            pass
        return slept - start, loop.time() - slept

    began = time.perf_counter()
    with asyncio.Runner(loop_factory=OwnCore) as runner:
        slept_s, worked_s = runner.run(main())
    assert slept_s == pytest.approx(3600, abs=1)
    assert worked_s == pytest.approx(0.05, abs=0.04)
    assert time.perf_counter() - began < 60


def test_timers_fire_in_their_order() -> None:
    """Tasks that sleep for different times come back in that order, at those times."""
    came: list[tuple[str, float]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()

        async def sleep(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            came.append((name, round(loop.time() - start)))

        await asyncio.gather(sleep("last", 300), sleep("first", 100), sleep("second", 200))

    with asyncio.Runner(loop_factory=OwnCore) as runner:
        runner.run(main())
    assert came == [("first", 100), ("second", 200), ("last", 300)]


def test_what_is_added_is_held_against_the_plain_way_of_the_same_round() -> None:
    """Rounds are compared one by one, and the median of the differences is told."""
    plain = [Taken([1.0] * 99 + [2.0], [10.0], 5.0), Taken([2.0] * 99 + [4.0], [20.0], 6.0)]
    none = [Taken([1.5] * 99 + [2.25], [11.0], 45.0), Taken([2.5] * 99 + [4.25], [21.0], 46.0)]
    figures = figures_of({"plain": plain, "none": none})
    assert figures["none_adds_tool_p50_ms"].value == 0.5
    assert figures["none_adds_tool_p99_ms"].value == 0.25
    assert figures["none_adds_tool_p99_ms"].target == "<= 1"
    assert figures["none_adds_model_p50_ms"].value == 1.0
    assert figures["none_adds_session_kb"].value == 40.0


def test_percentiles() -> None:
    """The value that so large a share of the values does not exceed, whatever their order."""
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile(list(map(float, range(100))), 0.99) == 99.0
    assert percentile([7.0], 0.99) == 7.0
