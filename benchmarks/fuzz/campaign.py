"""Run many cases in a process of their own, and report them in the one shape of every measurement."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any, Final, NamedTuple

from benchmarks.fuzz.tripwire import LIMIT_MS, Laps, Wire, attempt
from benchmarks.speed.measure import SEED, Figure, report

Make = Callable[[Random], str]
Attack = Callable[[str, Random, Laps], str]

_WARM_UP: Final = 300  # modules that are imported at their first use are imported by then
_SHOWN: Final = 50
_MAX_TEXT: Final = 200  # --only shows the whole


class Fault(NamedTuple):
    """A case that went wrong: its number, what happened, its text."""

    number: int
    fault: str
    text: str


def main(name: str, make: Make, attack: Attack, *, default_count: int) -> None:
    """Read the command line, run the cases, report, and leave with 1 where there was a fault."""
    options = _options(default_count)
    if os.environ.get("PYTHONHASHSEED") != "0":  # sets have an order of their own: a case must be the same every time
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    for number in range(_WARM_UP):
        attempt(Wire(deaf=True), _case(make, attack, -options.seed, number))
    wire = Wire()
    numbers = range(options.count) if options.only is None else [options.only]
    outcomes: Counter[str] = Counter()
    faults: list[Fault] = []
    times: list[float] = []
    start = time.perf_counter()
    for number in numbers:
        told = attempt(wire, _case(make, attack, options.seed, number))
        if told.fault.startswith("slow"):  # a machine under load: once more, by itself
            told = attempt(wire, _case(make, attack, options.seed, number))
        times.append(told.cpu_ms)
        outcomes[told.outcome or "fault"] += 1
        if told.fault:
            faults.append(Fault(number, told.fault, _text(make, options.seed, number)))
    figures = _figures(outcomes, faults, times, time.perf_counter() - start)
    report(name, figures, [fault._asdict() for fault in faults[:_SHOWN]], seed=options.seed)
    if options.only is not None and not options.json:
        print(make(Random(f"{options.seed}:{options.only}")).encode("utf-8", "backslashreplace").decode())
    sys.exit(1 if faults else 0)


def _case(make: Make, attack: Attack, seed: int, number: int) -> Callable[[Laps], str]:
    random = Random(f"{seed}:{number}")
    text = make(random)
    return lambda laps: attack(text, random, laps)


def _text(make: Make, seed: int, number: int) -> str:
    return ascii(make(Random(f"{seed}:{number}")))[:_MAX_TEXT]


def _figures(outcomes: Counter[str], faults: list[Fault], times: list[float], seconds: float) -> dict[str, Figure]:
    slow = sum(fault.fault.startswith(("slow", "no end")) for fault in faults)
    escapes = sum(fault.fault.startswith("escape") for fault in faults)
    return {
        "cases": Figure(sum(outcomes.values()), "1"),
        **{outcome: Figure(number, "1") for outcome, number in sorted(outcomes.items()) if outcome != "fault"},
        "crashes": Figure(len(faults) - slow - escapes, "1", target="<= 0"),
        f"over_{LIMIT_MS:.0f}_ms": Figure(slow, "1", target="<= 0"),
        "escapes": Figure(escapes, "1", target="<= 0"),
        "case_ms": Figure(statistics.median(times), "ms", (min(times), max(times))),
        "seconds": Figure(seconds, "s"),
    }


def _options(default_count: int) -> Any:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=default_count, help="how many cases")
    parser.add_argument("--seed", type=int, default=SEED, help="what the cases are made from")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="this case alone, and its text")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()
