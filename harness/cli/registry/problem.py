"""The problem that a registry poses for an artifact, as the command line states it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from importlib.util import find_spec
from typing import Annotated, Any, Final

import typer

from harness.cli.parameters import read_parameters
from harness.errors import UsageError
from harness.registry.complaint import nearest
from harness.registry.registry import Registry
from harness.registry.solve.problem import Problem

_PACKAGES: Final = {"python-flint": "flint", "highspy": "highspy", "z3-solver": "z3"}

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

    _check_installed()
    values = read_parameters(stated, "--set")
    for name, value in values.items():
        if name not in registry.parameters:
            known = nearest(name, registry.parameters) or f"known: {', '.join(registry.parameters) or 'none'}"
            raise UsageError(f"there is no parameter {name!r}", where=registry.file, cure=known)
        before = registry.parameters[name]
        if _is_number(before) != _is_number(value) or (not _is_number(before) and type(before) is not type(value)):
            raise UsageError(f"{name}={value!r} is of another type than {before!r}", where=registry.file)
    return extract(replace(registry, parameters=registry.parameters | values), artifact)


def _check_installed() -> None:
    missing = [name for name, module in _PACKAGES.items() if find_spec(module) is None]
    if missing:
        cure = "pip install 'agent-assurance-harness[solver]'"
        raise UsageError(f"this needs {', '.join(missing)}, which is not installed", cure=cure)


def fixed_fields(problem: Problem, stated: list[str] | None) -> dict[str, Fraction]:
    """Read the values that fields of the artifact are fixed at, as the problem codes them; UsageError for others."""
    fixed: dict[str, Fraction] = {}
    by_name = {one.name: one for one in problem.variables}
    for name, value in read_parameters(stated, "--fix").items():
        variable = by_name.get(name)
        if variable is None:
            raise UsageError(f"no rule speaks of a field {name!r}", cure=f"fields: {', '.join(by_name)}")
        if variable.values:
            same = (type(one) is type(value) and one == value for one in variable.values)
            codes = [Fraction(at) for at, equal in enumerate(same) if equal]
        else:
            codes = [Fraction(repr(value))] if _is_number(value) else []
        if not codes or not variable.low <= codes[0] <= variable.high:
            cure = f"one of {list(variable.values)}" if variable.values else f"{variable.low} to {variable.high}"
            raise UsageError(f"{name}={value!r} is no value of this field", cure=cure)
        fixed[name] = codes[0]
    return fixed


def spelled(value: Fraction, digits: int = 12) -> str:
    """Spell an exact number for people; twelve digits tell apart what is certified."""
    return f"{float(value):.{digits}g}"


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)
