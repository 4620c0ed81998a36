"""Stores of LangGraph, the memory that agents share: what is read and written in them passes the door.

The seam is ``batch`` and ``abatch``, by which all other methods of a store go. Stores that collect calls for a task of
their own (``AsyncBatchedBaseStore``, such as AsyncPostgresStore) make them outside of whoever asked: not covered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from langgraph.store.base import GetOp, ListNamespacesOp, PutOp, SearchOp
from langgraph.store.base.batch import AsyncBatchedBaseStore

from harness.adapters.exchange import Doorway, Exchange
from harness.adapters.langgraph.values import read, written
from harness.errors import UsageError
from harness.run.drive import Rewritten
from harness.run.inputs import Call
from harness.tool import MEMORY_READ, MEMORY_WRITE


def pass_store(store: Any, doorway: Doorway) -> bool:
    """Let what is read and written in a store pass the door from now on; False where it cannot."""
    if isinstance(store, AsyncBatchedBaseStore):
        return False
    if not hasattr(store, "harness_door"):
        store.__class__ = _store_class(type(store), doorway)
    return True


def _store_class(kind: Any, doorway: Doorway) -> type:
    """Give the class of a wrapped store: ``kind``, but for each operation's passing the door by itself."""

    class Passing(kind):  # type: ignore[misc]
        __slots__ = ()
        harness_door = doorway

        def batch(self, ops: Iterable[Any]) -> list[Any]:
            run, above = doorway.current(), super().batch
            if run is None:
                return list(above(ops))
            return [_exchange(op, lambda one: above([one])[0]).passed(run, _wanted(op, doorway)) for op in ops]

        async def abatch(self, ops: Iterable[Any]) -> list[Any]:
            run, above = doorway.current(), super().abatch
            if run is None:
                return list(await above(ops))

            async def alone(op: Any) -> Any:
                return (await above([op]))[0]

            return [await _exchange(op, alone).apassed(run, _wanted(op, doorway)) for op in ops]

    Passing.__name__, Passing.__qualname__, Passing.__module__ = kind.__name__, kind.__qualname__, kind.__module__
    return Passing


def _exchange(op: Any, above: Callable[[Any], Any]) -> Exchange:
    return Exchange(lambda rewritten: above(_changed(op, rewritten)), write=written, read=read)


def _wanted(op: Any, doorway: Doorway) -> Call:
    spec = MEMORY_WRITE if isinstance(op, PutOp) else MEMORY_READ
    return Call("memory", spec.name, written(_arguments(op)), doorway.narrow(spec))


def _arguments(op: Any) -> dict[str, Any]:
    """Give an operation as arguments: ``key`` is its namespace and its key, as a path."""
    match op:
        case GetOp():
            return {"key": _path(op.namespace, op.key)}
        case PutOp():
            return {"key": _path(op.namespace, op.key), "value": op.value}
        case SearchOp():
            asked = {"filter": op.filter, "limit": op.limit, "offset": op.offset, "query": op.query}
            return {"key": _path(op.namespace_prefix)} | {name: one for name, one in asked.items() if one is not None}
        case ListNamespacesOp():
            conditions = [[one.match_type, *one.path] for one in op.match_conditions or ()]
            return {"key": "", "limit": op.limit, "namespaces": conditions, "offset": op.offset}
    raise UsageError(f"a store was asked for a {type(op).__name__}", cure="ask for it outside of what is wrapped")


def _path(namespace: Iterable[str], *key: str) -> str:
    return "/".join((*namespace, *key))


def _changed(op: Any, rewritten: Rewritten) -> Any:
    """Give an operation as rules have rewritten it: only the value of a write can be another one."""
    if rewritten is None or rewritten == written(_arguments(op)):
        return op
    if isinstance(op, PutOp) and rewritten["key"] == _path(op.namespace, op.key):
        return op._replace(value=read(rewritten["value"]))
    raise UsageError("only what is written to a store can be rewritten", cure="let the rule block it")
