"""Random loops against their law: what is accepted never breaks a rule that was met by what was accepted before.

``python -m benchmarks.fuzz.loops [--n 5000] [--seed 1] [--json]``. Proposers are hostile: they meet more rules by
breaking one that is locked, go back, swing, claim that all is well, send what is no artifact, raise, and change what
they were given or have sent before. The rules are judged by the oracle of ``benchmarks.suites.paradox``, which shares
no code with harness; nobody asks the solver, so every loop is led to its end, infeasible sets included.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from random import Random
from typing import Any, Final, NamedTuple

from benchmarks.speed.measure import Figure, report
from benchmarks.suites.paradox.asking import registry_of_instance
from benchmarks.suites.paradox.cases import CASES, registry_of
from benchmarks.suites.paradox.instance import ARTIFACT, Rule
from benchmarks.suites.paradox.looping import holds, lawful
from benchmarks.suites.paradox.planted import FEW, single, twins
from benchmarks.suites.paradox.proposers import drawn_from
from benchmarks.suites.paradox.published import RULES
from harness.converge.ground import Ground
from harness.converge.loop import Convergence, Loop, Proposed, Silent
from harness.converge.loop.ask import Ask

GROUNDS: Final = 60
"""How many generated sets the loops are over, beside the published cases."""

_NO_ARTIFACTS: Final[tuple[Any, ...]] = (
    "All rules are met.", None, [], {}, 7, {"v_kmh": "fast"}, {"v_kmh": float("nan")}, {"x": float("inf")},
    {"$type": "x"}, {1: 2}, {"x": True}, {"v_kmh": 10**400}, object(), {"x": {"y": object()}},
)  # fmt: skip


class Field(NamedTuple):
    """What loops are over: the rules as harness has them, and as the oracle reads them."""

    ground: Ground
    rules: tuple[Rule, ...]


class Hostile:
    """A proposer that tries to get a broken lock accepted; ``sent`` are the very objects that it has proposed."""

    def __init__(self, rules: tuple[Rule, ...], draw: Random) -> None:
        self.rules, self.draw, self.sent = rules, draw, list[dict[str, Any]]()
        self.ways: tuple[Callable[[Ask], Any], ...] = (
            self._greedy, self._nearby, self._back, self._anything, self._nothing, self._meddling,
        )  # fmt: skip

    def __call__(self, ask: Ask) -> Any:
        """Propose something; what it is depends on nothing but the seed and the question."""
        made = self.draw.choice(self.ways)(ask)
        if type(made) is dict:
            self.sent.append(made)
        return made

    def _anything(self, ask: Ask) -> dict[str, Any]:
        return drawn_from(ask.schema, self.draw)

    def _greedy(self, ask: Ask) -> dict[str, Any]:
        """Meet as many rules as a few draws can, and break a locked one: more of them, but not all the same."""
        tried = [way(ask) for way in (self._anything, self._nearby) for _ in range(3)]
        return max(tried, key=lambda one: (self._breaks(one, ask), self._met(one)))

    def _breaks(self, candidate: dict[str, Any], ask: Ask) -> bool:
        return any(holds(rule, candidate) is False for rule in self.rules if rule.id in ask.locked)

    def _met(self, candidate: dict[str, Any]) -> int:
        return sum(holds(rule, candidate) is True for rule in self.rules)

    def _nearby(self, ask: Ask) -> dict[str, Any]:
        """Change one field of what was accepted."""
        other = self._anything(ask)
        name = self.draw.choice(list(other))
        return {**(ask.accepted or other), name: other[name]}

    def _back(self, ask: Ask) -> dict[str, Any]:
        return dict(self.draw.choice(self.sent)) if self.sent else self._anything(ask)

    def _nothing(self, ask: Ask) -> Any:
        if self.draw.random() < 0.3:
            raise TimeoutError("no answer")
        return self.draw.choice(_NO_ARTIFACTS)

    def _meddling(self, ask: Ask) -> dict[str, Any]:
        """Change in place all that was sent and all that was told, and propose something else."""
        made = self._anything(ask)
        for one in (*self.sent, ask.accepted, ask.last, *(ask.oscillation.candidates if ask.oscillation else ())):
            if one is not None:
                one.update(self._anything(ask))
        for schema in ask.schema["properties"].values():
            schema.clear()
        return made


@cache
def fields(seed: int) -> tuple[Field, ...]:
    """Give what loops are over: the published cases, and generated sets that are met, at a point, or not at all."""
    published = [Field(Ground(registry_of(case), CASES[case][1]), RULES[case]) for case in CASES]
    made = []
    for number in range(GROUNDS // 3):
        every = (*twins(seed, number, FEW), single(seed, number, FEW))
        made += [Field(Ground(registry_of_instance(one), ARTIFACT), one.rules) for one in every]
    return (*published, *made)


def lead(field: Field, draw: Random) -> Convergence:
    """Lead one loop with a hostile proposer to its end."""
    loop, propose = Loop(field.ground, draw.randint(2, 12), budget=None, explain=False), Hostile(field.rules, draw)
    turn = loop.start()
    while isinstance(turn, Ask):
        try:
            said: Proposed | Silent = Proposed(propose(turn))
        except TimeoutError as error:
            said = Silent(str(error))
        turn = loop.hear(said)
    return turn


def campaign(count: int, seed: int) -> tuple[Counter[str], list[dict[str, Any]]]:
    """Lead so many loops; give what they came to, and those that broke the law."""
    counts: Counter[str] = Counter()
    faults: list[dict[str, Any]] = []
    for number in range(count):
        draw = Random(f"{seed}:{number}")
        field = draw.choice(fields(seed))
        ended = lead(field, draw)
        law = lawful(field.rules, ended)
        counts[ended.end] += 1
        counts["accepted"] += sum(one.accepted for one in ended.rounds)
        counts["refused"] += sum(bool(one.broken) for one in ended.rounds)
        counts["no_artifact"] += sum(bool(one.fault) for one in ended.rounds)
        if law.locked_broken or law.ended_wrong or ended.end == "infeasible":
            faults.append({"number": number, "end": ended.end, **law._asdict()})
    return counts, faults


def figures_of(counts: Mapping[str, int], faults: list[dict[str, Any]], loops: int) -> dict[str, Figure]:
    """Give the figures of a campaign; a law that was never tested would say nothing, so refusals have a bar, too."""
    return {
        "loops": Figure(loops, "1"),
        "locked_broken": Figure(sum(one["locked_broken"] for one in faults), "1", target="== 0"),
        "converged_wrong": Figure(sum(one["ended_wrong"] for one in faults), "1", target="== 0"),
        "called_infeasible": Figure(sum(one["end"] == "infeasible" for one in faults), "1", target="== 0"),
        "refused": Figure(counts["refused"], "1", target=f">= {loops}"),
        **{name: Figure(counts[name], "1") for name in ("accepted", "no_artifact", "converged", "exhausted")},
    }


def main() -> None:
    """Run the campaign and leave with 1 where a loop broke the law."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=5000, help="how many loops")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    start = time.perf_counter()
    counts, faults = campaign(options.n, options.seed)
    seconds = {"seconds": Figure(time.perf_counter() - start, "s")}
    report("loops", figures_of(counts, faults, options.n) | seconds, faults[:50], seed=options.seed)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
