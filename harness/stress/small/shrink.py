"""Making a counterexample small: what can be left out, or be simpler, while the same rule is still violated.

Delta debugging (Zeller and Hildebrandt 2002) in its greedy form: of all cases that are one step simpler the first that
violates the rule is taken, until none is left. What remains is 1-minimal, which each of its neighbours was run to show.
It need not be the smallest of all, and the rule may be violated in it for another reason than in the beginning. One
such slip is ruled out: where a schedule was needed, no input is taken that violates the rule without any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from harness.determinism import canonical
from harness.errors import Divergence, UsageError
from harness.stress.schedule import Schedule
from harness.stress.seen import Made, Seen
from harness.stress.small.reduce import Case, simpler_cases
from harness.trace.diff import first_difference
from harness.trace.value import encode_value

_CURE: Final = "name the function that puts the agent's world back: before=…, or --before module:function"

Run = Callable[[Schedule, Mapping[str, Any]], Seen]


class Shrunk(NamedTuple):
    """What is left: a schedule and an input under which the rule is violated, and what came of their run.

    ``runs`` counts the runs that were made. ``minimal`` says that every case one step simpler was run and does not
    violate the rule, or has an input that violates it by itself while this schedule is needed for this one; it is false
    where the budget did not reach that far.
    """

    schedule: Schedule
    input: dict[str, Any]
    rule: str
    runs: int
    minimal: bool
    seen: Seen


def shrink(
    run: Run,
    schedule: Schedule,
    input: Mapping[str, Any],  # noqa: A002 - as everywhere
    rule: str,
    *,
    budget: int = 2000,
) -> Shrunk:
    """Leave out of a schedule and its input what the violation of a rule does not need, and simplify the rest.

    ``run`` makes one run from the beginning; where it raises UsageError the entry does not take the input, and the case
    is passed over. About O(n log n) runs for a case of n parts, O(n²) at worst, at most ``budget`` and 2.

    Divergence where the rule is not violated to begin with; and, with the first difference, where the first or the last
    case is run again and the two runs are not the same, because then no run shows anything. What models are asked and
    say does not count there, what is done about it does.
    """
    tries = _Tries(run, rule, budget)
    case = Case(schedule, dict(input))
    if rule not in tries.seen(case).rules:
        others = ", ".join(sorted(tries.seen(case).rules)) or "no rule"
        cause = "the agent is not what it was, or hangs on something that is not put back before each run"
        raise Divergence(f"the run does not violate {rule}, but {others}", cause=cause, cure=_CURE)
    tries.confirm(case)
    case, minimal = _least(case, tries)
    tries.confirm(case)
    return Shrunk(case.schedule, case.input, rule, tries.runs, minimal, tries.seen(case))


def unstable(**difference: Any) -> Divergence:
    """Give what says that the same schedule gives another run, with the first difference where it is known."""
    return Divergence(
        "the same schedule gives another run, so nothing was made smaller",
        **difference,
        cause="it hangs on something that is not put back before each run, or on chance that passes no door",
        cure=_CURE,
    )


class _Spent(Exception):
    """The budget is used up."""


class _Tries:
    """Run cases, each once, and remember what came of them."""

    def __init__(self, run: Run, rule: str, budget: int) -> None:
        self._run, self._rule, self._budget = run, rule, budget
        self._known: dict[bytes, Seen | None] = {}
        self.runs = 0

    def violates(self, case: Case) -> bool:
        """Tell whether the rule is violated; _Spent where that takes one run too many."""
        key = _key(case)
        if key not in self._known:
            if self.runs >= self._budget:
                raise _Spent
            try:
                self._known[key] = self._made(case)
            except UsageError:
                self._known[key] = None
        seen = self._known[key]
        return seen is not None and self._rule in seen.rules

    def takes(self, case: Case, now: Case) -> bool:
        """Tell whether a case may take the place of the one that was reached."""
        if not self.violates(case):
            return False
        alone = Case(Schedule(seed=case.schedule.seed), case.input)
        return case.input == now.input or not case.schedule.elements or not self.violates(alone)

    def seen(self, case: Case) -> Seen:
        """Give what came of a case that can be run."""
        key = _key(case)
        seen = self._known.get(key)
        if seen is None:
            self._known[key] = seen = self._made(case)
        return seen

    def confirm(self, case: Case) -> None:
        """Run a case again; Divergence where something else comes of it."""
        found = first_difference(_told(self.seen(case)), _told(self._made(case)))
        if found is not None:
            raise unstable(pointer=found.pointer, recorded=found.recorded, now=found.now)

    def _made(self, case: Case) -> Seen:
        self.runs += 1
        return self._run(case.schedule, case.input)


def _least(case: Case, tries: _Tries) -> tuple[Case, bool]:
    """Go down to a case with no simpler one, and say whether that was reached."""
    first = 0  # where a step was possible; those before it were not, and are looked at again only in the end
    try:
        while True:
            steps = enumerate(simpler_cases(case, tries.seen(case)))
            found = next((one for one in steps if one[0] >= first and tries.takes(one[1], case)), None)
            if found is None and first == 0:
                return case, True
            first, case = found or (0, case)
    except _Spent:
        return case, False


def _key(case: Case) -> bytes:
    return canonical.encode([encode_value(case.schedule.stated()), encode_value(case.input)])


def _told(seen: Seen) -> dict[str, Any]:
    """Give what was seen as JSON data, in the words that a difference is told in."""
    return {
        "calls": [_call(call) for call in seen.calls],
        "violated": [one._asdict() for one in seen.violated],
        "struck": [one._asdict() for one in seen.struck],
        "end": seen.end,
        "result": seen.result,
    }


def _call(call: Made) -> dict[str, Any]:
    """Give a call as JSON data; what is said to a model and by it carries ids and times of its service."""
    told = call._asdict() | {"args": dict(call.args)}
    return {name: told[name] for name in told if call.surface != "model" or name not in ("args", "value")}
