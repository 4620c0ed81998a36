"""Processes that are killed between a yes and its call: a ledger counts what was paid, once each, on approval only."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

import harness
from harness.adapters.approvals.folder import ANSWER, QUESTION, USED, Folder
from harness.cli import execute
from harness.errors import Waiting

ROOT: Final = Path(__file__).parents[2]

BANK: Final = """
import os
import signal
import sqlite3
import sys

import harness
from harness.adapters.approvals.folder import Folder
from harness.adapters.live import LiveWorld

app = harness.Harness("bank.yaml", traces=".")


def moment(name):
    if os.environ.get("KILL") == name:
        os.kill(os.getpid(), signal.SIGKILL)


@app.tool(effect="write")
def pay(cents: int) -> str:
    moment("effect-before")
    with sqlite3.connect(os.environ["LEDGER"]) as ledger:
        ledger.execute("INSERT INTO paid VALUES (?)", (cents,))
    moment("effect-after")
    return f"paid {cents}"


@app.agent
def main() -> str:
    try:
        return f"{pay(5)}, {pay(5)}"
    except harness.InDoubt as doubt:
        return str(doubt)


if "KILL" in os.environ:
    write, ask = LiveWorld.write, Folder.__call__

    def written(self, lines, barrier, disk):
        write(self, lines, barrier, disk)
        if b\'"answer":\' in lines:
            moment("answer-kept")
        if b\'"text":"in doubt"\' in lines:
            moment("doubt-settled")
        if b\'"kind":"observation"\' in lines:
            moment("outcome-kept")

    def asked(self, question):
        said = ask(self, question)
        if isinstance(said, harness.Approval):
            moment("answer-taken")
        return said

    LiveWorld.write, Folder.__call__ = written, asked
"""

RULES: Final = """
registry: bank
version: "1"
default: allow
tools: {pay: {effect: write}}
invariants:
  - {id: ASK, title: somebody says yes, on: action, tool: pay, require: "False", severity: high, otherwise: escalate}
"""


class Bank:
    """A folder with the agent, its desk, its ledger and its traces."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.desk, self.ledger = folder, folder / "desk", folder / "ledger.db"
        (folder / "bank.py").write_text(BANK)
        (folder / "bank.yaml").write_text(RULES)
        with sqlite3.connect(self.ledger) as ledger:
            ledger.execute("CREATE TABLE paid (cents)")

    @property
    def paid(self) -> int:
        with sqlite3.connect(self.ledger) as ledger:
            (count,) = ledger.execute("SELECT count(*) FROM paid").fetchone()
        return int(count)

    def cli(self, *arguments: str, kill: str = "") -> int:
        """Run the command line in a process of its own, which is killed at a moment."""
        environment = {**os.environ, "LEDGER": str(self.ledger), "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
        if kill:
            environment["KILL"] = kill
        command = [sys.executable, "-m", "harness", *arguments, "--approve", "desk"]
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, check=False).returncode

    def resume(self, trace: str) -> harness.HarnessError | str:
        """Resume in this process, and give what the agent returned, or what it waits for."""
        try:
            return str(harness.resume(trace, approver=Folder(self.desk)).result)
        except Waiting as waiting:
            return waiting

    def open(self) -> list[str]:
        """Give the digests of the questions without an answer."""
        ends = {
            kind: {one.name.removesuffix(kind) for one in self.desk.glob(f"*{kind}")}
            for kind in (QUESTION, ANSWER, USED)
        }
        return sorted(ends[QUESTION] - ends[ANSWER] - ends[USED])

    def say_yes(self) -> None:
        """Answer the one open question."""
        (digest,) = self.open()
        assert execute(["approve", str(self.desk / f"{digest}{QUESTION}"), "--yes", "--by", "Ann"]) == 0


@pytest.fixture
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bank:
    """Give a bank whose first question has its yes, and whose agent has not gone on."""
    made = Bank(tmp_path)
    monkeypatch.setenv("LEDGER", str(made.ledger))
    assert made.cli("run", "bank:main", "--trace", "t.mat.jsonl") == 3
    made.say_yes()
    return made


@pytest.mark.parametrize(
    ("moment", "doubtful", "paid"),
    [
        ("answer-taken", False, 0),
        ("answer-kept", True, 0),
        ("effect-before", True, 0),
        ("effect-after", True, 1),
        ("outcome-kept", False, 1),
    ],
)
def test_killed_between_a_yes_and_its_call(
    moment: str, doubtful: bool, paid: int, bank: Bank, capsys: pytest.CaptureFixture[str]
) -> None:
    """No yes pays twice, and none is lost in silence: it is used, or somebody is asked what became of it."""
    assert bank.cli("resume", "t.mat.jsonl", kill=moment) == -signal.SIGKILL
    assert bank.paid == paid
    last = bank.folder / "t.resumed-1.mat.jsonl"
    waiting = bank.resume(str(last if last.exists() else bank.folder / "t.mat.jsonl"))
    assert isinstance(waiting, Waiting)
    (question,) = waiting.questions
    if doubtful:
        assert question["rule"] == "IN-DOUBT"
        assert bank.paid == paid  # nothing happens before that is answered
    else:
        assert question["rule"] == "ASK"  # the second payment, equal to the first, is asked about anew
        assert bank.paid == 1
    assert bank.open() == [question["digest"]]


@pytest.mark.parametrize(("moment", "paid"), [("doubt-settled", 0), ("effect-after", 1)])
def test_a_yes_to_a_repetition_repeats_once(
    moment: str, paid: int, bank: Bank, capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed again after somebody allowed the repetition, the same yes does not count for a third time."""
    assert bank.cli("resume", "t.mat.jsonl", kill="answer-kept") == -signal.SIGKILL
    trace = "t.resumed-1.mat.jsonl"
    assert bank.cli("resume", trace) == 3
    bank.say_yes()
    assert bank.cli("resume", trace, kill=moment) == -signal.SIGKILL
    assert bank.paid == paid
    waiting = bank.resume(str(bank.folder / "t.resumed-2.mat.jsonl"))
    assert isinstance(waiting, Waiting)
    assert [question["rule"] for question in waiting.questions] == ["IN-DOUBT"]
    assert bank.paid == paid
    assert len(bank.open()) == 1


def test_killed_before_the_decision_was_written(bank: Bank, capsys: pytest.CaptureFixture[str]) -> None:
    """The yes to a repetition that was taken and not yet used is found again."""
    assert bank.cli("resume", "t.mat.jsonl", kill="answer-kept") == -signal.SIGKILL
    trace = "t.resumed-1.mat.jsonl"
    assert bank.cli("resume", trace) == 3
    bank.say_yes()
    assert bank.cli("resume", trace, kill="answer-taken") == -signal.SIGKILL
    assert (bank.paid, bank.open()) == (0, [])
    latest = max(bank.folder.glob("t.resumed-*.mat.jsonl"), key=lambda path: path.name)
    waiting = bank.resume(str(latest))
    assert isinstance(waiting, Waiting)
    assert bank.paid == 1
    assert [question["rule"] for question in waiting.questions] == ["ASK"]
    bank.say_yes()
    assert bank.resume(waiting.trace) == "paid 5, paid 5"
    assert bank.paid == 2
