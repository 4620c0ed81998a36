"""An agent that is led astray by answers that are all legal."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from benchmarks.suites.adversary.hotel import asks_in_doubt, pays_a_deposit_twice
from harness.door.adversary import lead_astray
from harness.door.trial import trial

MONDAY = {"day": "Monday"}


def test_two_legal_answers_lead_to_an_illegal_call() -> None:
    """A deposit is asked for, and the payment of it is in doubt: then it is paid again."""
    astray = lead_astray(pays_a_deposit_twice, input=MONDAY)
    assert astray.trial is not None
    assert astray.schedule is not None
    assert "pay is called again" in astray.illegal
    assert [fault.kind for fault in astray.schedule.faults][:1] == ["variant"]
    assert len(astray.schedule) == 2
    assert astray.runs < 40
    again = trial(pays_a_deposit_twice, astray.schedule, input=MONDAY)
    assert [(one.tool, one.came) for one in again.seen.calls] == [
        (one.tool, one.came) for one in astray.trial.seen.calls
    ]


def test_who_keeps_to_the_protocol_is_not_led_astray() -> None:
    """The same agent that asks instead does nothing illegal after any legal history."""
    assert lead_astray(asks_in_doubt, input=MONDAY, budget=2000).trial is None


def test_it_beats_a_random_one() -> None:
    """Within the runs that guidance needs at most over twenty seeds, the random adversary finds it less often."""
    most = max(lead_astray(pays_a_deposit_twice, input=MONDAY, seed=seed).runs for seed in range(20))
    found = [
        lead_astray(pays_a_deposit_twice, input=MONDAY, seed=seed, budget=most, way="random").trial is not None
        for seed in range(20)
    ]
    assert sum(found) < len(found)


def test_the_page_is_right(tmp_path: Path) -> None:
    """The program of docs/adversary.md holds what it asserts."""
    page = (Path(__file__).parents[2] / "docs" / "adversary.md").read_text(encoding="utf-8")
    [program] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "booking.py").write_text(program)
    subprocess.run([sys.executable, "booking.py"], cwd=tmp_path, check=True)
