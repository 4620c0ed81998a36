"""How far several parameters have to give way together: by the same share of their values, or two in exchange."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final

from harness.errors import UsageError
from harness.registry.solve.certificate import Point
from harness.registry.solve.decide import Infeasible
from harness.registry.solve.moving import Bounds, Move, ends_of, longest, moving, stated_of
from harness.registry.solve.mus import Oracle
from harness.registry.solve.problem import Apply, Below, Constraint, Number, Problem, Term, Unknown, Variable
from harness.registry.solve.relax import CALLS, Relaxation, relax
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
    whole: Collection[str] = (),
    ranged: bool = True,
    calls: int = CALLS,
) -> Joint:
    """Find the smallest share of their values by which all these parameters have to move at once.

    Those that are ``whole`` move by no more than it: a share of them is seldom whole. No parameter leaves its bounds,
    or without bounds its side of 0, see ``reach``. UsageError where the constraints do not speak of one of them, where
    its value is 0, and where the problem is not certified infeasible. Exponential in the number of parameters.
    """
    stated = stated_of(problem, parameters)
    if zero := [name for name, value in stated.items() if not value]:
        raise UsageError(f"{zero[0]} is 0, and a share of that is nothing", cure="relax it alone, or on a menu")
    known = _proven(problem, oracle)
    known = replace(known, core=(*known.core, *(f"share:{name}" for name in stated if name in whole)))
    shared, ends = sharing(problem, parameters, bounds, whole), ends_of(stated, bounds, whole)
    limit = min(longest(value, ends[name]) / abs(value) for name, value in stated.items())
    found = relax(shared, _SHARE, oracle, (Fraction(0), limit), ranged=ranged, calls=calls, known=known)
    return Joint(
        tuple(parameters),
        limit,
        found.infeasible_at,
        found.feasible_at,
        tuple(_moves(stated, found, shared.variables[len(problem.variables) :])),
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
    whole: Collection[str] = (),
    between: int = 3,
    calls: int = CALLS,
) -> Menu:
    """Give a menu of moves of two parameters: both ends, and ``between`` so many offers, evenly by the first move.

    Those that are ``whole`` stay whole. No parameter leaves its bounds, see ``joint``, and each question is given up
    after ``calls`` of the oracle. Same errors as ``joint``, but for a value of 0.
    """
    stated = stated_of(problem, (one, other))
    if one == other:
        raise UsageError(f"{one!r} cannot be given in exchange for itself", cure="name two parameters")
    _proven(problem, oracle)
    return Trade(problem, stated, oracle, bounds, whole, calls).menu(between)


def _moves(stated: dict[str, Fraction], found: Relaxation, added: Sequence[Variable]) -> Iterator[Move]:
    """Yield where a share takes the parameters, as the variables that were added tell."""
    if found.feasible_at is None or found.witness is None:
        return
    values = dict(zip((one.name for one in added), found.witness[-len(added) :], strict=True))
    for name, value in stated.items():
        amount = values.get(f"move.{name}", abs(value) * found.feasible_at)
        yield Move(name, value, value + (2 * values[f"way.{name}"] - 1) * amount)


def _proven(problem: Problem, oracle: Oracle) -> Infeasible:
    decision = oracle(problem)
    if not isinstance(decision, Infeasible):
        raise UsageError(f"there is nothing to relax: the problem is {type(decision).__name__.lower()} as it is")
    return decision


def sharing(
    problem: Problem, parameters: Sequence[str], bounds: Bounds | None = None, whole: Collection[str] = ()
) -> Problem:
    """Give the problem in which a share, which is 0, is added to each parameter or taken off; ``way.NAME`` is which.

    What is added to a ``whole`` one is ``move.NAME``, a whole number that is no more than the share.
    """
    stated, share = stated_of(problem, parameters), Number(Fraction(0), _SHARE)
    ends = ends_of(stated, bounds, whole)
    amounts: dict[str, Term] = {name: Apply("*", (Number(abs(value)), share)) for name, value in stated.items()}
    variables, kept = list(problem.variables), list(problem.constraints)
    for name in (one for one in stated if one in whole):
        move = Unknown(len(variables))
        variables.append(Variable(f"move.{name}", "integer", Fraction(0), longest(stated[name], ends[name])))
        kept.append(Constraint(f"share:{name}", Below(Apply("-", (move, amounts[name])))))
        amounts[name] = move
    return moving(Problem(tuple(variables), tuple(kept)), stated, amounts, ends)
