"""What is handed in on the command line as JSON: parameters of a registry, and the input of an agent."""

from __future__ import annotations

from typing import Any, Final

from harness.determinism import canonical
from harness.errors import UsageError

HELP: Final = "Bind a parameter of the registry: NAME=VALUE, the value as JSON or as text; may be repeated."


def read_parameters(stated: list[str] | None, option: str = "--param") -> dict[str, Any]:
    """Read ``name=value`` pairs; what is no JSON is text. UsageError for anything else, and for a name given twice."""
    bound: dict[str, Any] = {}
    for pair in stated or ():
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"{option} {pair!r} is no pair", cure=f"write {option} name=value")
        if name in bound:
            raise UsageError(f"{option} binds {name!r} twice", cure="bind it once")
        try:
            bound[name] = canonical.decode(value.encode())
        except ValueError:
            bound[name] = value
    return bound


def read_input(text: str, option: str = "--input") -> dict[str, Any]:
    """Read the input of an agent, a JSON object; UsageError for anything else."""
    cure = f"""write {option} '{{"name": "value"}}'"""
    try:
        arguments = canonical.decode(text.encode())
    except ValueError as error:
        raise UsageError(f"{option} is not JSON: {error}", cure=cure) from None
    if not isinstance(arguments, dict):
        raise UsageError(f"{option} is not a JSON object", cure=cure)
    return arguments
