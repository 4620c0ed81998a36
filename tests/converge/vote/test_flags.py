"""Red flags: what makes a reply no vote, and what does not."""

from __future__ import annotations

import math
from typing import Any

import pytest

from harness.converge.vote.flags import Flag, Flags
from harness.converge.vote.race import Race, Reply, Spoilt, Terms, Voted
from harness.determinism import canonical
from harness.errors import UsageError
from harness.registry.load import load
from harness.registry.registry import Registry
from tests.converge.moves import NONE, RULES


@pytest.fixture
def moves() -> Registry:
    """Give a registry with rules on a move."""
    return load(RULES, "moves.yaml")


def voted_on(replies: list[Any], terms: Terms, registry: Registry) -> Voted:
    """Hold a vote over replies given by ballot."""
    race = Race(Flags(registry, "move"), terms)
    while ballots := race.ballots():
        for number in ballots:
            race.hear(replies[number] if isinstance(replies[number], Reply | Spoilt) else Reply(replies[number]))
    assert race.end is not None
    return race.end


def test_red_flags_discard(moves: Registry) -> None:
    """What a rule blocks, or wants to ask a person about, what has not the schema's form, is no JSON, or is too long.

    What a rule only warns of counts. Each discarded reply says why.
    """
    replies = [
        {"disk": 10},
        {"disk": 8},
        {"disk": "2"},
        "I think that it is disk 2.",
        {"disk": math.nan},
        Reply({"disk": 2}, tokens=751),
        {"disk": 2, "because": "x" * 3100},
        Spoilt("TimeoutError: too late"),
        {"disk": 7},
        Reply({"disk": 7}, tokens=750),
    ]
    voted = voted_on(replies, Terms(lead=2), moves)
    assert (voted.end, voted.value) == ("decided", {"disk": 7})
    assert voted.votes == (-1,) * 8 + (0, 0)
    assert [one.rule for one in voted.discarded] == ["DISK", "ASK", "", "", "", "", "", ""]
    why = [one.why for one in voted.discarded]
    assert why[0] == "the rule is violated (by 1)"
    assert why[2].startswith("/disk: '2' is not of type 'integer'")
    assert why[3].startswith("/: 'I think that it is disk 2.' is not")
    assert why[4].startswith("/disk: nan")
    assert why[5] == "751 tokens are more than 750"
    assert why[6].startswith("about 781 tokens")
    assert why[7] == "TimeoutError: too late"


def test_an_artifact_that_the_registry_does_not_know_is_a_mistake(moves: Registry) -> None:
    """A misspelt name would let every reply pass; without any artifact in the registry there is nothing to misspell."""
    with pytest.raises(UsageError, match=r"(?s)no artifact 'mvoe'.*did you mean 'move'\?"):
        Flags(moves, "mvoe")
    with pytest.raises(
        UsageError, match=r"(?s)no artifact 'capital'.*declare it under artifacts:, or name one of move"
    ):
        Flags(moves, "capital")
    Flags(NONE, "anything")


def test_rules_on_the_run_are_left_out(moves: Registry) -> None:
    """Rules on the past and on who acts say nothing of a reply, though outside a run they would not hold."""
    value = {"disk": 2}
    assert Flags(moves, "move").against(canonical.encode(value)) is None
    alone = load(
        RULES.replace("on: artifact, artifact: move, require: 'run.tenant", "on: end, require: 'run.tenant"), "a"
    )
    assert Flags(alone, "move").against(canonical.encode(value)) is None


def test_the_same_reply_is_judged_the_same_however_often(moves: Registry) -> None:
    """What was judged is kept for a while; thousands of different replies in between change no answer."""
    flags = Flags(moves, "move")
    wrong = {"disk": 10}
    first = flags.against(canonical.encode(wrong))
    for number in range(5000):
        value = {"disk": 1, "note": number}
        assert flags.against(canonical.encode(value)) is None
    assert flags.against(canonical.encode(wrong)) == first == Flag("the rule is violated (by 1)", "DISK")


def test_a_tuple_is_a_list(moves: Registry) -> None:
    """What a caller keeps as a tuple is judged, and counted, as the list that it is in JSON."""
    voted = voted_on([{"disk": 2, "path": (1, 2)}, {"disk": 2, "path": [1, 2]}], Terms(lead=2), moves)
    assert voted.value == {"disk": 2, "path": [1, 2]}
