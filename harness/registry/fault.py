"""What is wrong with data that does not fit a JSON Schema, in the words of the reference implementation."""

from __future__ import annotations

from typing import Any, NamedTuple

import jsonschema_rs


class Fault(NamedTuple):
    """Say which part of the data is wrong, where it stands (keys and positions from the top), and why."""

    path: tuple[str | int, ...]
    part: Any
    message: str

    @property
    def pointer(self) -> str:
        """The path as a JSON pointer (RFC 6901)."""
        return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in self.path)


def fault(fast: jsonschema_rs.Draft202012Validator, schema: dict[str, Any] | bool, instance: Any) -> Fault | None:
    """Give the most telling fault of data, None where it fits.

    Whether it fits is the answer of the fast validator, made from the same schema. Which fault is told is the choice of
    jsonschema's ``best_match``. Where the reference finds none (the two differ on some patterns and decimals), or runs
    out of stack, the fast one tells its own.
    """
    if fast.is_valid(instance):
        return None
    from jsonschema import Draft202012Validator  # imported here: 80 ms that only a violation needs
    from jsonschema.exceptions import best_match

    try:
        told = best_match(Draft202012Validator(schema).iter_errors(instance))
    except Exception:  # noqa: BLE001 - a pattern that Python cannot read, a reference without end: see above
        told = None
    if told is not None:
        return Fault(tuple(told.absolute_path), told.instance, told.message)
    error = next(fast.iter_errors(instance))
    return Fault(tuple(error.instance_path), error.instance, error.message)
