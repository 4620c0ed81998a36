"""What an app can wrap: each kind of client or agent by the package its class comes from, and plain Python."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any, Final

from harness.adapters.exchange import Doorway
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.door.app import Harness

_ADAPTERS: Final = {
    "anthropic": ("anthropic", "wrap_anthropic"),
    "openai": ("openai", "wrap_openai"),
    "mcp": ("mcp.session", "wrap_mcp"),
    "agents.agent": ("openai_agents", "wrap_agent"),  # many a program has a package of its own that is called agents
    "agents.mcp": ("openai_agents", "wrap_agent"),
    "pydantic_ai": ("pydantic_ai", "wrap_pydantic_ai"),
    "langchain": ("langgraph", "wrap_langgraph"),
    "langchain_core": ("langgraph", "wrap_langgraph"),
    "langgraph": ("langgraph", "wrap_langgraph"),
}
"""By the package of a class: the adapter that knows it, imported only then, and what in it wraps."""


def wrap(app: Harness, doorway: Doorway, client: Any, options: dict[str, Any]) -> Any:
    """Give a client, an agent, a tool or any object with what it does passing the door.

    ``options`` go to the adapter that knows it. A plain function becomes a tool; of any other object each public method
    is one. UsageError for what nothing can be done with.
    """
    adapter = next((_ADAPTERS[package] for package in _packages(client) if package in _ADAPTERS), None)
    if adapter is not None:
        wrapper = _wrapper(*adapter)
        _check_known(options, wrapper, client)
        return wrapper(client, doorway, **options)
    if inspect.isroutine(client):
        return app.tool(client, **options)
    return _object(app, client, **options)


def _wrapper(adapter: str, name: str) -> Callable[..., Any]:
    try:
        wrapper: Callable[..., Any] = getattr(importlib.import_module(f"harness.adapters.{adapter}"), name)
    except ImportError as error:  # the framework is there, but of a version that the adapter does not know
        extra = adapter.replace("_", "-")
        cure = f"pip install -U 'agent-assurance-harness[{extra}]'"
        raise UsageError(f"this version of {extra} cannot be wrapped: {error}", cure=cure) from error
    return wrapper


def _check_known(options: dict[str, Any], wrapper: Callable[..., Any], client: Any) -> None:
    """Refuse an option that an adapter does not have: it would be a Python error about a function nobody called."""
    _, _, *known = inspect.signature(wrapper).parameters
    unknown = next((name for name in options if name not in known), None)
    if unknown is not None:
        what = f"{type(client).__module__.partition('.')[0]}'s {type(client).__name__} is wrapped without {unknown!r}"
        raise UsageError(what, cure=f"it takes: {', '.join(known)}" if known else "leave it out; it takes no options")


class _Passing:
    """Stand for an object: its methods pass the door, everything else is the object's own, its class included."""

    def __init__(self, inner: Any, methods: dict[str, Callable[..., Any]]) -> None:
        object.__setattr__(self, "_passing", (inner, methods))

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(object.__getattribute__(self, "_passing")[0])

    def __getattr__(self, name: str) -> Any:
        inner, methods = object.__getattribute__(self, "_passing")
        return methods[name] if name in methods else getattr(inner, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(object.__getattribute__(self, "_passing")[0], name, value)


def _object(app: Harness, inner: Any, *, prefix: str = "", reads: Collection[str] = ()) -> Any:
    """Make each public method of an object a tool; those named in ``reads`` change nothing in the world.

    What the object calls of itself passes no door: it is part of the call that was made from outside.
    """
    names = [name for name, _ in inspect.getmembers(type(inner), inspect.isfunction) if not name.startswith("_")]
    if not names or inspect.isclass(inner):
        cure = "wrap a client, an agent, a function, or an object with methods; decorate tools with @app.tool"
        raise UsageError(f"cannot wrap a {type(inner).__module__}.{type(inner).__name__}", cure=cure)
    unknown = sorted(set(reads) - set(names))
    if unknown:
        raise UsageError(f"reads names {unknown[0]!r}, which is no method", cure=f"its methods: {', '.join(names)}")
    return _Passing(
        inner,
        {
            name: app.tool(name=prefix + name, effect="read" if name in reads else "write")(getattr(inner, name))
            for name in names
        },
    )


def _packages(client: Any) -> Iterator[str]:
    """Give the packages of an object's classes, each with the one below it, and of the function that made it.

    That function is what stands under ``@asynccontextmanager``.
    """
    modules = [kind.__module__ for kind in type(client).__mro__]
    for module in (*modules, getattr(inspect.getattr_static(client, "func", None), "__module__", "")):
        parts = module.split(".")
        yield parts[0]
        yield ".".join(parts[:2])
