"""Ask the solver about an instance, and hold its answer against what is known."""

from __future__ import annotations

import time
from typing import Any, Literal

import yaml

from harness.registry.load import load
from harness.registry.registry import Registry
from harness.registry.solve.checker import certainly
from harness.registry.solve.decide import Decision, Feasible, Infeasible, Undecided, decide
from harness.registry.solve.extract import extract
from harness.registry.solve.mus import all_muses
from harness.registry.solve.problem import Problem

from .instance import ARTIFACT, Instance, Values, document_of
from .oracle import is_value, met

Verdict = Literal["feasible", "infeasible", "undecided"]


def registry_of_instance(instance: Instance) -> Registry:
    """Load the registry of an instance, written as YAML and read again, as anybody's is."""
    return load(yaml.safe_dump(document_of(instance), sort_keys=False), instance.name)


def verdict_of(decision: Decision) -> Verdict:
    """Say what a decision claims to be certified."""
    match decision:
        case Feasible():
            return "feasible"
        case Infeasible():
            return "infeasible"
    return "undecided"


def asked(instance: Instance) -> dict[str, Any]:
    """Ask about an instance and judge the answer; ``ms`` is what extracting, compiling and deciding took."""
    registry = registry_of_instance(instance)
    start = time.perf_counter_ns()
    problem = extract(registry, ARTIFACT)
    decision = decide(problem)
    ms = (time.perf_counter_ns() - start) / 1e6
    return judged(instance, problem, decision) | {"ms": round(ms, 3)}


def judged(instance: Instance, problem: Problem, decision: Decision) -> dict[str, Any]:
    """Give the facts of a row.

    ``false_paradox``: called infeasible, and real numbers meet it. ``missed_paradox``: called feasible, and nothing
    does. ``overclaimed``: called feasible, and nothing that could be written down does. ``witness_wrong``: the oracle
    does not find that the point that was given meets every rule. ``leaning_wrong``: what z3 says without a proof is
    not so.
    """
    verdict, truth = verdict_of(decision), instance.truth
    leaning = decision.leaning if isinstance(decision, Undecided) else ""
    facts: dict[str, Any] = {
        "family": instance.family,
        "rules": len(instance.rules),
        "fields": len(instance.fields),
        "truth": truth,
        "verdict": verdict,
        "false_paradox": verdict == "infeasible" and truth != "infeasible",
        "missed_paradox": verdict == "feasible" and truth == "infeasible",
        "overclaimed": verdict == "feasible" and truth == "beyond",
        "witness_wrong": isinstance(decision, Feasible) and not _met(instance, problem, decision),
        "leaning": leaning,
        "leaning_wrong": leaning == ("feasible" if truth == "infeasible" else "infeasible"),
    }
    if truth == "infeasible":
        facts |= {
            "planted": len(instance.muses),
            "mus_exact": isinstance(decision, Infeasible) and _exact(instance, problem),
        }
    return facts


def _met(instance: Instance, problem: Problem, decision: Feasible) -> bool:
    """Tell whether the point that was given lies in the bounds and meets every rule, by the oracle alone."""
    point: Values = {
        one.name: one.values[int(number)] if one.values else number
        for one, number in zip(problem.variables, decision.point, strict=True)
    }
    # fields that no rule speaks of have no value
    return all(is_value(one, point[one.name]) for one in instance.fields if one.name in point) and all(
        met(instance.rules, point).values()
    )


def _exact(instance: Instance, problem: Problem) -> bool:
    """Tell whether the minimal sets in conflict are those that were planted, all of them and each certified minimal."""
    every = all_muses(problem, decide, certainly)
    return every.complete and frozenset(frozenset(one.names) for one in every.subsets) == instance.muses
