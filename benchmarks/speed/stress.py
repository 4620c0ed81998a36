"""How many runs a search makes in a second of one core: ``python -m benchmarks.speed.stress [--json]``.

The agent is scripted: ten calls of tools that do nothing, judged by three rules, two of which compare numbers. A run is
made from the beginning, in virtual time, and written and read as a trace like any other one; what the guided search
does to choose the next one is in the figure, and so is what it makes of the one before. Beside it stand the bare
function without harness, one trial after another without a search, and Hypothesis alone on a property that always
holds, with as many examples. Time is that of the process, so that what else the machine does is left out.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from benchmarks.speed.measure import SEED, Figure, measured, report, side_by_side
from harness.door.app import Harness
from harness.door.trial import Trials, in_bulk
from harness.registry.load import load
from harness.stress.schedule import Schedule
from harness.stress.search.search import search
from harness.stress.search.space import Space
from harness.stress.seen import Seen

RUNS: Final = 500
STEPS: Final = 10
BAR: Final = 300

_RULES: Final = """
registry: ten steps
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: WITHIN-BUDGET
    on: action
    tool: pay
    require: total(action, call.args.cents, call.tool == "pay") + call.args.cents <= 5000
    severity: high
    otherwise: observe
  - id: FEW-LOOKS
    on: action
    tool: look
    require: count(action, call.tool == "look") < 1000
    severity: high
    otherwise: observe
  - id: LOOKED-BEFORE
    on: action
    tool: pay
    require: happened(result, call.tool == "look")
    severity: high
    otherwise: observe
"""


def _look(number: int) -> list[int]:
    """Look at nothing."""
    return [number, number + 1]


def _pay(cents: int) -> str:
    """Pay nobody."""
    return "paid"


def _agent(look: Callable[[int], list[int]], pay: Callable[[int], str]) -> int:
    seen = 0
    for number in range(STEPS - 2):
        seen += sum(look(number) or [0])
    pay(5)
    pay(7)
    return seen


def _trials() -> Trials:
    app = Harness(load(_RULES, "ten.yaml"))
    look, pay = app.tool(name="look", effect="read")(_look), app.tool(name="pay", effect="write")(_pay)

    def agent() -> int:
        return _agent(look, pay)

    return Trials(app, agent, measures=True)


def _per_second(made: Callable[[], int]) -> float:
    """Give how many things a function makes in a second of the processor."""
    gc.collect()
    begun = time.process_time()
    count = made()
    return count / (time.process_time() - begun)


def _searched(trials: Trials) -> int:
    def run(schedule: Schedule) -> Seen:
        return trials.run(schedule).seen

    with in_bulk():
        found = search(run, Space(reads=frozenset({"look"})), budget=RUNS, seed=SEED, wanted=lambda seen: seen.rules)
    assert found.runs == RUNS, found
    return found.runs


def _tried(trials: Trials) -> int:
    with in_bulk():
        for _ in range(RUNS):
            seen = trials.run(Schedule()).seen
            assert len(seen.calls) == STEPS
    return RUNS


def _bare() -> int:
    for _ in range(RUNS * 100):
        _agent(_look, _pay)
    return RUNS * 100


def _alone() -> int:
    made = 0

    @seed(SEED)
    @settings(
        max_examples=RUNS,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(st.integers(), max_size=3))
    def always(_: list[Any]) -> None:
        nonlocal made
        made += 1

    always()
    return made


def main() -> None:
    trials = _trials()
    taken = side_by_side(
        {
            "search": lambda: _per_second(lambda: _searched(trials)),
            "trials": lambda: _per_second(lambda: _tried(trials)),
            "bare": lambda: _per_second(_bare),
            "hypothesis": lambda: _per_second(_alone),
        },
        "runs/s",
        repetitions=5,
    )
    figures: dict[str, Figure] = {
        "runs_per_second": measured(taken["search"], f">= {BAR}"),
        "trials_per_second": measured(taken["trials"]),
        "bare_per_second": measured(taken["bare"]),
        "hypothesis_per_second": measured(taken["hypothesis"]),
        "search_over_trials": measured(taken["search"].over(taken["trials"])),
    }
    report("stress", figures)


if __name__ == "__main__":
    main()
