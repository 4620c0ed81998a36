"""Votes in sessions: recorded, tallied in one line, replayed bit for bit, one after another and at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI, OpenAI

from harness.adapters.files import open_trace
from harness.converge.vote.controller import Controller
from harness.converge.vote.race import Reply as Said
from harness.converge.vote.race import Voted
from harness.door.app import Harness
from harness.door.current import session_var
from harness.door.replay import replay
from harness.door.resume import resume
from harness.door.voting import Ballot, avote, terms_of, vote
from harness.errors import Refused, UsageError
from harness.registry.load import load
from harness.testing.model_server import ModelRequest, ModelServer, Reply, fail, say, slow
from harness.trace.event import Event

RULES = """
registry: capitals
version: 1.0.0
default: allow
artifacts:
  capital: {schema: {type: object, required: [city], properties: {city: {type: string}}}}
invariants:
  - {id: CAPITAL-KNOWN, on: artifact, artifact: capital, require: 'artifact.city in ["Bern", "Genf"]', otherwise: block}
  - {id: CAPITAL-ASKED, on: artifact, artifact: capital, when: 'artifact.city == "Genf"', otherwise: block,
     require: 'happened(message, role == "user")'}
"""
SAYS = {
    "short": ['{"city": "Bern"}', '{"city": "Bern"}', '{"city": "Bern"}', '{"city": "Bern"}'],
    "long": ['{"city": "Genf"}', "It is Bern.", '{"city": "Atlantis"}', '{"city": "Bern"}'],
}
app = Harness(load(RULES, "capitals.yaml"))


def policy(request: ModelRequest) -> Reply:
    """Answer by the variant and the number of the ballot; the later the ballot of a batch, the sooner its answer."""
    variant, number = request.text.split()
    if variant == "broken":
        return fail(400, "no such model") if int(number) % 2 == 0 else say('{"city": "Bern"}')
    return slow(say(SAYS[variant][int(number) // 2 % 4]), first_ms=40 / (1 + int(number)))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """Give a scripted server, and the environment a client needs to find it."""
    with ModelServer(policy) as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-never-on-disk-123")
        yield running


def how(**options: Any) -> Any:
    """Say how a vote is held."""
    return terms_of(**{"most": 20, "variants": ("short", "long"), **options})


def request(ballot: Ballot) -> dict[str, Any]:
    """Give the request that a ballot makes."""
    asked = [{"role": "user", "content": f"{ballot.variant} {ballot.number}"}]
    return {"model": "m", "messages": asked, "seed": ballot.seed % 2**31}


def said(completion: Any) -> Said:
    """Read what the model said; a ValueError where it is no JSON."""
    return Said(json.loads(completion.choices[0].message.content), completion.usage.completion_tokens)


def present() -> Any:
    """Give the session that this code is in."""
    session = session_var.get()
    assert session is not None
    return session


@app.agent
def elect(variants: list[str]) -> dict[str, Any]:
    """Ask a model one ballot after another."""
    with app.wrap(OpenAI(max_retries=0)) as client:

        def ask(ballot: Ballot) -> Said:
            return said(client.chat.completions.create(**request(ballot)))

        return present().vote("capital", ask, most=20, variants=variants).facts()


@app.agent
async def aelect(variants: list[str]) -> dict[str, Any]:
    """Ask a model several ballots at once."""
    async with app.wrap(AsyncOpenAI(max_retries=0)) as client:

        async def ask(ballot: Ballot) -> Said:
            return said(await client.chat.completions.create(**request(ballot)))

        return (await present().avote("capital", ask, most=20, variants=variants)).facts()


def events_of(trace: str) -> list[Event]:
    """Give the events of a trace."""
    with open_trace(trace) as reader:
        return list(reader)


def recorded(agent: Any, folder: Path, **arguments: Any) -> tuple[dict[str, Any], list[Event], str]:
    """Run an agent; give what it returned, its events, and its trace."""
    trace = folder / f"{agent.__name__}.mat.jsonl"
    session = app.session(trace=trace, seed=7)
    result = session.run(agent, **arguments)
    return result, events_of(session.trace.path), session.trace.path


@pytest.mark.parametrize("agent", [elect, aelect])
def test_a_tally_is_one_line_and_replays(agent: Any, server: ModelServer, tmp_path: Path) -> None:
    """Every ballot is a model call, the tally one state, the artifact comes last; all is equal without a server."""
    result, events, trace = recorded(agent, tmp_path, variants=["short", "long"])
    assert (result["end"], result["answers"][0]["value"]) == ("decided", {"city": "Bern"})
    assert [one["ballot"] for one in result["discarded"]] == [3, 5]
    assert result["discarded"][0]["why"].startswith("JSONDecodeError")
    assert result["discarded"][1]["rule"] == "CAPITAL-KNOWN"
    states = [one for one in events if one.kind == "state"]
    assert [(one.body["machine"], one.body["name"]) for one in states] == [("vote", "capital")] * 2
    assert states[0].body["data"] == {"held": {"lead": 3, "longest": 750, "most": 20}}
    assert states[1].body["data"] == {"variants": ["short", "long"], **result}
    assert len(server.requests) == len(result["votes"]) == sum(one.kind == "action" for one in events)
    assert events[-2].body["artifact"] == "capital"
    server.close()
    again = replay(trace, entry=agent)
    assert again.equal, again
    assert again.result == result


def test_at_once_is_one_by_one(server: ModelServer, tmp_path: Path) -> None:
    """Both ways count the same votes, though answers come in another order, and no ballot more is asked."""
    one, _, _ = recorded(elect, tmp_path, variants=["short", "long"])
    asked = len(server.requests)
    other, events, _ = recorded(aelect, tmp_path, variants=["short", "long"])
    assert one == other
    assert len(server.requests) == 2 * asked
    kinds = [event.kind for event in events if event.kind in ("action", "observation")]
    assert kinds[:6] == ["action"] * 3 + ["observation"] * 3


@pytest.mark.parametrize("agent", [elect, aelect])
def test_what_fails_is_discarded(agent: Any, server: ModelServer, tmp_path: Path) -> None:
    """A call that the model's server refuses costs a ballot, says why, and replays."""
    result, _, trace = recorded(agent, tmp_path, variants=["broken"])
    assert (result["end"], result["votes"]) == ("decided", [-1, 0, -1, 0, -1, 0])
    assert "BadRequestError" in result["discarded"][0]["why"]
    server.close()
    assert replay(trace, entry=agent).equal


@pytest.mark.parametrize("agent", [elect, aelect])
def test_a_vote_that_was_cut_off_goes_on(agent: Any, server: ModelServer, tmp_path: Path) -> None:
    """Three answers of a run that was killed are not asked for again, and the resumed run ends as it would have."""
    result, _, trace = recorded(agent, tmp_path, variants=["short", "long"])
    asked = len(server.requests)
    lines = Path(trace).read_bytes().splitlines(keepends=True)
    kept = [number for number, line in enumerate(lines) if b'"kind":"observation"' in line][2] + 1
    Path(trace).write_bytes(b"".join(lines[:kept]))
    resumed = resume(trace, entry=agent)
    assert resumed.result == result
    assert len(server.requests) == asked + asked - 3
    server.close()
    assert replay(resumed.path, entry=agent).equal


# --- without a model --------------------------------------------------------------------------------------------------


def held(replies: Any, folder: Path, *, seed: int | None = 7, **options: Any) -> tuple[Voted, list[Ballot]]:
    """Hold a vote whose replies are computed from the ballot, record it and replay it; give its end and its ballots."""
    ballots: list[Ballot] = []

    def ask(ballot: Ballot) -> Any:
        ballots.append(ballot)
        return replies(ballot)

    def agent(session: Any) -> Voted:
        with session:
            return vote(session, "capital", ask, how(**options))

    session = app.session(trace=folder / f"{len(list(folder.iterdir()))}.mat.jsonl", seed=seed)
    voted = agent(session)
    asked = list(ballots)
    ballots.clear()
    again = app.replaying(session.trace.path)
    assert agent(again) == voted
    assert (again.trace.digest, ballots) == (session.trace.digest, asked)
    return voted, asked


def bern(ballot: Ballot) -> Any:
    """Say what is right."""
    return {"city": "Bern"}


def test_seeds_are_named_streams(tmp_path: Path) -> None:
    """Each ballot has a seed of its own; a seeded run draws the same ones again, another run others."""
    _, first = held(bern, tmp_path)
    _, same = held(bern, tmp_path)
    _, other = held(bern, tmp_path, seed=8)
    _, by_chance = held(bern, tmp_path, seed=None)
    seeds = [[one.seed for one in ballots] for ballots in (first, other, by_chance)]
    assert first == same
    assert len({seed for each in seeds for seed in each}) == 9
    assert [one.variant for one in first] == ["short", "long", "short"]


def test_two_votes_of_one_run_differ(tmp_path: Path) -> None:
    """The second vote on the same question has other seeds than the first."""
    ballots: list[Ballot] = []

    def ask(ballot: Ballot) -> Any:
        ballots.append(ballot)
        return {"city": "Bern"}

    with app.session(trace=tmp_path / "two.mat.jsonl", seed=7) as session:
        vote(session, "capital", ask, how(lead=1))
        vote(session, "capital", ask, how(lead=1))
    assert ballots[0].seed != ballots[1].seed


def test_a_weighted_vote(tmp_path: Path) -> None:
    """One voter of measured 0.95 outweighs two of 0.6 that agree; what they say of themselves is not asked."""
    accuracies = {"good": 0.95, "poor": 0.6, "too": 0.6}

    def replies(ballot: Ballot) -> Any:
        return {"city": "Bern" if ballot.variant == "good" else "Genf"}

    voted, asked = held(replies, tmp_path, accuracies=accuracies, error=0.05)
    assert [one.variant for one in asked] == ["good"]
    assert (voted.end, voted.value) == ("decided", {"city": "Bern"})
    voted, _ = held(replies, tmp_path, accuracies=accuracies, error=0.02)
    assert [one.votes for one in voted.answers] == [2, 2]
    assert voted.value == {"city": "Bern"}


def test_an_undecided_vote_makes_no_artifact(tmp_path: Path) -> None:
    """Nobody gets ahead: no value, a reason, and nothing recorded as decided."""
    voted, _ = held(lambda ballot: {"city": ("Bern", "Genf")[ballot.number % 2]}, tmp_path, most=6)
    assert (voted.end, voted.value) == ("undecided", None)
    trace = next(tmp_path.iterdir())
    assert not [one for one in events_of(str(trace)) if one.kind == "note" and "artifact" in one.body]


def test_a_controller_may_abstain(tmp_path: Path) -> None:
    """Votes that cost more than an answer is worth are not asked for."""
    voted, asked = held(bern, tmp_path, controller=Controller(0.6, error=0.01, vote=0.3))
    assert (voted.end, len(asked)) == ("undecided", 1)


def test_rules_on_the_run_judge_what_was_decided(tmp_path: Path) -> None:
    """A rule that asks about the past discards no vote, and blocks what was decided where it is broken."""
    with app.session(trace=tmp_path / "run.mat.jsonl") as session:
        with pytest.raises(Refused) as refused:
            vote(session, "capital", lambda ballot: {"city": "Genf"}, how())
        session.message("user", "And not Bern, this time.")
        assert vote(session, "capital", lambda ballot: {"city": "Genf"}, how()).end == "decided"
    assert refused.value.rule == "CAPITAL-ASKED"


def test_what_harness_says_ends_the_vote(tmp_path: Path) -> None:
    """A refusal or a mistake inside a ballot is the agent's to handle, and no reply that is merely discarded."""

    def refused(ballot: Ballot) -> Any:
        raise Refused("BUDGET", "no more calls")

    async def later(ballot: Ballot) -> Any:
        raise Refused("BUDGET", "no more calls")

    with app.session(trace=tmp_path / "run.mat.jsonl") as session:
        with pytest.raises(Refused):
            vote(session, "capital", refused, how())
        with pytest.raises(UsageError, match="is asynchronous"):
            vote(session, "capital", later, how())

    async def main() -> None:
        async with app.session(trace=tmp_path / "later.mat.jsonl") as session:
            with pytest.raises(Refused):
                await avote(session, "capital", later, how())

    asyncio.run(main())


def test_an_error_that_cannot_be_rebuilt_is_told_the_same(tmp_path: Path) -> None:
    """A tool's error of a local class comes back on replay as a stand-in; the tally says the same of both."""

    class Odd(Exception):
        def __init__(self, *, number: int) -> None:
            super().__init__(f"odd {number}")

    other = Harness(load(RULES, "capitals.yaml"))

    @other.tool(effect="read")
    def lookup(number: int) -> dict[str, str]:
        if number % 2:
            raise Odd(number=number)
        return {"city": "Bern"}

    def agent(session: Any) -> Voted:
        with session:
            return vote(session, "capital", lambda ballot: lookup(ballot.number), how())

    session = other.session(trace=tmp_path / "run.mat.jsonl")
    voted = agent(session)
    assert voted.discarded[0].why.endswith("Odd: odd 1")
    again = other.replaying(session.trace.path)
    assert agent(again) == voted
    assert again.trace.digest == session.trace.digest


@pytest.mark.parametrize(
    "wrong",
    [
        {"variants": ()},
        {"error": 0.1},
        {"accuracies": {"good": 0.9}},
        {"accuracies": {"good": 0.9}, "error": 0.1, "controller": Controller(0.8, 0.1)},
        {"accuracies": {"bad": 0.5}, "error": 0.1},
    ],
)
def test_what_does_not_go_together_is_refused(wrong: dict[str, Any]) -> None:
    """No variants, an error bound without measured accuracies, accuracies without a bound, a voter like a coin."""
    with pytest.raises(UsageError):
        how(**wrong)
