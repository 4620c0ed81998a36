"""Where code speaks from."""

from __future__ import annotations

import asyncio

from harness.determinism import address


def test_tasks_are_numbered_in_the_order_they_first_speak() -> None:
    """Children get their parent's address and the next number, whatever order they were created in."""

    async def speak(rounds: int) -> str:
        for _ in range(rounds):
            await asyncio.sleep(0)
        return address.here().address

    async def parent() -> list[str]:
        address.here()
        return await asyncio.gather(speak(2), speak(0), speak(1))

    token = address.enter()
    try:
        assert asyncio.run(parent()) == ["0.0.2", "0.0.0", "0.0.1"]
    finally:
        address.leave(token)


def test_to_give_a_job_is_no_speaking() -> None:
    """Whichever of two tasks speaks first is the first, and a job that speaks before its giver names that too."""

    async def gives(rounds: int, heard: list[str]) -> str:
        job = address.as_job(lambda: heard.append(address.here().address), "look")
        await asyncio.to_thread(job) if not rounds else None
        for _ in range(rounds):
            await asyncio.sleep(0)
        assert address.nearest() == ("0.0" if rounds else "0.0.2")
        return address.here().address

    async def parent() -> tuple[list[str], list[str]]:
        address.here()
        heard = list[str]()
        told = await asyncio.gather(gives(2, heard), gives(1, heard))
        told.append(await asyncio.create_task(gives(0, heard)))
        return told, heard

    token = address.enter()
    try:
        assert asyncio.run(parent()) == (["0.0.1", "0.0.0", "0.0.2"], ["0.0.2.look-0"])
    finally:
        address.leave(token)


def test_an_effect_has_an_address_of_its_own() -> None:
    """Inside the effect of action 5 code speaks from /5, and the action can be read back from the address."""
    token = address.enter()
    try:
        with address.inside(5):
            assert address.here().address == "0/5"
            assert address.in_effect()
        assert not address.in_effect()
    finally:
        address.leave(token)
    assert address.enclosing("0/5") == 5
    assert address.enclosing("0.1/5.2/9.0") == 9
    assert address.enclosing("0.1") is None


def test_two_sessions_in_one_process_do_not_share_addresses() -> None:
    """Each session starts at 0, and leaving it restores what was before."""
    first = address.enter()
    address.here().children = 3
    second = address.enter()
    assert address.here().children == 0
    address.leave(second)
    assert address.here().children == 3
    address.leave(first)
