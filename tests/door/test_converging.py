"""A convergence loop in a session: recorded round by round, replayed, resumed, ended by rules."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI, OpenAI

import harness
from harness.adapters.files import open_trace
from harness.adapters.registries import load_registry
from harness.converge.loop.ask import Ask
from harness.door.app import Harness
from harness.door.current import session_var
from harness.errors import UsageError
from harness.testing.model_server import ModelRequest, ModelServer, Reply, say

NEAR = load_registry("driving_degradation")
app = Harness(NEAR.bind(perception_m=90))
near = Harness(NEAR)
SERVED: dict[str, str] = {}


def states(trace: str) -> list[dict[str, Any]]:
    """Give what a loop has told."""
    with open_trace(trace) as reader:
        return [event.body["data"] for event in reader if event.kind == "state"]


def driver(request: ModelRequest) -> Reply:
    """Script a model: a first guess, then prose, then what breaks a lock, then what is right."""
    asked = request.messages[-1]["content"]
    if "Go on from" not in asked:
        return say('{"v_kmh": 50}')
    if "breaks what was met" in asked:
        return say('{"v_kmh": 90}')
    return say('{"v_kmh": 150}') if "was no driving_plan" in asked else say("I would say 90.")


def here() -> Any:
    """Give the session that this code is in."""
    session = session_var.get()
    assert session is not None
    return session


@app.agent
def plan() -> dict[str, Any]:
    """Ask a model for a speed, until the rules are met."""
    with app.wrap(OpenAI(base_url=SERVED["url"], api_key="none")) as client:
        result = here().converge("driving_plan", harness.proposer(client, "scripted", system="You drive."))
    return {"end": result.end, "value": result.value, "rounds": len(result.rounds)}


@app.agent
async def aplan() -> dict[str, Any]:
    """Do so at once for two cars."""
    async with app.wrap(AsyncOpenAI(base_url=SERVED["url"], api_key="none")) as client:
        results = await asyncio.gather(
            *(here().aconverge("driving_plan", harness.proposer(client, "scripted")) for _ in range(2))
        )
    return {"ends": [one.end for one in results]}


@near.agent
def hopeless() -> dict[str, Any]:
    """Ask for what cannot be."""

    def propose(ask: Ask) -> Any:
        raise AssertionError("nobody is to be asked")

    result = here().converge("driving_plan", propose)
    return {"end": result.end, "conflict": list(result.conflict)}


def test_a_model_converges_and_the_run_replays(tmp_path: Path) -> None:
    """A scripted model over the real client: prose, a broken lock, then both rules; each round is one line."""
    with ModelServer(driver) as server:
        SERVED["url"] = server.base_url
        session = app.session(trace=tmp_path / "plan.mat.jsonl")
        assert session.run(plan) == {"end": "converged", "value": {"v_kmh": 90}, "rounds": 4}
        asked = [one.messages for one in server.requests]
    assert [one[0]["content"] for one in asked] == ["You drive."] * 4
    assert "this is no JSON: 'I would say 90.'" in asked[2][1]["content"]
    told = states(session.trace.path)
    assert [one.get("round") for one in told] == [None, 1, 2, 3, 4, None]
    assert told[0]["outlook"] == "feasible"
    assert told[3]["broken"] == ["FORWARD-BRAKING"]
    assert told[-1]["end"] == "converged"
    assert session.verdict == "holds"
    assert harness.replay(session.trace.path).digest == session.trace.digest


def test_two_loops_at_once_are_told_apart_and_replay(tmp_path: Path) -> None:
    """What an asynchronous model says at once arrives in the recorded order."""
    with ModelServer(driver) as server:
        SERVED["url"] = server.base_url
        session = app.session(trace=tmp_path / "aplan.mat.jsonl")
        assert session.run(aplan) == {"ends": ["converged", "converged"]}
    assert harness.replay(session.trace.path).digest == session.trace.digest


def test_a_paradox_asks_nobody(tmp_path: Path) -> None:
    """Where the solver proves that there is none, no model is called, and the trace says which rules."""
    session = near.session(trace=tmp_path / "near.mat.jsonl")
    conflict = ["FORWARD-BRAKING", "REAR-DECELERATION"]
    assert session.run(hopeless) == {"end": "infeasible", "conflict": conflict}
    assert session.steps == 0
    assert states(session.trace.path)[-1]["conflict"] == conflict
    assert harness.replay(session.trace.path).digest == session.trace.digest


def test_whatever_a_proposer_raises_costs_a_try(tmp_path: Path) -> None:
    """An error or a time-out is told to it; it may do better next time."""
    moods: list[Any] = [TimeoutError("30 s"), ZeroDivisionError(), {"v_kmh": 90}]
    faults: list[str] = []

    def propose(ask: Ask) -> Any:
        faults.append(ask.fault)
        mood = moods[ask.round - 1]
        if isinstance(mood, Exception):
            raise mood
        return mood

    with app.session(trace=tmp_path / "moods.mat.jsonl") as session:
        result = session.converge("driving_plan", propose)
    assert (result.end, faults) == ("converged", ["", "TimeoutError: 30 s", "ZeroDivisionError: "])


@app.tool(effect="read")
def look(at: int) -> float:
    """Give the speed that is tried in a round; the second look is cut off while nobody watches."""
    if at == 2 and "watched" not in SERVED:
        raise KeyboardInterrupt
    return {1: 50.0, 2: 60.0, 3: 90.0}[at]


@app.agent
def looking() -> dict[str, Any]:
    """Let a tool propose."""
    result = here().converge("driving_plan", lambda ask: {"v_kmh": look(ask.round)})
    return {"end": result.end, "rounds": len(result.rounds)}


def test_a_loop_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    """An interrupt is no fault of the proposer: the trace keeps the rounds so far, and a resumed run ends the loop."""
    SERVED.clear()
    session = app.session(trace=tmp_path / "cut.mat.jsonl")
    with pytest.raises(KeyboardInterrupt):
        session.run(looking)
    assert [one.get("round") for one in states(session.trace.path)] == [None, 1]
    SERVED["watched"] = "yes"
    resumed = harness.resume(session.trace.path)
    assert resumed.result == {"end": "converged", "rounds": 3}
    assert [one.get("round") for one in states(resumed.path)] == [None, 1, 2, 3, None]
    assert harness.replay(resumed.path).equal


STRICT = """\
registry: strict
version: 1.0.0
default: allow
extends: [driving_degradation]
tools:
  look: {effect: read}
  peek: {effect: read}
invariants:
  - {id: NO-LOOKING, on: action, tool: look, require: "False", severity: critical, otherwise: block}
  - id: PEEK-FIRST
    title: Somebody has peeked before there is a plan
    on: artifact
    artifact: driving_plan
    require: count(action, tool.name == "peek") >= 1
    severity: critical
    otherwise: block
"""


def strict_app(folder: Path) -> tuple[Harness, Any]:
    """Give an app with rules about the past, and its two tools."""
    (folder / "strict.yaml").write_text(STRICT)
    strict = Harness(folder / "strict.yaml", parameters={"perception_m": 90})

    @strict.tool(effect="read")
    def look() -> int:
        return 90

    @strict.tool(effect="read")
    def peek() -> int:
        return 90

    return strict, {"look": look, "peek": peek}


def test_a_refused_call_ends_the_loop(tmp_path: Path) -> None:
    """A rule that stops the proposer's call is not argued with: the loop is escalated."""
    strict, tools = strict_app(tmp_path)
    with strict.session(trace=tmp_path / "strict.mat.jsonl") as session:
        result = session.converge("driving_plan", lambda ask: {"v_kmh": tools["look"]()})
    assert result.end == "escalated"
    assert "NO-LOOKING" in result.why


def test_an_asynchronous_proposer_has_to_be_awaited() -> None:
    """What would never be awaited is refused with the cure."""

    async def propose(ask: Ask) -> Any:
        return {}

    with app.session() as session, pytest.raises(UsageError, match="aconverge"):
        session.converge("driving_plan", propose)


def test_the_whole_loop_is_plain_json(tmp_path: Path) -> None:
    """What a loop tells of itself can be put into a report as it is."""
    with app.session(trace=tmp_path / "json.mat.jsonl") as session:
        result = session.converge("driving_plan", lambda ask: {"v_kmh": 50}, tries=2)
    assert json.loads(json.dumps(result.facts()))["oscillation"] == {"period": 1, "candidates": [{"v_kmh": 50}]}
