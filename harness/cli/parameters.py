"""``--param name=value``: parameters of a registry bound on the command line."""

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
