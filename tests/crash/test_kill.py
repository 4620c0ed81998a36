"""A recording that is killed: what was acknowledged is kept, and what happened was announced."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

import harness
from harness.adapters.files import open_trace
from harness.cli import execute
from harness.errors import TraceError
from harness.trace.event import Event

ROOT = Path(__file__).parents[2]


class Remains(NamedTuple):
    """What a killed run leaves: its trace and ledger, and the calls that had returned when it died."""

    trace: Path
    ledger: Path
    returned: list[int]


def killed(folder: Path, *, after: int = 10**9, delay_s: float = 0.0, **arguments: object) -> Remains:
    """Record until so many calls have returned, wait a little, and kill; or let the agent kill itself."""
    trace, ledger = folder / "t.mat.jsonl", folder / "ledger"
    ledger.touch()
    command = [sys.executable, "-m", "tests.crash.recorder", str(trace), json.dumps(arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LEDGER": str(ledger)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        said: list[bytes] = []
        while len(said) < after and (line := child.stdout.readline()):
            said.append(line)
        time.sleep(delay_s)
        child.kill()
        said += child.stdout.readlines()
    assert child.returncode == -signal.SIGKILL
    return Remains(trace, ledger, [int(line) for line in said])


def events_of(trace: Path) -> list[Event]:
    """Read a trace that was never sealed."""
    with open_trace(trace) as reader:
        events = list(reader)
    assert reader.footer is None
    return events


def numbers(events: list[Event], tool: str = "") -> tuple[list[int], list[int]]:
    """Give the numbers of the calls that were announced, and of those that have an outcome."""
    calls = {event.seq: event for event in events if event.kind == "action" and tool in event.body["tool"]}
    outcomes = [event.body["action"] for event in events if event.kind == "observation"]
    announced = [event.body["args"]["number"] for event in calls.values()]
    return announced, [calls[seq].body["args"]["number"] for seq in outcomes if seq in calls]


def payments(remains: Remains) -> list[int]:
    """Give the numbers in the ledger."""
    return [int(line) for line in remains.ledger.read_text().splitlines()]


@pytest.mark.parametrize("seed", range(50))
def test_what_was_acknowledged_is_read_back(seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Killed at a random moment, a run keeps what had returned, announced every payment, and verifies as cut off."""
    moment = random.Random(seed)
    remains = killed(tmp_path, after=moment.randint(1, 60), delay_s=moment.uniform(0, 0.004))
    events = events_of(remains.trace)
    announced, known = numbers(events)
    assert remains.returned == list(range(len(remains.returned)))
    assert known[: len(remains.returned)] == remains.returned
    assert len(announced) - len(known) in (0, 1)
    assert set(payments(remains)) <= set(numbers(events, "pay")[0])
    assert execute(["verify", str(remains.trace)]) == 3
    assert f"sound up to event {len(events) - 1} (line {len(events) + 1})" in capsys.readouterr().out


@pytest.mark.parametrize(("kill", "paid"), [("before", [2, 5]), ("after", [2, 5, 8])])
def test_a_payment_is_announced_before_it_is_made(kill: str, paid: list[int], tmp_path: Path) -> None:
    """Killed just before or after a payment, the trace announces it without an outcome; the ledger may know more."""
    remains = killed(tmp_path, kill=kill, at=8)
    announced, known = numbers(events_of(remains.trace), "pay")
    assert (announced, known) == ([2, 5, 8], [2, 5])
    assert payments(remains) == paid
    assert remains.returned == list(range(8))


def test_a_killed_run_replays_up_to_its_end(tmp_path: Path) -> None:
    """The agent runs again, offline, equal to the last event, and pays nothing."""
    remains = killed(tmp_path, kill="after", at=8)
    before = payments(remains)
    replayed = harness.replay(remains.trace)
    assert replayed.divergence is None
    assert replayed.ended is not None
    assert (replayed.steps, replayed.recorded_steps) == (9, 9)
    assert payments(remains) == before


@pytest.fixture
def lines(tmp_path: Path) -> list[bytes]:
    """Give the lines of a sealed trace: a header, two events, a footer."""
    app = harness.Harness()

    @app.tool(effect="read")
    def look(name: str) -> str:
        return f"{name} is here"

    with app.session(trace=tmp_path / "whole.mat.jsonl"):
        look("Zoë")
    return (tmp_path / "whole.mat.jsonl").read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("whole", [1, 2, 3])
def test_a_line_torn_anywhere_is_reported(whole: int, lines: list[bytes], tmp_path: Path) -> None:
    """Wherever the last line is cut, all lines before it are read, and its bytes are counted as torn."""
    file = tmp_path / "torn.mat.jsonl"
    for cut in range(len(lines[whole])):
        file.write_bytes(b"".join(lines[:whole]) + lines[whole][:cut])
        with open_trace(file) as reader:
            assert len(list(reader)) == whole - 1
        assert reader.footer is None
        assert reader.torn == lines[whole][:cut]


def test_a_torn_header_is_an_error_that_says_so(lines: list[bytes], tmp_path: Path) -> None:
    """Wherever the first line is cut, reading says that nothing was kept, never that all is well."""
    file = tmp_path / "torn.mat.jsonl"
    for cut in range(1, len(lines[0])):
        file.write_bytes(lines[0][:cut])
        with pytest.raises(TraceError, match="the header was cut off") as found, open_trace(file):
            pass
        assert found.value.line == 1


@pytest.mark.parametrize("cut", [1, 100, -1])
def test_verify_says_where_a_torn_trace_ends(
    cut: int, lines: list[bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command line gives exit code 3, the last sound line, and the number of torn bytes."""
    file = tmp_path / "torn.mat.jsonl"
    torn = lines[2][:cut]
    file.write_bytes(b"".join(lines[:2]) + torn)
    assert execute(["verify", str(file)]) == 3
    said = capsys.readouterr().out
    assert "sound up to event 0 (line 2)" in said
    assert f"{len(torn)} bytes of a torn line follow" in said
    assert execute(["verify", str(file), "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["torn_bytes"] == len(torn)
