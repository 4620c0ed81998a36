"""Many sessions of one app at once: each replays by itself, and what they tell of their tools adds up."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

from harness.adapters.files import open_trace
from harness.door.replay import replay
from harness.routing.health.store import Health, Seen
from tests.door.places import shop, trip
from tests.door.town import DOWN, aroute, ended, entry_of, route

SESSIONS = 200


def test_many_sessions_at_once(tmp_path: Path) -> None:
    """200 sessions in threads, half of them asynchronous, over tools that fail now and then."""
    chance = Random(7)
    plan = {name: [chance.choice([DOWN, name, name]) for _ in range(90)] for name in ("stripe", "email", "paypal")}
    towns = [shop(**plan)(tmp_path), trip(flight=[DOWN, "flight"] * 40, hotel=["hotel", DOWN, "hotel"] * 30)(tmp_path)]
    agents = [route("told", order="W-1"), aroute("booked", day=1)]
    seen: list[Seen] = []
    for town in towns:
        town.app.health = _Told(seen)

    def run(number: int) -> tuple[int, str]:
        which = number % 2
        session = towns[which].app.session()
        ended(session, towns[which], agents[which])
        return which, session.trace.path

    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(run, range(SESSIONS)))
    happened = Counter[str]()
    for which, path in runs:
        with open_trace(path) as reader:
            events = list(reader)
        tools = {one.seq: one.body["tool"] for one in events if one.kind == "action" and "serves" in one.body}
        happened.update(
            tools[one.body["action"]] for one in events if one.body.get("action") in tools and one.kind == "observation"
        )
        other = (shop(), trip())[which](tmp_path)
        assert replay(path, entry=entry_of(other, agents[which]), app=other.app).equal
        assert other.calls == []
    assert Counter(one.tool for one in seen if one.how != "down") == happened
    assert happened == Counter(name for town in towns for name in town.called)


class _Told(Health):
    """A health store that remembers all it was told."""

    def __init__(self, told: list[Seen]) -> None:
        super().__init__()
        self._told = told

    def came(self, seen: Seen) -> None:
        self._told.append(seen)
        super().came(seen)
