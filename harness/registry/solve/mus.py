"""Which constraints cannot be met together: one or all minimal unsatisfiable subsets, over a deciding oracle.

One subset is found by deletion, from the core of a certificate; all of them by MARCO (Liffiton, Previti, Malik and
Marques-Silva, "Fast, flexible MUS enumeration", Constraints 21, 2016), with z3 as the map of what is not explored. What
the oracle cannot decide is kept apart and never taken for either answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from harness.registry.solve.certificate import Point
from harness.registry.solve.decide import Decision, Feasible, Infeasible
from harness.registry.solve.problem import Problem

Oracle = Callable[[Problem], Decision]
Judge = Callable[[Problem, Point], Mapping[str, bool | None]]
Answer = Literal["feasible", "infeasible", "undecided"]


@dataclass(frozen=True, slots=True)
class Mus:
    """Constraints, in the order of the problem, that no point meets together.

    ``certificate`` proves it of the problem with the constraints ``proven_for`` only, which are ``names`` wherever the
    oracle could decide these alone. ``undecided`` are those of them without which it could not decide: where there are
    any, the subset may be smaller.
    """

    names: tuple[str, ...]
    certificate: Any
    proven_for: tuple[str, ...]
    undecided: tuple[str, ...] = ()

    @property
    def minimal(self) -> Literal["certified", "upper bound"]:
        """Whether without any one of them a point is known that meets the others."""
        return "upper bound" if self.undecided else "certified"


@dataclass(frozen=True, slots=True)
class Muses:
    """Every minimal unsatisfiable subset that was found.

    ``corrections`` are the sets of constraints without which a point meets the others; where ``complete``, they are
    minimal, and neither a subset nor a correction is missing. ``undecided`` are sets that the oracle could not decide
    and that nothing else decides, ``calls`` how often it was asked.
    """

    subsets: tuple[Mus, ...]
    corrections: tuple[tuple[str, ...], ...]
    undecided: tuple[tuple[str, ...], ...]
    complete: bool
    calls: int


def one_mus(problem: Problem, oracle: Oracle, judge: Judge | None = None) -> Mus | None:
    """Find one minimal unsatisfiable subset; None where the problem is not known to be infeasible.

    One call of the oracle for each constraint of the first core, at most its square where answers are missing.
    """
    memory = Memory(problem, oracle, judge)
    names = frozenset(memory.order)
    return _shrink(names, memory) if memory.ask(names) == "infeasible" else None


def all_muses(problem: Problem, oracle: Oracle, judge: Judge | None = None, calls: int = 2_000) -> Muses:
    """Find all minimal unsatisfiable subsets and corrections, within a number of calls of the oracle.

    The same sets in the same order on any machine: each seed is the first in the order of the problem. There may be
    exponentially many.
    """
    memory, seeds = Memory(problem, oracle, judge), _Map(tuple(one.name for one in problem.constraints))
    subsets: list[Mus] = []
    feasible: list[frozenset[str]] = []
    open_sets: list[frozenset[str]] = []
    seed = seeds.first()
    while seed is not None and memory.calls < calls:
        answer = memory.ask(seed)
        if answer == "infeasible":
            found = _shrink(seed, memory)
            subsets.append(found)
            seeds.without_all(found.names)
        elif answer == "feasible":
            feasible.append(seed)
            seeds.beyond(seed)
        else:
            open_sets.append(seed)
            seeds.not_exactly(seed)
        seed = seeds.first()
    smallest = [one for one in subsets if not any(set(other.names) < set(one.names) for other in subsets)]
    left = [
        one
        for one in open_sets
        if not any(set(other.names) <= one for other in smallest) and not any(one <= other for other in feasible)
    ]
    complete = seed is None and not left and all(one.minimal == "certified" for one in smallest)
    corrections = tuple(memory.ordered(set(memory.order) - one) for one in feasible)
    return Muses(tuple(smallest), corrections, tuple(map(memory.ordered, left)), complete, memory.calls)


class Memory:
    """Ask an oracle about subsets of one problem's constraints, never twice where an earlier answer settles it.

    What contains a proven core is infeasible; what some seen point meets is feasible, and ``judge`` tells of a point
    which constraints it certainly meets.
    """

    def __init__(self, problem: Problem, oracle: Oracle, judge: Judge | None = None) -> None:
        self.problem, self.calls = problem, 0
        self.order = tuple(one.name for one in problem.constraints)
        self.cores: list[frozenset[str]] = []
        self.proofs: dict[frozenset[str], tuple[frozenset[str], Infeasible]] = {}
        self._oracle, self._judge = oracle, judge
        self._met: list[frozenset[str]] = []
        self._undecided: set[frozenset[str]] = set()

    def ordered(self, names: Iterable[str]) -> tuple[str, ...]:
        """Give names in the order of the problem."""
        chosen = frozenset(names)
        return tuple(name for name in self.order if name in chosen)

    def ask(self, names: frozenset[str]) -> Answer:
        """Say whether some point meets these constraints."""
        if self.core(names) is not None:
            return "infeasible"
        if any(names <= met for met in self._met):
            return "feasible"
        return "undecided" if names in self._undecided else self._asked(names)

    def core(self, names: frozenset[str]) -> frozenset[str] | None:
        """Give the smallest proven core among these constraints, the first of several; None where there is none."""
        return min((one for one in self.cores if one <= names), key=len, default=None)

    def prove(self, core: frozenset[str]) -> tuple[frozenset[str], Infeasible]:
        """Give a proof of a core, and the constraints that it is bound to: the core alone, where that can be decided.

        RuntimeError where the oracle contradicts itself.
        """
        if self.proofs[core][0] != core and core not in self._undecided and self._asked(core) == "feasible":
            raise RuntimeError(
                f"a point meets {', '.join(self.ordered(core))}, which were called a core: a fault of ours"
            )
        return self.proofs[core]

    def _asked(self, names: frozenset[str]) -> Answer:
        self.calls += 1
        asked = self.problem.only(names)
        decision = self._oracle(asked)
        if isinstance(decision, Infeasible):
            core = frozenset(decision.core)
            self.cores.append(core)
            if core not in self.proofs or names == core:
                self.proofs[core] = (names, decision)
            return "infeasible"
        if isinstance(decision, Feasible):
            self._met.append(names | self._certain(decision.point))
            return "feasible"
        self._undecided.add(names)
        return "undecided"

    def _certain(self, point: Point) -> frozenset[str]:
        told = self._judge(self.problem, point) if self._judge else {}
        return frozenset(name for name, certain in told.items() if certain)


def _shrink(names: frozenset[str], memory: Memory) -> Mus:
    """Leave out of an infeasible set one constraint after another, as long as it stays infeasible.

    What is needed once is needed in every smaller set. A second pass asks again what was undecided in a larger one.
    """
    kept, needed, before = memory.core(names), set[str](), None
    assert kept is not None
    while kept != before:
        before = kept
        for one in memory.ordered(kept):
            if one not in kept or one in needed:
                continue
            answer = memory.ask(kept - {one})
            if answer == "infeasible":
                kept = memory.core(kept - {one}) or kept
            elif answer == "feasible":
                needed.add(one)
    bound_to, proof = memory.prove(kept)
    return Mus(memory.ordered(kept), proof.certificate, memory.ordered(bound_to), memory.ordered(kept - needed))


class _Map:
    """The subsets that are not explored, as a formula of z3.

    ``first`` builds its answer name by name, so it depends on the formula and not on the models that z3 likes.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        import z3

        self._names, self._z3 = names, z3
        self._bits = {name: z3.Bool(f"c{number}") for number, name in enumerate(names)}
        self._solver = z3.Solver()

    def first(self) -> frozenset[str] | None:
        """Give the unexplored set that is first in lexical order, which is a largest one; None after the last."""
        chosen: list[Any] = []
        if self._solver.check() != self._z3.sat:
            return None
        for name in self._names:
            if self._solver.check(*chosen, self._bits[name]) == self._z3.sat:
                chosen.append(self._bits[name])
            else:
                chosen.append(self._z3.Not(self._bits[name]))
        return frozenset(name for name, bit in zip(self._names, chosen, strict=True) if bit is self._bits[name])

    def without_all(self, names: Iterable[str]) -> None:
        """Rule out every set that contains these."""
        self._solver.add(self._z3.Or([self._z3.Not(self._bits[name]) for name in names]))

    def beyond(self, names: frozenset[str]) -> None:
        """Rule out every set within this one."""
        self._solver.add(self._z3.Or([self._bits[name] for name in self._outside(names)]))

    def not_exactly(self, names: frozenset[str]) -> None:
        """Rule out this set alone."""
        inside = [self._z3.Not(self._bits[name]) for name in self._names if name in names]
        self._solver.add(self._z3.Or([*inside, *(self._bits[name] for name in self._outside(names))]))

    def _outside(self, names: frozenset[str]) -> Iterator[str]:
        return (name for name in self._names if name not in names)
