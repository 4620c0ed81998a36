"""Whether any point meets a problem: a point that certainly does, a certificate that none can, or neither.

The search is float and fast and not trusted, and neither is z3, which is asked where logic decides and where the search
ends without an answer. An answer is only given once the checker has followed it: a certificate is replayed, a point is
evaluated with certain bounds. Budgets count boxes and work, so the answer is the same on any day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from math import ceil, floor
from typing import Any, Final, Literal

from harness.errors import NotRecordable
from harness.registry.solve.certificate import Certificate, Point
from harness.registry.solve.certify import certificate_of
from harness.registry.solve.checker import certainly, check_certificate
from harness.registry.solve.companion import Told, ask
from harness.registry.solve.problem import Problem
from harness.registry.solve.sample import shorter, spread, tidy
from harness.registry.solve.search import Search, Spent

NEAR: Final = 1e-5  # of its size, by which a constraint is missed at a point that may be good after rounding
_NOTHING: Final = Spent()
REFUSED: Final = 1e-300
STUCK: Final = 64  # boxes too thin to cut, after which an answer is no longer looked for
HOPELESS: Final = 8  # which part of the budget goes to a certificate of what z3 calls infeasible
LOGICAL: Final = 8  # variables without decimals, beyond which z3 is asked before points are tried


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a decision may take.

    Boxes, and work in revisions of one constraint on one box (about 10 us each); ``resources`` are what z3 may take, in
    its own count (a million in 0.1 s or so), 0 so that it is not asked.
    """

    boxes: int = 20_000
    work: int = 400_000
    resources: int = 3_000_000


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
    """Neither: why, the point that comes nearest, and how far inside each constraint it is (below 0: outside).

    ``leaning`` is what z3 says nevertheless: evidence that nothing here has followed, for there is no certificate, or
    no solution is known whose values are fractions.
    """

    reason: str
    point: Point | None
    margins: dict[str, float] = field(default_factory=dict)
    spent: Spent = _NOTHING
    leaning: Literal["", "feasible", "infeasible"] = ""


Decision = Feasible | Infeasible | Undecided


def decide(problem: Problem, budget: Budget = Budget()) -> Decision:
    """Decide whether any point meets a problem. Deterministic; every answer but ``Undecided`` is certified.

    O(budget.boxes) boxes, each O(size of the problem) revisions and at most one linear program, and one question to z3.
    """
    try:
        return _Deciding(problem, budget).decide()
    except (NotRecordable, RecursionError):
        return Undecided("terms nest too deep to be told apart", None)
    except (ArithmeticError, ValueError, MemoryError) as error:  # of the search, which proves nothing
        return Undecided(f"the search failed: {type(error).__name__}: {error}", None)


class _Deciding:
    def __init__(self, problem: Problem, budget: Budget) -> None:
        self.problem, self.budget = problem, budget
        self.search = Search(problem)
        self.tried: set[tuple[Fraction, ...]] = set()

    def decide(self) -> Decision:
        if found := self._hollow() or self._fixed():
            return found
        self.search.aim()
        self.search.start()
        if found := self._proved():
            return found
        logic = self._is_logic()
        if logic and (found := self._told()):
            return found
        hopeless = logic and self.told.answer == "infeasible"
        found = self._branched(HOPELESS) if hopeless else self._sampled() or self._branched()
        if isinstance(found, Undecided):
            return self._told() or replace(found, leaning=self._leaning())
        return found

    # --- without a search ---

    def _hollow(self) -> Decision | None:
        """Prove it of a variable that has no value in its bounds."""
        for at, one in enumerate(self.problem.variables):
            if one.low > one.high or (one.kind != "real" and ceil(one.low) > floor(one.high)):
                return self._followed(["hollow", at])
        return None

    def _fixed(self) -> Decision | None:
        """Judge the one point that there is."""
        variables = self.problem.variables
        if any(one.low != one.high for one in variables):
            return None
        point = tuple(one.low for one in variables)
        answers = certainly(self.problem, point)
        for place, one in enumerate(self.problem.constraints):
            if answers[one.name] is False and isinstance(found := self._followed(["refuted", place]), Infeasible):
                return found
        return Feasible(point, "only point", self.search.spent) if all(answers.values()) else None

    # --- z3 ---

    @cached_property
    def told(self) -> Told:
        """What z3 says."""
        return ask(self.problem, self.budget.resources) if self.budget.resources else Told("unknown")

    def _is_logic(self) -> bool:
        """Tell whether most variables have no decimals: a way down leads to no point then, and boxes are many."""
        whole = len(self.search.whole)
        return whole > LOGICAL and 2 * whole > len(self.problem.variables)

    def _told(self) -> Decision | None:
        return self._first(self.told.points, "z3")

    def _leaning(self) -> Literal["", "feasible", "infeasible"]:
        return "" if self.told.answer == "unknown" else self.told.answer

    # --- a certificate ---

    def _proved(self) -> Decision | None:
        return None if self.search.proof is None else self._followed(self.search.proof.tree)

    def _followed(self, tree: list[Any]) -> Decision:
        certificate = certificate_of(self.problem, tree)
        if reason := check_certificate(self.problem, certificate):
            return self._undecided(f"the checker cannot follow the certificate: {reason}")
        return Infeasible(certificate, self._core(tree), self.search.spent)

    def _core(self, tree: list[Any]) -> tuple[str, ...]:
        used: set[int] = set()
        waiting = [tree]
        while waiting:
            node = waiting.pop()
            if node[0] == "split":
                waiting += node[3:]
            elif node[0] == "refuted":
                used.add(node[1])
            elif node[0] in ("weights", "planes"):
                used.update(entry[0] for entry in node[-1])
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

    def _branched(self, part: int = 1) -> Decision:
        """Work through boxes until a part of the budget is used up, all of it where points are still looked for."""
        search, budget, next_slide = self.search, self.budget, 6
        while search.open:
            if part * search.boxes > budget.boxes or part * search.work > budget.work:
                return self._tidied() or self._undecided("the budget is used up")
            if search.stuck > STUCK:
                break
            search.step()
            if found := self._proved() or self._certified("box"):
                return found
            if part == 1 and search.boxes > next_slide:
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
