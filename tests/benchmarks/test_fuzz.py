"""Fuzzing in short, and that the tripwires are not blind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.fuzz import documents, grammar
from benchmarks.fuzz.tripwire import Laps, Trap, TrapText, Wire, attempt

ROOT = Path(__file__).parents[2]


def campaign(name: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run a campaign in a process of its own: its exit code, and what it reports."""
    command = [sys.executable, "-m", f"benchmarks.fuzz.{name}", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize(
    ("name", "count", "outcomes"),
    [("expressions", 2_000, ("refused", "misnamed", "judged", "held")), ("documents", 300, ("refused", "loaded"))],
)
def test_hostile_input_is_refused_or_judged_and_nothing_else(name: str, count: int, outcomes: tuple[str, ...]) -> None:
    """No exception of another kind, no escape, none over 100 ms; and the cases do get to every stage."""
    code, told = campaign(name, "--count", str(count))
    figures = {key: figure["value"] for key, figure in told["figures"].items()}
    assert (code, told["rows"]) == (0, [])
    assert figures["cases"] == count == sum(figures[outcome] for outcome in outcomes)
    assert figures["crashes"] == figures["over_100_ms"] == figures["escapes"] == 0
    assert all(figures[outcome] > count / 100 for outcome in outcomes)


def test_cases_are_made_from_seed_and_number_alone() -> None:
    """The same number is the same case in another process; another number or seed is another."""
    one = [grammar.make(Random(f"1:{number}")) for number in range(50)]
    assert one == [grammar.make(Random(f"1:{number}")) for number in range(50)]
    assert one != [grammar.make(Random(f"2:{number}")) for number in range(50)]
    assert len({documents.make(Random(f"1:{number}")) for number in range(50)}) > 45
    assert campaign("expressions", "--only", "7")[1]["figures"]["cases"]["value"] == 1


def test_every_seed_document_loads() -> None:
    """A seed that is refused would show nothing but its first mistake."""
    for text in documents.seeds():
        assert documents.attack(text, Random(0), Laps()) == "loaded"


@pytest.mark.parametrize(
    ("planted", "told"),
    [
        ("open('/etc/hostname')", "escape: audit event open"),
        ("__import__('this')", "escape: audit event import"),
        ("eval('1 + 1')", "escape: audit event"),
        ("__import__('socket').socket()", "escape: audit event"),
        ("1 / 0", "ZeroDivisionError"),
        ("trap.keys", "escape: the attribute 'keys'"),
        ("text.upper()", "escape: the attribute 'upper'"),
        ("sum(range(20_000_000))", "slow"),
    ],
)
def test_what_is_planted_is_found(planted: str, told: str) -> None:
    """Each kind of fault, done by Python itself in a process of its own."""
    code = f"""
import socket
from benchmarks.fuzz.tripwire import Trap, TrapText, Wire, attempt
trap, text = Trap(a=1), TrapText("a")
def case(laps):
    {planted}
    return "nothing"
print(attempt(Wire(), case).fault)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.startswith(told), done.stdout


def test_traps_are_data_all_the_same() -> None:
    """Items and characters can be read; a wire that hears nothing tells of traps too."""
    assert Trap(a=1)["a"] == 1
    assert TrapText("ab")[0] == "a"
    assert attempt(Wire(deaf=True), lambda _: Trap(a=1).pop("a")).fault.startswith("escape")
    assert attempt(Wire(deaf=True), lambda _: "fine").outcome == "fine"
