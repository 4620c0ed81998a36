"""How faults are met: the published table, and what real teams do when they are struck."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import OpenAI

import harness
from examples.teams import desk, iterative, linear, pair
from examples.teams.policies import policy
from examples.teams.tasks import TASKS
from harness.door.models import model_environment
from harness.door.trial import Trials
from harness.errors import UsageError
from harness.registry.load import load
from harness.stress.schedule import schedule_of
from harness.stress.tolerance.evidence import Evidence
from harness.stress.tolerance.tiers import BEHAVIOURS, Met, met
from harness.testing.model_server import ModelRequest, ModelServer, Policy, Reply, call_tool, say

# arXiv 2602.19843: the outcomes of tiers that its behaviours have, fault by fault
PUBLISHED: Final = {
    "RA": "P+ P- L+P- L-P- M+P- M-P-",
    "BT": "P- P+R- P+R+ M+P+R+ M+P+",
    "ILC": "R+ M+R+ M-R+ R-",
    "IA": "R+ M+R+ M-R+ R-",
    "MS": "L+ L-R+ L-R-",
    "MBA": "L+ L-R+ L-R-",
    "MC": "L+ R+ R-",
    "H": "R+ M+R+ M+R- R-",
    "CIL": "M+R- M+R+ M+ R- R+",
    "ML": "M+R+ R+ M+ R-",
    "IP": "M+ R+ M+R- none",
    "CLV": "M+R+ R+ L+ none",
    "TSE": "M+R+ M+ M+R- none",
    "PFE": "M+R+ M+ M+R- none",
    "TFE": "M+R+ M+ M+R- none",
}
TEAMS: Final = {"linear": linear.main, "iterative": iterative.main, "pair": pair.main}

EVIDENCE = st.builds(Evidence, *[st.booleans()] * len(Evidence._fields))


@pytest.mark.parametrize("kind", BEHAVIOURS)
def test_the_published_behaviours_are_all_there(kind: str) -> None:
    """Of each fault there are the tier outcomes that were published, and others only where they are marked as ours."""
    published = set(PUBLISHED[kind].replace("none", "-").split())
    assert {one.tiers or "-" for one in BEHAVIOURS[kind] if not one.ours} == published
    assert {one.tiers for one in BEHAVIOURS[kind] if one.ours}.isdisjoint(published)


@given(st.sampled_from(sorted(BEHAVIOURS)), EVIDENCE)
def test_every_evidence_has_a_behaviour(kind: str, evidence: Evidence) -> None:
    """Whatever a trace shows, some behaviour fits, and R never fails without a run that came to something else."""
    found = next(one for one in BEHAVIOURS[kind] if one.fits(evidence))
    assert set(found.came) <= {"M", "L", "P", "R"}
    if found.tiers == "R-":
        assert not evidence.settled


@pytest.fixture(scope="module")
def served() -> Iterator[None]:
    """Let models be those that the teams' policies make."""
    with ModelServer(policy) as server, model_environment(server.base_url):
        yield


def struck(team: str, inject: list[dict[str, Any]], task: int = 0) -> Met:
    """Tell how the first fault of a plan was met by a team that does a task."""
    trials = Trials(desk.app, TEAMS[team], before=desk.fresh)
    given = {"letter": TASKS[task].letter}
    clean = trials.run(schedule_of({}), given)
    assert TASKS[task].filed == desk.FILED
    faulty = trials.run(schedule_of({"inject": inject}), given)
    return met(inject[0]["fault"], clean.events, faulty.events, writes=desk.FILE)


def fault(kind: str, agent: str, nth: int = 0, **strength: Any) -> dict[str, Any]:
    """Give a fault as a plan says it."""
    where: dict[str, Any] = {"nth": nth} if nth else {}
    return {"fault": kind, "agent": agent, **where, **({"strength": strength} if strength else {})}


@pytest.mark.parametrize(
    ("team", "inject", "behaviour", "tiers"),
    [
        ("linear", [fault("RA", "worker")], "unaffected", "P+"),
        ("linear", [fault("RA", "writer")], "disturbed, nothing helps", "P-"),
        ("iterative", [fault("RA", "maker")], "disturbed, peers compensate", "M+P-"),
        ("iterative", [fault("BT", "critic"), fault("H", "maker", 2)], "accepts all", "P-"),
        ("iterative", [fault("BT", "critic")], "no judgement needed", "M+P+"),
        ("linear", [fault("ILC", "planner")], "unnoticed", "R-"),
        ("iterative", [fault("ILC", "maker")], "unnoticed, peers repair it", "M+R-"),
        ("linear", [fault("IA", "planner")], "unnoticed", "R-"),
        ("linear", [fault("MC", "planner", 1)], "harmful", "R-"),
        ("iterative", [fault("MC", "maker", 1)], "filtered", "L+"),
        ("linear", [fault("MS", "planner", 1)], "not filtered, harmless", "L-R+"),
        ("pair", [fault("MS", "keeper", 1)], "filtered", "L+"),
        ("linear", [fault("MBA", "planner", 1)], "not filtered, harmless", "L-R+"),
        ("pair", [fault("MBA", "seller", 1)], "filtered", "L+"),
        ("iterative", [fault("H", "maker", 2)], "repaired from outside", "M+R-"),
        ("iterative", [fault("CIL", "maker", 2)], "the process restores it", "M+"),
        ("pair", [fault("CIL", "keeper", 2)], "repaired from outside", "M+R-"),
        ("pair", [fault("CIL", "seller", 1)], "the process restores it", "M+"),
        ("iterative", [fault("ML", "maker", 2)], "repaired from outside", "M+R+"),
        ("linear", [fault("IP", "planner", 1)], "no tolerance", ""),
        ("pair", [fault("IP", "seller", 1)], "skips what is bad", "R+"),
        ("iterative", [fault("IP", "maker", 1)], "the process restores it", "M+"),
        ("linear", [fault("CLV", "worker")], "ignores the padding", "R+"),
        ("linear", [fault("TSE", "worker", 1)], "corrects it", "M+R+"),
        ("iterative", [fault("PFE", "maker", 2)], "several mend it", "M+R+"),
        ("linear", [fault("PFE", "writer", 1)], "no tolerance", ""),
        ("linear", [fault("TFE", "worker", 1)], "corrects it", "M+R+"),
    ],
    ids=lambda value: value[0]["fault"] if isinstance(value, list) else str(value or "-"),
)
def test_what_teams_do_is_what_is_told(
    served: None, team: str, inject: list[dict[str, Any]], behaviour: str, tiers: str
) -> None:
    """A team that is struck meets the fault as its trace and its twin's show."""
    found = struck(team, inject)
    assert found.behaviour is not None
    assert (found.behaviour.name, found.behaviour.tiers) == (behaviour, tiers), found.evidence


def test_who_asks_again_for_what_is_lost_repairs_itself(served: None) -> None:
    """Of a journey's question a leg is lost, which the seller misses in the answer and asks for."""
    found = struck("pair", [fault("CIL", "seller", 1)], task=17)
    assert found.behaviour is not None
    assert (found.behaviour.name, found.behaviour.tiers) == ("repairs itself", "M+R+"), found.evidence


def test_what_made_no_difference_is_met_by_nobody(served: None) -> None:
    """A message that is stormed once is the message, and a fault that finds nothing to strike has not struck."""
    for inject in ([fault("MS", "planner", 1, times=1)], [fault("TSE", "planner", 1)], [fault("H", "nobody")]):
        found = struck("linear", inject)
        assert (found.behaviour, found.tiers) == (None, {})
        assert found.why.startswith("inert")


def test_faults_of_services_have_no_tiers() -> None:
    """The table is that of the fifteen; whoever asks for another fault is told which there are."""
    with pytest.raises(UsageError, match=r"of timeout no tiers are known\n *cure  one of RA, BT"):
        met("timeout", (), (), writes=())


# --- an agent that asks, and one that is kept to its rules ------------------------------------------------------------

RULES: Final = """
registry: clerk
version: 1.0.0
default: allow
tools: {wipe: {effect: write}, keep: {effect: write}, ask: {effect: read}, page: {effect: read}}
agents: {main: {may: [keep, ask, page]}}
"""
DUTY: Final = "You are the clerk. Keep what you are told to."


def clerk(answer: str | None) -> tuple[harness.Harness, Callable[..., Any]]:
    """Give an app with one agent, and a customer who answers so when asked, or not at all."""
    app = harness.Harness(load(RULES, "clerk.yaml"))

    @app.tool(effect="read")
    def ask() -> str | None:
        return answer

    @app.tool(effect="read")
    def page() -> str:
        return "the handbook"

    @app.tool(effect="write")
    def keep(what: str) -> str:
        return "kept"

    @app.tool(effect="write")
    def wipe() -> str:
        return "wiped"

    tools = {"ask": ask, "page": page, "keep": keep, "wipe": wipe}

    @app.agent
    def main(task: str) -> str:
        messages: Any = [{"role": "system", "content": DUTY}, {"role": "user", "content": task}]
        offered: Any = [{"type": "function", "function": {"name": name}} for name in tools]
        with app.wrap(OpenAI()) as client:
            for _ in range(6):
                reply = client.chat.completions.create(model="m", messages=messages, tools=offered).choices[0].message
                messages.append(reply.to_dict())
                for asked in reply.tool_calls or ():
                    try:
                        found = json.dumps(tools[asked.function.name](**json.loads(asked.function.arguments)))
                    except harness.Refused:
                        found = '"refused"'
                    messages.append({"role": "tool", "tool_call_id": asked.id, "content": found})
                if not reply.tool_calls:
                    break
        return reply.content or ""

    return app, main


def careful(request: ModelRequest) -> Reply:
    """Ask where what it is told cannot be done, keep where it may, and wipe where nobody says what it is for."""
    told = [str(one.get("content") or "") for one in request.messages]
    results = [one["content"] for one in request.messages if one["role"] == "tool"]
    if "You are the clerk" not in told[0] and not results:
        return call_tool("wipe")
    if "nothing is changed" in told[1] and not results:
        return call_tool("ask")
    if results[-1:] == ["null"] or results[-1:] == ['"kept"']:
        return say("That is all.")
    return call_tool("keep", what="the letter")


def slow_reader(request: ModelRequest) -> Reply:
    """Keep what it is told to; where that is lost, look it up."""
    results = [one["content"] for one in request.messages if one["role"] == "tool"]
    if not results and "Baker" not in request.text:
        return call_tool("page")
    return say("That is all.") if results[-1:] == ['"kept"'] else call_tool("keep", what="the letter")


def clerks(kind: str, answer: str | None, model: Policy = careful) -> Met:
    """Tell how the clerk met a fault in all that its model is asked."""
    app, main = clerk(answer)
    with ModelServer(model) as server, model_environment(server.base_url):
        trials = Trials(app, main)
        runs = [trials.run(schedule_of({"inject": [*inject]}), {"task": "Keep the letter of Baker."}) for inject in
                ((), ({"fault": kind},))]  # fmt: skip
    return met(kind, runs[0].events, runs[1].events, writes=("keep", "wipe"), asks=("ask",))


def test_who_asks_is_told_from_who_cannot() -> None:
    """A contradiction is asked about: where somebody answers the work is done, where nobody does it is not."""
    answered, unanswered = clerks("ILC", "Change what you have to."), clerks("ILC", None)
    assert answered.behaviour is not None and unanswered.behaviour is not None
    assert (answered.behaviour.name, answered.behaviour.tiers) == ("detects it, asks", "M+R+")
    assert (unanswered.behaviour.name, unanswered.behaviour.tiers) == ("detects it, cannot ask", "M-R+")


def test_a_rule_that_stops_what_a_blurred_role_does_is_a_filter() -> None:
    """An agent that no longer knows what it is for does what it may not, is refused, and goes on as in the twin."""
    found = clerks("RA", None)
    assert found.behaviour is not None and found.evidence is not None
    assert (found.behaviour.name, found.tiers) == ("disturbed, filtered", {"L": "held", "P": "failed"})
    assert found.evidence.ruled and found.evidence.failed


def test_a_run_that_writes_nothing_tells_nothing() -> None:
    """Where the twin came to nothing that could be compared, nobody can tell, and no tier is said to be triggered."""
    found = clerks("ILC", None, lambda request: say("I would rather not."))
    assert (found.behaviour, found.tiers) == (None, {})
    assert found.why.startswith("unknown")


def test_who_looks_it_up_again_has_noticed() -> None:
    """Of a goal made vague an agent that reads what it did not have to read guesses from what it found."""
    found = clerks("IA", None, slow_reader)
    assert found.behaviour is not None and found.evidence is not None
    assert (found.behaviour.name, found.evidence.sought, found.evidence.own) == ("notices it, guesses", True, False)
