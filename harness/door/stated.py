"""What code states of an app and of its tools, held against the words there are.

A registry is told of a misspelt word by its form; without this, in code ``mode="enforced"`` would enforce nothing.
Not verified: that a function does what is stated of it, and that the tools which are named are there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any, Final, get_args

from harness.door.binding import Binder, call_site
from harness.errors import UsageError
from harness.registry.complaint import nearest
from harness.tool import Effect, ToolSpec, Trust
from harness.trace.redaction import LEAST


def check_word(what: str, value: Any, words: tuple[str, ...]) -> None:
    """Raise UsageError for a value that is none of the words."""
    if value not in words:
        cure = nearest(str(value), words) or f"write {' or '.join(map(repr, words))}"
        raise UsageError(f"{what} is {value!r}", cure=cure)


def secrets_by_value(named: Mapping[str, str]) -> dict[str, str]:
    """Give the names of secrets by their values, empty ones left out; UsageError for what cannot be looked for."""
    for name, value in named.items():
        if not isinstance(value, str):
            raise UsageError(f"the secret {name} is no text", cure="give its value as text, or leave it out")
        if 0 < len(value) < LEAST:
            said = f"the secret {name} has fewer than {LEAST} characters: looking for it would tear ordinary text"
            raise UsageError(said, cure="keep it out by the name of its field: secret_fields=[…]")
    return {value: name for name, value in named.items() if value}


def field_names(names: Iterable[str]) -> frozenset[str]:
    """Give the names of fields that hold secrets; UsageError for a text, which would be taken letter by letter."""
    found = frozenset(() if isinstance(names, str) else names)
    if isinstance(names, str) or not all(isinstance(name, str) for name in found):
        raise UsageError(f"secret_fields is {names!r}, and no list of names", cure="write secret_fields=['password']")
    return found


def tool_stated(stated: Mapping[str, Any], function: Callable[..., Any]) -> dict[str, Any]:
    """Give what is stated beside a function as fields of a ToolSpec; UsageError for what says nothing of a tool."""
    for key, value in stated.items():
        if key not in _FORM:
            cure = nearest(key, _FORM) or f"known: {', '.join(_FORM)}"
            raise UsageError(f"{key} says nothing of a tool", where=call_site(function), cure=cure)
        fits, wanted = _FORM[key]
        if not fits(value) and not (value is None and _DEFAULTS[key] is None):
            raise UsageError(f"{key} is {value!r}", where=call_site(function), cure=f"write {wanted}")
    lists = {key: listed(stated[key], key, function) for key in ("needs", "gives") if key in stated}
    return {"idempotent": stated.get("effect") == "read", **stated, **lists}  # reading twice changes nothing


def check_key(spec: ToolSpec, binder: Binder, function: Callable[..., Any]) -> None:
    """Raise UsageError for an idempotency key that no argument of the function carries."""
    key = spec.idempotency_key
    if key is not None and not binder.takes(key):
        said = f"idempotency_key is {key!r}, and {spec.name} takes no such argument"
        cure = nearest(key, binder.signature.parameters) or "name the argument that carries the key"
        raise UsageError(said, where=call_site(function), cure=cure)


def listed(facts: Any, what: str, function: Callable[..., Any]) -> tuple[Any, ...]:
    """Give the facts that are declared beside a function; UsageError for what is no list of them."""
    if isinstance(facts, list | tuple):
        return tuple(facts)
    cure = f"write {what}={[facts]!r}"
    if what == "gives" and isinstance(facts, dict):
        cure = f"write gives={[*facts]!r}; only a registry's graph: can say that a part of a result is a fact"
    name = function.__name__
    raise UsageError(f"{what} of {name} is {facts!r}, and no list of facts", where=call_site(function), cure=cure)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_cost(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


_NAMED: Final = (_is_name, "a name, as text")
_DEFAULTS: Final = {one.name: one.default for one in fields(ToolSpec)}
# as the format of registries says it, which takes jsonschema, and that 80 ms to import
_FORM: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "effect": (lambda value: value in get_args(Effect), "'read' or 'write'"),
    "idempotent": (lambda value: isinstance(value, bool), "True or False"),
    "trust": (lambda value: value in get_args(Trust), "'trusted', 'untrusted' or 'unknown'"),
    "timeout_ms": (lambda value: type(value) is int and value > 0, "a whole number of milliseconds, 1 or more"),
    "cost": (_is_cost, "a number, 0 or more"),
    **dict.fromkeys(("idempotency_key", "undo", "probe", "impact", "domain"), _NAMED),
    **dict.fromkeys(("needs", "gives"), (lambda _: True, "")),  # ``listed`` words these
}
