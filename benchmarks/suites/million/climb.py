"""One run: every step is voted on, and the move that was decided for goes through the door with its votes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import harness
from harness.adapters.registries import load_registry
from harness.converge.vote.flags import Flags
from harness.converge.vote.race import Race, Terms, Voted
from harness.registry.registry import Registry

from .proposer import Proposer

MOST: Final = 400
"""Ballots on one step."""

AGAIN: Final = 8
"""How often a step is voted on, before the run is given up."""

DISKS: Final = "abcdefghijklmnopqrst"


class Climbed(NamedTuple):
    """What a run came to: moves made, moves refused by a rule, replies counted and replies discarded."""

    steps: int
    refused: int
    votes: int
    discarded: int


@cache
def rules(lead: int) -> Registry:
    """Give the rules of the game, with the lead that a vote has to have."""
    return load_registry(Path(__file__).parent / "towers.yaml").bind(lead=lead)


def tower(registry: Registry, folder: Path) -> tuple[harness.Harness, Any, Any]:
    """Give an app whose world is one tower, and its two tools: ``begin`` and ``move``."""
    app = harness.Harness(registry, traces=folder, durability="none")
    pegs: dict[str, str] = {}

    @app.tool(effect="write")
    def begin(disks: int) -> dict[str, str]:
        pegs.update(A=DISKS[:disks], B="", C="")
        return dict(pegs)

    @app.tool(effect="write")
    def move(disk: str, source: str, target: str, votes: list[str]) -> dict[str, str]:
        pegs[source] = pegs[source].removeprefix(disk)
        pegs[target] = disk + pegs[target]
        return dict(pegs)

    return app, begin, move


def climb(begin: Any, move: Any, disks: int, proposer: Proposer, lead: int) -> Climbed:
    """Move a tower of an even number of disks from A to C inside a session, step by step, each by a vote."""
    flags, terms = Flags(rules(lead), "step"), Terms(lead, MOST)
    pegs, last, again = begin(disks), "", 0
    steps = refused = counted = discarded = 0
    while steps < 2**disks - 1:
        voted = decide(Race(flags, terms), proposer.replies(steps + 1, again, pegs, last))
        discarded += len(voted.discarded)
        counted += len(voted.votes) - len(voted.discarded)
        if voted.end != "decided":
            raise RuntimeError(f"step {steps + 1}: {voted.why}")
        try:
            pegs = move(**voted.value, votes=spelled(voted))
        except harness.Refused:
            refused, again = refused + 1, again + 1
            if again == AGAIN:
                raise
            continue
        steps, last, again = steps + 1, voted.value["disk"], 0
    return Climbed(steps, refused, counted, discarded)


def decide(race: Race, replies: Any) -> Voted:
    """Lead a race to its end."""
    while ballots := race.ballots():
        for _ in ballots:
            race.hear(next(replies))
    assert race.end is not None
    return race.end


def spelled(voted: Voted) -> list[str]:
    """Write the votes in the order of their ballots: disk, source and target; nothing for a discarded one."""
    answers = ["".join(answer.value[part] for part in ("disk", "source", "target")) for answer in voted.answers]
    return [answers[vote] if vote >= 0 else "" for vote in voted.votes]
