"""Turns in an event loop that belongs to somebody else."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from harness.determinism.turns import ROUNDS, Turns


async def react(log: list[str], name: str, rounds: int) -> None:
    """Write down an arrival, and after some rounds of the loop what the agent made of it."""
    log.append(f"{name} arrived")
    for _ in range(rounds):
        await asyncio.sleep(0)
    log.append(f"{name} done")


@given(st.lists(st.integers(0, ROUNDS - 2), min_size=1, max_size=6))
def test_an_agent_reacts_to_one_outcome_before_the_next(rounds: list[int]) -> None:
    """However many come at once, each finds the agent done with the one before, in the order of asking."""
    log: list[str] = []

    async def main() -> None:
        turns = Turns()

        async def arrive(number: int) -> None:
            await turns.take()
            await react(log, str(number), rounds[number])

        await asyncio.gather(*map(arrive, range(len(rounds))))

    asyncio.run(main())
    assert log == [f"{number} {what}" for number in range(len(rounds)) for what in ("arrived", "done")]


def test_a_cancelled_outcome_holds_up_nobody() -> None:
    """Who stops waiting for a turn loses it to the next."""

    async def main() -> list[bool]:
        turns = Turns()
        tasks = [asyncio.create_task(turns.take()) for _ in range(3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.wait(tasks, timeout=10)
        return [task.cancelled() for task in tasks]

    assert asyncio.run(main()) == [False, True, False]


def test_a_lone_outcome_does_not_wait() -> None:
    """Where nothing has just arrived, a turn is taken without giving up control."""

    async def main() -> list[str]:
        log: list[str] = []
        other = asyncio.create_task(react(log, "other", 0))
        await Turns().take()
        log.append("taken")
        await other
        return log

    assert asyncio.run(main())[0] == "taken"
