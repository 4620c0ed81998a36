"""The problem that a registry poses for an artifact, as the command line states it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from typing import Annotated, Any

import typer
from rich.console import Console

from harness.cli.parameters import read_parameters
from harness.errors import UsageError
from harness.registry.complaint import nearest
from harness.registry.parameter import Parameter, is_fraction
from harness.registry.registry import Registry
from harness.registry.solve.certificate import Point
from harness.registry.solve.coding import allowed, coded, told
from harness.registry.solve.needs import CURE, missing_packages
from harness.registry.solve.problem import Problem
from harness.registry.solve.relax import Limits, parameters_of

ArtifactName = Annotated[str, typer.Option(metavar="NAME", help="The artifact that the rules speak of.")]
SetValues = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Ask with another value of a parameter; may be repeated."),
]


def posed(registry: Registry, artifact: str, stated: list[str] | None) -> Problem:
    """Give the problem of an artifact with some parameters set.

    A question changes nothing, so a parameter that no caller may bind can be set too. RegistryError lists rules that
    cannot be read, UsageError tells of a parameter that is unknown or of another type.
    """
    from harness.registry.solve.extract import extract

    check_installed()
    values = read_parameters(stated, "--set")
    for name, value in values.items():
        if name not in registry.parameters:
            known = nearest(name, registry.parameters) or f"known: {', '.join(registry.parameters) or 'none'}"
            raise UsageError(f"there is no parameter {name!r}", where=registry.file, cure=known)
        before = registry.parameters[name]
        if _is_number(before) != _is_number(value) or (not _is_number(before) and type(before) is not type(value)):
            raise UsageError(f"{name}={value!r} is of another type than {before!r}", where=registry.file)
        if is_fraction(value) and whole_among(registry, [name]):
            said = f"{name}={value!r} is no whole number"
            raise UsageError(said, where=registry.file, cure="the parameter is declared whole: true")
    return extract(replace(registry, parameters=registry.parameters | values), artifact)


def check_installed() -> None:
    """Make sure that the solver can be used; UsageError names what is missing."""
    if missing := missing_packages():
        raise UsageError(f"this needs {', '.join(missing)}, which is not installed", cure=CURE)


@contextmanager
def asking() -> Iterator[Callable[[str], None]]:
    """Give a function that says what is asked next; it is shown as long as that takes, on a terminal only."""
    stderr = Console(stderr=True)
    if not stderr.is_terminal:
        yield lambda doing: None
        return
    with stderr.status("asking …") as status:
        yield lambda doing: status.update(f"asking: {doing} …")


def fixed_fields(problem: Problem, stated: list[str] | None) -> dict[str, Fraction]:
    """Read the values that fields of the artifact are fixed at, as the problem codes them; UsageError for others."""
    fixed: dict[str, Fraction] = {}
    by_name = {one.name: one for one in problem.variables}
    for name, value in read_parameters(stated, "--fix").items():
        variable = by_name.get(name)
        if variable is None:
            raise UsageError(f"no rule speaks of a field {name!r}", cure=f"fields: {', '.join(by_name)}")
        code = coded(variable, value)
        if code is None:
            raise UsageError(f"{name}={value!r} is no value of this field", cure=f"it may be: {allowed(variable)}")
        fixed[name] = code
    return fixed


def named_parameters(problem: Problem, names: Sequence[str]) -> list[str]:
    """Give the names of parameters that the rules speak of; UsageError for another one."""
    known = list(parameters_of(problem))
    for one in names:
        if one not in known:
            cure = nearest(one, known) or f"parameters that rules speak of: {', '.join(known) or 'none'}"
            raise UsageError(f"no rule on this artifact speaks of a parameter {one!r}", cure=cure)
    return list(dict.fromkeys(names))


def bounds_of(rules: Registry, parameter: str) -> Limits:
    """Give the range that is stated of a parameter, as the decimals that are written there."""
    about = rules.about.get(parameter, Parameter())
    low, high = (None if end is None else Fraction(repr(end)) for end in (about.low, about.high))
    return low, high


def whole_among(rules: Registry, parameters: Iterable[str]) -> frozenset[str]:
    """Give the parameters that are declared whole."""
    return frozenset(one for one in parameters if rules.about.get(one, Parameter()).whole)


def point_facts(problem: Problem, point: Point) -> dict[str, Any]:
    """Give the fields of an artifact, and the numbers among them as exact fractions."""
    pairs = list(zip(problem.variables, point, strict=True))
    exact = {one.name: str(at) for one, at in pairs if one.kind != "choice"}
    return {"point": {one.name: told(one, at) for one, at in pairs}, "exact": exact}


def point_lines(problem: Problem, point: Point) -> Iterator[str]:
    """Tell the fields of an artifact."""
    for one, at in zip(problem.variables, point, strict=True):
        shown = repr(told(one, at)) if one.kind == "choice" else spelled(at)
        yield f"    {one.name} = {shown} {'' if one.unit == '1' else one.unit}".rstrip()


def spelled(value: Fraction, digits: int = 12) -> str:
    """Spell an exact number for people; twelve digits tell apart what is certified."""
    return f"{float(value):.{digits}g}"


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)
