"""What a graph or a chain is made of, as far as it can be seen without running it.

From the nodes the way goes into runnables, the functions of nodes and tools, what these close over, and the globals
that they name, also through a module (``models.small.invoke``), as far as code is the program's own and in no installed
package. Not found: what is made while the graph runs, such as a model that a node builds.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, ModuleType
from typing import Any, Final, NamedTuple

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langgraph.pregel import Pregel
from langgraph.store.base import BaseStore

from harness.run.site import is_installed

_FRAMEWORK: Final = frozenset({"langchain", "langchain_core", "langchain_openai", "langgraph"})
_PLAIN: Final = (str, bytes, int, float, bool, ModuleType, BuiltinFunctionType, type(None))
_DEPTH: Final = 60  # of what contains what; the stack of Python is deeper


class Parts(NamedTuple):
    """The graphs, tools, models (also those that are made by name when they are called) and stores, outermost first.

    ``hosted`` are the types of tools that a provider of models runs, ``checkpointers`` what keeps a graph's state.
    """

    graphs: list[Any]
    tools: list[Any]
    models: list[Any]
    stores: list[Any]
    hosted: list[str]
    checkpointers: list[Any]


def parts_of(root: Any) -> Parts:
    """Find the parts of a graph, a node, a chain or a tool, each once and in one order. O(objects reached)."""
    parts = Parts([], [], [], [], [], [])
    _Walk(parts).into(root, "", 0)
    return parts


class _Walk:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._seen: dict[int, Any] = {}  # the objects too, so that no number is given twice

    def into(self, thing: Any, program: str, depth: int) -> None:
        """Look at a thing that belongs to the package ``program``, and at what is inside of it."""
        if isinstance(thing, _PLAIN) or id(thing) in self._seen or depth > _DEPTH:
            return
        self._seen[id(thing)] = thing
        self._keep(thing)
        for inner, package in self._inside(thing, program):
            self.into(inner, package, depth + 1)

    def _keep(self, thing: Any) -> None:
        parts = self._parts
        if isinstance(thing, Pregel):
            parts.graphs.append(thing)
            if thing.checkpointer and not isinstance(thing.checkpointer, bool):
                parts.checkpointers.append(thing.checkpointer)
        elif isinstance(thing, BaseTool):
            parts.tools.append(thing)
        elif isinstance(thing, BaseChatModel) or makes_models(thing):
            parts.models.append(thing)
        elif isinstance(thing, BaseStore):
            parts.stores.append(thing)

    def _inside(self, thing: Any, program: str) -> Iterator[tuple[Any, str]]:
        if isinstance(thing, BaseChatModel | BaseStore):
            return
        if isinstance(thing, Pregel):
            yield from ((inner, program) for inner in (*thing.nodes.values(), thing.store))
        elif isinstance(thing, FunctionType):
            yield from self._in_function(thing)
        elif isinstance(thing, MethodType):
            yield from ((thing.__func__, program), (thing.__self__, _package(thing.__func__)))
        elif isinstance(thing, partial):
            yield from ((inner, program) for inner in (thing.func, thing.args, thing.keywords))
        elif isinstance(thing, dict):
            yield from ((inner, program) for inner in thing.values())
        elif isinstance(thing, list | tuple | set | frozenset):
            yield from ((inner, program) for inner in thing)
        elif isinstance(thing, type):
            yield from ((inner, program) for inner in _methods(thing) if _is_own(thing))
        elif isinstance(thing, Runnable) or _package(type(thing)) in _FRAMEWORK | {program} or _is_own(type(thing)):
            yield type(thing), program
            fields = getattr(thing, "__dict__", {})
            self._host(fields.get("kwargs"), "tools")
            yield from ((inner, program) for inner in fields.values())

    def _in_function(self, function: FunctionType) -> Iterator[tuple[Any, str]]:
        package = _package(function)
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        free = {name: _held(cell) for name, cell in cells}
        for name in free:
            self._host(free, name)
        yield from ((inner, package) for inner in free.values())
        yield from ((inner, package) for inner in function.__defaults__ or ())
        yield from ((inner, package) for inner in (function.__kwdefaults__ or {}).values())
        if package not in _FRAMEWORK:
            yield from ((inner, package) for inner in _globals_of(function) if _worth(inner, package))
        if (wrapped := getattr(function, "__wrapped__", None)) is not None:
            yield wrapped, package

    def _host(self, named: Any, name: str) -> None:
        """Keep the types of tools that a provider runs, from a list that is called after tools."""
        listed = named.get(name) if isinstance(named, dict) and "tools" in name else None
        for one in listed if isinstance(listed, list | tuple) else ():
            kind = one.get("type") if isinstance(one, dict) else None
            if isinstance(kind, str) and kind != "function" and kind not in self._parts.hosted:
                self._parts.hosted.append(kind)


def makes_models(thing: Any) -> bool:
    """Tell whether a thing is what ``init_chat_model`` gives where the model is chosen when it is called."""
    return any(kind.__name__ == "_ConfigurableModel" for kind in type(thing).__mro__)


def _methods(kind: type) -> Iterator[FunctionType]:
    """Give the functions of a class and of those it inherits from, as far as they are the program's own."""
    for one in filter(_is_own, kind.__mro__):
        for value in vars(one).values():
            function = getattr(value, "fget", None) or getattr(value, "__func__", value)
            if isinstance(function, FunctionType):
                yield function


def _globals_of(function: FunctionType) -> Iterable[Any]:
    """Give the globals that a function names, also inside functions in it, and what it may name of own modules."""
    codes, names = [function.__code__], dict[str, None]()
    while codes:
        code = codes.pop()
        names |= dict.fromkeys(code.co_names)
        codes += [constant for constant in code.co_consts if inspect.iscode(constant)]
    found: list[Any] = []
    spaces = [function.__globals__]
    for space in spaces:  # which grows by the modules that are found
        named = [space[name] for name in names if name in space]
        modules = [vars(one) for one in named if isinstance(one, ModuleType) and _is_own(one)]
        spaces += [module for module in modules if all(module is not one for one in spaces)]
        found += named
    return found


def _worth(thing: Any, package: str) -> bool:
    """Tell whether a global is a part, may hold parts, or is the program's own."""
    if isinstance(thing, Runnable | BaseStore | dict | list | tuple | partial) or makes_models(thing):
        return True
    return package in (_package(thing), _package(type(thing))) or _is_own(thing) or _is_own(type(thing))


def _is_own(thing: Any) -> bool:
    """Tell whether a module, or the module of a class or a function, is in no installed package."""
    name = getattr(thing, "__module__", None)
    module = thing if isinstance(thing, ModuleType) else sys.modules.get(name) if isinstance(name, str) else None
    file = getattr(module, "__file__", None)
    return file is not None and not is_installed(file)


def _package(thing: Any) -> str:
    module = getattr(thing, "__module__", None)
    return module.partition(".")[0] if isinstance(module, str) else ""


def _held(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a variable that has no value yet
        return None
