"""Random terms over boxes: whatever they are at a point lies in what the solver's intervals say of the box.

``python -m benchmarks.fuzz.solve.enclosure [--count 10000] [--points 100] [--seed S] [--only N] [--json]``. Of each
term the values, the slopes of checker and search, and two conditions are looked at: a point of the box that meets a
condition has to be left by whatever the contractors cut off, and be in no box that the checker calls refuted. What is
undefined at a point has to be called so.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any, Final

from benchmarks.fuzz.solve.enclosed import KINDS, Case, Fault, case_of, condition_faults, slope_faults, value_faults
from benchmarks.fuzz.solve.terms import a_box, a_condition, a_point, a_term
from benchmarks.speed.measure import SEED, Figure, report
from harness.registry.solve.problem import Apply, Power, Term

_SHOWN: Final = 60


def faults_of(number: int, seed: int, points: int, counts: Counter[str]) -> list[Fault]:
    """Give all faults of the case of a number, values by the smallest part that has them."""
    random = Random(f"{seed}:{number}")
    term, box = a_term(random, random.randint(1, 5)), a_box(random)
    case = case_of(term, box, [a_point(random, box) for _ in range(points)])
    other = case_of(a_term(random, 2), case.box, case.points)
    counts["points"] += len(case.values)
    counts["undefined"] += sum(value is None for value in case.values)
    found = [*value_faults(case, counts), *slope_faults(case, counts)]
    if found:
        found[0] = _smallest(case, found[0])
    known = [(one.term, one.values) for one in (case, other)]
    for depth in (0, 2):
        found += condition_faults((case, other), a_condition(random, known, depth), counts)
    return found


def _smallest(case: Case, fault: Fault) -> Fault:
    """Give the same kind of fault of a part of the term, as long as there is one."""
    parts: Sequence[Term] = ()
    if isinstance(case.term, Apply | Power):
        parts = case.term.terms if isinstance(case.term, Apply) else (case.term.term,)
    for part in parts:
        inner = case_of(part, case.box, case.points)
        for found in (*value_faults(inner, Counter()), *slope_faults(inner, Counter())):
            if found.kind == fault.kind:
                return _smallest(inner, found)
    return fault


def main() -> None:
    """Try so many terms; leave with 1 where a value was not where it should be."""
    options = _options()
    counts: Counter[str] = Counter()
    faults: list[tuple[int, Fault]] = []
    start = time.perf_counter()
    for number in range(options.count) if options.only is None else [options.only]:
        counts["expressions"] += 1
        faults += [(number, fault) for fault in faults_of(number, options.seed, options.points, counts)]
    wrong = Counter(fault.kind for _, fault in faults)
    figures = {name: Figure(count, "1") for name, count in counts.items()}
    figures |= {kind: Figure(wrong[kind], "1", target="<= 0") for kind in KINDS}
    figures["seconds"] = Figure(time.perf_counter() - start, "s")
    shown = {(number, one.kind): one for number, one in reversed(faults)}  # the first of each kind in each case
    rows = [
        {
            "number": number,
            "kind": kind,
            "what": str(one.what),
            "box": ", ".join(f"{low} to {high}" for low, high in one.box),
            "point": ", ".join(map(str, one.point)),
        }
        for (number, kind), one in sorted(shown.items(), key=lambda item: (item[0][1], item[0][0]))
    ]
    report("solve_enclosure", figures, rows[:_SHOWN], seed=options.seed)
    sys.exit(1 if faults else 0)


def _options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="how many terms")
    parser.add_argument("--points", type=int, default=100, help="how many points of each box")
    parser.add_argument("--seed", type=int, default=SEED, help="what they are made from")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="this one alone")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
