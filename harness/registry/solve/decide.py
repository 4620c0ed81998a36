"""Whether any point meets a problem: a point that certainly does, a certificate that none can, or neither.

The search is float and fast and not trusted. An answer is only given once the checker has followed it: a certificate is
replayed, a point is evaluated with certain bounds. Budgets count boxes and work, so the answer is the same on any day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from harness.registry.solve.certificate import Certificate, Point
from harness.registry.solve.certify import certificate_of
from harness.registry.solve.checker import certainly, check_certificate
from harness.registry.solve.problem import Problem
from harness.registry.solve.sample import shorter, spread, tidy
from harness.registry.solve.search import Search, Spent

NEAR: Final = 1e-5  # of its size, by which a constraint is missed at a point that may be good after rounding
_NOTHING: Final = Spent()
REFUSED: Final = 1e-300
STUCK: Final = 64  # boxes too thin to cut, after which an answer is no longer looked for


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a decision may take: boxes, and work in revisions of one constraint on one box (about 10 us each)."""

    boxes: int = 20_000
    work: int = 400_000


@dataclass(frozen=True, slots=True)
class Feasible:
    """A point that certainly meets every constraint; ``how`` tells where it was found."""

    point: Point
    how: str
    spent: Spent = _NOTHING


@dataclass(frozen=True, slots=True)
class Infeasible:
    """A certificate that the checker has followed, and the names of the constraints that it uses."""

    certificate: Certificate
    core: tuple[str, ...]
    spent: Spent = _NOTHING


@dataclass(frozen=True, slots=True)
class Undecided:
    """Neither: why, the point that comes nearest, and how far inside each constraint it is (below 0: outside)."""

    reason: str
    point: Point | None
    margins: dict[str, float] = field(default_factory=dict)
    spent: Spent = _NOTHING


Decision = Feasible | Infeasible | Undecided


def decide(problem: Problem, budget: Budget = Budget()) -> Decision:
    """Decide whether any point meets a problem. Deterministic; every answer but ``Undecided`` is certified.

    O(budget.boxes) boxes, each O(size of the problem) revisions and at most one linear program.
    """
    try:
        return _Deciding(problem, budget).decide()
    except (ArithmeticError, RecursionError, ValueError, MemoryError) as error:  # of the search, which proves nothing
        return Undecided(f"the search failed: {type(error).__name__}: {error}", None)


class _Deciding:
    def __init__(self, problem: Problem, budget: Budget) -> None:
        self.problem, self.budget = problem, budget
        self.search = Search(problem)
        self.tried: set[tuple[Fraction, ...]] = set()

    def decide(self) -> Decision:
        search = self.search
        for at, one in enumerate(self.problem.variables):
            if search.root_lows[at] > search.root_highs[at]:
                return self._undecided(f"{one.name} has no value between {one.low} and {one.high}")
        search.aim()
        search.start()
        return self._proved() or self._sampled() or self._branched()

    # --- a certificate ---

    def _proved(self) -> Decision | None:
        proof = self.search.proof
        if proof is None:
            return None
        certificate = certificate_of(self.problem, proof.tree)
        if reason := check_certificate(self.problem, certificate):
            return self._undecided(f"the checker cannot follow the certificate: {reason}")
        return Infeasible(certificate, self._core(proof.tree), self.search.spent)

    def _core(self, tree: list[Any]) -> tuple[str, ...]:
        used: set[int] = set()
        waiting = [tree]
        while waiting:
            node = waiting.pop()
            if node[0] == "split":
                waiting += node[3:]
            elif node[0] == "refuted":
                used.add(node[1])
            else:
                used.update(entry[0] for entry in node[1])
        return tuple(dict.fromkeys(self.problem.constraints[place].name for place in sorted(used)))

    # --- a point ---

    def _certified(self, how: str) -> Decision | None:
        """Certify the nearest point where floats take it for a solution."""
        missed, point = self.search.best
        if missed > 0:
            return None
        found = self._first(shorter(self.search.sampler, point), how)
        if found is None:  # floats err there: any other point that they take for a solution comes before it
            self.search.best = REFUSED, point
        return found

    def _tidied(self) -> Decision | None:
        """Certify a point of few digits where floats come near and no further."""
        missed, point = self.search.best
        return self._first(tidy(self.search.sampler, point), "corner") if missed < NEAR else None

    def _first(self, points: Iterable[tuple[Fraction, ...]], how: str) -> Decision | None:
        for exact in points:
            if exact in self.tried:
                continue
            self.tried.add(exact)
            if all(certainly(self.problem, exact).values()):
                return Feasible(exact, how, self.search.spent)
        return None

    def _sampled(self) -> Decision | None:
        search = self.search
        box = search.root
        if found := self._certified("middle"):
            return found
        seen = sorted(
            (search.look(point), point)
            for point in map(search.sampler.rounded, spread(self.problem.digest, box.lows, box.highs, 48))
        )
        if found := self._certified("sample"):
            return found
        for _, point in [search.best, *seen[:2]]:
            search.noted(*search.sampler.descend(point, box.lows, box.highs, 24))
            if found := self._certified("descent"):
                return found
        search.aim()
        return None

    # --- boxes ---

    def _branched(self) -> Decision:
        search, budget, next_slide = self.search, self.budget, 6
        while search.open:
            if search.boxes > budget.boxes or search.work > budget.work:
                return self._tidied() or self._undecided("the budget is used up")
            if search.stuck > STUCK:
                break
            search.step()
            if found := self._proved() or self._certified("box"):
                return found
            if search.boxes > next_slide:
                next_slide = 3 * search.boxes
                if found := self._slid():
                    return found
        return self._tidied() or self._undecided("boxes at the boundary are too thin for floats")

    def _slid(self) -> Decision | None:
        search = self.search
        search.noted(*search.sampler.slide(search.best[1], 20))
        search.noted(*search.sampler.descend(search.best[1], search.root.lows, search.root.highs, 30))
        search.aim()
        return self._certified("descent") or self._tidied()

    def _undecided(self, reason: str) -> Undecided:
        _, point = self.search.best
        excesses = self.search.sampler.excesses(point)
        margins: dict[str, float] = {}
        for one, excess in zip(self.problem.constraints, excesses, strict=True):
            margins[one.name] = min(margins.get(one.name, -excess), -excess)
        bounds = [(one.low, one.high) for one in self.problem.variables]
        exact = tuple(min(max(Fraction(x), low), high) for x, (low, high) in zip(point, bounds, strict=True))
        return Undecided(reason, exact, margins, self.search.spent)
