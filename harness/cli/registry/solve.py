"""``harness registry solve REGISTRY``: whether any artifact can fit the rules, and what stands in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.adapters.registries import load_registry
from harness.cli.options import AsJson
from harness.cli.output import counted, emit
from harness.cli.registry.problem import (
    ArtifactName,
    SetValues,
    asking,
    bounds_of,
    fixed_fields,
    named_parameters,
    point_facts,
    point_lines,
    posed,
    spelled,
    whole_among,
)
from harness.cli.registry.together import joint_facts, joint_lines, menu_facts, menu_lines
from harness.errors import UsageError
from harness.registry.parameter import Parameter
from harness.registry.registry import Registry
from harness.registry.solve.boundary import Piece, boundary
from harness.registry.solve.certificate import dump
from harness.registry.solve.checker import certainly
from harness.registry.solve.decide import Budget, Decision, Feasible, Infeasible, Undecided, decide
from harness.registry.solve.joint import Joint, joint, pareto
from harness.registry.solve.mus import Mus, Muses, Oracle, all_muses, one_mus
from harness.registry.solve.problem import Problem
from harness.registry.solve.relax import Relaxation, parameters_of, relax
from harness.registry.solve.trade import Menu


def command(
    registry: Annotated[str, typer.Argument(metavar="REGISTRY", help="A registry.")],
    artifact: ArtifactName,
    values: SetValues = None,
    every: Annotated[bool, typer.Option("--all", help="Find all minimal sets of rules in conflict, not one.")] = False,
    relaxed: Annotated[
        bool, typer.Option("--relax", help="How far each parameter that may be bound would have to give way.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option("--parameter", metavar="NAME", help="Relax this one, constant or not; may be repeated."),
    ] = None,
    together: Annotated[
        list[str] | None,
        typer.Option(
            "--joint", metavar="A,B[,…]", help="Relax these, each by the same share of its value; repeatable."
        ),
    ] = None,
    trades: Annotated[
        list[str] | None,
        typer.Option(
            "--pareto", metavar="A,B", help="Offers that move two parameters, more of one for less of the other."
        ),
    ] = None,
    region: Annotated[
        list[str] | None, typer.Option(metavar="FIELD", help="Which values of a field are possible; may be repeated.")
    ] = None,
    fix: Annotated[
        list[str] | None, typer.Option(metavar="FIELD=VALUE", help="The value of another field, for --region.")
    ] = None,
    boxes: Annotated[int, typer.Option(min=1, help="Give up a question after so many boxes.")] = Budget().boxes,
    certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the proof there, for verify-certificate.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look for an artifact that all rules hold of, or prove that there is none, and say which rules are in conflict.

    Exit 0 where there is one, 1 where it is certified that there is none, 3 where neither could be certified.
    """
    if fix and not region:
        raise UsageError(f"--fix {fix[0]} is for --region", cure="add --region FIELD, of a field that is to stay free")
    rules = load_registry(registry)
    problem = posed(rules, artifact, values)
    oracle = partial(decide, budget=Budget(boxes=boxes))
    with asking() as say:
        say("whether any artifact fits")
        decision = oracle(problem)
        facts: dict[str, Any] = {"registry": rules.name, "digest": rules.digest, "artifact": artifact}
        facts |= {"problem": problem.digest, **_facts(problem, decision)}
        lines = [*_lines(problem, decision, artifact)]
        if isinstance(decision, Infeasible):
            if certificate is not None:
                _write(certificate, dump(decision.certificate))
            more = _Infeasible(problem, oracle, rules, decision, say)
            names = _chosen(problem, rules, only) if relaxed or only else None
            for told, shown in more.told(every, names, together, trades):
                facts |= told
                lines += shown
        for name in region or ():
            say(f"which values of {name} are possible")
            pieces = boundary(problem, name, oracle, fixed_fields(problem, fix))
            facts.setdefault("regions", {})[name] = [_piece_facts(one) for one in pieces]
            lines += [f"{name}{' with ' if fix else ''}{', '.join(fix or ())}", *map(_told_of_piece, pieces)]
    emit(facts, lines, as_json)
    raise typer.Exit({"feasible": 0, "infeasible": 1, "undecided": 3}[facts["verdict"]])


Told = tuple[dict[str, Any], list[str]]  # the same as facts and as lines


class _Infeasible:
    """What can be said besides where no artifact fits, one question after the other."""

    def __init__(
        self, problem: Problem, oracle: Oracle, rules: Registry, known: Infeasible, say: Callable[[str], None]
    ) -> None:
        self._problem, self._oracle, self._rules, self._known, self._say = problem, oracle, rules, known, say
        names = parameters_of(problem)
        self._bounds, self._whole = {name: bounds_of(rules, name) for name in names}, whole_among(rules, names)

    def told(
        self, every: bool, names: list[str] | None, together: list[str] | None, trades: list[str] | None
    ) -> Iterator[Told]:
        """Tell what the options ask for."""
        yield from self._explained(every)
        if names is not None:
            freed = [self._relaxed(one) for one in names]
            yield {"relaxations": [_relaxation_facts(self._problem, one) for one in freed]}, [*_relaxation_lines(freed)]
        if together:
            found = [self._shared(one) for one in together]
            lines = [line for one in found for line in joint_lines(one)]
            yield {"joint": [joint_facts(self._problem, one) for one in found]}, lines
        if trades:
            menus = [self._traded(one) for one in trades]
            lines = [line for one in menus for line in menu_lines(one)]
            yield {"menus": [menu_facts(self._problem, one) for one in menus]}, lines

    def _explained(self, every: bool) -> Iterator[Told]:
        """Tell which rules stand in the way."""
        self._say("which rules are in conflict")
        if every:
            found = all_muses(self._problem, self._oracle, certainly)
            yield _all_facts(found), [*_all_lines(found, self._rules)]
        elif mus := one_mus(self._problem, self._oracle, certainly):
            yield {"conflicts": [_mus_facts(mus)]}, [*_mus_lines(mus, self._rules)]

    def _relaxed(self, name: str) -> Relaxation:
        self._say(f"how far {name} would have to give way")
        whole = name in self._whole
        return relax(self._problem, name, self._oracle, self._bounds[name], whole=whole, known=self._known)

    def _shared(self, stated: str) -> Joint:
        names = named_parameters(self._problem, stated.split(","))
        self._say(f"{', '.join(names)} by the same share")
        return joint(self._problem, names, self._oracle, self._bounds, whole=self._whole)

    def _traded(self, stated: str) -> Menu:
        one, other = _pair(self._problem, stated)
        self._say(f"{one} and {other} in exchange")
        return pareto(self._problem, one, other, self._oracle, self._bounds, whole=self._whole)


def _pair(problem: Problem, stated: str) -> tuple[str, str]:
    names = named_parameters(problem, stated.split(","))
    if len(names) != 2:
        raise UsageError(f"--pareto {stated!r} is no pair", cure="write --pareto A,B")
    return names[0], names[1]


def _chosen(problem: Problem, rules: Registry, only: list[str] | None) -> list[str]:
    """Give the parameters to relax: those asked for, or else all but constants, which are those that none may bind."""
    if only:
        return named_parameters(problem, only)
    return [one for one in parameters_of(problem) if rules.about.get(one, Parameter()).bind != "no"]


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=str(path)) from None


# --- the answer -------------------------------------------------------------------------------------------------------


def _facts(problem: Problem, decision: Decision) -> dict[str, Any]:
    match decision:
        case Feasible(point, how):
            return {"verdict": "feasible", "evidence": how, **point_facts(problem, point)}
        case Infeasible(core=core):
            return {"verdict": "infeasible", "evidence": "replayed certificate", "core": list(core)}
        case Undecided(reason, point, margins, leaning=leaning):
            nearest_point = point_facts(problem, point) if point else {}
            evidence = {"leaning": leaning, "evidence": "z3"} if leaning else {}
            return {"verdict": "undecided", "reason": reason, "margins": dict(margins), **evidence, **nearest_point}


def _lines(problem: Problem, decision: Decision, artifact: str) -> Iterator[str]:
    match decision:
        case Feasible(point, how):
            yield f"feasible: this {artifact} meets every rule ({how})"
            yield from point_lines(problem, point)
        case Infeasible():
            rules = sum(not one.name.startswith("schema:") for one in problem.constraints)  # bounds are no rules
            yield f"infeasible: no {artifact} meets {counted(rules, 'rule')} (certificate replayed)"
        case Undecided(reason, point, margins, leaning=leaning):
            yield f"undecided: {reason}"
            if leaning:
                yield f"    z3 says {leaning}, which is evidence and not certified"
            for name, margin in sorted(margins.items(), key=lambda one: one[1])[:5]:
                yield f"    {name}   margin {margin:.6g}"
            yield from point_lines(problem, point) if point else ()


# --- what stands in the way -------------------------------------------------------------------------------------------


def _mus_facts(one: Mus) -> dict[str, Any]:
    return {"rules": list(one.names), "minimal": one.minimal, "undecided": list(one.undecided)}


def _mus_lines(one: Mus, rules: Registry) -> Iterator[str]:
    yield f"in conflict, {counted(len(one.names), 'rule')}"
    for name in one.names:
        rule = rules.invariant(name)
        yield "   ".join(filter(None, (f"    {name}", rule.title, rule.place) if rule else (f"    {name}",)))
    if one.undecided:
        yield f"    perhaps without {', '.join(one.undecided)}: that was not decided"
    else:
        yield "    without any one of them, the others can be met"


def _all_facts(found: Muses) -> dict[str, Any]:
    return {
        "conflicts": [_mus_facts(one) for one in found.subsets],
        "corrections": [list(one) for one in found.corrections],
        "undecided_sets": [list(one) for one in found.undecided],
        "complete": found.complete,
    }


def _all_lines(found: Muses, rules: Registry) -> Iterator[str]:
    for one in found.subsets:
        yield from _mus_lines(one, rules)
    if found.corrections:
        yield "it would do to give up"
        yield from (f"    {', '.join(one)}" for one in found.corrections)
    if not found.complete:
        yield f"there may be more: {counted(len(found.undecided), 'set')} could not be decided"


def _relaxation_facts(problem: Problem, one: Relaxation) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if one.feasible_at is not None and one.witness is not None:
        both = {"feasible_at": one.feasible_at, "infeasible_at": one.infeasible_at}
        found = {name: float(value) for name, value in both.items()} | point_facts(problem, one.witness)
        found["every_value_between"] = one.sure
        found["exact"] |= {name: str(value) for name, value in both.items()}
    bounds = {"low": float(one.low), "high": float(one.high)}
    return {"parameter": one.parameter, "stated": float(one.stated), "never": one.never, **bounds, **found}


def _relaxation_lines(freed: list[Relaxation]) -> Iterator[str]:
    yield "one parameter alone"
    for one in sorted(freed, key=lambda one: (one.feasible_at is None, not one.never)):
        stated = f"    {one.parameter}   {spelled(one.stated)}"
        if one.feasible_at is not None:
            way = f"{stated} -> {spelled(one.feasible_at, 7)}"
            yield f"{way}   infeasible at {spelled(one.infeasible_at)}, feasible at {spelled(one.feasible_at)}"
        elif one.never:
            yield f"{stated}   never: infeasible from {spelled(one.low)} to {spelled(one.high)}"
        else:
            yield f"{stated}   not decided from {spelled(one.low)} to {spelled(one.high)}"


def _piece_facts(one: Piece) -> dict[str, Any]:
    exact = {"low": str(one.low), "high": str(one.high)}
    return {"low": float(one.low), "high": float(one.high), "state": one.state, "exact": exact}


def _told_of_piece(one: Piece) -> str:
    state = {"in": "possible", "out": "impossible", "edge": "edge"}[one.state]
    return f"    {state}   {spelled(one.low)} to {spelled(one.high)}"
