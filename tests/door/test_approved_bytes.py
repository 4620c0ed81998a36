"""What was approved is what is executed: calls and answers are changed in 1,000 ways, and an SQLite ledger is read."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from harness.adapters.approvals.answers import answer_to, signed
from harness.adapters.approvals.folder import ANSWER, QUESTION, Folder
from harness.determinism import canonical
from harness.door.app import Harness
from harness.door.resume import resume
from harness.errors import HarnessError, Refused, Waiting
from harness.ports import Approval, Question
from harness.trace.value import encode_value

RULES = """
registry: asked
version: "{version}"
default: allow
tools: {{pay: {{effect: write}}, apay: {{effect: write}}, pay_order: {{effect: write}}}}
invariants:
  - {{id: ASK, on: action, tool: "*pay*", require: "False", severity: high, otherwise: escalate}}
"""
KEY = b"a key that only the desk has"


@dataclass
class Order:
    """What is paid for."""

    name: str
    items: list[dict[str, Any]]


class Ledger:
    """What was really executed, as canonical bytes, and what was approved."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.approved: list[bytes] = []
        self._database = sqlite3.connect(folder / "ledger.db", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("CREATE TABLE paid (args BLOB)")

    def pay(self, args: Any) -> str:
        said = canonical.encode(encode_value(args))
        self._database.execute("INSERT INTO paid VALUES (?)", (said,))
        return "paid"

    @property
    def paid(self) -> list[bytes]:
        return [said for (said,) in self._database.execute("SELECT args FROM paid ORDER BY rowid")]

    def close(self) -> None:
        self._database.close()

    def app(self, approver: Any, version: str = "1") -> Harness:
        """Give an app that pays into this ledger."""
        registry = self.folder / f"asked-{version}.yaml"
        registry.write_text(RULES.format(version=version))
        app = Harness(registry, traces=self.folder / "runs", approver=approver, durability="batch")

        @app.tool(effect="write")
        def pay(order: dict) -> str:
            return self.pay(order)

        @app.tool(effect="write")
        async def apay(order: dict) -> str:
            await asyncio.sleep(0)  # somebody else has a turn while the payment is under way
            return self.pay(order)

        @app.tool(effect="write")
        def pay_order(order: Order) -> str:
            assert type(order) is Order
            return self.pay(order)

        app.pay, app.apay, app.pay_order = pay, apay, pay_order  # type: ignore[attr-defined]
        return app

    def approve(self, question: Question) -> Approval:
        self.approved.append(canonical.encode(question.args["order"]))
        return Approval(True, "Ann", digest=question.digest)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Give an empty ledger."""
    with closing(Ledger(tmp_path)) as made:
        yield made


def order(chance: Random, depth: int = 3) -> Any:
    """Give an order: nested data with lists and objects to change."""
    if depth == 0:
        return chance.choice([chance.randrange(1000), f"item {chance.randrange(100)}", True, None, 0.5])
    if depth % 2:
        return {f"k{number}": order(chance, depth - 1) for number in range(chance.randrange(1, 4))}
    return [order(chance, depth - 1) for _ in range(chance.randrange(1, 4))]


def containers(data: Any) -> list[Any]:
    """Give every list and object in some data, itself included."""
    items = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return [data, *(one for item in items for one in containers(item))] if isinstance(data, dict | list) else []


def change(data: Any, chance: Random) -> None:
    """Change some data in place, for sure."""
    one = chance.choice(containers(data))
    new = chance.choice([-1, "changed", object(), float("nan"), [1], {"changed": 2}, Decoy()])
    place = chance.randrange(len(one)) if one else 0
    if isinstance(one, list):
        one[place : place + chance.randrange(2)] = [new]
    elif one and chance.random() < 0.3:
        one.clear()
    else:
        one[[*one, "new"][place]] = new


class Decoy(dict):
    """Something that looks like data and is none."""


def test_an_order_changed_while_somebody_thinks(ledger: Ledger) -> None:
    """200 times the agent's own object is changed after the proposal: the tool gets what was approved."""
    chance = Random(1)
    before: list[bytes] = []
    live: Any = None

    def approver(question: Question) -> Approval:
        change(live, chance)
        change(question.args["order"], chance)
        return Approval(True, "Ann", digest=question.digest)

    app = ledger.app(approver)
    with app.session():
        for _ in range(200):
            live = order(chance)
            before.append(canonical.encode(live))
            app.pay(live)  # type: ignore[attr-defined]
    assert ledger.paid == before


def test_an_order_changed_by_another_task(ledger: Ledger) -> None:
    """200 times another task changes it all the while, before the answer and while the payment is under way."""
    chance = Random(2)
    before: list[bytes] = []

    async def approver(question: Question) -> Approval:
        await asyncio.sleep(0)
        return Approval(True, "Ann", digest=question.digest)

    app = ledger.app(approver)

    async def agent() -> None:
        for _ in range(200):
            live: Any = order(chance)
            before.append(canonical.encode(live))
            paying = asyncio.create_task(app.apay(live))  # type: ignore[attr-defined]
            await asyncio.sleep(0)
            while not paying.done():
                change(live, chance)
                await asyncio.sleep(0.0002)
            await paying

    app.session().run(agent)
    assert ledger.paid == before


def test_an_object_changed_while_somebody_thinks(ledger: Ledger) -> None:
    """100 times what an annotation rebuilds is rebuilt from what was approved."""
    chance = Random(3)
    before: list[bytes] = []
    live = Order("", [])

    def approver(question: Question) -> Approval:
        if chance.random() < 0.5:
            live.name = "changed"
        else:
            change(live.items, chance)
        return Approval(True, "Ann")

    app = ledger.app(approver)
    with app.session():
        for number in range(100):
            live = Order(f"n{number}", [order(chance)])
            before.append(canonical.encode(encode_value(live)))
            app.pay_order(live)  # type: ignore[attr-defined]
    assert ledger.paid == before


def test_an_object_that_cannot_be_rebuilt_is_not_executed(ledger: Ledger) -> None:
    """Without an annotation nobody knows its type: changed, the call fails before it happens; unchanged, it is made."""
    app = ledger.app(ledger.approve)

    @app.tool(effect="write", name="blind_pay")
    def blind_pay(order):
        return ledger.pay(order)

    live = Order("one", [])

    def changing(question: Question) -> Approval:
        live.name = "changed"
        return Approval(True, "Ann")

    with app.session():
        blind_pay(live)
    with app.with_approver(changing).session(), pytest.raises(HarnessError, match="changed after the call"):
        blind_pay(live)
    assert len(ledger.paid) == 1


# --- answers ---------------------------------------------------------------------------------------------------------


def stopped(app: Harness, agent: Callable[[], Any]) -> str:
    """Run an agent up to its question, and give the trace."""
    with pytest.raises(Waiting) as waiting:
        app.session().run(agent)
    return waiting.value.trace


def flipped(content: bytes, chance: Random) -> bytes:
    """Change one byte."""
    place = chance.randrange(len(content))
    return content[:place] + bytes([content[place] ^ (1 << chance.randrange(8))]) + content[place + 1 :]


def refused_or_waiting(trace: str, agent: Callable[[], Any], app: Harness) -> bool:
    """Resume a run, and tell that it was stopped or that the agent was refused."""
    try:
        return isinstance(resume(trace, entry=agent, app=app).error, Refused)
    except Waiting:
        return True


@pytest.fixture
def desk(ledger: Ledger) -> tuple[Path, Harness]:
    """Give a folder that questions go to, and an app that asks there and wants signed answers."""
    folder = ledger.folder / "desk"
    return folder, ledger.app(Folder(folder, key=KEY))


def test_answers_with_one_bit_changed_allow_nothing(ledger: Ledger, desk: tuple[Path, Harness]) -> None:
    """300 times one bit of a signed yes: it is refused, or taken for no answer; in the end the whole one counts."""
    folder, app = desk
    given = {"name": "order", "cents": 5}

    def agent() -> str:
        return app.pay(given)  # type: ignore[attr-defined]

    chance = Random(4)
    for number in range(300):
        trace = stopped(app, agent)
        (asked,) = folder.glob(f"*{QUESTION}")
        digest = asked.name.removesuffix(QUESTION)
        whole = canonical.encode(signed(answer_to(digest, allowed=True, by="Ann", reason=f"n{number}"), KEY))
        (folder / f"{digest}{ANSWER}").write_bytes(flipped(whole, chance))
        assert refused_or_waiting(trace, agent, app)
        for path in folder.iterdir():
            path.unlink()
    assert ledger.paid == []
    trace = stopped(app, agent)
    (asked,) = folder.glob(f"*{QUESTION}")
    digest = asked.name.removesuffix(QUESTION)
    (folder / f"{digest}{ANSWER}").write_bytes(canonical.encode(signed(answer_to(digest, allowed=True, by="A"), KEY)))
    resume(trace, entry=agent, app=app)
    assert ledger.paid == [canonical.encode(given)]


@pytest.mark.parametrize("late", ["another", "unsigned", "other key", "expired"])
def test_answers_to_something_else_allow_nothing(late: str, ledger: Ledger, desk: tuple[Path, Harness]) -> None:
    """25 times each: the answer to another call, to an equal call of another run, one without the key, an old one."""
    folder, app = desk
    yesterday = datetime.now(UTC) - timedelta(days=1)
    kept: list[str] = []
    for number in range(25):

        def agent(cents: int = number // 2) -> str:  # every second one is equal to the one before
            return app.pay({"cents": cents})  # type: ignore[attr-defined]

        trace = stopped(app, agent)
        (asked,) = (one for one in folder.glob(f"*{QUESTION}") if one.name.removesuffix(QUESTION) not in kept)
        digest = asked.name.removesuffix(QUESTION)
        kept.append(digest)
        to = kept[number - 1] if late == "another" and number else "0" * 64 if late == "another" else digest
        answer = answer_to(to, allowed=True, by="Ann", expires=yesterday if late == "expired" else None)
        key = {"unsigned": b"", "other key": b"mine"}.get(late, KEY)
        (folder / f"{digest}{ANSWER}").write_bytes(canonical.encode(signed(answer, key)))
        resumed = resume(trace, entry=agent, app=app)
        assert isinstance(resumed.error, Refused)
        says = {"another": "to another question", "unsigned": "not signed", "other key": "another key"}
        assert says.get(late, "expired at") in resumed.error.reason
    assert ledger.paid == []


def test_other_calls_on_resumption_are_not_the_approved_one(ledger: Ledger, desk: tuple[Path, Harness]) -> None:
    """100 times the agent wants another call when it is resumed, or stands under another registry: nothing happens."""
    folder, app = desk
    chance = Random(5)
    other = ledger.app(Folder(folder, key=KEY), version="2")
    for number in range(100):
        wanted: Any = order(chance)

        def agent() -> str:
            return app.pay(wanted)  # type: ignore[attr-defined]  # noqa: B023

        trace = stopped(app, agent)
        (asked,) = folder.glob(f"*{QUESTION}")
        digest = asked.name.removesuffix(QUESTION)
        yes = canonical.encode(signed(answer_to(digest, allowed=True, by="Ann"), KEY))
        (folder / f"{digest}{ANSWER}").write_bytes(yes)
        if number % 5:
            wanted = {"changed": wanted} if number % 2 else [wanted, number]
        with pytest.raises(HarnessError):
            resume(trace, entry=agent, app=app if number % 5 else other)
        for path in folder.iterdir():
            path.unlink()
    assert ledger.paid == []
