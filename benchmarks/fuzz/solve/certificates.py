"""Spoilt certificates: the checker may take none for a proof that is not one.

``python -m benchmarks.fuzz.solve.certificates [--count 1000] [--problems P] [--seed S] [--only N] [--json]``. The
certificates are those of the infeasible sets of ``textbook/``, and of coupled ones, whose proofs weigh rules. What the
checker accepts has to be proved by ``proof`` too, in other arithmetic and from the description of the format alone: a
change may do no harm, as twice a weight. Every certificate is also held against the feasible twin of its set, as it is
and with the digest forged.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from random import Random
from typing import Any, Final, NamedTuple

from benchmarks.fuzz.solve.coupled import coupled
from benchmarks.fuzz.solve.mutations import MUTATIONS, OF
from benchmarks.fuzz.solve.proof import proves
from benchmarks.fuzz.solve.sets import versions
from benchmarks.fuzz.solve.sets_campaign import problem_of
from benchmarks.fuzz.solve.stock import Proved, Stock, nodes
from benchmarks.speed.measure import SEED, Figure, report
from harness.errors import UsageError
from harness.registry.solve.certificate import dump, load
from harness.registry.solve.checker import check_certificate
from harness.registry.solve.decide import Budget, Infeasible, decide
from harness.registry.solve.problem import Problem

_BUDGET: Final = Budget(boxes=300, work=40_000)
_LARGEST: Final = 200  # nodes
_PATIENCE: Final = 200
_SHOWN: Final = 20


class Tried(NamedTuple):
    """One spoilt certificate: what was done, what the checker said, and what the second opinion was."""

    name: str
    mutation: str
    reason: str
    opinion: str

    @property
    def outcome(self) -> str:
        """Rejected, accepted and proved, or accepted without a proof, which is what may not be."""
        if self.reason:
            return "rejected" if self.opinion else "rejected_though_proved"
        return "accepted_without_proof" if self.opinion else "accepted_and_proved"


def proved(count: int | None = None) -> list[Proved]:
    """Give so many infeasible sets with their certificates, those that are decided quickly and shown in few nodes."""
    found: list[Proved] = []
    for name, problem, twin in chain(_coupled(40 if count is None else count // 2), _textbook()):
        decision = decide(problem, _BUDGET)
        if isinstance(decision, Infeasible) and len(list(nodes(decision.certificate["tree"]))) <= _LARGEST:
            found.append(Proved(name, problem, decision.certificate, twin))
        if len(found) == count:
            break
    return found


def _coupled(count: int) -> Iterator[tuple[str, Problem, Problem]]:
    for number, (problem, twin) in enumerate(coupled(count, SEED)):
        yield f"coupled {number}", problem, twin


def _textbook() -> Iterator[tuple[str, Problem, Problem | None]]:
    """Give every infeasible version with the feasible one of the same set, taken from all files in turn."""
    listed = list(versions())
    feasible = {one.name.split(".")[0]: one for one in listed if one.point is not None}
    infeasible = [one for one in listed if one.point is None]
    for one in Random(0).sample(infeasible, len(infeasible)):
        twin = feasible.get(one.name.split(".")[0])
        yield one.name, problem_of(one), twin and problem_of(twin)


def tried(stock: list[Proved], seed: int, number: int) -> Tried:
    """Spoil a certificate in the way of a number, and ask both; what leaves it as it was does not count."""
    random = Random(f"{seed}:{number}")
    mutation = MUTATIONS[number % len(MUTATIONS)]
    fit = [one for one in stock if _has(one, *OF.get(mutation, ()))] or stock
    for _ in range(_PATIENCE):
        one = random.choice(fit)
        changed = mutation(random, Stock(one, [other for other in stock if other is not one]))
        if changed not in (one.certificate, dump(one.certificate)):
            return Tried(one.name, mutation.__name__, *_asked(one.problem, changed))
    raise AssertionError(f"{mutation.__name__} changes none of these certificates")


def _has(one: Proved, *kinds: str) -> bool:
    """Tell whether a certificate has a node of some kinds; of no kind, it always has."""
    return not kinds or any(node[0] in kinds for node in nodes(one.certificate["tree"]))


def _asked(problem: Problem, changed: Any) -> tuple[str, str]:
    """Give the checker's reason and that of the second opinion; a file that cannot be read is rejected by both."""
    if isinstance(changed, bytes):
        try:
            changed = load(changed)
        except UsageError as error:
            return str(error), "no file"
    return check_certificate(problem, changed), proves(problem, changed)


def passed_for_twin(one: Proved) -> list[str]:
    """Give how a certificate was taken for a proof about the feasible problem, which has a point."""
    if one.twin is None:
        return []
    forged = {**one.certificate, "problem": one.twin.digest}
    asked = {"as it is": one.certificate, "with the digest forged": forged}
    return [how for how, certificate in asked.items() if check_certificate(one.twin, certificate) == ""]


def main() -> None:
    """Try so many; leave with 1 where the checker accepted what is no proof."""
    options = _options()
    stock = proved(options.problems)
    start = time.perf_counter()
    numbers = range(options.count) if options.only is None else [options.only]
    done = [tried(stock, options.seed, number) for number in numbers]
    passed = {one.name: how for one in stock if (how := passed_for_twin(one))}
    outcomes = Counter(one.outcome for one in done)
    kinds = {one.__name__: [each for each in done if each.mutation == one.__name__] for one in MUTATIONS}
    figures = {
        "problems": Figure(len(stock), "1", target=">= 20"),
        "mutations": Figure(len(done), "1"),
        "rejected": Figure(outcomes["rejected"], "1"),
        "rejected_though_proved": Figure(outcomes["rejected_though_proved"], "1"),
        "accepted_and_proved": Figure(outcomes["accepted_and_proved"], "1"),
        "accepted_without_proof": Figure(outcomes["accepted_without_proof"], "1", target="<= 0"),
        "twins": Figure(sum(one.twin is not None for one in stock), "1"),
        "twins_passed": Figure(len(passed), "1", target="<= 0"),
        **{f"of_{name}": Figure(len(tries), "1") for name, tries in kinds.items()},
        "seconds": Figure(time.perf_counter() - start, "s"),
    }
    shown = [one._asdict() for one in done if one.outcome == "accepted_without_proof"]
    shown += [{"name": name, "mutation": "twin", "reason": "", "opinion": str(how)} for name, how in passed.items()]
    if options.only is not None or options.rejected:
        shown += [one._asdict() for one in done if options.only is not None or one.outcome == "rejected_though_proved"]
    report("solve_certificates", figures, shown[:_SHOWN], seed=options.seed)
    sys.exit(1 if outcomes["accepted_without_proof"] or passed else 0)


def _options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000, help="how many spoilt certificates")
    parser.add_argument("--problems", type=int, help="of how many problems; else of all that there are")
    parser.add_argument("--seed", type=int, default=SEED, help="what they are made from")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="this one alone")
    parser.add_argument("--rejected", action="store_true", help="show too what was rejected and is a proof")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
