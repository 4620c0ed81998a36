"""A recorded run is read again: sound, judged as it was at the door, and any step of it made again.

What is right is told by closed forms of the number of the step, which share nothing with the rules or the proposer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

from harness.adapters.files import open_trace
from harness.assertion.interface import Checker
from harness.assertion.report import check
from harness.converge.vote.flags import Flags
from harness.converge.vote.race import Race, Terms
from harness.determinism.streams import stream
from harness.statistics.agreement import Agreement, agreement
from harness.trace.event import Event

from .climb import DISKS, MOST, decide, rules, spelled
from .proposer import PEGS, Proposer

SAMPLE: Final = 1_000


class Step(NamedTuple):
    """One move and its outcome, and the call and the outcome that it follows.

    ``again`` is how often another move was voted for before, and refused.
    """

    number: int
    again: int
    before: tuple[Event, Event]
    action: Event
    outcome: Event


# --- what is right ----------------------------------------------------------------------------------------------------


def right_move(number: int) -> str:
    """Give the move of a number, from 1: its trailing zeros count the disk, and the pegs follow from its bits."""
    disk = (number & -number).bit_length() - 1
    source, target = (number & (number - 1)) % 3, ((number | (number - 1)) + 1) % 3
    pegs = "ACB"  # the formula leads the smallest disk from 0 to 2 first, and an even tower from 0 to 1
    return DISKS[disk] + pegs[source] + pegs[target]


def right_pegs(moves: int, disks: int) -> dict[str, str]:
    """Give the pegs after so many moves: disk n has moved every 2^(n+1) of them, and goes one way round."""
    pegs = dict.fromkeys(PEGS, "")
    for disk in range(disks):
        times = (moves + (1 << disk)) >> (disk + 1)
        pegs[PEGS[(times if disk % 2 == 0 else -times) % 3]] += DISKS[disk]
    return pegs


# --- a trace is read --------------------------------------------------------------------------------------------------


def read_again(trace: Path, disks: int, proposer: Proposer, lead: int) -> dict[str, Any]:
    """Judge the whole trace by the rules, as ``harness check`` does, and look at its steps on the way.

    To read it to its end verifies its chain and its seal.
    """
    steps = Steps(disks, proposer, lead)
    with open_trace(trace) as reader:
        report = check(map(steps.see, reader), rules(lead), reader.header.run)
        sealed = reader.footer is not None and reader.footer.verdict == report.verdict
    findings = sum(one.violated + one.unknown for one in report.rules.values())
    return {"verdict": report.verdict, "sealed": sealed, "findings": findings, **steps.found}


class Steps:
    """Compare every step with what is right, and make a thousand random ones again, or all if there are fewer.

    A sampled step is ``unequal`` where asking again does not give the recorded votes, or the rules say something else.
    """

    def __init__(self, disks: int, proposer: Proposer, lead: int) -> None:
        every = 2**disks - 1
        self._chosen = set(stream(proposer.seed, "sample").sample(range(1, every + 1), min(SAMPLE, every)))
        self._disks, self._proposer, self._lead = disks, proposer, lead
        self._flags = Flags(rules(lead), "step")
        self._actions: list[Event] = []
        self._before: tuple[Event, Event] | None = None
        self.found = {"made": 0, "wrong": 0, "sampled": len(self._chosen), "unequal": 0}

    def see(self, event: Event) -> Event:
        """Take the next event, and give it on. A move that was refused has no outcome."""
        if event.kind == "action":
            self._actions.append(event)
        elif event.kind == "observation":
            *refused, action = self._actions
            if self._before is not None:
                self._made(Step(self.found["made"] + 1, len(refused), self._before, action, event))
            self._before, self._actions = (action, event), []
        return event

    def _made(self, step: Step) -> None:
        self.found["made"] += 1
        self.found["wrong"] += not _is_right(step, self._disks)
        if step.number in self._chosen:
            equal = self._votes_again(step) and _holds_again(step, self._lead)
            self.found["unequal"] += not equal

    def _votes_again(self, step: Step) -> bool:
        """Tell whether the proposer, asked again, gives the recorded votes."""
        called, outcome = step.before
        pegs, last = outcome.body["ok"], called.body["args"].get("disk", "")
        replies = self._proposer.replies(step.number, step.again, pegs, last)
        voted = decide(Race(self._flags, Terms(self._lead, MOST)), replies)
        return {**voted.value, "votes": spelled(voted)} == step.action.body["args"]


def agreement_of(trace: Path, lead: int, seed: int) -> Agreement:
    """Measure how far votes on one step are right together, by those that are cast whatever they say."""
    clusters, made = [], 0
    with open_trace(trace) as reader:
        for event in reader:
            made += event.kind == "observation"  # that of ``begin`` comes before the first step
            if event.kind == "action" and event.body["tool"] == "move":
                votes = [vote for vote in event.body["args"]["votes"] if vote][:lead]
                clusters.append((votes.count(right_move(made)), len(votes)))
    return agreement(clusters, seed)


def _is_right(step: Step, disks: int) -> bool:
    args = step.action.body["args"]
    said = args["disk"] + args["source"] + args["target"]
    return said == right_move(step.number) and step.outcome.body["ok"] == right_pegs(step.number, disks)


def _holds_again(step: Step, lead: int) -> bool:
    """Tell whether the same rules speak of the step, knowing only what it follows, and all hold."""
    checker = Checker(rules(lead))
    for event in step.before:
        checker.judge(event)
    judgement, after = checker.judge(step.action), checker.judge(step.outcome)
    return list(judgement.rules) == list(step.action.body["rules"]) and not (judgement.verdicts or after.verdicts)
