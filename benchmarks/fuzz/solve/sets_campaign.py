"""Constraint sets of public origin: what the solver says of each, against what was known before.

``python -m benchmarks.fuzz.solve.sets_campaign [--confirm] [--only NAME] [--json]``. Each version of each set becomes a
registry, is loaded, read as a problem and decided, with the default budget. ``wrong`` is an answer against the stated
truth, or a point that the oracle does not accept; of the unknown, ``leaning`` are those of which the solver says where
z3 leans, and wrongly is wrong too. ``--confirm`` first has the oracle confirm every stated truth.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from fractions import Fraction
from typing import Any, Final, NamedTuple

from benchmarks.fuzz.solve.sets import Version, registry_text, versions
from benchmarks.fuzz.solve.truth import confirmed, met
from benchmarks.speed.measure import Figure, report
from harness.registry.load import load
from harness.registry.solve.decide import Budget, Decision, Feasible, Infeasible, Undecided, decide
from harness.registry.solve.extract import extract
from harness.registry.solve.problem import Problem, Variable

_USUAL: Final = Budget()
_QUICK_MS: Final = 100.0


class Answer(NamedTuple):
    """What became of one version: ``solved``, ``unknown`` or ``wrong``, how long it took, and what z3 leans to."""

    version: Version
    outcome: str
    ms: float
    told: str
    leaning: str = ""


def problem_of(version: Version) -> Problem:
    """Give a version as a problem, by way of the registry that it is."""
    return extract(load(registry_text(version), f"{version.name}.yaml"), "design")


def asked(version: Version, budget: Budget = _USUAL) -> Answer:
    """Decide a version and compare with its truth. The time is that of reading the rules and of deciding."""
    registry = load(registry_text(version), f"{version.name}.yaml")
    start = time.perf_counter_ns()
    problem = extract(registry, "design")
    decision = decide(problem, budget)
    ms = (time.perf_counter_ns() - start) / 1e6
    wrong = faults(version, problem, decision)
    outcome = "wrong" if wrong else "solved" if isinstance(decision, Feasible | Infeasible) else "unknown"
    if not isinstance(decision, Undecided):
        return Answer(version, outcome, ms, "; ".join(wrong))
    return Answer(version, outcome, ms, "; ".join(wrong) or decision.reason, decision.leaning)


def faults(version: Version, problem: Problem, decision: Decision) -> list[str]:
    """Give what is wrong with a decision, in view of what is known."""
    said = "infeasible" if isinstance(decision, Infeasible) else ""
    if isinstance(decision, Undecided):
        said = decision.leaning
    if said == "infeasible" and version.point is not None:
        return [f"no point, but {dict(version.point)} is one"]
    if said == "feasible" and version.point is None:
        return ["leans to feasible where there is no point"]
    if not isinstance(decision, Feasible):
        return []
    values = {one.name: _value(one, value) for one, value in zip(problem.variables, decision.point, strict=True)}
    point = {name: values.get(name, _any(domain)) for name, domain in version.fields.items()}
    if missed := met(version, point):
        return [f"{point} misses {missed}"]
    return [] if version.point is not None else [f"a point where there is none: {point}"]


def _value(variable: Variable, value: Fraction) -> Any:
    return variable.values[int(value)] if variable.kind == "choice" else value


def _any(domain: Any) -> Any:
    """Give some value of a field that no rule speaks of."""
    return False if domain == "bool" else domain[0]


def figures_of(answers: list[Answer]) -> dict[str, Figure]:
    """Count the outcomes, and say how long deciding took."""
    counts = Counter(answer.outcome for answer in answers)
    times = sorted(answer.ms for answer in answers)
    p90 = times[int(0.9 * (len(times) - 1))]
    return {
        "sets": Figure(len({answer.version.name.split(".")[0] for answer in answers}), "1"),
        "versions": Figure(len(answers), "1"),
        "feasible": Figure(sum(answer.version.point is not None for answer in answers), "1"),
        "solved": Figure(counts["solved"], "1"),
        "unknown": Figure(counts["unknown"], "1"),
        "leaning": Figure(sum(bool(answer.leaning) for answer in answers), "1"),
        "wrong": Figure(counts["wrong"], "1", target="<= 0"),
        "median_ms": Figure(statistics.median(times), "ms", (times[0], times[-1]), f"<= {_QUICK_MS}"),
        "p90_ms": Figure(p90, "ms", (p90, p90), "<= 500"),
    }


def main() -> None:
    """Ask all versions; leave with 1 where an answer was wrong, or with ``--confirm`` a truth was not confirmed."""
    options = _options()
    chosen = [one for one in versions() if options.only in one.name]
    figures: dict[str, Figure] = {}
    rows: list[dict[str, Any]] = []
    if options.confirm:
        for version in chosen:
            if version.point is None:
                told: str = confirmed(version) or ""
            else:
                told = "" if met(version, version.point) else "point"
            rows.append({"set": version.name, "outcome": f"confirmed by {told}" if told else "not confirmed"})
        counts = Counter(row["outcome"] for row in rows)
        figures = {name.replace(" ", "_"): Figure(count, "1") for name, count in sorted(counts.items())}
        figures["not_confirmed"] = Figure(counts["not confirmed"], "1", target="<= 0")
        rows = [row for row in rows if row["outcome"] == "not confirmed"]
    asked(chosen[0])  # what is imported at the first use is imported by then
    answers = [asked(version) for version in chosen]
    rows += [
        {
            "set": answer.version.name,
            "outcome": answer.outcome,
            "ms": round(answer.ms, 1),
            "told": f"{answer.told} {answer.leaning}".strip(),
        }
        for answer in answers
        if answer.outcome != "solved" or answer.ms > _QUICK_MS
    ]
    figures |= figures_of(answers)
    report("solve_sets", figures, rows)
    sys.exit(0 if all(figure.ok is not False for name, figure in figures.items() if name in _LAW) else 1)


_LAW: Final = ("wrong", "not_confirmed")


def _options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--confirm", action="store_true", help="confirm every stated truth by the oracle first")
    parser.add_argument("--only", default="", metavar="NAME", help="the sets whose name has this in it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
