"""Arguments by name, before anything is checked."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any, get_type_hints

from harness.errors import UsageError


class Binder:
    """Bind the arguments of one function as Python would, defaults included.

    Positional-only parameters and ``*args`` have no name that a rule could use, and are refused when the function is
    declared; ``**kwargs`` are bound under their own names. A call that does not fit raises Python's own TypeError.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.signature = inspect.signature(function)
        parameters = list(self.signature.parameters.values())
        for parameter in parameters:
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
                raise UsageError(
                    f"{function.__qualname__} takes {parameter}, an argument without a name",
                    where=call_site(function),
                    cure="give every argument a name that rules and traces can use",
                )
        self._open = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
        named = [parameter for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD]
        self._positional = [parameter.name for parameter in named if parameter.kind is not parameter.KEYWORD_ONLY]
        self._exactly = len(named) if len(named) == len(self._positional) else -1
        self._known = {parameter.name for parameter in named}
        self.required = {parameter.name for parameter in named if parameter.default is parameter.empty}
        self._defaults = {
            parameter.name: parameter.default for parameter in named if parameter.default is not parameter.empty
        }

    @property
    def schema(self) -> dict[str, Any]:
        """The arguments as a JSON Schema that says which there are and which must be there, and nothing of types."""
        named: dict[str, Any] = {name: {} for name in (*self._positional, *sorted(self._known - {*self._positional}))}
        schema: dict[str, Any] = {"type": "object", "properties": named}
        return schema | ({"required": sorted(self.required)} if self.required else {})

    def takes(self, name: str) -> bool:
        """Tell whether the function takes an argument of this name."""
        return self._open or name in self._known

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Give the arguments by name; TypeError as Python words it where they do not fit."""
        if not args and kwargs.keys() == self._known:
            return kwargs
        if not kwargs and len(args) == self._exactly:
            return dict(zip(self._positional, args, strict=True))
        bound = dict(zip(self._positional, args, strict=False))
        fits = len(args) <= len(self._positional) and bound.keys().isdisjoint(kwargs)
        bound.update(kwargs)
        if not fits or not bound.keys() >= self.required or not (self._open or bound.keys() <= self._known):
            self.signature.bind(*args, **kwargs)
        return {**self._defaults, **bound} if self._defaults else bound


def annotations_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Give the types that a function says its arguments and its result have, those that can be told."""
    try:
        return get_type_hints(function)
    except NameError:  # a name only a type checker knows
        function = inspect.unwrap(function)
        return {name: kind for one in function.__annotations__.items() for name, kind in _told(one, function)}


def _told(annotation: tuple[str, Any], function: Callable[..., Any]) -> Iterable[tuple[str, Any]]:
    try:
        return get_type_hints(SimpleNamespace(__annotations__=dict([annotation])), function.__globals__).items()
    except NameError:
        return ()


def call_site(function: Callable[..., Any]) -> str:
    """Say where a function is defined."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else ""
