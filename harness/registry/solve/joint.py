"""How far several parameters have to give way together: by the same share of their values, or two in exchange."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from harness.errors import UsageError
from harness.registry.solve.certificate import Point
from harness.registry.solve.decide import Infeasible
from harness.registry.solve.moving import Bounds, Move, ends_of, longest, moving, stated_of
from harness.registry.solve.mus import Oracle
from harness.registry.solve.problem import Apply, Number, Problem, Term
from harness.registry.solve.relax import CALLS, relax
from harness.registry.solve.trade import Menu, Trade

_SHARE: Final = ":share"  # no parameter of a registry has a colon in its name


@dataclass(frozen=True, slots=True)
class Joint:
    """What it does for an infeasible problem to move parameters by the same share of their stated values.

    With ``feasible_at``, a share, ``witness`` meets the constraints where the parameters are as ``moves`` tell; up to
    ``infeasible_at`` no share does, whichever way each parameter moves. ``certificate`` proves that of
    ``sharing(…)`` with the share a variable, or, unless ``ranged``, at that share alone; of the problem itself where
    that is 0. ``never`` is certified up to
    ``limit``, the share that the bounds leave. ``undecided`` are the first and last shares that the oracle could not
    decide between the two.
    """

    parameters: tuple[str, ...]
    limit: Fraction
    infeasible_at: Fraction
    feasible_at: Fraction | None = None
    moves: tuple[Move, ...] = ()
    witness: Point | None = None
    certificate: Any = None
    ranged: bool = False
    never: bool = False
    undecided: tuple[Fraction, Fraction] | None = None
    calls: int = 0


def joint(
    problem: Problem,
    parameters: Sequence[str],
    oracle: Oracle,
    bounds: Bounds | None = None,
    *,
    ranged: bool = True,
    calls: int = CALLS,
) -> Joint:
    """Find the smallest share of their values by which all these parameters have to move at once.

    No parameter leaves its bounds, see ``relax``. UsageError where the constraints do not speak of one of them, where
    its value is 0, and where the problem is not certified infeasible. Exponential in the number of parameters.
    """
    stated = stated_of(problem, parameters)
    if zero := [name for name, value in stated.items() if not value]:
        raise UsageError(f"{zero[0]} is 0, and a share of that is nothing", cure="relax it alone, or on a menu")
    known = _proven(problem, oracle)
    shared, ends = sharing(problem, parameters, bounds), ends_of(stated, bounds)
    limit = min(longest(value, ends[name]) / abs(value) for name, value in stated.items())
    found = relax(shared, _SHARE, oracle, (Fraction(0), limit), ranged=ranged, calls=calls, known=known)
    moves: tuple[Move, ...] = ()
    if found.feasible_at is not None and found.witness is not None:
        ways = found.witness[len(problem.variables) :]
        amounts = [abs(value) * found.feasible_at for value in stated.values()]
        moves = tuple(
            Move(*one, one[1] + (2 * way - 1) * far)
            for one, way, far in zip(stated.items(), ways, amounts, strict=True)
        )
    return Joint(
        tuple(parameters),
        limit,
        found.infeasible_at,
        found.feasible_at,
        moves,
        found.witness and found.witness[: len(problem.variables)],
        found.certificate,
        found.ranged,
        found.never,
        found.undecided,
        found.calls,
    )


def pareto(
    problem: Problem,
    one: str,
    other: str,
    oracle: Oracle,
    bounds: Bounds | None = None,
    *,
    between: int = 3,
    calls: int = CALLS,
) -> Menu:
    """Give a menu of moves of two parameters: both ends, and ``between`` so many offers, evenly by the first move.

    No parameter leaves its bounds, see ``relax``, and each question is given up after ``calls`` of the oracle. Same
    errors as ``joint``, but for a value of 0.
    """
    stated = stated_of(problem, (one, other))
    if one == other:
        raise UsageError(f"{one!r} cannot be given in exchange for itself", cure="name two parameters")
    _proven(problem, oracle)
    return Trade(problem, stated, oracle, bounds, calls).menu(between)


def _proven(problem: Problem, oracle: Oracle) -> Infeasible:
    decision = oracle(problem)
    if not isinstance(decision, Infeasible):
        raise UsageError(f"there is nothing to relax: the problem is {type(decision).__name__.lower()} as it is")
    return decision


def sharing(problem: Problem, parameters: Sequence[str], bounds: Bounds | None = None) -> Problem:
    """Give the problem in which a share, which is 0, is added to each parameter or taken off; ``way.NAME`` is which."""
    stated, share = stated_of(problem, parameters), Number(Fraction(0), _SHARE)
    amounts: dict[str, Term] = {name: Apply("*", (Number(abs(value)), share)) for name, value in stated.items()}
    return moving(problem, stated, amounts, ends_of(stated, bounds))
