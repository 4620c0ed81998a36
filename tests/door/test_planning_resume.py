"""Plans that were cut off anywhere and go on: what is recorded is not done again, and the end is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.converge.plan.plan import Node, Plan
from harness.converge.plan.view import View
from harness.door.app import Harness
from harness.door.current import session_var
from harness.door.planning import apursue, pursue
from harness.door.replay import replay
from harness.door.resume import resume
from harness.errors import Refused

PLAN = Plan(
    "trip",
    [
        Node("flight", "Find a flight.", ["city"], ["flight"]),
        Node("hotel", "Find a hotel.", ["city", "taste"], ["hotel"]),
        Node("book", "Book both.", ["flight", "hotel"], ["booked"]),
    ],
    given=["city", "taste"],
)
GIVEN = {"city": "Rome", "taste": "a quiet room in the yard"}


class Trip:
    """An app whose workers look things up; the first try to find a flight fails, and one call would be a leak."""

    def __init__(self, folder: Path) -> None:
        self.app = Harness(traces=folder)
        self.calls: list[str] = []

        @self.app.tool(effect="read")
        def look_up(what: str) -> str:
            self.calls.append(what)
            return f"found {what}"

        @self.app.tool(effect="read")
        async def alook_up(what: str) -> str:
            return look_up.__wrapped__(what)  # type: ignore[attr-defined,no-any-return]

        self.look_up, self.alook_up = look_up, alook_up

    def tempted(self, view: View) -> None:
        """Say what the node may not know, and fail the first time."""
        if view.name == "flight":
            with pytest.raises(Refused):
                self.look_up(f"{view['city']}, with {GIVEN['taste']}")
            if not view.failed:
                raise ConnectionError("down")

    def agent(self, *, later: bool) -> Any:
        """Give the entry of a run."""

        def worker(view: View) -> Any:
            found = self.look_up(view.name)
            self.tempted(view)
            return dict.fromkeys(view.writes, found)

        async def aworker(view: View) -> Any:
            found = await self.alook_up(view.name)
            self.tempted(view)
            return dict.fromkeys(view.writes, found)

        def main() -> Any:
            return pursue(session_var.get(), PLAN, worker, GIVEN)[:3]  # type: ignore[arg-type]

        async def amain() -> Any:
            return (await apursue(session_var.get(), PLAN, aworker, GIVEN))[:3]  # type: ignore[arg-type]

        return amain if later else main


@pytest.mark.parametrize("later", [False, True])
def test_a_plan_goes_on_wherever_it_was_cut_off(later: bool, tmp_path: Path) -> None:
    """After any event: the result is that of the whole run, nothing recorded is called again, and it replays."""
    whole = Trip(tmp_path)
    session = whole.app.session()
    result = session.run(whole.agent(later=later))
    assert result == ("done", {"booked": "found book"}, {})
    lines = Path(session.trace.path).read_bytes().splitlines(keepends=True)[:-1]
    assert sum(b'"kind":"state"' in line for line in lines) == 5
    assert sum(b"context_leak" in line for line in lines) == 2
    for count in range(1, len(lines) - 1):
        trace = tmp_path / f"cut-{count}.mat.jsonl"
        trace.write_bytes(b"".join(lines[: count + 1]))
        again = Trip(tmp_path)
        resumed = resume(trace, entry=again.agent(later=later), app=again.app)
        assert (resumed.error, resumed.result) == (None, result)
        known = sum(b'"kind":"observation"' in line for line in lines[: count + 1])
        assert len(again.calls) == len(whole.calls) - known
        other = Trip(tmp_path)
        assert replay(resumed.path, entry=other.agent(later=later), app=other.app).equal
        assert other.calls == []
