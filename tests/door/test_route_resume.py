"""Routes that were cut off anywhere and go on, and routes that leave their record: nothing is done twice."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

import harness
from harness.adapters.files import open_trace
from harness.door.fork import fork
from harness.door.replay import replay
from harness.door.resume import Resumed, resume
from harness.door.routes import Routed
from harness.errors import NoRoute
from tests.door.places import SHOP, SHOP_TOOLS, apart, blind, promised, shop, trip
from tests.door.town import DOWN, LOST, Agent, Build, Commit, Slow, Town, aroute, ended, entry_of, route, text_of

PROGRAM = """
import os, signal, sqlite3, sys
from pathlib import Path
import harness

HERE = Path(__file__).parent
app = harness.Harness(HERE / "shop.yaml")

def die(moment):
    if os.environ.get("DIE_AT") == moment:
        os.kill(os.getpid(), signal.SIGKILL)

def write(kind, key):
    die(f"{kind} before")
    with sqlite3.connect(HERE / "book.db") as book:
        book.execute("CREATE TABLE IF NOT EXISTS lines (kind TEXT, key TEXT, UNIQUE (kind, key))")
        book.execute("INSERT OR IGNORE INTO lines VALUES (?, ?)", (kind, key))
    book.close()
    die(f"{kind} after")
    return kind

@app.tool
def stripe(order, key=None):
    return write("stripe", key)

@app.tool
def paypal(order, key=None):
    return write("paypal", key)

@app.tool
def refund(order, key=None):
    return write("refund", key)

@app.tool(effect="read")
def email(payment):
    die("email")
    raise ConnectionRefusedError("down")

@app.tool(effect="read")
def sms(payment):
    return "sent"

@app.agent
def main(order):
    return harness.session().route("told", order=order).note

if __name__ == "__main__":
    with app.session(trace=sys.argv[1]):
        main("W-1")
"""
RULES = """
registry: shop
version: "1"
default: allow
tools:
  stripe: {effect: write, undo: refund, idempotency_key: key}
  paypal: {effect: write, undo: refund, idempotency_key: key}
  refund: {effect: write, idempotency_key: key}
  email: {effect: read}
  sms: {effect: read}
graph:
  start: [order]
  goals: {told: [{any: [mailed, texted]}]}
  tools:
    stripe: {needs: [order], gives: [s]}
    paypal: {needs: [order], gives: [p], cost: 2}
    email: {needs: [s], gives: [mailed], args: {payment: s}}
    sms: {needs: [p], gives: [texted], cost: 9, args: {payment: p}}
  policy: {retries: 1, wait_ms: 0}
"""


@pytest.mark.parametrize("moment", ["stripe before", "stripe after", "email", "refund after", "paypal after"])
def test_a_route_that_was_killed_goes_on(moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed at any moment, resumed, and replayed: paid once, refunded once, paid elsewhere once."""
    name = f"shop_{moment.replace(' ', '_')}"
    (tmp_path / f"{name}.py").write_text(PROGRAM)
    (tmp_path / "shop.yaml").write_text(RULES)
    trace = tmp_path / "t.mat.jsonl"
    killed = subprocess.run(
        [sys.executable, f"{name}.py", str(trace)], cwd=tmp_path, env=os.environ | {"DIE_AT": moment}, timeout=60
    )
    assert killed.returncode == -signal.SIGKILL
    monkeypatch.setattr(sys, "path", [*sys.path])
    resumed = harness.resume(trace, entry=f"{name}:main", path=tmp_path)
    assert resumed.error is None
    assert resumed.result.startswith("served by paypal, sms, around email")
    assert harness.replay(resumed.path, entry=f"{name}:main", path=tmp_path).equal
    with sqlite3.connect(tmp_path / "book.db") as book:
        assert sorted(kind for (kind,) in book.execute("SELECT kind FROM lines")) == ["paypal", "refund", "stripe"]
    book.close()


class Cuts:
    """A recorded run of an agent, to be cut off anywhere."""

    def __init__(self, build: Build, agent: Agent, folder: Path) -> None:
        self._build, self._agent, self._folder = build, agent, folder
        town = build(folder)
        session = town.app.session()
        ended(session, town, agent)
        self.path = session.trace.path
        self.lines = Path(self.path).read_bytes().splitlines(keepends=True)[:-1]
        with open_trace(self.path) as reader:
            self._events = list(reader)

    def resumed(self, count: int, *, happened: bool) -> tuple[Resumed, Town]:
        """Go on after so many events, in a town where what was in doubt has ``happened`` or not."""
        trace = self._folder / f"cut-{count}-{happened}.mat.jsonl"
        trace.write_bytes(b"".join(self.lines[: count + 1]))
        town = self._build(self._folder)
        known = {one.body["action"] for one in self._events[:count] if one.kind == "observation"}
        for one in self._events[:count]:
            if one.kind == "action" and one.body["tool"] in town.plans and (happened or one.seq in known):
                with suppress(Exception):
                    town.perform(one.body["tool"], one.body["args"])
        return resume(trace, entry=entry_of(town, self._agent), app=town.app), town

    def check(self, resumed: Resumed) -> None:
        """Replay what went on."""
        other = self._build(self._folder)
        assert replay(resumed.path, entry=entry_of(other, self._agent), app=other.app).equal
        assert other.calls == []


def looked_up(folder: Path) -> Town:
    """Build a shop whose probe knows what has happened."""
    town = blind(probe=True, wire=[Commit(LOST)])(folder)
    found = {"happened": True, "result": "wired"}
    town.plans["find"].extend([lambda **_: found if town.net["wire"] else {"happened": False}] * 3)
    return town


RUNS: dict[str, tuple[Build, Agent]] = {
    "dead end": (apart(email=[DOWN] * 2), route("told", order="W-1")),
    "no undo": (apart(undo=None, email=[DOWN] * 2), route("told", order="W-1")),
    "lost answer": (shop(stripe=[Commit(LOST)]), route("told", order="W-1")),
    "probe": (looked_up, route("told", order="W-1")),
    "own name": (shop(stripe=[DOWN] * 2), lambda town: town.tools["stripe"]("W-1", None)),
    "choice": (
        shop({"escalate": lambda deadlock: {"goal": "paid"}}, email=[DOWN] * 4, sms=[DOWN] * 4),
        route("told", order="W-1"),
    ),
    "at once": (trip(flight=[DOWN] * 2, hotel=[Slow(0.001)], book=[Commit(LOST)]), aroute("booked", day=1)),
}


@pytest.mark.parametrize("happened", [False, True])
@pytest.mark.parametrize("run", RUNS)
def test_a_route_goes_on_wherever_it_was_cut_off(run: str, happened: bool, tmp_path: Path) -> None:
    """Whether or not what was in doubt has happened: what has is what the route says, and it replays."""
    cuts = Cuts(*RUNS[run], tmp_path)
    for count in range(1, len(cuts.lines) - 1):
        resumed, town = cuts.resumed(count, happened=happened)
        net = +town.net
        if isinstance(resumed.error, NoRoute):
            assert set(net) <= {*resumed.error.left, *resumed.error.in_doubt}, (count, resumed.error)
        elif isinstance(resumed.result, Routed):
            writes = [tool for tool in resumed.result.path if town.registry.tools[tool].effect == "write"]
            assert net == Counter(writes), (count, resumed)
        else:
            assert (resumed.error, net) == (None, Counter({resumed.result: 1})), (count, resumed)
        cuts.check(resumed)


def test_a_fork_finds_its_own_way(tmp_path: Path) -> None:
    """Where a recorded read is made to answer with nonsense the route goes around it, live from there on."""
    cuts = Cuts(promised("read", first=[lambda **_: {"n": 7}]), route("known", order=1), tmp_path)
    town = promised("read")(tmp_path)
    entry = entry_of(town, route("known", order=1))
    found = fork(cuts.path, entry=entry, app=town.app, at=1, set={"outcome": {"n": "seven"}})
    assert found.result.path == ("second",)
    assert town.called == ["second"]
    assert [tool for _, tool in found.went_live] == ["second"]
    assert replay(found.path, entry=entry, app=town.app).equal


def test_a_fork_takes_a_tool_for_down(tmp_path: Path) -> None:
    """From the call on every call of the tool is refused, retries too, and the route goes around it."""
    cuts = Cuts(promised("read", first=[lambda **_: {"n": 7}]), route("known", order=1), tmp_path)
    town = promised("read")(tmp_path)
    entry = entry_of(town, route("known", order=1))
    found = fork(cuts.path, entry=entry, app=town.app, at=1, set={"down": True})
    assert found.result.path == ("second",)
    assert town.called == ["second"]
    with open_trace(found.path) as reader:
        told = [event.body["does"] for event in reader if event.kind == "route"]
    assert told[0] == "plan"
    assert told[-2:] == ["reroute", "end"]
    assert replay(found.path, entry=entry, app=town.app).equal


def test_a_fork_under_other_rules_goes_by_their_graph(tmp_path: Path) -> None:
    """The graph of the rules that are set leads the way, also of a tool that is asked for by its own name."""
    dear = {"stripe": SHOP["tools"]["stripe"] | {"cost": 9}}
    other = tmp_path / "other.yaml"
    other.write_text(text_of(SHOP_TOOLS, SHOP | {"tools": SHOP["tools"] | dear}))
    cuts = Cuts(shop(), route("told", order="W-1"), tmp_path)
    town = shop()(tmp_path)
    entry = entry_of(town, route("told", order="W-1"))
    found = fork(cuts.path, entry=entry, app=town.app, set={"registry": str(other)})
    assert found.result.path == ("paypal", "email")
    assert town.called == ["paypal", "email"]
