"""An agent that is led astray by answers that are all legal."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from harness import Harness, InDoubt
from harness.door.adversary import lead_astray
from harness.door.trial import trial
from harness.registry.load import load

APP = Harness(
    load(
        """
registry: hotel
version: 1
default: allow
tools:
  search: {effect: read, gives: [rooms]}
  hold:
    needs: [rooms]
    gives: [room]
    undo: release
    result: {schema: {type: object, properties: {state: {enum: [held, waiting]}, deposit: {type: boolean}}}}
  pay:
    needs: [room]
    gives: [receipt]
    arguments: {type: object, properties: {room: {type: string}, cents: {type: integer}}}
  release: {effect: write}
  confirm: {effect: write, needs: [receipt]}
invariants:
  - {id: CAP, on: action, tool: pay, require: call.args.cents <= 10000, severity: high}
""",
        "hotel.yaml",
    )
)


@APP.tool(effect="read")
def search(day: str) -> list[str]:
    """Look for rooms."""
    return ["12", "14"]


@APP.tool(effect="write")
def hold(room: str) -> dict[str, Any]:
    """Hold a room."""
    return {"state": "held", "deposit": False}


@APP.tool(effect="write")
def pay(room: str, cents: int) -> str:
    """Pay for it."""
    return "paid"


@APP.tool(effect="write")
def release(room: str) -> str:
    """Give it back."""
    return "free"


@APP.tool(effect="write")
def confirm(room: str) -> str:
    """Tell the guest."""
    return "told"


def _book(day: str, again: bool) -> str:
    room = search(day)[0]
    held = hold(room)
    if held["deposit"] and held["state"] == "held":
        try:
            pay(room, 5000)
        except InDoubt:
            if not again:
                return "ask the desk"
            pay(room, 5000)
    try:
        pay(room, 9000)
    except Exception:
        release(room)
        return "nothing booked"
    confirm(room)
    return "booked"


@APP.agent
def hasty(day: str) -> str:
    """Pay a deposit a second time where nobody knows whether it was paid."""
    return _book(day, again=True)


@APP.agent
def careful(day: str) -> str:
    """Ask where nobody knows."""
    return _book(day, again=False)


def test_two_legal_answers_lead_to_an_illegal_call() -> None:
    """A deposit is asked for, and the payment of it is in doubt: then it is paid again."""
    astray = lead_astray(hasty, input={"day": "Monday"})
    assert astray.trial is not None
    assert astray.schedule is not None
    assert "pay is called again" in astray.illegal
    assert [fault.kind for fault in astray.schedule.faults][:1] == ["variant"]
    assert len(astray.schedule) == 2
    assert astray.runs < 40
    again = trial(hasty, astray.schedule, input={"day": "Monday"})
    assert [(one.tool, one.came) for one in again.seen.calls] == [
        (one.tool, one.came) for one in astray.trial.seen.calls
    ]


def test_who_keeps_to_the_protocol_is_not_led_astray() -> None:
    """The same agent that asks instead does nothing illegal after any legal history."""
    assert lead_astray(careful, input={"day": "Monday"}, budget=2000).trial is None


def test_it_beats_a_random_one() -> None:
    """Within the runs that guidance needs at most over twenty seeds, the random adversary finds it less often."""
    most = max(lead_astray(hasty, input={"day": "Monday"}, seed=seed).runs for seed in range(20))
    found = [
        lead_astray(hasty, input={"day": "Monday"}, seed=seed, budget=most, way="random").trial is not None
        for seed in range(20)
    ]
    assert sum(found) < len(found)


def test_the_page_is_right(tmp_path: Path) -> None:
    """The program of docs/adversary.md holds what it asserts."""
    page = (Path(__file__).parents[2] / "docs" / "adversary.md").read_text(encoding="utf-8")
    [program] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "booking.py").write_text(program)
    subprocess.run([sys.executable, "booking.py"], cwd=tmp_path, check=True)
