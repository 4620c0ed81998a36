"""A yard of tools that race: agents share the objects they call with, change them all the while, and are watched.

What a tool was really given stands in an SQLite ledger that knows nothing of harness: the arguments when it began and
when it was done, when that was, and how long the trace was when it began. The rules depend on what others do at the
same time: a budget, a count for each name, one call at a time, and one whose arguments are rewritten.
"""

from __future__ import annotations

import asyncio
import contextvars
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import harness
from harness.determinism import canonical
from harness.determinism.address import effects_around, here
from harness.door.current import session_var
from harness.errors import Refused

MOST: Final = 50
SESSIONS: Final = 40
NAMES: Final = ("ann", "bob", "cy")
REGISTRY: Final = """
registry: yard
version: 1.0.0
default: refuse
unknown: block
parameters:
  budget: {value: BUDGET, source: "made up for a race"}
  stamps: {value: STAMPS, source: "made up for a race"}
  most: {value: MOST, source: "made up for a race"}
tools: {pay: {effect: write}, stamp: {effect: write}, vault: {effect: write}, gift: {effect: write}}
invariants:
  - id: BUDGET
    on: action
    tool: pay
    otherwise: block
    require: total(action, call.args.order.cents, call.tool == "pay") + call.args.order.cents <= params.budget
  - id: STAMPS
    on: action
    tool: stamp
    otherwise: block
    require: count(action, call.tool == "stamp" and call.args.order.name == now.call.args.order.name) < params.stamps
  - id: ONE-AT-A-TIME
    on: action
    tool: vault
    otherwise: block
    require: count(action, call.tool == "vault") == count(result, call.tool == "vault")
  - id: MOST
    on: action
    tool: gift
    require: call.args.cents <= params.most
    otherwise: rewrite
    rewrite: {args.cents: params.most}
"""


class Limits(NamedTuple):
    """What the rules of one session allow: cents in all, stamps for each name, and the cents of one gift."""

    budget: int
    stamps: int
    most: int

    @classmethod
    def of(cls, calls: int) -> Limits:
        """Give limits that so many calls reach well before their end."""
        return cls(3 * calls, 1 + calls // 20, MOST)


class Row(NamedTuple):
    """One call as its tool saw it: which action of which trace, its arguments, and when it was under way."""

    trace: str
    action: int
    tool: str
    at_first: bytes
    at_last: bytes
    trace_bytes: int
    began_ns: int
    ended_ns: int


class Yard:
    """The ledger, the objects that all share, and an app with tools for threads and for tasks."""

    def __init__(self, folder: Path, seed: int, limits: Limits) -> None:
        chance = Random(seed)
        self.orders = [_order(chance) for _ in range(6)]
        self._book = sqlite3.connect(folder / "ledger.db", isolation_level=None, check_same_thread=False)
        self._pen = threading.Lock()  # since 3.12 two threads may bind values to one cached statement of a connection
        self._book.execute("PRAGMA synchronous = OFF")
        self._book.execute(f"CREATE TABLE done ({', '.join(Row._fields)})")
        registry = folder / "yard.yaml"
        registry.write_text(_written(limits))
        self.app = harness.Harness(registry, traces=folder / "runs", durability="step")
        self.tools: dict[str, Callable[..., Any]] = {}
        self.atools: dict[str, Callable[..., Any]] = {}
        for name in ("pay", "stamp", "vault"):
            self._make(name, _taking_order, _ataking_order)
        self._make("gift", _taking_gift, _ataking_gift)

    def _make(self, name: str, taking: Callable[..., Any], ataking: Callable[..., Any]) -> None:
        tool, atool = taking(self._doing(name)), ataking(self._adoing(name))
        self.tools[name] = self.app.tool(effect="write", name=name)(tool)
        self.atools[name] = self.app.tool(effect="write", name=name)(atool)

    def _doing(self, name: str) -> Callable[[dict[str, Any]], str]:
        def do(args: dict[str, Any]) -> str:
            begun = self._begin(args)
            time.sleep(0)
            return self._end(name, args, begun)

        return do

    def _adoing(self, name: str) -> Callable[[dict[str, Any]], Any]:
        async def do(args: dict[str, Any]) -> str:
            begun = self._begin(args)
            await asyncio.sleep(0)
            return self._end(name, args, begun)

        return do

    def _begin(self, args: dict[str, Any]) -> tuple[str, int, bytes, int, int]:
        began_ns, session = time.perf_counter_ns(), session_var.get()
        assert session is not None
        path, action = session.trace.path, effects_around(here().address)[-1]
        return path, action, canonical.encode(args), Path(path).stat().st_size, began_ns

    def _end(self, name: str, args: dict[str, Any], begun: tuple[str, int, bytes, int, int]) -> str:
        path, action, at_first, trace_bytes, began_ns = begun
        row = Row(path, action, name, at_first, canonical.encode(args), trace_bytes, began_ns, time.perf_counter_ns())
        with self._pen:
            self._book.execute(f"INSERT INTO done VALUES ({', '.join('?' * len(row))})", row)
        change(args["order"], Random(action))  # what it was given is its own to change
        return "done"

    def wanted(self, number: int) -> tuple[str, dict[str, Any]]:
        """Give the call of this number: a tool, and an object that everybody shares."""
        chance = Random(number)
        order, name = chance.choice(self.orders), chance.choice(["pay", "stamp", "vault", "gift"])
        change(order, chance)
        return name, {"order": order} | ({"cents": chance.randrange(2 * MOST)} if name == "gift" else {})

    @property
    def done(self) -> list[Row]:
        """What was really done."""
        return [Row(*row) for row in self._book.execute("SELECT * FROM done ORDER BY began_ns")]

    def close(self) -> None:
        """Close the ledger."""
        self._book.close()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Have a thread that belongs to no session change what is shared, and let threads take very short turns."""
        over, chance, interval = threading.Event(), Random(0), sys.getswitchinterval()

        def work() -> None:
            while not over.is_set():
                change(chance.choice(self.orders), chance)

        thread = contextvars.Context().run(threading.Thread, target=work)
        thread.start()
        sys.setswitchinterval(2e-5)
        try:
            yield
        finally:
            sys.setswitchinterval(interval)
            over.set()
            thread.join()


def _written(limits: Limits) -> str:
    text = REGISTRY
    for name, value in limits._asdict().items():
        text = text.replace(f"{{value: {name.upper()},", f"{{value: {value},")
    return text


def _taking_order(do: Callable[..., Any]) -> Callable[..., Any]:
    def tool(order: dict) -> str:
        return do({"order": order})

    return tool


def _ataking_order(do: Callable[..., Any]) -> Callable[..., Any]:
    async def tool(order: dict) -> str:
        return await do({"order": order})

    return tool


def _taking_gift(do: Callable[..., Any]) -> Callable[..., Any]:
    def tool(order: dict, cents: int) -> str:
        return do({"order": order, "cents": cents})

    return tool


def _ataking_gift(do: Callable[..., Any]) -> Callable[..., Any]:
    async def tool(order: dict, cents: int) -> str:
        return await do({"order": order, "cents": cents})

    return tool


def _order(chance: Random) -> dict[str, Any]:
    return {"name": chance.choice(NAMES), "cents": 1, "items": [{"sku": "mug", "n": 1}, {"sku": "pen", "n": 2}]}


def change(order: dict[str, Any], chance: Random) -> None:
    """Change an order in place, at its top or below; now and then into something that rules cannot decide."""
    which = chance.randrange(10)
    if which < 4:
        order["cents"] = chance.randrange(1, 40)
    elif which < 7:
        order["name"] = chance.choice(NAMES)
    elif which < 9:
        chance.choice(order["items"])["n"] = chance.randrange(100)
    else:
        order["cents"] = "many"


# --- ways to race ----------------------------------------------------------------------------------------------------


def _call(yard: Yard, number: int) -> None:
    name, args = yard.wanted(number)
    with suppress(Refused):
        yard.tools[name](**args)


async def _acall(yard: Yard, number: int) -> None:
    if number % 3 == 0:
        return await asyncio.to_thread(_call, yard, number)
    name, args = yard.wanted(number)
    with suppress(Refused):
        await yard.atools[name](**args)
    return None


async def _side_by_side(yard: Yard, numbers: range, tasks: int) -> None:
    async def task(first: int) -> None:
        for number in numbers[first::tasks]:
            await _acall(yard, number)

    await asyncio.gather(*map(task, range(tasks)))


def threads(yard: Yard, numbers: range) -> None:
    """Race in the threads of one session, which take turns as it says."""

    def work(first: int) -> None:
        for number in numbers[first::16]:
            _call(yard, number)

    with yard.app.session():
        working = [threading.Thread(target=work, args=(first,)) for first in range(16)]
        for thread in working:
            thread.start()
        for thread in working:
            thread.join()


def tasks(yard: Yard, numbers: range) -> None:
    """Race in the tasks, and threads of theirs, of one session's own event loop."""

    async def agent() -> None:
        await _side_by_side(yard, numbers, 24)

    yard.app.session().run(agent)


def foreign(yard: Yard, numbers: range) -> None:
    """Race in the tasks and threads of one session in an event loop that is somebody else's."""

    async def main() -> None:
        async with yard.app.session():
            await _side_by_side(yard, numbers, 24)

    asyncio.run(main())


def free(yard: Yard, numbers: range) -> None:
    """Race in threads of one session that was begun in somebody else's loop, so that nobody schedules them."""

    async def main() -> None:
        async with yard.app.session():
            with ThreadPoolExecutor(16) as pool:
                for number in numbers:
                    pool.submit(contextvars.copy_context().run, _call, yard, number)

    asyncio.run(main())


def many(yard: Yard, numbers: range) -> None:
    """Race in many sessions at once, in threads and in the tasks of loops."""

    def session(first: int) -> None:
        mine = numbers[first::SESSIONS]
        if first % 2:
            with yard.app.session():
                for number in mine:
                    _call(yard, number)
            return

        async def main() -> None:
            async with yard.app.session():
                await _side_by_side(yard, mine, 5)

        asyncio.run(main())

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(session, range(SESSIONS)))


WAYS: Final[dict[str, Callable[[Yard, range], None]]] = {
    "threads": threads,
    "tasks": tasks,
    "foreign": foreign,
    "free": free,
    "many": many,
}
"""Each way; all but ``many`` race in one session."""
