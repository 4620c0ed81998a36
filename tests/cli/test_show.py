"""``harness show``: one line for each thing that happened."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text

from harness import Harness
from harness.cli import execute
from harness.cli.show import lines_of
from harness.trace.event import Event


def _shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], agent: Callable[[Harness], Callable[..., object]]
) -> str:
    app = Harness(traces=tmp_path)
    session = app.session(trace=tmp_path / "a.mat.jsonl")
    try:
        session.run(agent(app))
    except LookupError:
        pass
    assert execute(["show", str(tmp_path / "a.mat.jsonl")]) == 0
    return capsys.readouterr().out


def test_reads_are_one_quiet_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was read is told by its sources, each once with how often; the values are left to --json."""

    def agent(app: Harness) -> Callable[[], int]:
        def main() -> int:
            time.time()
            time.time()
            return int(random.random())

        return main

    (line,) = [line for line in _shown(tmp_path, capsys, agent).splitlines() if "reads  " in line]
    assert re.fullmatch(r" +0 +\d+\.\d{4} +reads  time\.time ×2, random@session", line)


def test_an_outcome_names_its_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of calls that lie side by side, each outcome carries the number of the call it belongs to."""

    def agent(app: Harness) -> Callable[[], object]:
        @app.tool(effect="read")
        async def look(shelf: str) -> str:
            await asyncio.sleep({"a": 0.02, "b": 0.001}[shelf])
            return shelf

        async def main() -> object:
            return await asyncio.gather(look("a"), look("b"))

        return main

    shown = _shown(tmp_path, capsys, agent)
    assert re.findall(r"step (\d) +look\(shelf=\"(\w)\"\)", shown) == [("0", "a"), ("1", "b")]
    assert re.findall(r" (\d) +ok  \"(\w)\"", shown) == [("1", "b"), ("0", "a")]


def test_the_end_of_a_run_is_told_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the entry raised is its type and text, not a JSON object."""

    def agent(app: Harness) -> Callable[[], None]:
        def main() -> None:
            raise LookupError("no such order")

        return main

    assert "raised  builtins:LookupError: no such order\n" in _shown(tmp_path, capsys, agent)


def test_a_note_is_its_text_and_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A note shows what was noted, and the data as JSON behind it."""

    def agent(app: Harness) -> Callable[[], int]:
        def main() -> int:
            with app.session() as session:  # joins the one around it
                session.note("halfway", left=2)
            return 1

        return main

    shown = _shown(tmp_path, capsys, agent)
    assert 'note  halfway  {"left": 2}\n' in shown
    assert "returned  1\n" in shown


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ({"does": "plan", "path": ["stripe", "email"], "cost": 1.3}, "plan  stripe → email  at 1.3"),
        ({"does": "plan", "path": [], "cost": 0}, "plan  nothing to call  at 0"),
        (
            {"does": "retry", "tool": "stripe", "until": 1_500_000_000, "why": "[busy]"},
            "retry stripe  not before 1.5000  ([busy])",
        ),
        (
            {"does": "reroute", "tool": "stripe", "path": ["paypal"], "cost": 2, "undo": ["crm"], "why": "down"},
            "reroute around stripe  paypal  at 2  undoing crm  (down)",
        ),
        ({"does": "reroute", "path": ["paypal"], "cost": 2}, "reroute  paypal  at 2"),
        ({"does": "settle", "tool": "stripe", "why": "lost"}, "settle stripe  (lost)"),
        ({"does": "undo", "tool": "refund", "undo": ["stripe"]}, "undo refund  undoing stripe"),
        ({"does": "escalate", "deadlock": {"held": []}, "why": "none"}, 'escalate  {"held": []}  (none)'),
        ({"does": "answer", "choice": {"stop": True}}, 'answer  {"stop": true}'),
        ({"does": "end", "served": True, "path": ["paypal"], "cost": 3}, "served  paypal  at 3"),
        ({"does": "end", "served": False, "path": [], "why": "stopped"}, "not served  nothing was called  (stopped)"),
        ({"does": "end", "served": False, "path": ["stripe"], "why": "no"}, "not served  after stripe  (no)"),
    ],
)
def test_what_a_route_does_is_one_line(body: dict[str, Any], line: str) -> None:
    """Where it goes and at what cost, what failed, how long it waits, what is undone, asked and answered, and why."""
    event = Event(7, "route", "main", "0", (), 2_000_000_000, {"goal": "paid", **body})
    (shown,) = lines_of(event, None, 0)
    assert Text.from_markup(shown).plain == f"    7    2.0000          route to paid  {line}"


def test_what_a_monitor_notices_is_one_line() -> None:
    """On the way to a goal, or where there is none."""
    body = {"does": "signal", "tool": "stripe", "why": "it is down", "data": {"monitor": "tools", "priority": 0.99}}
    for goal, to in (("paid", "route to paid  "), ("", "")):
        (shown,) = lines_of(Event(7, "route", "main", "0", (), 2_000_000_000, {"goal": goal, **body}), None, 0)
        assert Text.from_markup(shown).plain == f"    7    2.0000          {to}signal stripe  (it is down)"


def test_a_request_that_leaves_out_its_options_has_no_empty_brackets() -> None:
    """The name of the model stands where the trace has it; a later request with the same options is told without."""
    calls = [{"messages": [], "options": {"model": "m"}}, {"messages": [], "after": 0, "keep": 1}]
    bodies = [{"surface": "model", "tool": "chat", "args": args, "rules": []} for args in calls]
    told = [lines_of(Event(seq, "action", "main", "0", (), 0, body), None, seq) for seq, body in enumerate(bodies)]
    assert [Text.from_markup(line).plain.split()[-1] for (line,) in told] == ["chat(m)", "chat"]
