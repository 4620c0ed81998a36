"""Loops led to their end by scripted proposers, and what an independent evaluation says of every round."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, NamedTuple

from openai import OpenAI

import harness
from harness.adapters.files import SUFFIX
from harness.converge.ground import Ground
from harness.converge.loop import Convergence, Loop, Proposed
from harness.converge.loop.ask import Ask
from harness.door.shrink import write_trial
from harness.door.trial import Trials
from harness.registry.registry import Registry
from harness.stress.schedule import Schedule
from harness.testing.model_server import ModelServer, Policy

from .cases import CASES, registry_of
from .exact import ends, is_strict, slack, truth
from .instance import Rule
from .proposers import Propose
from .published import RULES

ROUNDING: Final = Fraction(1, 10**9)
"""By how much a rule may be missed in exact arithmetic that floats take for met, or the other way round."""


class Law(NamedTuple):
    """What an independent evaluation finds wrong with a loop; all of it has to be 0 or False.

    ``locked_broken`` counts accepted candidates that break a rule which one accepted before them met, ``ended_wrong``
    tells that the value it converged to breaks a rule.
    """

    locked_broken: int
    ended_wrong: bool


def led(registry: Registry, artifact: str, propose: Propose, *, explain: bool = True) -> tuple[Convergence, int]:
    """Lead a loop to its end; give it, and how often the proposer was asked.

    With ``explain`` the proposer is told the way from what was accepted; what is accepted does not depend on it.
    """
    loop, asks = Loop(Ground(registry, artifact), explain=explain), 0
    turn = loop.start()
    while isinstance(turn, Ask):
        asks += 1
        turn = loop.hear(Proposed(propose(turn)))
    return turn, asks


def lawful(rules: Iterable[Rule], ended: Convergence) -> Law:
    """Judge a loop by the text of the rules: what an accepted candidate has met, no later one may break."""
    listed, locked, broken = tuple(rules), frozenset[str](), 0
    for one in ended.rounds:
        if one.accepted:
            found = {rule.id: holds(rule, one.candidate or {}) for rule in listed}
            broken += any(found[name] is False for name in locked)
            locked |= {name for name, met in found.items() if met}
    wrong = ended.value is not None and any(holds(rule, ended.value) is False for rule in listed)
    return Law(broken, wrong)


def holds(rule: Rule, candidate: Mapping[str, Any]) -> bool | None:
    """Say whether a rule holds of an artifact; None where it is so close that the rounding of floats may decide."""
    point = {name: one if isinstance(one, str | bool) else Fraction(repr(one)) for name, one in candidate.items()}
    if rule.when and not truth(rule.when, point):
        return True
    room = slack(rule.require, point)
    if room is None:
        return False
    if room == ends(0):
        return not is_strict(rule.require)
    scale = max((abs(one) for one in point.values() if isinstance(one, Fraction)), default=Fraction(0)) + 1
    if abs(room.low) < ROUNDING * scale:
        return None
    return room.low > 0


def looped(
    registry: Registry, artifact: str, rules: Iterable[Rule], propose: Propose, *, explain: bool
) -> dict[str, Any]:
    """Lead a loop and give the facts of a row."""
    ended, asks = led(registry, artifact, propose, explain=explain)
    return _facts(ended, asks, lawful(rules, ended))


def _facts(ended: Convergence, asks: int, law: Law) -> dict[str, Any]:
    swings = ended.oscillation.period if ended.oscillation else 0
    return {"end": ended.end, "asks": asks, "rounds": len(ended.rounds), "oscillation": swings, **law._asdict()}


def in_a_session(case: str, policy: Policy, folder: Path) -> dict[str, Any]:
    """Lead a loop in a session that asks a scripted model over the OpenAI client; ``requests`` are what it was sent."""
    registry, artifact = registry_of(case), CASES[case][1]
    loops: list[Convergence] = []
    with ModelServer(policy) as server, OpenAI(base_url=server.base_url, api_key="scripted") as bare:
        app = harness.Harness(registry)

        def agent() -> None:
            loops.append(app.session().converge(artifact, harness.proposer(app.wrap(bare), "scripted")))

        trial = Trials(app, agent).run(Schedule())
        if trial.error is not None:
            raise trial.error
    [ended] = loops
    trace = folder / f"run{SUFFIX}"
    write_trial(trial, trace)
    facts = _facts(ended, len(ended.rounds), lawful(RULES[case], ended))
    return facts | {"requests": len(server.requests), "trace": trace.name}


def drawn(seed: int, name: str) -> random.Random:
    """Give what a scripted proposer draws from."""
    return random.Random(f"{seed}:{name}")
