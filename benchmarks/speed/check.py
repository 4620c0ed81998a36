"""What checking costs: predicate rules, one rule on the past, and fifty mixed rules early and late in a run.

The plain figure is that of the function the rules of a tool become, ``judge`` the public way to ask. They are held
against hand-written functions over the same dicts; the cost of an empty loop is taken off all of these. A step is a
call and its outcome, both judged. See ``check_rules`` for the rules, ``check_peers`` for other checkers::

    python -m benchmarks.speed.check [--json] [--length STEPS] [--peers PYTHON]

PYTHON is the interpreter of an environment with the other checkers; without it only what is installed here is timed.
The memory is that of a process of its own which has judged STEPS steps by the fifty rules.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from itertools import repeat
from pathlib import Path
from typing import Any, Final

from benchmarks.speed.check_rules import (
    ARGUMENTS,
    TOOLS,
    AfterLogin,
    AfterLook,
    Check,
    after_login,
    after_look,
    lookalikes,
    mixed,
    orders,
    predicates,
    run,
)
from benchmarks.speed.measure import REPETITIONS, Figure, Samples, measured, report, side_by_side, us_per_call
from harness.assertion.interface import Checker
from harness.registry.registry import Registry
from harness.trace.event import Event

CALLS: Final = 20_000
SHORT: Final = 100
LONG: Final = 1_000_000
TIMED: Final = 500  # steps of one repetition, late in a run; early, as many runs of 100 as that makes

Loops = dict[str, Callable[[int], object]]


def empty(calls: int) -> None:
    """Run nothing, as often."""
    for _ in repeat(None, calls):
        pass


def hand_loop(checks: Iterable[Check], calls_of: Iterable[dict[str, Any]]) -> Callable[[int], None]:
    """Give the loop of hand-written functions, each in turn."""
    pairs = list(zip(checks, calls_of, strict=True))

    def loop(calls: int) -> None:
        for check, call in pairs:
            for _ in repeat(None, calls // len(pairs)):
                check(call)

    return loop


def compiled_loop(registry: Registry, checker: Checker, calls_of: Iterable[dict[str, Any]]) -> Callable[[int], None]:
    """Give the loop of the compiled functions, each in turn, asked at this point of a run."""
    groups = [(registry.program.group("action", "tool", call["tool"]), call) for call in calls_of]
    past = checker._past  # what the public way hands to the function

    def loop(calls: int) -> None:
        nothing: dict[str, Any] = {}
        for group, call in groups:
            holds, tool, asked = group.holds, group.tool, past.asked
            if holds(call, tool, nothing, nothing, "main", 1, past, asked) is None:
                raise AssertionError(call)  # then not all rules were looked at
            for _ in repeat(None, calls // len(groups)):
                holds(call, tool, nothing, nothing, "main", 1, past, asked)

    return loop


def judge_loop(registry: Registry, calls_of: list[dict[str, Any]]) -> Callable[[int], None]:
    """Give the loop of the public way, one call after the other, each answered by nothing."""
    actions = [Event(2 * at, "action", "main", "0", (), at, call) for at, call in enumerate(calls_of)]

    def loop(calls: int) -> None:
        judge = Checker(registry).judge
        for action in actions:
            for _ in repeat(None, calls // len(actions)):
                judge(action)

    return loop


def timed(loops: Loops) -> dict[str, Samples]:
    """Time loops in turn, without the cost of an empty one."""
    runs = {name: lambda loop=loop: us_per_call(loop, CALLS) for name, loop in {"empty": empty, **loops}.items()}
    samples = side_by_side(runs, "us")
    nothing = samples.pop("empty")
    return {name: less(taken, nothing) for name, taken in samples.items()}


def less(one: Samples, other: Samples) -> Samples:
    """Take one thing's times off another's, repetition by repetition."""
    return Samples(one.unit, tuple(a - b for a, b in zip(one.values, other.values, strict=True)))


def action_body(tool: str, args: dict[str, Any]) -> dict[str, Any]:
    """Give the body of a call's event."""
    return {"surface": "tool", "tool": tool, "args": args, "rules": []}


def time_predicates() -> dict[str, Figure]:
    """Time 10, 50 and 500 predicate rules of ten tools."""
    figures = {}
    bodies = [action_body(tool, ARGUMENTS) for tool in TOOLS]
    for rules in (10, 50, 500):
        registry, checks = predicates(rules)
        loops: Loops = {
            "hand": hand_loop([checks[body["tool"]] for body in bodies], bodies),
            "compiled": compiled_loop(registry, Checker(registry), bodies),
            "judge": judge_loop(registry, bodies),
        }
        samples = timed(loops)
        figures[f"predicates_{rules}_hand_written_us"] = measured(samples["hand"])
        figures[f"predicates_{rules}_us"] = measured(samples["compiled"])
        figures[f"predicates_{rules}_judge_us"] = measured(samples["judge"])
        ratio = samples["compiled"].over(samples["hand"])
        figures[f"predicates_{rules}_ratio_hand_written"] = measured(ratio, "<= 2")
        figures[f"predicates_{rules}_judge_adds_us"] = measured(less(samples["judge"], samples["compiled"]), "<= 1")
    return figures


def time_temporal() -> tuple[dict[str, Figure], Samples]:
    """Time one rule on the past against state machines; give the first one's times as well."""
    figures = {}
    taken = []
    for name, tool, registry, machine in (
        ("login", "login", after_login(), AfterLogin()),
        ("join", "look", after_look(), AfterLook()),
    ):
        before, pay = action_body(tool, ARGUMENTS), action_body("pay", ARGUMENTS)
        checker = Checker(registry)
        checker.judge(Event(0, "action", "main", "0", (), 0, before))
        checker.judge(Event(1, "observation", "main", "0", (), 1, {"action": 0, "ok": "yes"}))
        machine.result(before)
        if not machine.pay(pay):
            raise AssertionError(name)
        loops: Loops = {
            "hand": hand_loop([machine.pay], [pay]),
            "compiled": compiled_loop(registry, checker, [pay]),
        }
        samples = timed(loops)
        figures[f"temporal_{name}_hand_written_us"] = measured(samples["hand"])
        figures[f"temporal_{name}_us"] = measured(samples["compiled"])
        figures[f"temporal_{name}_ratio_hand_written"] = measured(samples["compiled"].over(samples["hand"]), "<= 3")
        taken.append(samples["compiled"])
    return figures, taken[0]


def feed(checker: Checker, steps: int, start: int = 0) -> Checker:
    """Judge so many steps; AssertionError where a rule does not hold."""
    for event in run(steps, start):
        if checker.judge(event).verdicts:
            raise AssertionError(event)
    return checker


def us_per_step(checker: Checker, start: int, steps: int) -> float:
    """Time so many more steps from a step on, in microseconds for one."""
    events = list(run(steps, start))
    judge = checker.judge

    def loop(_: int) -> None:
        for event in events:
            judge(event)

    return us_per_call(loop, steps)


def time_mixed(length: int) -> dict[str, Figure]:
    """Time one more step under fifty mixed rules, early and late, without and with provenance."""
    figures = {}
    for name, sources, bar in (("mixed", False, 10), ("mixed_sources", True, 60)):
        registry = mixed(sources=sources)
        late = feed(Checker(registry), length + 1)  # up to the look at the account that is paid next
        reached = [length + 1]

        def late_us(late: Checker = late, reached: list[int] = reached) -> float:
            reached[0] += TIMED
            return us_per_step(late, reached[0] - TIMED, TIMED)

        def early_us(registry: Registry = registry) -> float:
            runs = TIMED // SHORT
            return sum(us_per_step(feed(Checker(registry), SHORT), SHORT, SHORT) for _ in range(runs)) / runs

        figures |= time_asking(name, registry, {SHORT: feed(Checker(registry), SHORT + 1), length: late}, bar)
        samples = side_by_side({"early": early_us, "late": late_us}, "us")
        figures[f"{name}_step_at_{SHORT}_us"] = measured(samples["early"], f"<= {bar + 1}")
        figures[f"{name}_step_at_{length}_us"] = measured(samples["late"], f"<= {bar + 1}")
        figures[f"{name}_ratio_late_early"] = measured(samples["late"].over(samples["early"]), "<= 1.3")
    return figures


def time_asking(name: str, registry: Registry, checkers: dict[int, Checker], bar: int) -> dict[str, Figure]:
    """Time the compiled functions alone, asked of a payment and a look at the end of runs of these lengths and one."""
    figures = {}
    loops: Loops = {}
    for length, checker in checkers.items():
        bodies = [event.body for event in run(2, length + 1) if event.kind == "action"]
        loops[f"{name}_at_{length}_us"] = compiled_loop(registry, checker, bodies)
    for figure, samples in timed(loops).items():
        figures[figure] = measured(samples, f"<= {bar}")
    return figures


def peak_mb(length: int) -> Figure:
    """Measure the memory of a process that has judged so many steps."""
    command = [sys.executable, "-m", "benchmarks.speed.check", "--length", str(length), "--only-feed"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Figure(float(done.stdout), "MB", target="< 300")


def time_peers(python: str, ours: Samples) -> tuple[dict[str, Figure], list[dict[str, Any]]]:
    """Time other checkers in their own environment, and whole traces of theirs here."""
    command = [python, str(Path(__file__).with_name("check_peers.py"))]
    taken = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    figures: dict[str, Figure] = {}
    rows = []
    for name in ("reelay", "rtamt"):
        if times := taken.get(f"{name}_us"):
            peer = Samples("us", tuple(times))
            figures[f"temporal_login_ratio_{name}"] = Figure(ours.median / peer.median, "1")
            rows.append({"peer": name, "rule": "no payment before a login", "theirs": peer.median, "unit": "us a step"})
    theirs_s = ours_s = 0.0
    for rule, registry in lookalikes().items():
        if times := taken.get(f"invariant_{rule}_s"):
            here = whole_trace_s(registry)
            theirs_s, ours_s = theirs_s + times[0], ours_s + here
            rows.append({"peer": "invariant-ai", "rule": rule, "theirs": times[0], "ours": here, "unit": "s a trace"})
    if ours_s:
        figures["trace_times_faster_than_invariant"] = Figure(theirs_s / ours_s, "1", target=">= 1000")
    return figures, rows


def whole_trace_s(registry: Registry) -> float:
    """Time one rule over the trace that the peers are given, in seconds; the median of some."""
    events = list(orders())
    taken = []
    for _ in range(REPETITIONS):
        checker = Checker(registry)
        start = time.perf_counter()
        for event in events:
            checker.judge(event)
        taken.append(time.perf_counter() - start)
    return sorted(taken)[len(taken) // 2]


def main() -> None:
    """Time everything and report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.check")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--length", type=int, default=LONG, help="how long a long run is, in steps")
    parser.add_argument("--peers", default=sys.executable, help="the interpreter that has the other checkers")
    parser.add_argument("--only-feed", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only_feed:
        feed(Checker(mixed()), options.length)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    figures = time_predicates()
    temporal, login = time_temporal()
    figures |= temporal | time_mixed(options.length)
    figures["memory_mb"] = peak_mb(options.length)
    compared, rows = time_peers(options.peers, login)
    report("check", figures | compared, rows)


if __name__ == "__main__":
    main()
