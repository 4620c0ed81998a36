"""One cell: a set is decided, a published case is worked through, or a loop is led, and held against what is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from harness.bench.task import Cell

from .asking import asked, registry_of_instance
from .cases import CASES, found, registry_of
from .instance import ARTIFACT, Instance
from .looping import drawn, in_a_session, looped
from .oracle import prove
from .planted import FEW, beyond, single, twins
from .proposers import PROPOSERS, scripted_good, scripted_sycophant
from .published import RULES, Known, facts

TOLERANCE: Final = Decimal("1e-6")  # of a number, and of 1 for smaller ones

NEVER: Final = ("false_paradox", "missed_paradox", "overclaimed", "witness_wrong", "leaning_wrong")
"""What must not be said of any set."""

_POLICIES: Final = {"good": scripted_good, "sycophantic": scripted_sycophant}


def run(cell: Cell, folder: Path) -> Mapping[str, Any]:
    """Do a cell and give what was seen; but for ``ms``, the same cell sees the same."""
    found = _seen(cell, folder)
    wrong = wrong_in(found)
    return {**found, "passed": not wrong, **({"why": "; ".join(wrong)} if wrong else {})}


def wrong_in(found: Mapping[str, Any]) -> list[str]:
    """Say what is wrong with what was seen, in a few words; nothing where everything is as it is known to be."""
    if "end" in found:
        return [*_of_a_loop(found)]
    if "vectors" in found:
        return list(found["wrong"])
    said = [name.replace("_", " ") for name in NEVER if found[name]]
    if found["verdict"] == "undecided" and found["truth"] != "beyond":
        said.append("undecided")
    return said + ["not the planted conflicts"] * (found.get("mus_exact") is False)


def _of_a_loop(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a loop: a proposer that never gets there is no fault of the loop."""
    if (found["end"] == "infeasible") is not (found["truth"] == "infeasible"):
        yield f"{found['end']}, and it is {found['truth']}"
    if found["end"] == "infeasible" and (asks := found.get("requests", found["asks"])):
        yield f"asked {asks} times before it was told"
    if found["locked_broken"]:
        yield f"{found['locked_broken']} locked rules broken"
    if found["ended_wrong"]:
        yield "converged to what breaks a rule"


def _seen(cell: Cell, folder: Path) -> Mapping[str, Any]:
    task, who = cell.task, cell.condition.name
    match task.group:
        case "published":
            return _worked_through(task.data["case"])
        case "loops":
            return _led(cell)
        case "sessions":
            case = task.data["case"]
            return in_a_session(case, _POLICIES[who], folder) | {"truth": facts()[case]["verdict"]}
    instance = _generated(task.group, cell.seed, task.data["number"])
    prove(instance)
    return asked(instance)


def _generated(group: str, seed: int, number: int, **added: Any) -> Instance:
    match group:
        case "infeasible":
            return twins(seed, number, **added)[0]
        case "feasible":
            return twins(seed, number, **added)[1]
        case "point":
            return single(seed, number, **added)
        case _:
            return beyond(seed, number, **added)


def _worked_through(case: str) -> dict[str, Any]:
    known, seen = facts()[case], found(case)
    wrong = [
        f"{name}: {seen.get(name)} and not {value}" for name, value in known.items() if not _is(seen.get(name), value)
    ]
    verdicts = {"truth": known["verdict"], "verdict": seen["verdict"]}
    return verdicts | {"vectors": len(known), "correct": len(known) - len(wrong), "wrong": wrong}


def _is(seen: Any, known: Known) -> bool:
    if isinstance(known, str) or not isinstance(seen, int | float):
        return bool(seen == known)
    return abs(Decimal(seen) - known) <= TOLERANCE * max(Decimal(1), abs(known))


def _led(cell: Cell) -> dict[str, Any]:
    """Lead a loop over a published case, or over a generated set with few rules; only the good proposer reads why."""
    data, who = cell.task.data, cell.condition.name
    propose = PROPOSERS[who](drawn(cell.seed, cell.task.name))
    if "case" in data:
        case = data["case"]
        told = looped(registry_of(case), CASES[case][1], RULES[case], propose, explain=who == "good")
        return told | {"truth": facts()[case]["verdict"]}
    instance = _generated(data["of"], cell.seed, data["number"], added=FEW)
    prove(instance)
    told = looped(registry_of_instance(instance), ARTIFACT, instance.rules, propose, explain=who == "good")
    return told | {"truth": instance.truth, "family": instance.family}
