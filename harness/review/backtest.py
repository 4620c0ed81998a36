"""What a new version of a registry would have changed, had stored traces been judged by it.

Both versions judge every event of the same traces; nothing is run again. Not shown: what an agent would have done after
a call that only one of the versions blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from harness.assertion.interface import Checker
from harness.registry.registry import Registry
from harness.review.agreement import Proportion
from harness.tool import ToolSpec
from harness.trace.event import Event
from harness.trace.verdict import Judgement, Verdict, worst

Turn = Literal["newly blocked", "newly allowed", "changed"]
TURNS: Final[tuple[Turn, ...]] = ("newly blocked", "newly allowed", "changed")
ALL_RULES: Final = ""

_BLOCKS: Final = "block"
_STOPS: Final = (_BLOCKS, "escalate")
_QUIET: Final = "holds or silent"

Decide = Callable[[Judgement, Registry, ToolSpec], str]


class Flip(NamedTuple):
    """One event that two versions judge differently.

    ``rule`` is ``ALL_RULES`` where the decision on the step itself turned; ``seq`` is -1 at the end of a run.
    ``before`` and ``after`` say the truth and the response, or the decision.
    """

    turn: Turn
    rule: str
    trace: str
    seq: int
    step: int
    before: str
    after: str


class Compared(NamedTuple):
    """One trace: what turned, and whether either version would have blocked anything. ``positive`` is its label."""

    trace: str
    flips: tuple[Flip, ...]
    blocked: tuple[bool, bool]
    positive: bool | None = None


class Row(NamedTuple):
    """How often one rule turned one way: events, traces of all traces, and the first event."""

    rule: str
    turn: Turn
    events: int
    traces: Proportion
    first: Flip


def compare(
    trace: str, events: Iterable[Event], run: Mapping[str, Any], old: Registry, new: Registry, decide: Decide
) -> Compared:
    """Judge a trace by two versions. ``decide`` turns a judgement into ``allow``, ``block`` or ``escalate``.

    O(judging the trace twice).
    """
    sides = (_Side(old, run, decide), _Side(new, run, decide))
    flips: list[Flip] = []
    blocked = [False, False]
    steps: dict[int, int] = {}
    tools: dict[int, tuple[Any, str]] = {}
    step = -1
    for event in events:
        if event.kind == "action":
            step = steps[event.seq] = step + 1
            tools[event.seq] = event.body["surface"], event.body["tool"]
        about = event.body["action"] if event.kind == "observation" else event.seq
        before, after = (side.answers(side.checker.judge(event), tools.get(about)) for side in sides)
        now = [said.get(ALL_RULES) == _BLOCKS for said in (before, after)]
        blocked = [was or is_now for was, is_now in zip(blocked, now, strict=True)]
        flips += _flips(before, after, trace, event.seq, steps.get(about, step))
    before, after = (side.answers(side.checker.finish(), None) for side in sides)
    flips += _flips(before, after, trace, -1, step)
    return Compared(trace, tuple(flips), (blocked[0], blocked[1]))


def rows(compared: Sequence[Compared]) -> list[Row]:
    """Count the flips of many traces, all rules together first. O(flips)."""
    found: dict[tuple[str, Turn], list[Flip]] = {}
    for one in compared:
        for flip in one.flips:
            found.setdefault((flip.rule, flip.turn), []).append(flip)
    rules = dict.fromkeys((ALL_RULES, *(rule for rule, _ in found)))
    return [
        Row(rule, turn, len(flips), Proportion(len({flip.trace for flip in flips}), len(compared)), flips[0])
        for rule in rules
        for turn in TURNS
        if (flips := found.get((rule, turn)))
    ]


class _Side:
    def __init__(self, registry: Registry, run: Mapping[str, Any], decide: Decide) -> None:
        self.checker = Checker(registry, run)
        self._registry, self._decide = registry, decide

    def answers(self, judgement: Judgement, call: tuple[Any, str] | None) -> dict[str, str]:
        """Give what each rule that does not hold says, and what is decided of the step if it is a call."""
        said: dict[str, list[Verdict]] = {}
        for verdict in judgement.verdicts:
            said.setdefault(verdict.rule, []).append(verdict)
        answers = {} if call is None else {ALL_RULES: self._decided(judgement, call)}
        return answers | {rule: self._answer(verdicts, call) for rule, verdicts in said.items()}

    def _answer(self, verdicts: list[Verdict], call: tuple[Any, str] | None) -> str:
        truth = worst([verdict.truth for verdict in verdicts])
        does = verdicts[0].otherwise
        if call is not None and does in ("block", "escalate"):
            rule = verdicts[0].rule
            decided = self._decided(Judgement((rule,), tuple(verdicts)), call)
            return f"{truth}, {decided}"
        return f"{truth}, {does}"

    def _decided(self, judgement: Judgement, call: tuple[Any, str]) -> str:
        return self._decide(judgement, self._registry, self._registry.program.spec(*call))


def _flips(before: dict[str, str], after: dict[str, str], trace: str, seq: int, step: int) -> Iterator[Flip]:
    for rule in dict.fromkeys((*before, *after)):
        was, now = before.get(rule, _QUIET), after.get(rule, _QUIET)
        if was != now:
            yield Flip(_turn(was, now), rule, trace, seq, step, was, now)


def _turn(was: str, now: str) -> Turn:
    """Name the way of a flip; to and from asking a person is neither blocked nor allowed."""
    stopped, stops = was.endswith(_STOPS), now.endswith(_STOPS)
    if now.endswith(_BLOCKS) and not stopped:
        return "newly blocked"
    return "newly allowed" if was.endswith(_BLOCKS) and not stops else "changed"
