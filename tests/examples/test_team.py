"""The team of three, and what ``docs/teams.md`` says of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from examples.team import BAD, GOOD, app, main, policy
from harness.adapters.files import open_trace
from harness.cli import execute
from harness.door.replay import replay
from harness.errors import Refused
from harness.testing.model_server import ModelServer
from tests.test_docs import ROOT, assert_shown, example, program


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a session in which the team has done its work."""
    with ModelServer(policy) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "none-needed")
        session = app.session(trace=tmp_path / "team.mat.jsonl")
        assert session.run(main) == "Miller is paid, once."
    return session


def test_the_team_is_kept_to_its_rules(run: Any) -> None:
    """The message, the memory and the third handoff are refused; the account of the contract is paid once."""
    with open_trace(run.trace.path) as reader:
        events = list(reader)
    tools = {event.seq: (event.agent, event.body["tool"]) for event in events if event.kind == "action"}
    refused = [(*tools[event.body["action"]], event.body["rule"]) for event in events if event.kind == "decision"]
    assert refused == [
        ("researcher", "memory.write", "KEPT-IS-KNOWN"),
        ("researcher", "send", "NO-ACCOUNTS-IN-MESSAGES"),
        ("clerk", "handoff", "AGENT-clerk-CALLS-ON-handoff"),
    ]
    paid = [event.body["args"] for event in events if event.kind == "action" and event.body["tool"] == "pay"]
    assert paid == [{"iban": GOOD, "cents": 30000}]
    asked = [event for event in events if event.kind == "action" and event.agent == "payer"]
    (told,) = [one["content"] for one in asked[0].body["args"]["messages"] if one["role"] == "user"]
    assert told.endswith("researcher says: The account of Miller is kept.")
    assert {one.status for one in run.coverage} == {"mediated"}
    assert replay(run.trace.path).equal


def test_an_account_from_the_web_is_never_paid(tmp_path: Path) -> None:
    """Not even if a rule less kept it out of memory, nor if a payer is told of it as if by a user."""
    with app.session(trace=tmp_path / "a.mat.jsonl") as team, team.acting("researcher"):
        from examples.team import find_contract, pay, search_web

        search_web("Miller")
        find_contract("Miller")
        with team.acting("payer"), pytest.raises(Refused, match="PAID-BY-CONTRACT"):
            pay(BAD, 5)
        with team.acting("researcher"), pytest.raises(Refused, match="AGENT-researcher-ARGS"):
            team.memory.write("notes", GOOD)
        with team.acting("payer"), pytest.raises(Refused, match="AGENT-payer-MAY"), team.handoff("clerk"):
            pass


def test_the_page_shows_the_example(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line is one of the golden trace, in this order."""
    command, shown = example("teams.md", "show")
    assert execute(["show", str(ROOT / command[-1])]) == 0
    told = capsys.readouterr().out
    places = [told.index(line) for line in shown]
    assert places == sorted(places)


def test_the_page_s_own_team_does_what_it_says(tmp_path: Path) -> None:
    """Its program and its registry are written, run, and replayed under another hash seed."""
    page = (ROOT / "docs" / "teams.md").read_text(encoding="utf-8")
    for block in re.findall(r"```\w+\n(# .*?)```", page, re.DOTALL):
        (tmp_path / block.split()[1]).write_text(block, encoding="utf-8")
    command, shown = example("teams.md", "run")
    done = program(tmp_path, *command)
    assert done.returncode == 1, done.stderr
    assert_shown(shown, done)
    again = program(tmp_path, "replay", command[-1], "--verify", "1")
    assert again.returncode == 0, again.stderr
